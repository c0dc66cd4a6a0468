"""Transfers that are interrupted, on bad lines, and of many files: nothing half, nothing twice."""

import logging
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.cloud_lines import Lines

from pelagos.box import Box
from pelagos.box.chaos import Chaos
from pelagos.cli.failures import INTERRUPTED, NOT_FOUND

MIB = 1024 * 1024
LONG = 60.0


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def on(box: Box, kind: str, home: Path) -> Lines:
    lines = Lines(box, home)
    lines.environ["PELAGOS_CLOUD"] = kind
    return lines


def sent(caplog: pytest.LogCaptureFixture, method: str) -> int:
    return sum(
        record.getMessage().startswith(f"{method} ")
        for record in caplog.records
        if record.name == "pelagos.clients.send"
    )


def test_a_killed_upload_to_pithos_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = random.Random(1).randbytes(24 * MIB)
    source = tmp_path / "f"
    source.write_bytes(data)
    with Box(tmp_path / "box", chaos=Chaos(slow=0.2)) as box:
        lines = on(box, "pithos", tmp_path / "home")
        lines.done("container", "create", "c")
        uploading = lines.start("object", "upload", source, "c/", "--workers", "2")
        blocks = tmp_path / "box/blocks"
        until(lambda: sum(1 for path in blocks.rglob("*") if path.is_file()) >= 3)
        uploading.kill()
        uploading.communicate()
        assert lines.run("object", "info", "c/f").code == NOT_FOUND
    with Box(tmp_path / "box") as box:
        lines = on(box, "pithos", tmp_path / "home")
        with caplog.at_level(logging.DEBUG, "pelagos.clients.send"):
            lines.done("object", "upload", source, "c/")
        assert 1 <= sent(caplog, "POST") - 1 <= 3  # the login, and of six blocks what was missing
        assert lines.done("object", "cat", "c/f").raw == data


@pytest.mark.parametrize("kind", ["pithos", "swift"])
def test_a_killed_download_goes_on(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = random.Random(2).randbytes({"swift": 65, "pithos": 24}[kind] * MIB)
    source, target = tmp_path / "f", tmp_path / "down/g"
    source.write_bytes(data)
    target.parent.mkdir()
    with Box(tmp_path / "box") as box:
        lines = on(box, kind, tmp_path / "home")
        lines.done("container", "create", "c")
        lines.done("object", "upload", source, "c/f")
    with Box(tmp_path / "box", chaos=Chaos(slow=0.2)) as box:
        lines = on(box, kind, tmp_path / "home")
        loading = lines.start("object", "download", "c/f", target, "--workers", "1")
        part = target.with_name(".g.pelagos-part")
        noted = target.with_name(".g.done.pelagos-part")
        if kind == "swift":
            until(lambda: noted.exists() and len(noted.read_text().split("\n")) > 2)
        else:
            until(lambda: part.exists() and part.stat().st_size >= 8 * MIB)
        loading.kill()
        loading.communicate()
    assert not target.exists()
    with Box(tmp_path / "box") as box:
        lines = on(box, kind, tmp_path / "home")
        with caplog.at_level(logging.DEBUG, "pelagos.clients.send"):
            lines.done("object", "download", "c/f", target)
        missing = {"swift": 2, "pithos": 4}[kind]
        assert sent(caplog, "GET") <= 1 + missing  # with one that tells what there is
    assert target.read_bytes() == data
    assert [path.name for path in target.parent.iterdir()] == ["g"]


def test_ctrl_c_ends_at_once_and_says_how_to_go_on(tmp_path: Path) -> None:
    source, target = tmp_path / "f", tmp_path / "g"
    source.write_bytes(random.Random(3).randbytes(12 * MIB))
    with Box(tmp_path / "box") as box:
        on(box, "pithos", tmp_path / "home").done("container", "create", "c")
        on(box, "pithos", tmp_path / "home").done("object", "upload", source, "c/f")
    with Box(tmp_path / "box", chaos=Chaos(slow=0.3)) as box:
        lines = on(box, "pithos", tmp_path / "home")
        loading = lines.start("object", "download", "c/f", target, "--workers", "1")
        part = tmp_path / ".g.pelagos-part"
        until(lambda: part.exists() and part.stat().st_size)
        loading.send_signal(signal.SIGINT)
        _, err = loading.communicate(timeout=LONG)
    assert loading.returncode == INTERRUPTED
    assert b"goes on where it was" in err
    assert b"Traceback" not in err
    assert not target.exists()


def test_two_downloads_of_one_file_do_not_mix(tmp_path: Path) -> None:
    source, target = tmp_path / "f", tmp_path / "g"
    data = random.Random(4).randbytes(16 * MIB)
    source.write_bytes(data)
    with Box(tmp_path / "box") as box:
        on(box, "pithos", tmp_path / "home").done("container", "create", "c")
        on(box, "pithos", tmp_path / "home").done("object", "upload", source, "c/f")
    with Box(tmp_path / "box", chaos=Chaos(slow=0.3)) as box:
        lines = on(box, "pithos", tmp_path / "home")
        first = lines.start("object", "download", "c/f", target, "--workers", "1")
        part = tmp_path / ".g.pelagos-part"
        until(lambda: part.exists() and part.stat().st_size)
        second = lines.run("object", "download", "c/f", target)
        assert "another download is writing" in second.err
        first.communicate(timeout=LONG)
    assert first.returncode == 0
    assert target.read_bytes() == data


@pytest.mark.parametrize("kind", ["pithos", "swift"])
def test_a_folder_over_a_bad_line_is_never_half(kind: str, tmp_path: Path) -> None:
    chance = random.Random(5)
    folder, down = tmp_path / "folder", tmp_path / "down"
    for number in range(40):
        path = folder / f"{number % 5}" / f"file {number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.choice([0, 1, 1000, 300_000])))
    (folder / "large").write_bytes(chance.randbytes(13 * MIB + 1))
    wanted = {path.relative_to(folder): path.read_bytes() for path in files(folder)}
    with Box(tmp_path / "box") as box:
        on(box, kind, tmp_path / "home").done("container", "create", "c")
    chaos = Chaos.parse("503=4%,429=1%,drop=5%,cut=5%,seed=11")
    with Box(tmp_path / "box", chaos=chaos) as box:
        lines = on(box, kind, tmp_path / "home")
        again(lambda: lines.run("object", "sync", "up", folder, "c/x").code == 0)

        def fetched() -> bool:
            code = lines.run("object", "sync", "down", "c/x", down, "--delete").code
            for path in files(down):
                if not path.name.endswith(".pelagos-part"):
                    assert path.read_bytes() == wanted[path.relative_to(down)]
            return code == 0

        again(fetched)
    assert {path.relative_to(down) for path in files(down)} == wanted.keys()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def again(done: Callable[[], bool]) -> None:
    for _ in range(30):
        if done():
            return
    pytest.fail("it did not come to an end")


def test_a_file_that_changes_while_it_is_sent_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "f"
    source.write_bytes(os.urandom(24 * MIB))
    with Box(tmp_path / "box", chaos=Chaos(slow=0.2)) as box:
        lines = on(box, "pithos", tmp_path / "home")
        lines.done("container", "create", "c")
        uploading = lines.start("object", "upload", source, "c/f", "--workers", "1")
        blocks = tmp_path / "box/blocks"
        until(lambda: any(path.is_file() for path in blocks.rglob("*")))
        with source.open("r+b") as file:
            file.seek(20 * MIB)
            file.write(b"changed")
        _, err = uploading.communicate(timeout=LONG)
        assert uploading.returncode == 1
        assert b"changed while it was being sent" in err
