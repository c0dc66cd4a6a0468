"""Look at a release's profile before building it: does it exist, and is it one?"""

from __future__ import annotations

import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from pathlib import Path

from pelagos.core.files import open_plain
from pelagos.core.http.limited import opener_until
from pelagos.slap.agent.account import Account, acting_as
from pelagos.slap.agent.errors import StepFailed
from pelagos.slap.model import Cause

SIZE_LIMIT = 1 << 20
_SECTION = re.compile(r"^\[[^\]\n]+\]")
_BUILDOUT = re.compile(r"^\[\s*buildout\s*(:[^\]\n]*)?\]", re.MULTILINE)


def check_profile(
    url: str,
    *,
    timeout: float,
    owner: Account | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Return when the URL names a zc.buildout profile that can be read now.

    Args:
        timeout: seconds for all of it, however slowly a server goes on.
        owner: whose rights count for files of this computer: those of whoever will build it.
        stop: set when it is not wanted any more.

    Raises:
        StepFailed: release-unreachable or release-not-a-profile.
    """
    is_local, content = _read(url, timeout, owner, stop)
    if len(content) > SIZE_LIMIT:
        raise _not_a_profile(url, f"it is larger than {SIZE_LIMIT:,} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise _not_a_profile(url, "it is not text") from None
    lines = (line for line in text.splitlines() if line.strip() and line[0] not in "#;")
    first = next(lines, "")
    if not _SECTION.match(first):
        # What a file of this computer holds is not for everybody who may name it.
        shown = "something else" if is_local else repr(first.strip()[:60])
        raise _not_a_profile(url, f"it begins with {shown} where a [section] should be")
    if not _BUILDOUT.search(text):
        raise _not_a_profile(url, "it has no section [buildout]")


def _read(
    url: str, timeout: float, owner: Account | None, stop: threading.Event | None
) -> tuple[bool, bytes]:
    """Whether it is a file of this computer, and the start of it."""
    try:
        scheme = urllib.parse.urlsplit(url).scheme.lower()
        if url.split() != [url]:
            raise _unreachable(url, "zc.buildout reads no address with a space in it")
        if scheme in {"http", "https"}:
            return False, _fetch(url, timeout, stop)
        if scheme not in {"", "file"}:
            raise _unreachable(url, f"{scheme}: is not a kind of URL that can be built from")
        path = urllib.request.url2pathname(urllib.parse.urlsplit(url).path) if scheme else url
        return True, _read_file(url, Path(path), owner)
    except urllib.error.HTTPError as error:
        with error:
            raise _unreachable(url, f"the server answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _unreachable(
            url, getattr(error.reason, "strerror", None) or str(error.reason)
        ) from error
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise _unreachable(url, reason) from error


def _read_file(url: str, path: Path, owner: Account | None) -> bytes:
    if not path.is_absolute():
        raise _unreachable(url, "it is a relative path, which means nothing to the agent")
    with acting_as(owner):
        stream = open_plain(path, follow=True)
    if stream is None:
        raise _unreachable(url, "it is not a file")
    with stream:
        return stream.read(SIZE_LIMIT + 1)


def _fetch(url: str, timeout: float, stop: threading.Event | None) -> bytes:
    found = bytearray()
    with (
        opener_until(time.monotonic() + timeout, stop=stop) as opener,
        opener.open(url, timeout=timeout) as answer,
    ):
        while len(found) <= SIZE_LIMIT and (chunk := answer.read1(65536)):
            found += chunk
    return bytes(found)


def _unreachable(url: str, reason: str) -> StepFailed:
    return StepFailed(
        Cause(
            "release-unreachable",
            f"The profile {url} cannot be read: {reason}.",
            "Check the URL; a file must exist on this computer and be readable by who builds it. "
            "It is tried again by itself.",
        )
    )


def _not_a_profile(url: str, reason: str) -> StepFailed:
    return StepFailed(
        Cause(
            "release-not-a-profile",
            f"{url} is not a zc.buildout profile: {reason}.",
            "Supply the URL of a software.cfg; see docs/how-to/write-a-software-release.md.",
        )
    )
