"""Finding what a call is about, and the errors that say it is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pelagos.core import wire
from pelagos.slap import protocol
from pelagos.slap.errors import BadRequest, NotFoundError
from pelagos.slap.master.errors import TooLarge
from pelagos.slap.master.store import Reader, StoredInstance


def flat(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as masters keep them: every value is text, the empty one None."""
    return {key: protocol.flatten_text(value) for key, value in parameters.items()}


def check_size(parameters: Mapping[str, Any], limit: int, what: str) -> None:
    """Pass, when the parameters are not above the limit.

    Raises:
        TooLarge: they are.
    """
    size = len(wire.encode(parameters))
    if size > limit:
        raise TooLarge(
            f"{what} have {size:,} bytes; at most {limit:,} are taken",
            status=413,
            hint="put large data where the instance can fetch it, and pass its address",
        )


def check_release(url: str) -> None:
    """Pass, when an agent could build this release, as far as its URL tells.

    Raises:
        BadRequest: none ever could.
    """
    if any(char.isspace() for char in url):
        raise BadRequest(
            f"no computer can build {url[:100]!r}: zc.buildout reads no URL with a space",
            status=400,
            hint="write %20 in a URL; move a file to a path without spaces",
        )
    if not url.startswith("/") and not _is_fetched(url):
        raise BadRequest(
            f"no computer can build {url[:100]!r}: it is no http, https or file URL",
            status=400,
            hint="give such a URL, or the absolute path of a buildout profile",
        )


def _is_fetched(url: str) -> bool:
    try:
        parts = urlsplit(url)
        if parts.scheme == "file":
            return parts.path.startswith("/")
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:  # e.g. an IPv6 address that does not end
        return False


def find_live(reader: Reader, name: str) -> StoredInstance:
    """The live instance of a reference or guid; a root wins over a descendant of the same name.

    Raises:
        NotFoundError: none lives.
    """
    found = next((item for item in reader.instances_named(name) if item.is_live), None)
    found = found or reader.instance_by_guid(name)
    if found is None or not found.is_live:
        raise unknown_service(name)
    return found


def seated(reader: Reader, computer_id: str, partition_id: str) -> StoredInstance | None:
    """The instance in a partition, None when it is free.

    Raises:
        NotFoundError: there is no such partition.
    """
    instance = reader.instance_in_partition(computer_id, partition_id)
    if instance is None and reader.partition(computer_id, partition_id) is None:
        raise NotFoundError(
            f"the computer {computer_id} has no partition {partition_id}",
            status=404,
            hint=f"pelagos computer info {computer_id}",
        )
    return instance


def shared_of(reader: Reader, host: StoredInstance, reference: str) -> StoredInstance:
    """The shared instance that a host calls by this slave_reference.

    Raises:
        NotFoundError: the host serves no such one.
    """
    for shared in reader.shared_of_host(host.key):
        if reference in (shared.guid, shared.title):
            return shared
    raise NotFoundError(f"{host.title} serves no shared instance {reference}", status=404)


def unknown_computer(computer_id: str) -> NotFoundError:
    """The error for a computer that nobody registered."""
    return NotFoundError(
        f"the master does not know the computer {computer_id}",
        status=404,
        hint="pelagos computer list shows those that it knows",
    )


def unknown_service(name: str) -> NotFoundError:
    """The error for an instance that nobody requested."""
    return NotFoundError(
        f"there is no service {name}", status=404, hint="pelagos service list shows them all"
    )
