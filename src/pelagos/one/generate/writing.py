"""A package of types, on disk."""

from __future__ import annotations

from pathlib import Path

from pelagos.core.files import write_atomic
from pelagos.one.errors import OneConfigException
from pelagos.one.generate import code, description
from pelagos.one.generate.schemas import read_schemas
from pelagos.one.generate.shapes import Shapes, joined, with_members

_HERE = Path(__file__).parent
_MODE = 0o644
#: What each generated file says of itself; another one is never written over.
_MARK = "Written by `pelagos one generate`"


def described() -> Shapes:
    """What the description that comes with Pelagos says."""
    return description.read((_HERE / "description.txt").read_text(encoding="utf-8"))


def of_schemas(folder: Path) -> Shapes:
    """What the schemas of a folder say, and what no schema says.

    Raises:
        OneConfigException: there are none, or one cannot be read.
    """
    added = description.read((_HERE / "additions.txt").read_text(encoding="utf-8"))
    return joined(with_members(read_schemas(folder)), added)


def write_package(shapes: Shapes, folder: Path, package: str) -> list[Path]:
    """Write the types as a package, and return its files.

    Modules that an earlier run wrote and that are not written now are removed.

    Raises:
        OneConfigException: a file is in the way that was not written so, or the folder cannot
            be written.
    """
    sources = code.write_modules(shapes, package)
    wanted = {folder / f"{name}.py": text for name, text in sources.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = set(folder.glob("*.py"))
        for path in there:
            if _MARK not in path.read_text(encoding="utf-8")[:500]:
                raise OneConfigException(
                    f"{path} was not written by this command",
                    hint="choose an empty folder with --into",
                )
        for path, text in wanted.items():
            write_atomic(path, text, mode=_MODE, durable=False)
        for path in there - wanted.keys():
            path.unlink()
    except OSError as error:
        raise OneConfigException(f"{folder} cannot be written: {error.strerror}") from error
    return sorted(wanted)
