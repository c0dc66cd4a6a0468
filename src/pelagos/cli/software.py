"""What a person may write for a software release: a URL, or a path of this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pelagos.cli.failures import UsageError
from pelagos.core.spelling import nearest

_SCHEMES = ("http", "https", "file")
_READ_LIMIT = 4 * 1024 * 1024
_SCHEME_ALONE = re.compile(r"(?i)(javascript|data|mailto|ftp|https?|urn):")
_SECTION = re.compile(rb"^\[\s*buildout\s*[\]:]", re.MULTILINE)


def software_url(text: str) -> str:
    """The URL, or the absolute path of a buildout profile on this machine.

    Raises:
        UsageError: it is neither; says what is wrong with the file.
    """
    scheme, colon, _ = text.partition("://")
    if not colon and (named := _SCHEME_ALONE.match(text)) and not os.path.lexists(text):
        scheme, colon = named[1], ":"
    if colon and scheme.lower() in ("http", "https"):
        _check_url(text)
        return text
    if colon and scheme.lower() != "file":
        near = nearest(scheme, _SCHEMES)
        hint = (
            f"did you mean {near}://?"
            if near and near != scheme
            else f"use one of: {', '.join(_SCHEMES)}, or a path"
        )
        raise UsageError(f"no software can be fetched by {scheme}{colon}", hint=hint)
    path = local_path(text)
    _check(path)
    if any(char.isspace() for char in str(path)):
        raise UsageError(
            f"{str(path)!r} has a space in its path, which zc.buildout cannot read",
            hint="move the profile into a folder whose path has no space",
        )
    return str(path)


def written_release(text: str) -> str:
    """A release as it was supplied: the URL, or the absolute path of a file that may be gone."""
    return text if "://" in text else str(local_path(text))


def _check_url(text: str) -> None:
    blank = next((char for char in text if char.isspace()), None)
    if blank is not None:
        hint = "write %20 for the space" if blank == " " else "check where it was copied from"
        raise UsageError(f"{text!r} is not a URL: it has a space", hint=hint)
    try:
        host = urlsplit(text).hostname
    except ValueError:  # e.g. an IPv6 address that does not end
        host = None
    if not host or not text.isprintable():
        raise UsageError(
            f"{text!r} is not a URL that can be fetched",
            hint="write for example https://example.org/software.cfg",
        )


def local_path(text: str) -> Path:
    """The absolute path that a text means: relative, with ~, or a file URL."""
    name = unquote(urlsplit(text).path) if text.lower().startswith("file://") else text
    if "\0" in name:
        raise UsageError(f"{text!r} is not a path", hint="a path has no zero byte")
    try:
        # Not `resolve`: a link keeps its name, which is the release's name from now on.
        return Path(os.path.abspath(Path(name).expanduser()))  # noqa: PTH100  # takes ".." out
    except RuntimeError as error:
        raise UsageError(
            f"{text}: there is no such user", hint="write the path in full"
        ) from error


def _check(path: Path) -> None:
    where = "a software release is a buildout profile: a URL, or the path of a file here"
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a folder, not a buildout profile", hint=_inside(path))
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is not a file", hint=where)
        with path.open("rb") as file:
            content = file.read(_READ_LIMIT)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {path}", hint=_alike(path) or where) from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint=where) from error
    if b"\0" in content:
        raise UsageError(f"{path} is not a buildout profile: it is not text", hint=where)
    if not _SECTION.search(content):
        raise UsageError(
            f"{path} is not a buildout profile: it has no [buildout] section", hint=where
        )


def _inside(folder: Path) -> str | None:
    profiles = sorted(folder.glob("*.cfg"))
    return f"did you mean {profiles[0]}?" if profiles else "name the profile in it"


def _alike(path: Path) -> str | None:
    try:
        names = [one.name for one in path.parent.iterdir()]
    except OSError:
        return None
    near = nearest(path.name, names)
    return f"did you mean {path.parent / near}?" if near else None
