"""Look at a release's profile before building it: does it exist, and is it one?"""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from pathlib import Path

from pelagos.slap.agent.errors import StepFailed
from pelagos.slap.model import Cause

SIZE_LIMIT = 1 << 20
_SECTION = re.compile(r"^\[[^\]\n]+\]")
_BUILDOUT = re.compile(r"^\[\s*buildout\s*(:[^\]\n]*)?\]", re.MULTILINE)


def check_profile(url: str, *, timeout: float) -> None:
    """Return when the URL names a zc.buildout profile that can be read now.

    Raises:
        StepFailed: release-unreachable or release-not-a-profile.
    """
    content = _read(url, timeout)
    if len(content) > SIZE_LIMIT:
        raise _not_a_profile(url, f"it is larger than {SIZE_LIMIT:,} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise _not_a_profile(url, "it is not text") from None
    lines = (line for line in text.splitlines() if line.strip() and line[0] not in "#;")
    first = next(lines, "")
    if not _SECTION.match(first):
        shown = first.strip()[:60]
        raise _not_a_profile(url, f"it begins with {shown!r} where a [section] should be")
    if not _BUILDOUT.search(text):
        raise _not_a_profile(url, "it has no section [buildout]")


def _read(url: str, timeout: float) -> bytes:
    try:
        scheme = urllib.parse.urlsplit(url).scheme.lower()
        if url.split() != [url]:
            raise _unreachable(url, "zc.buildout reads no address with a space in it")
        if scheme in {"http", "https"}:
            with urllib.request.urlopen(url, timeout=timeout) as answer:  # noqa: S310 - the scheme was checked
                return bytes(answer.read(SIZE_LIMIT + 1))
        if scheme not in {"", "file"}:
            raise _unreachable(url, f"{scheme}: is not a kind of URL that can be built from")
        path = Path(
            urllib.request.url2pathname(urllib.parse.urlsplit(url).path) if scheme else url
        )
        if not path.is_absolute():
            raise _unreachable(url, "it is a relative path, which means nothing to the agent")
        with path.open("rb") as stream:
            return stream.read(SIZE_LIMIT + 1)
    except urllib.error.HTTPError as error:
        with error:
            raise _unreachable(url, f"the server answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _unreachable(url, str(error.reason)) from error
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise _unreachable(url, reason) from error


def _unreachable(url: str, reason: str) -> StepFailed:
    return StepFailed(
        Cause(
            "release-unreachable",
            f"The profile {url} cannot be read: {reason}.",
            "Check the URL; a file must exist on this computer and be readable by its agent. "
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
