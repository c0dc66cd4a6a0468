"""Whose rights the agent uses, as far as it can be told without root."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from pelagos.slap.agent.account import Account, acting_as, owner_of
from pelagos.slap.agent.errors import AgentError
from pelagos.slap.agent.process import as_owner


@pytest.mark.parametrize("ids", [(0, 5, (5,)), (5, 0, (5,)), (5, 5, (5, 0))])
def test_nothing_is_dropped_to_root(ids: tuple[int, int, tuple[int, ...]]) -> None:
    with pytest.raises(AgentError, match="is root, or in root's group"):
        Account("toor", *ids)


def test_nobody_else_is_acted_as_in_ones_own_folder(tmp_path: Path) -> None:
    assert owner_of(tmp_path) is None
    assert as_owner(tmp_path, {"A": "1"}) == {"env": {"A": "1"}}
    with acting_as(None):
        (tmp_path / "file").touch()
    assert (tmp_path / "file").stat().st_uid == os.geteuid()


def test_a_program_gets_the_owners_name_groups_and_number() -> None:
    account = Account("ann", 1200, 1201, (1201, 1300))
    assert account.environ == {"USER": "ann", "LOGNAME": "ann"}
    assert account.process_arguments == {
        "user": 1200,
        "group": 1201,
        "extra_groups": [1201, 1300],
    }


def test_an_owner_without_a_name_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(tmp_path, 3_999_999_999, 3_999_999_999)
    with pytest.raises(AgentError, match="no user of this system"):
        owner_of(tmp_path)


def test_root_reads_no_more_than_the_owner_while_acting_as_it() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can act as somebody else")
    with tempfile.TemporaryDirectory(prefix="pelagos-account-") as name:
        top = Path(name)  # pytest's own folders are closed to others
        top.chmod(0o755)
        (top / "secret").write_text("x")
        (top / "secret").chmod(0o600)
        folder = top / "theirs"
        folder.mkdir()
        os.chown(folder, 54321, 54321)
        (folder / "link").symlink_to(top / "secret")
        with acting_as(Account("ann", 54321, 54321, (54321,))):
            with pytest.raises(PermissionError):
                (folder / "link").read_text()
            (folder / "made").touch()
        assert (folder / "made").stat().st_uid == (folder / "made").stat().st_gid == 54321
        assert (folder / "link").read_text() == "x"
