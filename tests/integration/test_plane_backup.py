"""A whole plane comes back from a backup, in an empty data folder."""

from __future__ import annotations

import io
import json
import sqlite3
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from pelagos.core.clock import ManualClock
from pelagos.plane import backup_content
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.settings import Part
from pelagos.slap.master import Master
from support.capacity_site import CapacitySite
from support.cloud_lines import Lines
from support.plane import HELLO, Plane, eventually

pytestmark = pytest.mark.integration

NOW = 1_800_000_000.0


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as running:
        yield running


@pytest.fixture
def lines(box: Box, tmp_path: Path) -> Lines:
    found = Lines(box, tmp_path / "home", who=tmp_path.name[-40:], clock=ManualClock(NOW))
    found.environ["PELAGOS_CLOUD"] = "swift"
    return found


def files(folder: Path) -> dict[str, bytes]:
    """All that makes a plane, by its path, without its databases."""
    names = ("capacity.json", "token", "bus", "plane.json")
    found = [folder / name for name in names] + sorted((folder / "ca").iterdir())
    return {str(one.relative_to(folder)): one.read_bytes() for one in found if one.exists()}


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    made = Plane(tmp_path)
    yield made
    made.stop()


def test_a_plane_is_lost_and_comes_back(lines: Lines, plane: Plane, tmp_path: Path) -> None:
    sections = {
        "master": {"https": "true"},
        "capacity": {"interval": 0.3},
        "capacity.named.north": {
            "driver": "fake", "file": str(tmp_path / "cloud.json"), "releases": "*",
            "patience": 0.1,
        },
    }  # fmt: skip
    plane.configure(**sections)
    parts = (Part.MASTER, Part.DIRECTORY)
    plane.start(*parts)
    plane.run("request", "db", str(HELLO), check=False)
    plane.run("contact", "add", "firstname=Ines", "number=5550199")
    eventually(lambda: "booting" in plane.run("capacity", "list").stdout)
    key = tmp_path / "plane.key"
    lines.environ["PELAGOS_DATA"] = str(plane.data.path)
    made = lines.done("db", "backup", "safe/plane", "--key", key, "-j").data
    assert made[0]["name"].endswith(".tar.gz.sealed")
    former, url = files(plane.data.path), plane.data.endpoints().master_url
    plane.kill(*parts)
    plane.data.path.rename(tmp_path / "lost")
    brought = lines.done("db", "restore", "safe/plane", "latest", "--key", key)
    assert "capacity.json" in brought.err
    back = files(plane.data.path)
    assert {"capacity.json", "token", "ca/ca.pem", "ca/ca.key", "plane.json"} <= set(back)
    assert back == former
    assert {path.stat().st_mode & 0o077 for path in (plane.data.path / "ca").glob("*.key")} == {0}
    assert (plane.data.path / "token").stat().st_mode & 0o777 == 0o600
    plane.start(*parts)
    assert plane.data.endpoints().master_url == url
    assert plane.data.token() == former["token"].decode().strip()  # still an operator's
    assert plane.client().service("db").reference == "db"
    assert "Ines" in plane.run("contact", "list").stdout
    listed = json.loads(plane.run("capacity", "list", "-o", "json").stdout)
    book = json.loads(former["capacity.json"])
    assert [one["name"] for one in listed] == [one["name"] for one in book["machines"]]


def test_without_a_key_nothing_is_in_it_that_lets_somebody_in(
    lines: Lines, tmp_path: Path
) -> None:
    site = CapacitySite(tmp_path / "site")
    site.request()
    site.round()
    site.folder.keep_token("the-token")
    (site.folder.ca / "ca.key").write_text("the key")
    lines.environ["PELAGOS_DATA"] = str(site.folder.path)
    made = lines.done("db", "backup", "open", "-j")
    site.close()
    assert "not in it, for want of a key that seals it: token, ca" in made.err
    refused = lines.run("db", "restore", "open", "latest")
    assert refused.code == 1
    assert "is not empty: it has plane.db, capacity.json, token, ca" in refused.err
    lines.environ["PELAGOS_DATA"] = str(tmp_path / "new")
    lines.done("db", "restore", "open", "latest")
    new = DataFolder(tmp_path / "new")
    assert sorted(one.name for one in new.path.iterdir() if one.is_file()) == [
        "capacity.json",
        "plane.db",
    ]
    assert new.machines.read_bytes() == site.folder.machines.read_bytes()
    assert not list(new.ca.iterdir())


def test_a_restore_that_fails_leaves_the_folder_empty(tmp_path: Path) -> None:
    site = CapacitySite(tmp_path / "site")
    site.request()
    site.round()
    site.close()
    archive = tmp_path / "plane.tar"
    backup_content.collect(archive, site.folder.database, site.folder, secrets=True)
    folder = DataFolder(tmp_path / "new")

    def fail(database: Path) -> None:
        assert sqlite3.connect(database).execute("SELECT count(*) FROM facts").fetchone()
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        backup_content.bring_back(archive, folder, fail)
    assert not [one for one in folder.path.rglob("*") if one.is_file()]
    backup_content.check_empty(folder)


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "ca/../../evil", "node/token", "ca/.."])
def test_an_archive_with_anything_else_is_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "plane.tar"
    Master(f"sqlite:///{tmp_path}/plane.db").close()
    backup_content.collect(archive, tmp_path / "plane.db", None, secrets=True)
    with tarfile.open(archive, "a") as tar:
        about = tarfile.TarInfo(name)
        about.size = 4
        tar.addfile(about, io.BytesIO(b"evil"))
    folder = DataFolder(tmp_path / "deep/new")
    with pytest.raises(Exception, match="which no plane has"):
        backup_content.bring_back(archive, folder, lambda _database: None)
    assert not list(tmp_path.rglob("evil"))
    assert not [one for one in folder.path.rglob("*") if one.is_file()]
