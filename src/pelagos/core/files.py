"""Files written whole or not at all, and the files that hold a token."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import BinaryIO, cast

from pelagos.core.errors import PelagosError

#: How the name of a file begins that is being written; one that stays is of a writer that died.
UNFINISHED = ".pelagos-unfinished-"
#: Characters that a token has at the most; a wrong file may be of any size.
_TOKEN_LIMIT = 4096


def write_atomic(path: Path, data: bytes | str, *, mode: int, durable: bool = True) -> bool:
    """Make `path` hold exactly `data` with `mode`, in one step; whether anything changed.

    `durable` makes it survive a power cut, at the price of waiting for the disk.
    """
    import tempfile  # noqa: PLC0415  # only writing pays for it

    content = data.encode() if isinstance(data, str) else data
    if _holds(path, content, mode):
        return False
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{UNFINISHED}{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            if durable:
                os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return True


def _holds(path: Path, content: bytes, mode: int) -> bool:
    with contextlib.suppress(OSError):  # whatever is in its place: replacing it will tell
        stream = open_plain(path)
        if stream is not None:
            with stream:
                seen = os.fstat(stream.fileno())
                if seen.st_mode == stat.S_IFREG | mode and seen.st_size == len(content):
                    return stream.read(len(content) + 1) == content
    return False


def open_plain(path: Path, *, follow: bool = False) -> BinaryIO | None:
    """A plain file, open for reading; None for a pipe, a device or a folder, never waited for.

    Args:
        follow: go where a link leads, instead of refusing it.

    Raises:
        OSError: there is nothing, or a link, or it may not be read.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    return plain_stream(os.open(path, flags), "rb")


def is_private(path: Path) -> bool:
    """Whether nobody but its owner may read or write a file, or look into a folder.

    Raises:
        OSError: there is nothing.
    """
    return not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def plain_stream(handle: int, mode: str) -> BinaryIO | None:
    """A descriptor as a stream; None, and closed, when it is of anything but a plain file."""
    try:
        if stat.S_ISREG(os.fstat(handle).st_mode):
            return cast("BinaryIO", os.fdopen(handle, mode))
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def read_token(path: Path) -> str | None:
    """The token that a file holds, alone on one line; None without a file, "" in an empty one.

    Raises:
        PelagosError: the file cannot be read, or holds something else.
    """
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(_TOKEN_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise PelagosError(
            f"cannot read the token file {path}: {reason}",
            hint="run as the user who owns the file, or give a token with PELAGOS_TOKEN",
        ) from error
    return check_token(text, f"the token file {path}") if text.strip() else ""


def check_token(text: str, where: str) -> str:
    """The token that a text holds, without the space around it.

    Args:
        where: what the text is from, as the error names it.

    Raises:
        PelagosError: it is not one word.
    """
    token = text.strip()
    if not token or not token.isprintable() or " " in token or len(text) > _TOKEN_LIMIT:
        raise PelagosError(
            f"{where} does not hold a token, alone on one line",
            hint="put the token there, and nothing else",
        )
    return token
