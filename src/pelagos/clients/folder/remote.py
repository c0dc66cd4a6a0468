"""What stands below a prefix of a container, and how the service names contents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict

from pelagos.clients.base import pages
from pelagos.clients.errors import WrongAnswer
from pelagos.clients.folder.entries import Entry, Passed, RemoteTree
from pelagos.clients.folder.names import is_excluded, why_not
from pelagos.clients.pithos import PithosClient
from pelagos.clients.pithos.hashing import block_hash, top_hash
from pelagos.clients.pithos.hashmap import BlockRule
from pelagos.clients.storage.large import SEGMENT_LIMIT, SEGMENT_SIZE
from pelagos.clients.storage.local import Source

_FOLDERS = frozenset({"application/directory", "application/folder"})
_LARGE = "segments:"
_PIECE = 1024 * 1024


class _Where(TypedDict):
    container: str
    account: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where objects are.

    Attributes:
        prefix: what the names of all of them begin with: "" or one that ends with a slash.
        account: whose; None: the client's.
    """

    container: str
    prefix: str = ""
    account: str | None = None

    @property
    def where(self) -> _Where:
        """As methods of the client take it."""
        return {"container": self.container, "account": self.account}


def listing(client: PithosClient, place: Place, **query: Any) -> Iterator[list[dict[str, Any]]]:
    """The records of what is below a place, page by page.

    Args:
        query: further parameters of the service.

    Raises:
        NotFound: there is no such container.
    """
    params = {"format": "json", "prefix": place.prefix or None, **query}
    path = client.container_path(place.container, place.account)
    for page in pages(client, path, None, params, success=(200, 204)):
        yield [one for one in page if isinstance(one, dict)]


def need(client: PithosClient, place: Place) -> None:
    """See that a place is there: as a container, by what is below it or by its mark.

    Raises:
        NotFound: it is not; what is removed here because it is not there would be lost.
    """
    if not place.prefix or any(listing(client, place, limit=1)):
        return
    client.get_object_info(
        place.prefix.rstrip("/"), container=place.container, account=place.account
    )


def is_folder(record: Mapping[str, Any]) -> bool:
    """Whether an object stands for a folder."""
    kind = str(record.get("content_type") or "").partition(";")[0].strip()
    is_empty = not record.get("bytes")
    return is_empty and (kind in _FOLDERS or str(record.get("name", "")).endswith("/"))


def moment(record: Mapping[str, Any]) -> float:
    """When an object was made, in seconds since 1970; 0 when the service does not say."""
    said = str(record.get("last_modified") or "")
    try:
        when = datetime.fromisoformat(said)
    except ValueError:
        return 0.0
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def digest_of(record: Mapping[str, Any]) -> str:
    """What a listing says of an object's content."""
    if large := record.get("slo_etag"):
        return _LARGE + str(large).strip('"').lower()
    return str(record.get("x_object_hash") or record.get("hash") or "").lower()


def scan(client: PithosClient, place: Place, exclude: Iterable[str] = ()) -> RemoteTree:
    """Look through a container; one that is not there is empty.

    Raises:
        NotFound: there is no such container.
    """
    patterns = tuple(exclude)
    files: dict[str, Entry] = {}
    marks: dict[str, str] = {}
    passed: list[Passed] = []
    for page in listing(client, place):
        for record in page:
            name = record.get("name")
            if not isinstance(name, str) or not name.startswith(place.prefix):
                raise WrongAnswer(f"{place.container} lists what nobody asked for: {name!r}")
            path = name[len(place.prefix) :]
            is_mark = is_folder(record)
            plain = path.removesuffix("/") if is_mark else path
            if not plain or is_excluded(plain, patterns):
                continue
            if (reason := why_not(plain)) is not None:
                passed.append(Passed(name, reason))
            elif is_mark:
                marks[plain] = name
            else:
                size = int(record.get("bytes") or 0)
                files[path] = Entry(path, size, moment(record), digest_of(record), name)
    return RemoteTree(files, marks, tuple(passed))


class Ruler:
    """Names the contents of files as a container does.

    Args:
        rule: how it cuts; None: it is Swift's.
    """

    def __init__(self, rule: BlockRule | None) -> None:
        self._rule = rule

    @classmethod
    def of(cls, client: PithosClient, place: Place) -> Ruler:
        """Ask the container."""
        if client.dialect == "openstack":
            return cls(None)
        info = client.get_container_info(**place.where)
        size = info.get("x-container-block-size")
        if size is None:
            return cls(None)
        return cls(BlockRule.of(size, info.get("x-container-block-hash")))

    def is_equal(self, source: Source, digest: str) -> bool:
        """Whether a file has the content that a service names so."""
        if not digest:
            return False
        if self._rule is not None:
            rule = self._rule
            names = [
                block_hash(source.read(*rule.place(index, source.size)), rule.algorithm)
                for index in range(rule.count(source.size))
            ]
            return top_hash(names, rule.algorithm) == digest
        if digest.startswith(_LARGE):
            size = max(SEGMENT_SIZE, -(-source.size // SEGMENT_LIMIT))
            parts = [
                _md5(source, start, min(start + size, source.size))
                for start in range(0, source.size, size)
            ]
            whole = hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()
            return _LARGE + whole == digest
        return _md5(source, 0, source.size) == digest


def _md5(source: Source, start: int, end: int) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for at in range(start, end, _PIECE):
        digest.update(source.read(at, min(_PIECE, end - at)))
    return digest.hexdigest()
