import subprocess
import sys
from pathlib import Path

import pytest

from pelagos.core.errors import PelagosError
from pelagos.plane.endpoints import Endpoints, read_endpoints


def test_what_was_noted_is_read_and_what_a_newer_version_noted_is_left(tmp_path: Path) -> None:
    assert read_endpoints(tmp_path) == Endpoints()
    assert read_endpoints(tmp_path / "none" / "below") == Endpoints()
    (tmp_path / "plane.json").write_text('{"computer_id": "C", "pid": 7, "newer": [1]}')
    assert read_endpoints(tmp_path) == Endpoints(computer_id="C", pid=7)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{half",
        "[]",
        "null",
        '{"pid": "7"}',
        '{"pid": true}',
        '{"computer_id": null}',
        "[" * 99999,
    ],
)
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "plane.json").write_text(text)
    with pytest.raises(PelagosError, match=r"plane\.json is damaged: ") as caught:
        read_endpoints(tmp_path)
    assert "pelagos up" in str(caught.value.hint)
    assert "--computer-id" in str(caught.value.hint)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "plane.json").mkdir()
    with pytest.raises(PelagosError, match=r"cannot read .*plane\.json: Is a directory"):
        read_endpoints(tmp_path)


def test_reading_does_not_pay_for_the_typed_decoder() -> None:
    code = "import sys, pelagos.plane.endpoints; sys.exit('msgspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
