"""Files up and down: our commands, `swift` and rclone, at one real Swift; and blocks of Pithos.

Each goes up into a container of its own that is there already, whole and for the first time, and
comes down into a new folder, whose content is compared. Programs run with their own defaults.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.keystone import Keystone
from tests.support.openstack_services import OpenStack
from tests.support.swift import Swift

from pelagos.box import Box
from pelagos.clients import Cloud, CloudSettings, PithosClient

MIB, KIB = 1024 * 1024, 1024
BLOCK = 4 * MIB


@dataclass(frozen=True)
class Job:
    """Something that is carried.

    Attributes:
        folder: with what is sent, and nothing else.
    """

    title: str
    folder: Path
    count: int
    size: int

    @classmethod
    def make(cls, folder: Path, count: int, size: int, title: str) -> Job:
        folder.mkdir()
        chance = random.Random(count)
        for number in range(count):
            with (folder / f"f{number:04d}").open("wb") as file:
                for at in range(0, size, MIB):
                    file.write(chance.randbytes(min(MIB, size - at)))
        return cls(title, folder, count, size)


Line = Callable[[Job, str, Path], list[str]]


def lines(pelagos: str, peers: Path) -> Mapping[str, tuple[Line, Line]]:
    """By name, the command that sends a job to a container, and the one that fetches it."""
    rclone = shutil.which("rclone")
    if rclone is None:
        raise SystemExit("rclone is missing: apt-get install rclone")
    swift = str(peers / "swift")

    def ours_up(job: Job, container: str, _: Path) -> list[str]:
        return [pelagos, "object", "upload", "-r", str(job.folder), container]

    def ours_down(_: Job, container: str, to: Path) -> list[str]:
        return [pelagos, "object", "download", "-r", container, str(to)]

    def swift_up(job: Job, container: str, _: Path) -> list[str]:
        return [swift, "upload", "--object-name", "x", container, str(job.folder)]

    def swift_down(_: Job, container: str, to: Path) -> list[str]:
        return [swift, "download", container, "--prefix", "x/", "-r", "-D", str(to)]

    def rclone_up(job: Job, container: str, _: Path) -> list[str]:
        return [rclone, "copy", str(job.folder), f"real:{container}"]

    def rclone_down(_: Job, container: str, to: Path) -> list[str]:
        return [rclone, "copy", f"real:{container}", str(to)]

    return {
        "pelagos": (ours_up, ours_down),
        "swift": (swift_up, swift_down),
        "rclone": (rclone_up, rclone_down),
    }


class Site:
    """A real Keystone and a real Swift with one person, and what programs are told of them."""

    def __init__(self, folder: Path) -> None:
        for name in ("keystone", "swift", "home"):
            (folder / name).mkdir()
        self._keystone = Keystone(folder / "keystone")
        self._swift = Swift(folder / "swift", self._keystone)
        person = OpenStack(self._keystone.url).person("bench")
        config = folder / "home" / "pelagos.toml"
        said = {
            "auth_url": self._keystone.url, "username": person.name,
            "password": person.password, "project_name": person.project,
        }  # fmt: skip
        text = "".join(f'{name} = "{value}"\n' for name, value in said.items())
        config.write_text(f"[cloud.named.real]\n{text}")
        config.chmod(0o600)
        self.cloud = Cloud(settings=CloudSettings(**said))
        self.environ = {
            "PATH": os.environ["PATH"], "HOME": str(folder / "home"), "LANG": "C.UTF-8",
            "PELAGOS_CONFIG": str(config), "PELAGOS_CLOUD": "real", "PYTHONWARNINGS": "ignore",
            "OS_AUTH_URL": self._keystone.url, "OS_USERNAME": person.name,
            "OS_PASSWORD": person.password, "OS_PROJECT_NAME": person.project,
            "OS_USER_DOMAIN_ID": "default", "OS_PROJECT_DOMAIN_ID": "default",
            "OS_IDENTITY_API_VERSION": "3",
            "RCLONE_CONFIG_REAL_TYPE": "swift", "RCLONE_CONFIG_REAL_ENV_AUTH": "true",
        }  # fmt: skip

    def close(self) -> None:
        self._swift.stop()
        self._keystone.stop()


def same(job: Job, folder: Path) -> None:
    """Compare what came down.

    Raises:
        SystemExit: it is not what went up.
    """
    found = {path.name: path for path in folder.rglob("*") if path.is_file()}
    for path in job.folder.iterdir():
        if path.name not in found or found[path.name].read_bytes() != path.read_bytes():
            raise SystemExit(f"{path.name} did not come down as it went up")


def blocks(folder: Path) -> None:
    """Say how many blocks of a file go to the box's Pithos, the first time and afterwards."""
    path = folder / "blocks"
    content = bytearray(random.Random(1).randbytes(8 * BLOCK))
    with Box() as box:
        person = box.person("bench")
        settings = CloudSettings(box.astakos_url, token=person.token())
        client = Cloud(settings=settings).client(PithosClient)
        client.container = "c"
        client.create_container()
        sent = 0
        inner = client.container_post

        def counted(*args: object, **more: object) -> object:
            nonlocal sent
            sent += 1
            return inner(*args, **more)  # type: ignore[arg-type]  # watched

        client.container_post = counted  # type: ignore[method-assign,assignment]  # watched
        for title, wanted in (("first", 8), ("unchanged", 0), ("one block changed", 1)):
            if title == "one block changed":
                content[5 * BLOCK + 7] ^= 1
            path.write_bytes(content)
            sent = 0
            with path.open("rb") as file:
                client.upload_object("o", file)
            verdict = "reached" if sent == wanted else "MISSED"
            print(f"  Pithos, 8 blocks of 4 MiB, {title}: {sent} sent, goal {wanted}: {verdict}")
