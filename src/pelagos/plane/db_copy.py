"""Move a plane's state between kinds of database: `pelagos db copy`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from pelagos.core.errors import PelagosError
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.settings import Part
from pelagos.slap import master

#: How each file of SQLite begins, unless it is empty.
_SQLITE = b"SQLite format 3\0"


def run(
    source: str, target: str, progress: Callable[[str, int, int], None]
) -> list[master.CopiedTable]:
    """Copy a master's database into an empty one; see `pelagos.slap.master.copy_database`.

    Args:
        source: URL of a master's database, or the path of a SQLite file. `sqlite:/PATH` and
            `sqlite:PATH` do for `sqlite:////PATH` and `sqlite:///PATH`.
        target: URL of an empty database, or the path of a file to be made.
        progress: told of a table, of its rows that are copied, and of how many there are.

    Returns:
        What was copied and compared, one for each table.

    Raises:
        PelagosError: a master uses one of the two, or the copy is not possible; the target is
            empty then.
    """
    urls = [as_url(text) for text in (source, target)]
    if _is_same(*urls):
        raise PelagosError(
            "source and target are the same database", hint="name a new one as the target"
        )
    check_there(urls[0])
    for url in urls:
        _refuse_foreign(url)
        _refuse_running(url)
    return master.copy_database(urls[0], urls[1], progress)


def as_url(text: str) -> str:
    """The URL of a database that is given as a URL or as a path."""
    scheme, colon, rest = text.partition(":")
    if colon and scheme == "sqlite":
        # Two slashes more begin the path of a URL: sqlite:////PATH, and sqlite:///PATH from here.
        path = rest.removeprefix("///") if rest.startswith("//") else rest
        return f"sqlite:///{Path(path).absolute()}" if path.strip("/") else text
    if colon and scheme == "postgres":
        return f"postgresql:{rest}"
    return text if "://" in text else f"sqlite:///{quote(str(Path(text).expanduser().absolute()))}"


def check_there(url: str) -> None:
    """Pass, unless it names a file that is not there.

    Raises:
        PelagosError: it does.
    """
    if not Path(_path(url) or ".").exists():
        raise PelagosError(f"there is no database {_path(url)}", hint="see that the path is right")


def _is_same(one: str, other: str) -> bool:
    paths = [_path(url) for url in (one, other)]
    if paths[0] and paths[1]:
        return Path(paths[0]).resolve() == Path(paths[1]).resolve()
    return one == other


def _refuse_foreign(url: str) -> None:
    """Pass, unless it names a file that is something else than a SQLite database."""
    path = Path(_path(url) or "")
    if not path.name or not path.exists():
        return
    try:
        with path.open("rb") as file:
            head = file.read(len(_SQLITE))
    except OSError as error:
        raise PelagosError(
            f"cannot read {path}: {error.strerror}", hint="name the file of a SQLite database"
        ) from error
    if head not in (b"", _SQLITE):
        raise PelagosError(
            f"{path} is not a SQLite database; it was not touched",
            hint="see that the path is right",
        )


def _path(url: str) -> str | None:
    """The file of a SQLite database."""
    scheme, _, path = url.partition(":///")
    return path if scheme == "sqlite" and path else None


def _refuse_running(url: str) -> None:
    """A server knows whether a master runs on it; a file's data folder does."""
    path = _path(url)
    folder = None if path is None else DataFolder(Path(path).parent)
    if folder is not None and (pid := folder.running(Part.MASTER)) is not None:
        raise PelagosError(
            f"a master runs on {path} (process {pid})", hint="end it first: pelagos down"
        )
