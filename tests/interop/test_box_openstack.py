"""OpenStack's own clients, unmodified, at a box."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from support import openstack_clients
from support.box_site import openstack_environ
from support.peer_environment import PeerMissingError
from support.require import Require

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def programs() -> Path:
    try:
        return openstack_clients.install()
    except PeerMissingError as error:
        Require().missing(str(error))
        raise


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as box:
        yield box


def _openstack(programs: Path, box: Box, *words: str, person: str = "demo") -> object:
    who = box.admin if person == "admin" else box.person(person)
    done = openstack_clients.run(
        programs / "openstack", *words, "-f", "json", environ=openstack_environ(box, who)
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout or "null")


def test_openstack_logs_in(programs: Path, box: Box) -> None:
    shown = _openstack(programs, box, "token", "issue")
    assert isinstance(shown, dict) and shown["user_id"] == box.person("demo").user_id


def test_openstack_keeps_users_and_projects(programs: Path, box: Box) -> None:
    _openstack(programs, box, "project", "create", "lab", person="admin")
    _openstack(
        programs, box, "user", "create", "eve", "--password", "pw", "--project", "lab",
        person="admin",
    )  # fmt: skip
    listed = _openstack(programs, box, "user", "list", person="admin")
    assert isinstance(listed, list) and "eve" in {one["Name"] for one in listed}
    shown = _openstack(programs, box, "application", "credential", "create", "robot")
    assert isinstance(shown, dict)
    done = openstack_clients.run(
        programs / "openstack", "token", "issue",
        environ={
            "OS_AUTH_URL": box.auth_url,
            "OS_AUTH_TYPE": "v3applicationcredential",
            "OS_APPLICATION_CREDENTIAL_ID": shown["ID"],
            "OS_APPLICATION_CREDENTIAL_SECRET": shown["Secret"],
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder to upload: small, large, empty, and with odd names."""
    folder = tmp_path / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("hello")
    (folder / "empty").touch()
    (folder / "big").write_bytes(os.urandom(12_000_000))
    (folder / "sub" / "ü y.txt").write_text("ü")
    return folder


def _swift(programs: Path, box: Box, folder: Path, *words: str, said: bytes | None = None) -> str:
    environ = openstack_environ(box, box.person("demo"))
    done = openstack_clients.run(
        programs / "swift", *words, environ=environ, folder=folder, said=said
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_swift_uploads_and_downloads(programs: Path, box: Box, files: Path) -> None:
    _swift(programs, box, files, "upload", "c", ".")
    _swift(programs, box, files, "upload", "--use-slo", "--segment-size", "5000000", "slo", "big")
    _swift(programs, box, files, "upload", "--segment-size", "5000000", "dlo", "big")
    _swift(programs, box, files, "upload", "c", "-", "--object-name", "stdin", said=b"x" * 300_000)
    listed = _swift(programs, box, files, "list", "c").splitlines()
    assert listed == ["a.txt", "big", "empty", "stdin", "sub/ü y.txt"]
    assert _swift(programs, box, files, "list", "c", "-d", "/").splitlines()[-1] == "sub/"
    for container in ("c", "slo", "dlo"):
        _swift(programs, box, files, "download", container, "big", "-o", f"{container}.got")
        assert (files / f"{container}.got").read_bytes() == (files / "big").read_bytes()
    _swift(programs, box, files, "post", "c", "a.txt", "-m", "color:blue")
    _swift(programs, box, files, "copy", "c", "a.txt", "-d", "/d/b")
    assert "Meta Color: blue" in _swift(programs, box, files, "stat", "d", "b")
    assert "Core: swift" in _swift(programs, box, files, "info")
    _swift(programs, box, files, "delete", "--all")
    assert _swift(programs, box, files, "list") == ""


def test_rclone_syncs_a_folder(box: Box, files: Path) -> None:
    program = Require().program("rclone", package="rclone")
    environ = {
        **openstack_environ(box, box.person("sync")),
        "RCLONE_CONFIG_BOX_TYPE": "swift",
        "RCLONE_CONFIG_BOX_ENV_AUTH": "true",
    }

    def rclone(*words: str, said: bytes | None = None) -> str:
        done = openstack_clients.run(program, *words, environ=environ, folder=files, said=said)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    rclone("copy", ".", "box:r/p")
    rclone("check", ".", "box:r/p")
    rclone("rcat", "box:r/cat", said=b"y" * 200_000)
    rclone("moveto", "box:r/cat", "box:r/moved")
    assert rclone("cat", "box:r/moved") == "y" * 200_000
    rclone("--swift-chunk-size", "5M", "copyto", "big", "box:r/large")
    rclone("copy", "box:r", "back")
    assert (files / "back" / "large").read_bytes() == (files / "big").read_bytes()
    (files / "a.txt").unlink()
    rclone("sync", ".", "box:r/p", "--exclude", "back/**")
    assert "a.txt" not in rclone("lsf", "box:r/p")
    rclone("purge", "box:r")


def test_openstack_keeps_objects(programs: Path, box: Box, files: Path) -> None:
    _openstack(programs, box, "container", "create", "box")
    environ = openstack_environ(box, box.person("demo"))
    done = openstack_clients.run(
        programs / "openstack", "object", "create", "box", "a.txt", environ=environ, folder=files
    )
    assert done.returncode == 0, done.stderr.decode()
    assert _openstack(programs, box, "object", "list", "box") == [{"Name": "a.txt"}]
