import subprocess
import sys

import pytest

from pelagos.core import spelling
from pelagos.core.errors import ConfigError


def test_nearest_is_case_insensitive_and_may_find_nothing() -> None:
    assert spelling.nearest("CSV", ["csv"]) == "csv"
    assert spelling.nearest("ldap", ["csv", "personal"]) is None
    assert spelling.nearest("x", []) is None


def test_dashes_do_not_count_and_a_beginning_is_enough() -> None:
    assert spelling.nearest("--colums", ["--config", "--columns"]) == "--columns"
    assert spelling.nearest("comp", ["release", "computer-of-mine"]) == "computer-of-mine"
    assert spelling.nearest("--", ["--config"]) is None


def test_a_single_letter_is_not_what_a_longer_word_meant() -> None:
    assert spelling.nearest("--on", ["-o", "--only"]) == "--only"
    assert spelling.nearest("--on", ["-o"]) is None
    assert spelling.nearest("-O", ["-o"]) == "-o"


def test_a_hint_names_the_nearest_or_all() -> None:
    assert spelling.hint("prot", ["host", "port"]) == "did you mean port?"
    assert spelling.hint("prot", ["host", "port"], quoted=True) == "did you mean 'port'?"
    assert spelling.hint("zzz", ["host", "port"]) == "there are: host, port"
    assert spelling.hint("zzz", []) == "there is none"
    many = [f"k{number}" for number in range(30)]
    assert spelling.hint("zzz", many).endswith("k22, k23 and 6 more")


def test_the_first_unknown_name_is_refused_with_its_place() -> None:
    spelling.refuse_unknown(["host", "port"], ["host", "port"], ConfigError)
    with pytest.raises(ConfigError, match=r"^a\.b: unknown column 'prot'$") as caught:
        spelling.refuse_unknown(
            ["host", "prot", "x"], ["host", "port"], ConfigError, kind="column", where="a.b"
        )
    assert caught.value.hint == "did you mean 'port'?"
    with pytest.raises(ConfigError, match=r"^unknown key 7$"):
        spelling.refuse_unknown([7], ["host"], ConfigError)


def test_difflib_is_paid_for_by_errors_only() -> None:
    code = (
        "import sys, pelagos.core.spelling, pelagos.core.config, pelagos.cli.failures\n"
        "sys.exit('difflib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
