"""Files down."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import IO, Any

from pelagos.clients.errors import ClientError, NotFound, PreconditionFailed
from pelagos.clients.pithos.download import BlockDownload
from pelagos.clients.pithos.files.up import Place, UpClient
from pelagos.clients.pithos.hashmap import HashMap
from pelagos.clients.storage.download import Download, Journal
from pelagos.clients.storage.local import Sink
from pelagos.clients.storage.progress import Callback
from pelagos.clients.storage.ranges import Part, parse_ranges

_UNCHANGED = frozenset({304, 412})


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked for: an object, of one version, while conditions hold."""

    obj: str
    version: int | str | None
    conditions: Mapping[str, Any]
    place: Place


@dataclass(frozen=True, slots=True)
class _Into:
    """Where it goes, which parts of it, and how."""

    sink: Sink
    range_str: str | None
    resume: bool
    callback: Callback | None
    workers: int


class DownClient(UpClient):
    """What fetches files. From Swift as `StorageClient` does it."""

    # ---- down

    def get_object_hashmap(  # the ancestor's order
        self,
        obj: str,
        version: int | str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: Any = None,
        if_unmodified_since: Any = None,
        headers: MutableMapping[str, str] | None = None,
        *,
        container: str | None = None,
        account: str | None = None,
    ) -> dict[str, Any]:
        """The blocks of an object: `{"block_size", "block_hash", "bytes", "hashes"}`.

        Args:
            headers: receives the header fields of the answer.

        Returns:
            the map; nothing when a condition does not hold.
        """
        reply = self.object_get(
            obj,
            hashmap=True,
            version=version,
            if_etag_match=if_match,
            if_etag_not_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            container=container,
            account=account,
            success=(200, *_UNCHANGED),
            stream=True,
        )
        with reply:
            found = self._read(reply.headers)
            if headers is not None:
                headers.update(found)
            if reply.status in _UNCHANGED:
                return {}
            if "x-object-hash" not in found and "x-object-version" not in found:
                raise _NoBlocks(f"the service has no hash map of {obj!r}: it is not Pithos")
            return HashMap.of(reply.json).told()

    def download_object(  # the ancestor's order
        self,
        obj: str,
        dst: IO[bytes],
        download_cb: Callback | None = None,
        version: int | str | None = None,
        resume: bool = False,
        range_str: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: Any = None,
        if_unmodified_since: Any = None,
        headers: MutableMapping[str, str] | None = None,
        *,
        workers: int | None = None,
        hashmap: Mapping[str, Any] | None = None,
        journal: Journal | None = None,
        container: str | None = None,
        account: str | None = None,
    ) -> dict[str, str]:
        """Write an object to a file, from its position on; all of it is of one version.

        Args:
            dst: a file with positions gets blocks in any order, others (pipes, terminals, files
                open to append) one after another.
            version: an older one.
            resume: keep the blocks that the file has already; open it as "rb+".
            range_str: parts: `A-B`, `A-`, `-N`, `N` (from 0 to N), with commas between. In a file
                with positions each is written to its own, into others one behind the other.
            headers: receives the object's header fields.
            hashmap: what `get_object_hashmap` said of it before, with its version.
            journal: remembers what has arrived from Swift, for the next attempt; blocks of
                Pithos need none.

        Returns:
            the object's header fields; none when a condition did not hold and nothing was done.

        Raises:
            PreconditionFailed: the object changed meanwhile.
            ClientError: not all of it is in the file; `resume` goes on.
        """
        held = _conditions(if_match, if_none_match, if_modified_since, if_unmodified_since)
        wanted = _Wanted(obj, version, held, {"container": container, "account": account})
        into = _Into(Sink(dst), range_str, resume, download_cb, workers or self.MAX_THREADS)
        found: dict[str, str] = {}
        known = hashmap or self._hashmap(wanted, found)
        if known is None:
            found = self._bytes_down(wanted, into, journal)
        elif known:
            self._blocks_down(wanted, into, HashMap.of(known), found)
        else:
            return {}
        if headers is not None:
            headers.update(found)
        return found

    def _hashmap(self, wanted: _Wanted, found: MutableMapping[str, str]) -> dict[str, Any] | None:
        """The blocks; none of what was not modified; None where bytes are to be had alone."""
        if self._is_swift:
            return None
        try:
            known = self.get_object_hashmap(
                wanted.obj, wanted.version, headers=found, **wanted.conditions, **wanted.place
            )
        except _NoBlocks:
            return None
        return None if "x-object-manifest" in found else known

    def _bytes_down(self, wanted: _Wanted, into: _Into, journal: Journal | None) -> dict[str, str]:
        """Fetch it from a service without hash maps; its header fields."""
        download = Download(
            self,
            self.object_path(wanted.obj, **wanted.place),
            params={self._version_key: wanted.version},
            headers={
                name.replace("_", "-").title(): value for name, value in wanted.conditions.items()
            },
            workers=into.workers,
        )
        done = download.run(
            into.sink,
            range_str=into.range_str,
            resume=into.resume,
            callback=into.callback,
            journal=journal,
        )
        return self._read(done)

    def _blocks_down(
        self, wanted: _Wanted, into: _Into, hashmap: HashMap, found: Mapping[str, str]
    ) -> None:
        """Fetch its blocks, or parts of it, of the version that the hash map is of."""
        blocks = _checked(hashmap, found)
        version = found.get("x-object-version", wanted.version)
        fetch = self._fetcher(wanted.obj, version, wanted.place)
        download = BlockDownload(blocks, fetch, into.workers)
        if into.range_str:
            parts = parse_ranges(into.range_str, blocks.size)
            download.parts_into(into.sink, parts, into.callback)
        else:
            download.into(into.sink, resume=into.resume, callback=into.callback)

    def _fetcher(
        self, obj: str, version: int | str | None, place: Place
    ) -> Callable[[Part], bytes]:
        def fetch(part: Part) -> bytes:
            try:
                reply = self.object_get(
                    obj,
                    format=None,
                    version=version,
                    data_range=part.header,
                    **place,
                    success=(200, 206),
                    timeout=self.time_for(part.length),
                )
            except NotFound as error:
                raise PreconditionFailed(
                    f"{obj!r} changed while it was being downloaded: version {version} is gone",
                    412,
                    hint="download it again",
                ) from error
            if reply.status == 200 and len(reply.content) > part.length:  # all of it  # noqa: PLR2004
                return reply.content[part.start : part.end]
            return reply.content

        return fetch

    def download_to_string(  # the ancestor's order
        self,
        obj: str,
        download_cb: Callback | None = None,
        version: int | str | None = None,
        range_str: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: Any = None,
        if_unmodified_since: Any = None,
        remote_block_info: tuple[Any, ...] | None = None,
        hashmap: Mapping[str, Any] | None = None,
        headers: MutableMapping[str, str] | None = None,
        *,
        workers: int | None = None,
        container: str | None = None,
        account: str | None = None,
    ) -> bytes:
        """An object's bytes, or the parts that `range_str` names one behind the other.

        Args:
            remote_block_info: size of a block, its hash, the object's size, its hashes, as known
                from another call; `hashmap` is the same as a mapping.

        The other arguments are those of `download_object`; b"" when a condition did not hold.
        """
        if hashmap is None and remote_block_info:
            size, algorithm, whole, names = remote_block_info[:4]
            hashmap = {
                "block_size": size,
                "block_hash": algorithm,
                "bytes": whole,
                "hashes": list(names),
            }
        collected = _Collected()
        self.download_object(
            obj,
            collected,  # type: ignore[arg-type]  # only its write is used
            download_cb,
            version,
            False,  # the ancestor's order
            range_str,
            if_match,
            if_none_match,
            if_modified_since,
            if_unmodified_since,
            headers,
            workers=workers,
            hashmap=hashmap,
            container=container,
            account=account,
        )
        return collected.value()

    def stream_down(self, obj: str, dst: IO[bytes], buffer_blocks: int = 4, **how: Any) -> None:
        """Write an object in order, holding at most so many blocks; else as `download_object`."""
        self.download_object(obj, _OneByOne(dst), workers=max(2, buffer_blocks), **how)  # type: ignore[arg-type]  # only its write is used


class _NoBlocks(ClientError):
    """There is no hash map of it, and its bytes are to be asked for as they are."""


class _OneByOne:
    """A file that takes pieces in order alone."""

    def __init__(self, file: IO[bytes]) -> None:
        self.write = file.write

    def seekable(self) -> bool:
        return False


class _Collected:
    """Memory that takes pieces in order."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def seekable(self) -> bool:
        return False

    def value(self) -> bytes:
        return b"".join(self._pieces)


def _conditions(
    match: str | None, none_match: str | None, modified_since: Any, unmodified_since: Any
) -> dict[str, Any]:
    """The conditions under names of arguments, which are those of header fields as well."""
    return {
        "if_match": match,
        "if_none_match": none_match,
        "if_modified_since": modified_since,
        "if_unmodified_since": unmodified_since,
    }


def _checked(hashmap: HashMap, found: Mapping[str, str]) -> HashMap:
    told = found.get("x-object-hash", "").lower()
    if told and told != hashmap.top:
        raise ClientError(
            f"the server's hash map does not belong to it: it makes {hashmap.top}, not {told}",
            hint="download it again; it may have changed in this moment",
        )
    return hashmap
