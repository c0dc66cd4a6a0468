"""What a log says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pelagos.slap.agent.diagnose import diagnose_buildout, is_disk_full, tail, taken_port

USER_ERROR = """\
Creating directory '/srv/eggs'.
Installing python.
While:
  Installing web.
  Getting option web:eggs.
Error: Couldn't find a distribution for 'nosuch'.
"""

TRACEBACK = """\
While:
  Installing.
  Getting section db.
  Initializing section db.
  Loading recipe 'nosuch.recipe'.

An internal error occurred due to a bug in either zc.buildout or in a
recipe being used:
Traceback (most recent call last):
  File "x.py", line 3, in install
ZeroDivisionError: division by zero
"""


def test_the_part_the_error_and_its_line_are_found() -> None:
    found = diagnose_buildout(USER_ERROR)
    assert (found.part, found.line) == ("web", 6)
    assert found.summary == "part web: Couldn't find a distribution for 'nosuch'."


def test_of_a_traceback_the_last_line_counts() -> None:
    found = diagnose_buildout(TRACEBACK)
    assert (found.part, found.error, found.line) == (
        "db",
        "ZeroDivisionError: division by zero",
        11,
    )


def test_an_empty_log_is_a_failure_without_a_word() -> None:
    found = diagnose_buildout("")
    assert (found.part, found.error, found.line) == (None, "", 0)
    assert "without a word" in found.summary


def test_a_full_disk_is_recognised_whoever_says_it() -> None:
    assert diagnose_buildout("tar: x: Cannot write: No space left on device\n").is_disk_full
    assert is_disk_full("OSError: [Errno 28] ...\n")
    assert not is_disk_full("28 files\n")


def test_a_taken_port_is_found_in_the_log_or_in_the_command() -> None:
    log = "hello: cannot listen on 127.0.0.1:8080: Address already in use\n"
    assert taken_port(log, "", {8080, 22}) == 8080
    bare = "OSError: [Errno 98] Address already in use\n"
    assert taken_port(bare, "exec web --workers 4 --port 8081", {8081, 80}) == 8081
    assert taken_port(bare, "exec web", {80}) == 0
    assert taken_port("all is well on port 8080\n", "", {8080}) is None


def test_the_tail_has_the_last_lines_that_say_something() -> None:
    assert tail("a\n\nb\n\n\nc\n", 2) == "b\nc"


@given(st.text(max_size=400))
def test_any_text_can_be_read(log: str) -> None:
    found = diagnose_buildout(log)
    assert 0 <= found.line <= len(log.splitlines())
    taken_port(log, log, {80})


@given(st.lists(st.sampled_from([*USER_ERROR.splitlines(), *TRACEBACK.splitlines()]), max_size=30))
def test_the_named_line_is_the_named_error(lines: list[str]) -> None:
    found = diagnose_buildout("\n".join(lines))
    if found.error:
        assert found.error in lines[found.line - 1]


def test_a_port_that_a_neighbour_keeps_is_told_from_other_errors() -> None:
    said = "While:\n  Installing address.\nError: [address] port 30333 is taken: the partition "
    found = diagnose_buildout(f"{said}slappart0 keeps it.\n")
    assert found.taken_port == 30333 and "slappart0" in found.summary
    assert diagnose_buildout("Error: port 30333 is taken\n").taken_port is None
