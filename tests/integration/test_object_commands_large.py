"""Large files, and many at once, through the command line: little memory, and kills everywhere."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.cloud_lines import Lines

from pelagos.box import Box

pytestmark = pytest.mark.timeout(1800)

MIB = 1024 * 1024
GIB = 1024 * MIB
#: What the program may have at the most: itself, and some pieces of a file.
MEMORY_MIB = 128
PATIENCE = 120.0

#: Runs a command line, and tells the most memory that it had (KiB); of a child, the system would
#: tell that of the process that started it, too.
MEASURED = """
import sys
from pelagos.cli.main import main
code = main(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
sys.stderr.write("\\n" + peak.split()[1])
sys.exit(code)
"""


@pytest.fixture(scope="module")
def gibibyte(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file of 1 GiB and one byte, no two of its blocks alike."""
    path = tmp_path_factory.mktemp("large") / "film.mkv"
    piece = bytearray(random.Random(1).randbytes(MIB))
    with path.open("wb") as file:
        for number in range(GIB // MIB):
            piece[:8] = number.to_bytes(8, "big")
            file.write(piece)
        file.write(b".")
    yield path
    path.unlink()


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def peak_mib(lines: Lines, *words: str | Path) -> float:
    """The most memory that a command line needs, which has to succeed."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, words)],
        env={**os.environ, **lines.environ},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stderr.split()[-1]) / 1024


@pytest.mark.parametrize("kind", ["pithos", "swift"])
def test_a_gibibyte_goes_up_and_down_in_little_memory(
    kind: str, gibibyte: Path, tmp_path: Path
) -> None:
    target = tmp_path / "back"
    with Box(tmp_path / "box") as box:
        lines = Lines(box, tmp_path / "home")
        lines.environ["PELAGOS_CLOUD"] = kind
        lines.done("container", "create", "c")
        assert peak_mib(lines, "object", "upload", gibibyte, "c/") < MEMORY_MIB
        assert lines.done("object", "info", "c/film.mkv", "-j").data["bytes"] == GIB + 1
        assert peak_mib(lines, "object", "download", "c/film.mkv", target) < MEMORY_MIB
    assert digest(target) == digest(gibibyte)
    target.unlink()


# ---- eight at once, and kill -9


class Site:
    """A box that is killed and comes again, and a person who uploads to it."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.box = folder / "box"
        self.file = folder / "pelagos.toml"
        self.environ = {
            "HOME": str(folder),
            "PELAGOS_CONFIG": str(self.file),
            "PELAGOS_CLOUD": kind,
        }

    def say(self, url: str, token: str, password: str) -> None:
        """Write where the box is this time."""
        self.file.write_text(
            f"""
            [cloud.named.pithos]
            auth_url = "{url}/astakos/identity/v2.0"
            token = "{token}"

            [cloud.named.swift]
            auth_url = "{url}/identity/v3"
            username = "demo"
            password = "{password}"
            project_name = "demo"
            """
        )
        self.file.chmod(0o600)

    @contextmanager
    def mortal(self) -> Iterator[subprocess.Popen[str]]:
        """A box in a process of its own, whose answers take a moment."""
        process = subprocess.Popen(
            [sys.executable, "-m", "support.mortal_box", str(self.box), "slow=0.02s"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        try:
            assert process.stdout is not None
            url, _, _, token = process.stdout.readline().split()
            self.say(url, token, json.loads((self.box / "passwords.json").read_text())["demo"])
            yield process
        finally:
            process.kill()
            process.communicate()

    def upload(self, name: str) -> subprocess.Popen[bytes]:
        """Begin to send a file."""
        return subprocess.Popen(
            [sys.executable, "-m", "pelagos", "object", "upload", "-f", name, "c/"],
            env={**os.environ, **self.environ},
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def written(self) -> int:
        """How many files the box has for blocks, whole or not."""
        return sum(1 for path in (self.box / "blocks").rglob("*") if path.is_file())


Running = Mapping[str, subprocess.Popen[bytes]]


def wait(site: Site, running: Running, more: int) -> None:
    """Until the box has begun so many more blocks, or nobody sends any."""
    enough, end = site.written() + more, time.monotonic() + PATIENCE
    while site.written() < enough and any(one.poll() is None for one in running.values()):
        assert time.monotonic() < end
        time.sleep(0.002)


def ended_well(running: Running) -> set[str]:
    """Which uploads say that they are done; none says nonsense."""
    told = {name: one.communicate(timeout=PATIENCE)[1] for name, one in running.items()}
    assert not [err for err in told.values() if b"Traceback" in err]
    return {name for name, one in running.items() if one.returncode == 0}


@pytest.mark.parametrize("kind", ["pithos", "swift"])
def test_eight_uploads_at_once_go_on_after_kills(kind: str, tmp_path: Path) -> None:
    chance = random.Random(kind)
    wanted = {f"f{number}": chance.randbytes(9 * MIB + number) for number in range(8)}
    former = dict.fromkeys(list(wanted)[:4], b"former")
    for name, data in wanted.items():
        (tmp_path / name).write_bytes(data)
    site = Site(tmp_path, kind)
    with Box(site.box) as box:
        person = box.person("demo")
        site.say(box.url, person.token(), person.password)
        lines = Lines(box, tmp_path / "home", who="demo", environ=site.environ)
        lines.done("container", "create", "c")
        for name, data in former.items():
            lines.done("object", "upload", "-", f"c/{name}", stdin=data)
    done: set[str] = set()
    for life in range(3):
        with site.mortal() as mortal:
            running = {name: site.upload(name) for name in wanted if name not in done}
            wait(site, running, chance.randrange(1, 2 * len(running) + 1))
            for victim in [mortal] if life % 2 else list(running.values()):
                victim.kill()
            done |= ended_well(running)
        check(site, wanted, former, done)
    assert len(done) < len(wanted), "no kill came in time"
    with site.mortal():
        for process in [site.upload(name) for name in wanted]:
            _, err = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, err
    check(site, wanted, {}, set(wanted))


def check(
    site: Site, wanted: Mapping[str, bytes], former: Mapping[str, bytes], done: set[str]
) -> None:
    """Each object is what it was or all that it was to be, and what was told done is done."""
    with Box(site.box) as box:
        person = box.person("demo")
        site.say(box.url, person.token(), person.password)
        lines = Lines(box, site.folder / "home", who="demo", environ=site.environ)
        listed = {
            one["name"]: one["bytes"] for one in lines.done("object", "list", "c", "-j").data
        }
        for name, data in wanted.items():
            if name not in listed:
                assert name not in done and name not in former
                continue
            content = lines.done("object", "cat", f"c/{name}").raw
            assert listed[name] == len(content)
            assert content == data if name in done else content in {data, former.get(name)}
