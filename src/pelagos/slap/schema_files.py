"""Read what a software release says of its parameters: URL.json and the schemas it leads to.

Bounded in number, size and time, and never from anywhere but where the release itself is.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from pelagos.core.files import open_plain
from pelagos.core.http.limited import opener_until
from pelagos.core.json_schema import SchemaError
from pelagos.slap.parameter_schema import Bundle, entries

log = logging.getLogger(__name__)

_FILES = 20
_FILE_LIMIT = 256 * 1024
_REDIRECTIONS = 5
#: Answers after which the same question may be worth asking again; any other 4xx is a no.
_LATER = frozenset({408, 429})


def read_bundle(release_url: str, *, timeout: float = 10.0) -> Bundle | None:
    """All that a release says of its parameters; None when it says nothing.

    A schema that cannot be read is left out: what needs it says so when it is used.

    Args:
        release_url: http, https or file URL, or an absolute path.
        timeout: seconds for all of it.

    Raises:
        SchemaError: there is such a file, and it cannot be read.
    """
    url = _as_url(release_url) + ".json"
    end = time.monotonic() + timeout
    text = _read(url, url, end)
    if text is None:
        return None
    document = _decoded(url, text)
    if not isinstance(document, dict):
        raise SchemaError(f"{url} does not hold an object")
    wanted = [urljoin(url, one.request) for one in entries(document) if one.request]
    schemas: dict[str, Any] = {}
    while wanted and len(schemas) < _FILES:
        one = urldefrag(wanted.pop(0)).url
        if one in schemas or not _is_near(one, url):
            continue
        try:
            found = _read(one, url, end)
            if found is None:
                continue
            schema = _decoded(one, found)
        except SchemaError:
            continue
        if isinstance(schema, dict):
            # Its place is where it was read; another name would lead its references astray.
            schema = {key: value for key, value in schema.items() if key not in {"$id", "id"}}
        schemas[one] = schema
        wanted += [urljoin(one, reference) for reference in _references(schema)]
    return Bundle(url, document, schemas)


def _as_url(release_url: str) -> str:
    return Path(release_url).as_uri() if release_url.startswith("/") else release_url


def _is_near(url: str, first: str) -> bool:
    """Whether a file is where the first one is: its folder and below, or its web server."""
    there, here = urlsplit(url), urlsplit(first)
    if (there.scheme, there.netloc) != (here.scheme, here.netloc):
        return False
    if there.scheme != "file":
        return there.scheme in {"http", "https"}
    folder = _path(first).parent.resolve()
    return _path(url).resolve().is_relative_to(folder)


def _path(url: str) -> Path:
    return Path(urllib.request.url2pathname(urlsplit(url).path))


def _read(url: str, first: str, end: float) -> bytes | None:
    """A file's content; None when there is no such file."""
    scheme = urlsplit(url).scheme
    if scheme not in {"file", "http", "https"}:
        return None
    try:
        found = _read_file(url) if scheme == "file" else _fetch(url, first, end)
    except urllib.error.HTTPError as error:
        with error:
            if 400 <= error.code < 500 and error.code not in _LATER:  # noqa: PLR2004 - RFC 9110
                return None
            raise SchemaError(f"{url} cannot be read: the server answers {error.code}") from None
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)  # of a URLError, without Python's brackets
        told = getattr(reason, "strerror", None) or reason
        raise SchemaError(f"{url} cannot be read: {told}") from error
    if found is not None and len(found) > _FILE_LIMIT:
        raise SchemaError(f"{url} is larger than {_FILE_LIMIT:,} bytes")
    return found


def _read_file(url: str) -> bytes | None:
    stream = open_plain(_path(url), follow=True)
    if stream is None:
        return None
    with stream:
        return stream.read(_FILE_LIMIT + 1)


def _fetch(url: str, first: str, end: float) -> bytes | None:
    """What a web server says, wherever it leads as long as that is near; else there is nothing."""
    for _ in range(_REDIRECTIONS):
        with _ended(end) as opener:
            try:
                answer: HTTPResponse = opener.open(url, timeout=max(0.1, end - time.monotonic()))
            except urllib.error.HTTPError as error:
                leads_to = error.headers.get("Location")
                if not 300 <= error.code < 400 or not leads_to:  # noqa: PLR2004 - RFC 9110
                    raise
                error.close()
            else:
                with answer:
                    if answer.headers.get_content_type() == "text/html":
                        return None  # a page for people: that there is nothing, or who they are
                    return _in_time(answer, end)
        url = urljoin(url, leads_to)
        if not _is_near(url, first):
            log.debug("%s leads away, to %s: not followed", first, url)
            return None
    raise SchemaError(f"{first} leads from one place to the next without end")


class _Stays(urllib.request.HTTPRedirectHandler):
    """Tells of a redirection, and does not follow it."""

    def redirect_request(self, *_: Any) -> None:
        return None


@contextlib.contextmanager
def _ended(end: float) -> Iterator[urllib.request.OpenerDirector]:
    """What opens URLs whose servers are cut off at that time, also in the middle of a word."""
    try:
        with opener_until(end, _Stays) as opener:
            yield opener
    except TimeoutError as error:
        raise SchemaError("the server is too slow") from error


def _in_time(answer: HTTPResponse, end: float) -> bytes:
    """An answer's content, unless a slow server would take longer than there is time."""
    found = b""
    while len(found) <= _FILE_LIMIT:
        if time.monotonic() > end:
            raise SchemaError("the server is too slow")
        chunk = answer.read1(65536)
        if not chunk:
            break
        found += chunk
    return found


def _decoded(url: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SchemaError(f"{url} is not JSON: {error}") from error


def _references(schema: object) -> Iterator[str]:
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.values()
            reference = one.get("$ref")
            if isinstance(reference, str) and not reference.startswith("#"):
                yield reference
