"""`pelagos container …` and `pelagos object …` on a box: Swift and Pithos, with real files."""

import os
import random
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.support.cloud_lines import Lines

from pelagos.box import Box
from pelagos.cli.failures import FAILED, NOT_FOUND, USAGE

pytestmark = pytest.mark.timeout(600)

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box() as running:
        yield running


@pytest.fixture(params=["swift", "pithos", pytest.param("real swift", marks=pytest.mark.interop)])
def lines(request: pytest.FixtureRequest, tmp_path: Path) -> Lines:
    _, _, kind = request.param.rpartition(" ")
    place = request.getfixturevalue("openstack" if kind != request.param else "box")
    found = Lines(place, tmp_path / "home", who=f"u{random.randrange(10**9)}")
    found.environ["PELAGOS_CLOUD"] = kind
    return found


@pytest.fixture
def pithos(box: Box, tmp_path: Path) -> Lines:
    found = Lines(box, tmp_path / "home", who=f"u{random.randrange(10**9)}")
    found.environ["PELAGOS_CLOUD"] = "pithos"
    return found


@pytest.fixture
def swift(box: Box, tmp_path: Path) -> Lines:
    found = Lines(box, tmp_path / "home", who=f"u{random.randrange(10**9)}")
    found.environ["PELAGOS_CLOUD"] = "swift"
    return found


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def album(folder: Path, seed: int = 1) -> Path:
    chance = random.Random(seed)
    for name, size in (
        ("sea.jpg", 70_000),
        ("empty", 0),
        ("2026/jan/ice and snow.txt", 12),
        ("2026/größe ✓.bin", 5 * MIB + 1),
        ("2026/zeros", 4 * MIB),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size) if name.endswith("zeros") else chance.randbytes(size))
    (folder / "nothing in it").mkdir()
    return folder


def test_a_container_from_its_making_to_its_end(lines: Lines) -> None:
    lines.done("container", "create", "photos", "--meta", "owner=ann", "--size-limit", "1GiB")
    info = lines.done("container", "info", "photos", "-j").data
    assert (info["size_limit"], info["meta"], info["count"]) == (2**30, {"owner": "ann"}, 0)
    lines.done(
        "container", "modify", "photos", "--size-limit", "0", "--meta", "k=v", "--unset", "owner"
    )
    info = lines.done("container", "info", "photos", "-j").data
    assert (info["size_limit"], info["meta"]) == (0, {"k": "v"})
    assert "size limit  none" in lines.done("container", "info", "photos").out
    lines.done("object", "upload", "-", "photos/a", stdin=b"abc")
    assert [one["name"] for one in lines.done("container", "list", "-j").data] == ["photos"]
    refused = lines.run("container", "delete", "photos")
    assert refused.code == FAILED
    assert "not empty: 1 object, 3 B" in refused.err
    asked = lines.run("container", "delete", "-r", "photos")
    assert asked.code == USAGE
    assert "with --yes" in asked.err
    lines.done("container", "delete", "-r", "photos", "--yes")
    gone = lines.run("container", "info", "photos")
    assert gone.code == NOT_FOUND
    assert "there is no container photos" in gone.err


def test_a_misspelt_container_is_guessed(lines: Lines) -> None:
    lines.done("container", "create", "photos")
    for words in (
        ("object", "list", "fotos"),
        ("object", "upload", str(lines.file), "fotos/"),
        ("object", "cat", "fotos/a"),
        ("object", "download", "-r", "fotos", str(lines.home / "x")),
    ):
        ran = lines.run(*words)
        assert ran.code == NOT_FOUND
        assert "did you mean photos?" in ran.err
    ran = lines.run("object", "cat", "photos/none")
    assert ran.code == NOT_FOUND
    assert "there is no object none in photos" in ran.err
    lines.done("object", "upload", "-", "photos/2026/sea.jpg", stdin=b"sea")
    for slip, meant in (("2026/see.jpg", "2026/sea.jpg"), ("2062", "2026")):
        ran = lines.run("object", "cat", f"photos/{slip}")
        assert (ran.code, f"did you mean photos/{meant}?" in ran.err) == (NOT_FOUND, True), ran.err


def test_a_file_goes_up_and_down_as_it_is(lines: Lines, tmp_path: Path) -> None:
    lines.done("container", "create", "c")
    data = random.Random(5).randbytes(9 * MIB + 1)
    source = tmp_path / "film.mkv"
    source.write_bytes(data)
    ran = lines.done("object", "upload", source, "c/films/", "--meta", "color=blue")
    assert "c/films/film.mkv is there" in ran.err
    info = lines.done("object", "info", "c/films/film.mkv", "-j").data
    assert (info["bytes"], info["meta"]) == (len(data), {"color": "blue"})
    assert info["content_type"].startswith("video/")
    refused = lines.run("object", "upload", source, "c/films/film.mkv")
    assert refused.code == FAILED
    assert "is there already" in refused.err
    lines.done("object", "upload", source, "c/films/film.mkv", "-f")
    target = tmp_path / "here"
    target.mkdir()
    lines.done("object", "download", "c/films/film.mkv", target)
    assert (target / "film.mkv").read_bytes() == data
    assert [one.name for one in target.iterdir()] == ["film.mkv"]
    refused = lines.run("object", "download", "c/films/film.mkv", target)
    assert refused.code == FAILED
    assert "is there already" in refused.err
    lines.done("object", "download", "c/films/film.mkv", target / "film.mkv", "--force")
    assert lines.done("object", "cat", "c/films/film.mkv", "--range", "5-9,-3").raw == (
        data[5:10] + data[-3:]
    )
    lines.done("object", "download", "c/films/film.mkv", target / "head", "--range", "0-99")
    assert (target / "head").read_bytes() == data[:100]
    assert lines.done("file", "cat", "c/films/film.mkv").raw == data


def test_standard_input_and_an_empty_file(lines: Lines, tmp_path: Path) -> None:
    lines.done("container", "create", "c")
    lines.done("object", "upload", "-", "c/in", stdin=b"from a pipe")
    assert lines.done("object", "cat", "c/in").raw == b"from a pipe"
    empty = tmp_path / "empty"
    empty.touch()
    lines.done("object", "upload", empty, "c")
    lines.done("object", "download", "c/empty", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == b""


def test_a_folder_goes_up_and_comes_down_the_same(lines: Lines, tmp_path: Path) -> None:
    lines.done("container", "create", "c")
    folder = album(tmp_path / "album")
    ran = lines.done("object", "upload", "-r", folder, "c/my album")
    assert "5 files carried" in ran.err
    found = lines.done("object", "list", "-r", "c", "-j").data
    names = {one["name"] for one in found}
    assert names == {f"my album/{name}" for name in (*tree(folder), "nothing in it")}
    listed = lines.done("object", "list", "c/my album")
    assert "my album/2026/" in listed.out
    assert "68.4 KiB" in listed.out
    again = lines.done("object", "upload", "-r", folder, "c/my album")
    assert "0 files carried, 5 there already" in again.err
    lines.done("object", "download", "-r", "c/my album", tmp_path / "down")
    assert tree(tmp_path / "down") == tree(folder)
    assert (tmp_path / "down/nothing in it").is_dir()
    (folder / "sea.jpg").write_bytes(b"other")
    refused = lines.run("object", "upload", "-r", folder, "c/my album")
    assert refused.code == FAILED
    assert "sea.jpg is there already with other content" in refused.err
    assert lines.done("object", "cat", "c/my album/sea.jpg").raw != b"other"
    lines.done("object", "upload", "-r", folder, "c/my album", "-f")
    assert lines.done("object", "cat", "c/my album/sea.jpg").raw == b"other"


def test_a_place_here_that_is_not_there_is_named(lines: Lines, tmp_path: Path) -> None:
    lines.done("container", "create", "c")
    lines.done("object", "upload", "-", "c/o", stdin=b"x")
    missing = tmp_path / "none"
    for words in (
        ("object", "upload", missing, "c/"),
        ("object", "upload", "-r", missing, "c/"),
        ("object", "sync", "up", missing, "c", "--delete"),
        ("object", "download", "c/o", missing / "f"),
        ("object", "download", "c/o", f"{missing}/"),
    ):
        ran = lines.run(*words)
        assert ran.code != 0
        assert str(missing) in ran.err
        assert "pelagos-part" not in ran.err
    assert lines.done("object", "cat", "c/o").raw == b"x"


def test_a_folder_needs_to_be_meant(lines: Lines, tmp_path: Path) -> None:
    lines.done("container", "create", "c")
    ran = lines.run("object", "upload", album(tmp_path / "a"), "c/")
    assert ran.code == USAGE
    assert "-r" in ran.err


def test_sync_up_sends_what_differs_and_removes_what_is_gone(lines: Lines, tmp_path: Path) -> None:
    lines.done("container", "create", "c")
    folder = album(tmp_path / "album")
    lines.done("object", "sync", "up", folder, "c/x")
    lines.done("object", "upload", "-", "c/xy", stdin=b"beside it")
    (folder / "sea.jpg").unlink()
    (folder / "nothing in it").rmdir()
    (folder / "empty").write_bytes(b"no more")
    same = (folder / "2026/zeros").read_bytes()
    (folder / "2026/zeros").write_bytes(b"x" + same[1:])
    dry = lines.done("object", "sync", "up", folder, "c/x", "--delete", "--dry-run", "-j").data
    assert {(one["do"], one["path"]) for one in dry} == {
        ("carry", "empty"),
        ("carry", "2026/zeros"),
        ("remove", "sea.jpg"),
        ("remove", "nothing in it"),
    }
    names = {one["name"] for one in lines.done("object", "list", "-r", "c", "-j").data}
    assert "x/sea.jpg" in names
    kept = lines.done("object", "sync", "up", folder, "c/x")
    assert "2 files carried, 3 there already" not in kept.err
    ran = lines.done("object", "sync", "up", folder, "c/x", "--delete")
    assert "2 removed" in ran.err
    names = {one["name"] for one in lines.done("object", "list", "-r", "c", "-j").data}
    assert names == {"xy", *(f"x/{name}" for name in tree(folder))}
    lines.done("object", "sync", "down", "c/x", tmp_path / "down")
    assert tree(tmp_path / "down") == tree(folder)


def test_sync_down_removes_only_what_it_may(lines: Lines, tmp_path: Path) -> None:
    lines.done("container", "create", "c")
    folder = album(tmp_path / "album")
    lines.done("object", "sync", "up", folder, "c")
    down = tmp_path / "down"
    lines.done("object", "sync", "down", "c", down)
    (down / "mine").mkdir()
    (down / "mine/note.txt").write_text("local")
    (down / "keep.tmp").write_text("local")
    (down / "sea.jpg").write_bytes(b"changed here")
    lines.done("object", "delete", "c/empty")
    ran = lines.done("object", "sync", "down", "c", down, "--delete", "--exclude", "*.tmp")
    assert "1 file carried" in ran.err
    assert "2 removed" in ran.err
    (folder / "empty").unlink()
    assert tree(down) == {**tree(folder), "keep.tmp": b"local"}
    assert not (down / "mine").exists()
    fast = lines.done("object", "sync", "down", "c", down, "--fast", "-n", "--exclude", "*.tmp")
    assert "nothing is to be done" in fast.out


def test_no_name_leads_out_of_the_folder(lines: Lines, tmp_path: Path) -> None:
    lines.done("container", "create", "c")
    outside = tmp_path / "outside"
    outside.mkdir()
    names = ["../outside/a", "ok", "x/../../outside/b", "a//b", "./c", "link/d", f"{'n' * 300}"]
    for name in names:
        lines.done("object", "upload", "-", f"c/{name}", stdin=b"evil")
    down = tmp_path / "down"
    down.mkdir()
    (down / "link").symlink_to(outside)
    ran = lines.run("object", "download", "-r", "c", down)
    assert ran.code == FAILED
    assert "passed over: ../outside/a: has a part '..'" in ran.err
    assert "a link in it leads elsewhere" in ran.err
    assert list(outside.iterdir()) == []
    assert tree(down) == {"ok": b"evil"}
    one = lines.run("object", "download", "c/x/..", tmp_path)
    assert one.code in {USAGE, NOT_FOUND}


def test_what_cannot_be_read_is_told_and_not_removed_there(lines: Lines, tmp_path: Path) -> None:
    lines.done("container", "create", "c")
    folder = album(tmp_path / "album")
    lines.done("object", "sync", "up", folder, "c")
    (folder / "2026").rename(tmp_path / "elsewhere")
    (folder / "2026").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(folder / "pipe")
    ran = lines.run("object", "sync", "up", folder, "c", "--delete")
    assert ran.code == FAILED
    assert "passed over: 2026: is a link to a folder" in ran.err
    assert "passed over: pipe: is neither a file nor a folder" in ran.err
    names = {one["name"] for one in lines.done("object", "list", "-r", "c", "-j").data}
    assert "2026/zeros" in names


def test_copies_and_moves_in_the_cloud(lines: Lines) -> None:
    lines.done("container", "create", "c")
    lines.done("container", "create", "d")
    for name in ("a/1", "a/2/3", "b"):
        lines.done("object", "upload", "-", f"c/{name}", stdin=name.encode())
    lines.done("object", "copy", "c/b", "d/")
    lines.done("object", "copy", "-r", "c/a", "d/new")
    assert lines.done("object", "cat", "d/b", "d/new/1", "d/new/2/3").raw == b"ba/1a/2/3"
    refused = lines.run("object", "copy", "c/a/1", "d/b")
    assert refused.code == FAILED
    assert "d/b is there already" in refused.err
    lines.done("object", "move", "c/b", "c/b2")
    assert lines.run("object", "info", "c/b").code == NOT_FOUND
    lines.done("object", "move", "-r", "c/a", "c/z")
    names = {one["name"] for one in lines.done("object", "list", "-r", "c", "-j").data}
    assert names == {"b2", "z/1", "z/2/3"}
    into_itself = lines.run("object", "copy", "-r", "c/z", "c/z/y")
    assert into_itself.code == USAGE
    asked = lines.run("object", "delete", "-r", "c/z")
    assert asked.code == USAGE
    assert "2 objects" in asked.err
    lines.done("object", "delete", "-r", "c/z", "--yes")
    lines.done("container", "empty", "c", "--yes")
    assert lines.done("object", "list", "-r", "c", "-j").data == []


def test_metadata_and_folders(lines: Lines) -> None:
    lines.done("container", "create", "c")
    lines.done("object", "upload", "-", "c/o", "--meta", "a=1", stdin=b"x")
    lines.done("object", "modify", "c/o", "--meta", "b=größer als 2", "--unset", "a")
    assert lines.done("object", "info", "c/o", "-j").data["meta"] == {"b": "größer als 2"}
    lines.done("object", "mkdir", "c/folder/")
    found = lines.done("object", "list", "c", "-j").data
    assert {one.get("name") or one.get("subdir") for one in found} >= {"o", "folder"}
    assert lines.run("object", "modify", "c/o").code == USAGE


def test_a_person_sees_how_far_it_is(lines: Lines, tmp_path: Path) -> None:
    lines.done("container", "create", "c")
    source = tmp_path / "f"
    source.write_bytes(os.urandom(9 * MIB))
    up = lines.done("object", "upload", source, "c/f", is_watched=True)
    assert "of 9 MiB, " in up.err
    assert " %" in up.err
    down = lines.done("object", "download", "c/f", tmp_path / "g", is_watched=True)
    assert "of 9 MiB, " in down.err


# ---- what only Pithos has


def test_versions_come_back(pithos: Lines) -> None:
    pithos.done("container", "create", "c", "--versioning", "auto")
    for text in (b"one", b"two", b"three"):
        pithos.done("object", "upload", "-", "c/o", "-f", stdin=text)
    versions = pithos.done("object", "versions", "c/o", "-j").data
    assert len(versions) == 3
    first = versions[0]["version"]
    assert pithos.done("object", "cat", "c/o", "--version", first).raw == b"one"
    pithos.done("object", "restore", "c/o", first)
    assert pithos.done("object", "cat", "c/o").raw == b"one"
    asked = pithos.run("object", "purge", "c/o")
    assert asked.code == USAGE
    assert "3 former versions" in asked.err
    pithos.done("object", "append", "-", "c/o", stdin=b" more")
    pithos.done("object", "truncate", "c/o", "--size", "6")
    assert pithos.done("object", "cat", "c/o").raw == b"one mo"


def test_sharing_with_users_groups_and_all(pithos: Lines, box: Box, tmp_path: Path) -> None:
    friend = Lines(box, tmp_path / "friend", who="friend")
    friend.environ["PELAGOS_CLOUD"] = "pithos"
    friend_id = box.person("friend").user_id
    pithos.done("container", "create", "c")
    pithos.done("object", "upload", "-", "c/o", stdin=b"for a friend")
    nobody = pithos.run("object", "share", "c/o", "--read", "nobody@example.org")
    assert nobody.code == NOT_FOUND
    rows = pithos.done("object", "share", "c/o", "--read", friend_id, "-j").data
    assert [(one["right"], one["id"]) for one in rows] == [("read", friend_id)]
    me = pithos.done("user", "info", "-j").data
    read = friend.done("object", "cat", f"pithos://{me['id']}/c/o")
    assert read.raw == b"for a friend"
    shared = friend.done("object", "shared", "-j").data
    assert me["id"] in {one["account"] for one in shared}
    pithos.done("group", "create", "family", friend_id)
    assert pithos.done("group", "list", "-j").data[0]["members"] == [friend_id]
    pithos.done("object", "share", "c/o", "--write", ":family")
    rows = pithos.done("object", "share", "c/o", "-j").data
    assert {one["right"] for one in rows} == {"read", "write"}
    pithos.done("object", "share", "c/o", "--nobody")
    assert pithos.done("object", "share", "c/o", "-j").data == []
    assert friend.run("object", "cat", f"pithos://{me['id']}/c/o").code != 0
    pithos.done("group", "delete", "family")
    assert pithos.done("group", "list", "-j").data == []


def test_a_published_object_has_an_address(pithos: Lines) -> None:
    pithos.done("container", "create", "c")
    pithos.done("object", "upload", "-", "c/o", stdin=b"for all")
    url = pithos.done("object", "publish", "c/o").out.strip()
    with urlopen(url) as answer:
        assert answer.read() == b"for all"
    assert pithos.done("object", "info", "c/o", "-j").data["public"] == url
    pithos.done("object", "unpublish", "c/o")
    assert pithos.done("object", "info", "c/o", "-j").data["public"] is None


def test_swift_says_what_it_has_instead(swift: Lines) -> None:
    swift.done("container", "create", "c")
    swift.done("object", "upload", "-", "c/o", stdin=b"x")
    refused = swift.run("object", "publish", "c/o")
    assert refused.code == FAILED
    assert "pelagos object url c/o" in refused.err
    for words in (("object", "share", "c/o", "--read", "x"), ("object", "list", "c", "--shared")):
        ran = swift.run(*words)
        assert ran.code != 0
        assert "Pithos" in ran.err
    swift.done("container", "modify", "c", "--read", ".r:*")
    assert swift.done("container", "info", "c", "-j").data["read"] == ".r:*"
