"""Releases packed and unpacked; archives that want to do harm."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from pelagos.slap.agent.archive import ArchiveRefused, pack, unpack

NAME = "0123456789abcdef0123456789abcdef"


def release(folder: Path) -> Path:
    """A small release with what real ones hold."""
    top = folder / NAME
    (top / "bin").mkdir(parents=True)
    (top / "bin" / "buildout").write_text("#!/usr/bin/python3\n")
    (top / "bin" / "buildout").chmod(0o755)
    (top / "eggs" / "a").mkdir(parents=True)
    (top / "eggs" / "a" / "empty").touch()
    (top / "eggs" / "a" / "block").write_bytes(b"x" * 1024)  # exactly two tar blocks
    (top / "eggs" / "a" / "long").write_bytes(os.urandom(700_001))
    (top / "near").symlink_to("eggs/a/long")
    (top / "absolute").symlink_to(top / "bin")
    (top / "through").symlink_to("absolute/buildout")
    (top / ".completed").touch()
    (top / ("n" * 150)).write_text("a long name")
    return top


def packed(top: Path, **options: frozenset[str]) -> io.BytesIO:
    out = io.BytesIO()
    pack(top, out, **options)
    out.seek(0)
    return out


def unpacked(source: io.BytesIO, folder: Path, final: Path, limit: int = 10_000_000) -> Path:
    folder.mkdir()
    unpack(source, folder, name=NAME, final=final, limit=limit)
    return folder


def test_a_release_comes_back_as_it_was(tmp_path: Path) -> None:
    top = release(tmp_path)
    out = unpacked(packed(top, leave_out=frozenset({".completed"})), tmp_path / "out", top)
    assert not (out / ".completed").exists()
    for path in top.rglob("*"):
        name = path.relative_to(top)
        if name.name == ".completed":
            continue
        other = out / name
        assert path.is_symlink() == other.is_symlink()
        if path.is_symlink():
            assert path.readlink() == other.readlink()
        elif path.is_file():
            assert path.read_bytes() == other.read_bytes()
            assert int(path.stat().st_mtime) == int(other.stat().st_mtime)
    assert stat.S_IMODE((out / "bin" / "buildout").stat().st_mode) == 0o755


def test_a_link_that_leads_out_is_not_packed(tmp_path: Path) -> None:
    top = release(tmp_path)
    (top / "out").symlink_to("/etc/passwd")
    with pytest.raises(ArchiveRefused, match="leads out"):
        packed(top)


def test_a_pipe_is_not_packed(tmp_path: Path) -> None:
    top = release(tmp_path)
    os.mkfifo(top / "pipe")
    with pytest.raises(ArchiveRefused, match="neither"):
        packed(top)


def member(name: str, kind: bytes = tarfile.REGTYPE, **facts: object) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type = kind
    found.mode = 0o755
    for fact, value in facts.items():
        setattr(found, fact, value)
    return found


def evil(*members: tarfile.TarInfo) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        tar.addfile(member(NAME, tarfile.DIRTYPE))
        tar.addfile(member(f"{NAME}/d", tarfile.DIRTYPE))
        tar.addfile(member(f"{NAME}/d/e", tarfile.DIRTYPE))
        for one in members:
            tar.addfile(one, io.BytesIO(b"z" * one.size))
    out.seek(0)
    return out


@pytest.mark.parametrize(
    "members",
    [
        [member("/etc/evil")],
        [member(f"{NAME}/../evil")],
        [member(f"{NAME}/d/../../evil")],
        [member("other/evil")],
        [member("evil")],
        [member(f"{NAME}/l", tarfile.SYMTYPE, linkname="/etc")],
        [member(f"{NAME}/l", tarfile.SYMTYPE, linkname="../../etc")],
        [member(f"{NAME}/d/l", tarfile.SYMTYPE, linkname="../../etc")],
        # through a link that leads up: lexically inside, in truth out
        [
            member(f"{NAME}/d/e/up", tarfile.SYMTYPE, linkname="../.."),
            member(f"{NAME}/l", tarfile.SYMTYPE, linkname="d/e/up/../etc"),
        ],
        # the link comes later than the link that goes through it
        [
            member(f"{NAME}/l", tarfile.SYMTYPE, linkname="d/e/up/../etc"),
            member(f"{NAME}/d/e/up", tarfile.SYMTYPE, linkname="../.."),
        ],
        [
            member(f"{NAME}/a", tarfile.SYMTYPE, linkname="b"),
            member(f"{NAME}/b", tarfile.SYMTYPE, linkname="a"),
        ],
        # writing through a link
        [
            member(f"{NAME}/l", tarfile.SYMTYPE, linkname="d"),
            member(f"{NAME}/l/evil"),
        ],
        [member(f"{NAME}/l", tarfile.SYMTYPE, linkname="d"), member(f"{NAME}/l", size=3)],
        [member(f"{NAME}/h", tarfile.LNKTYPE, linkname="/etc/passwd")],
        [member(f"{NAME}/h", tarfile.LNKTYPE, linkname=f"{NAME}/../../etc/passwd")],
        [member(f"{NAME}/h", tarfile.LNKTYPE, linkname=f"{NAME}/nothing")],
        [member(f"{NAME}/null", tarfile.CHRTYPE, devmajor=1, devminor=3)],
        [member(f"{NAME}/disk", tarfile.BLKTYPE, devmajor=8, devminor=0)],
        [member(f"{NAME}/pipe", tarfile.FIFOTYPE)],
        [member(f"{NAME}/orphan/evil")],
        [member(f"{NAME}/big", size=2_000_000)],
    ],
)
def test_an_evil_archive_is_refused(members: list[tarfile.TarInfo], tmp_path: Path) -> None:
    with pytest.raises(ArchiveRefused):
        unpacked(evil(*members), tmp_path / "out", tmp_path / NAME, 1_000_000)
    outside = [path for path in tmp_path.rglob("*") if "out" not in path.parts]
    assert not [path for path in outside if "evil" in path.name]
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


def test_set_user_bits_and_owners_do_not_come_along(tmp_path: Path) -> None:
    source = evil(member(f"{NAME}/run", mode=0o6777, uid=12345, gid=12345))
    out = unpacked(source, tmp_path / "out", tmp_path / NAME)
    seen = (out / "run").stat()
    assert stat.S_IMODE(seen.st_mode) == 0o755
    assert seen.st_uid == os.getuid()


def test_a_huge_header_is_not_read_into_memory(tmp_path: Path) -> None:
    huge = member(f"{NAME}/x", tarfile.XHDTYPE, size=50_000_000)
    with pytest.raises(ArchiveRefused):
        unpacked(evil(huge), tmp_path / "out", tmp_path / NAME, 1_000_000_000)


@pytest.mark.parametrize("kept", [0, 10, 500, 5000])
def test_a_cut_archive_is_refused(kept: int, tmp_path: Path) -> None:
    whole = packed(release(tmp_path)).getvalue()
    with pytest.raises(ArchiveRefused):
        unpacked(io.BytesIO(whole[:kept]), tmp_path / "out", tmp_path / NAME)


def test_a_changed_byte_is_refused(tmp_path: Path) -> None:
    top = release(tmp_path)
    whole = bytearray(packed(top).getvalue())
    whole[len(whole) // 2] ^= 0xFF
    with pytest.raises(ArchiveRefused):
        unpacked(io.BytesIO(bytes(whole)), tmp_path / "out", top)
