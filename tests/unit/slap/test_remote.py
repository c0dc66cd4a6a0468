"""Calls of a master to an agent: only the two can read them or make them up."""

from __future__ import annotations

import os
import threading
import time
from hashlib import sha256
from pathlib import Path

import pytest

from pelagos.core import wire
from pelagos.core.clock import ManualClock
from pelagos.core.sealing import SealError, derive, seal, unseal
from pelagos.slap.agent.attendant import Attendant
from pelagos.slap.agent.call_key import AskedKey, CallKey, NoCallKeyError, TokenKey
from pelagos.slap.agent.seats import FILE, Seat
from pelagos.slap.errors import AuthenticationError, MasterUnreachable, SlapError
from pelagos.slap.remote import (
    Answer,
    Hello,
    Logs,
    Ran,
    RemoteCall,
    key_of,
    open_answer,
    seal_call,
    value_of,
)

TOKEN, NAME = "agent-token", "box"
KEY = key_of(sha256(TOKEN.encode()).hexdigest())


class Box:
    """An agent's computer with one service, and its master."""

    def __init__(self, root: Path, *allows: str, key: CallKey | None = None) -> None:
        self.clock = ManualClock()
        self.stop = threading.Event()
        self.folder = root / "instance" / "slappart0"
        self.folder.mkdir(parents=True)
        (root / FILE).write_bytes(wire.encode((Seat("slappart0", "web", "G1"),)))
        self.attendant = Attendant(
            NAME,
            root,
            key or TokenKey(TOKEN),
            allows=frozenset(allows),
            stop=self.stop,
            clock=self.clock,
            environ={"PATH": "/usr/bin:/bin", "SECRET": "x"},
        )

    def send(self, call: RemoteCall, call_id: str = "c1") -> Answer:
        sealed = self.attendant.answer(call_id, seal_call(KEY, NAME, call_id, call))
        return open_answer(KEY, NAME, call_id, sealed)

    def ask(self, verb: str, **what: object) -> Answer:
        return self.send(
            RemoteCall(verb, self.challenge(), "slappart0", **what)  # type: ignore[arg-type]
        )

    def challenge(self) -> str:
        return value_of(self.send(RemoteCall("hello")), Hello).challenge

    def run(self, *words: str, seconds: float = 30.0) -> Ran:
        answer = self.ask("exec", words=words, seconds=seconds)
        assert answer.refusal is None
        return value_of(answer, Ran)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path, "logs", "exec")


# What travels.


def test_what_is_sealed_opens_with_the_same_key_about_the_same_thing_only():
    key = derive(b"secret", "a")
    sealed = seal(key, b"words", "call 1")
    assert b"words" not in sealed
    assert unseal(key, sealed, "call 1") == b"words"
    for wrong in (
        (derive(b"secret", "b"), sealed, "call 1"),
        (key, sealed, "call 2"),
        (key, sealed[:-1] + bytes([sealed[-1] ^ 1]), "call 1"),
        (key, sealed[:10], "call 1"),
        (key, b"", "call 1"),
    ):
        with pytest.raises(SealError):
            unseal(*wrong)


def test_who_does_not_hold_the_token_can_neither_call_nor_answer(box: Box):
    stranger = key_of(sha256(b"another").hexdigest())
    with pytest.raises(SealError):
        box.attendant.answer("c1", seal_call(stranger, NAME, "c1", RemoteCall("hello")))
    answer = box.attendant.answer("c1", seal_call(KEY, NAME, "c1", RemoteCall("hello")))
    for key, name, call_id in ((stranger, NAME, "c1"), (KEY, "other", "c1"), (KEY, NAME, "c2")):
        with pytest.raises(SealError):
            open_answer(key, name, call_id, answer)


def test_a_call_for_another_computer_or_under_another_id_is_refused(box: Box):
    for name, call_id in (("other", "c1"), (NAME, "c2")):
        with pytest.raises(SealError):
            box.attendant.answer("c1", seal_call(KEY, name, call_id, RemoteCall("hello")))


def test_a_copy_of_a_call_does_nothing(box: Box):
    call = RemoteCall("exec", box.challenge(), "slappart0", words=("sh", "-c", "echo x >> ran"))
    sealed = seal_call(KEY, NAME, "c9", call)
    answers = [open_answer(KEY, NAME, "c9", box.attendant.answer("c9", sealed)) for _ in "ab"]
    assert answers[0].refusal is None
    assert answers[1].refusal is not None and answers[1].refusal.code == 409
    assert (box.folder / "ran").read_text() == "x\n"


def test_a_challenge_that_is_old_or_made_up_is_refused(box: Box):
    challenge = box.challenge()
    box.clock.advance(61.0)
    for given in (challenge, "", "made-up"):
        refusal = box.send(RemoteCall("logs", given, "slappart0")).refusal
        assert refusal is not None and refusal.code == 409


# What the settings allow.


def test_what_the_settings_do_not_allow_is_refused_with_the_way_to_allow_it(tmp_path: Path):
    box = Box(tmp_path)
    for verb in ("logs", "exec"):
        refusal = box.ask(verb, words=("touch", "ran")).refusal
        assert refusal is not None and refusal.code == 403
        assert f"node.allow_{verb}" in refusal.hint
    assert not (box.folder / "ran").exists()


@pytest.mark.parametrize("partition", ["slappart1", "..", "../..", "slappart0/..", ""])
def test_only_a_partition_where_somebody_sits_can_be_named(box: Box, partition: str):
    call = RemoteCall("exec", box.challenge(), partition, words=("true",))
    refusal = box.send(call).refusal
    assert refusal is not None and refusal.code == 404


def test_nothing_is_done_for_another_service_than_the_one_that_sits_there(box: Box):
    for verb in ("logs", "exec"):
        assert box.ask(verb, words=("true",), guid="G1").refusal is None
        refusal = box.ask(verb, words=("touch", "ran"), guid="G2").refusal
        assert refusal is not None and refusal.code == 409
    assert not (box.folder / "ran").exists()


# Programs.


def test_a_program_runs_in_the_folder_with_a_clean_environment(box: Box):
    ran = box.run("sh", "-c", "pwd; echo $SECRET; echo oops >&2; exit 3")
    assert ran.output.decode().split("\n") == [str(box.folder), "", ""]
    assert (ran.status, ran.errors, ran.is_late, ran.is_cut) == (3, b"oops\n", False, False)


def test_bytes_that_are_no_text_arrive_as_they_are(box: Box):
    assert box.run("printf", "\\377\\001").output == b"\xff\x01"


def test_a_program_that_takes_too_long_is_ended_with_all_that_it_started(box: Box):
    began = time.monotonic()
    ran = box.run("sh", "-c", "echo begun; setsid sleep 600 & sleep 600", seconds=0.5)
    assert ran.is_late
    assert ran.status in {-9, 128 + 9}  # the shell was ended, or told that its child was
    assert ran.output == b"begun\n"
    assert time.monotonic() - began < 60


def test_output_without_an_end_is_cut(box: Box):
    ran = box.run("sh", "-c", "yes | head -c 3000000; yes oops | head -c 3000000 >&2")
    assert ran.is_cut and ran.status == 0
    assert len(ran.output) == len(ran.errors) == 512 * 1024


def test_a_child_that_holds_the_pipe_does_not_hold_the_call(box: Box):
    assert box.run("sh", "-c", "sleep 600 & echo done").output == b"done\n"


@pytest.mark.parametrize("words", [(), ("",), ("a\0b",), ("no-such-program",), ("/etc/hostname",)])
def test_what_cannot_be_run_is_told(box: Box, words: tuple[str, ...]):
    refusal = box.ask("exec", words=words).refusal
    assert refusal is not None and refusal.code in (400, 404) and refusal.hint


# Logs.


def test_the_ends_of_the_logs_are_told(box: Box):
    log = box.folder / "var" / "log"
    log.mkdir(parents=True)
    (log / "web.log").write_text("".join(f"line {n}\n" for n in range(100)))
    (box.folder / ".slappart0_httpd.log").write_bytes(b"caf\xe9\n")
    found = value_of(box.ask("logs", lines=2), Logs)
    assert {one.name: one.lines for one in found.files} == {
        "httpd": ("caf\\xe9",),
        "web": ("line 98", "line 99"),
    }
    one = value_of(box.ask("logs", program="web", lines=1), Logs)
    assert [file.lines for file in one.files] == [("line 99",)]
    assert sorted(one.known) == ["httpd", "web"]


def test_links_pipes_and_devices_are_no_logs(box: Box, tmp_path: Path):
    log = box.folder / "var" / "log"
    log.mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (log / "link.log").symlink_to(tmp_path / "secret")
    os.mkfifo(log / "pipe.log")
    assert value_of(box.ask("logs"), Logs) == Logs()


def test_large_logs_are_bounded_together(box: Box):
    log = box.folder / "var" / "log"
    log.mkdir(parents=True)
    for number in range(4):
        (log / f"l{number}.log").write_text("x" * 999 + "\n" * 1 + ("y" * 99 + "\n") * 10_000)
    found = value_of(box.ask("logs", lines=10_000), Logs)
    assert sum(len(line) for one in found.files for line in one.lines) <= 600 * 1024


def test_any_number_of_logs_makes_no_larger_answer(box: Box):
    log = box.folder / "var" / "log"
    log.mkdir(parents=True)
    for number in range(1000):
        (log / f"{number:04}.log").write_text("x\n")
    found = value_of(box.ask("logs"), Logs)
    assert 90 < len(found.known) == len(found.files) <= 100
    last = value_of(box.ask("logs", program="0999"), Logs)
    assert [one.lines for one in last.files] == [("x",)]


# A key that the master does not have any more.


class Authority:
    """Tells an agent the key, or why it has none."""

    def __init__(self) -> None:
        self.key, self.problem = KEY, None

    key: bytes
    problem: SlapError | None

    def ask(self) -> bytes:
        if self.problem is not None:
            raise self.problem
        return self.key


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def certified(tmp_path: Path, authority: Authority) -> Box:
    """An agent with a certificate alone, that has the key for a minute already."""
    clock = ManualClock()
    made = Box(tmp_path, "exec", key=AskedKey(authority.ask, clock=clock))
    made.challenge()
    clock.advance(60.0)
    return made


def test_who_has_the_key_of_a_revoked_certificate_gets_nothing_done(
    certified: Box, authority: Authority, tmp_path: Path
):
    authority.problem = AuthenticationError("your certificate was revoked", status=401)
    with pytest.raises(NoCallKeyError, match="was revoked"):
        certified.run("touch", str(tmp_path / "done"))
    with pytest.raises(NoCallKeyError):
        certified.challenge()
    assert not (tmp_path / "done").exists()


def test_who_has_a_former_key_gets_nothing_done(
    certified: Box, authority: Authority, tmp_path: Path
):
    authority.key = derive(b"another", "one")
    with pytest.raises(SealError):
        certified.run("touch", str(tmp_path / "done"))
    assert not (tmp_path / "done").exists()


def test_a_key_lasts_while_the_master_is_away(certified: Box, authority: Authority):
    authority.problem = MasterUnreachable("it is away")
    assert certified.run("true").status == 0
