"""Finding what a call is about, and the errors that say it is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pelagos.core import wire
from pelagos.slap import marshal, protocol
from pelagos.slap.errors import BadRequest, NotFoundError, Unauthorized
from pelagos.slap.master.auth import Identity
from pelagos.slap.master.errors import TooLarge
from pelagos.slap.master.store import Reader, StoredInstance
from pelagos.slap.master.visibility import EVERYTHING, Scope, scope

#: How the guid of each instance begins.
GUID_PREFIX = "SOFTINST-"


def flat(parameters: Mapping[str, Any], what: str = "parameters") -> dict[str, Any]:
    """Parameters as masters keep them: every value is text, the empty one None.

    The one door for all that instances are told and tell: a character that no XML can carry would
    make the document of a whole computer impossible, for all who sit there.

    Args:
        parameters: as they were sent, by whatever interface.
        what: how an error names them.

    Raises:
        BadRequest: a key or a value cannot be kept; says which.
    """
    found = {}
    for key, value in parameters.items():
        try:
            text = protocol.flatten_text(value)
        except RecursionError as error:
            raise BadRequest(
                f"{what}.{key[:80]} is nested too deep",
                status=400,
                hint="send less deep a value; a text may hold JSON of any depth",
            ) from error
        _check_speakable(key, f"the name {key[:80]!r} in the {what}")
        if text is not None:
            _check_speakable(text, f"{what}.{key[:80]}")
        found[key] = text
    return found


def _check_speakable(text: str, what: str) -> None:
    bad = marshal.unspeakable(text)
    if bad is not None:
        position, name = bad
        raise BadRequest(
            f"{what} has the character {name} at position {position}, which XML cannot carry",
            status=400,
            hint="take it out, or send the value encoded, e.g. as base64",
        )


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


def scope_of(reader: Reader, identity: Identity | None) -> Scope:
    """What an identity sees; a partition its whole tree, which `visibility.scope` cannot know."""
    sees = scope(identity)
    if sees.computer_id is None or sees.partition_id is None:
        return sees
    own = reader.instance_in_partition(sees.computer_id, sees.partition_id)
    return sees if own is None else scope(identity, own.root_guid)


def find_live(reader: Reader, name: str, sees: Scope) -> StoredInstance:
    """The live instance of a reference or guid; a root wins over a descendant of the same name.

    Raises:
        NotFoundError: none lives that the caller sees.
        Conflict: several owners have one of that name, and the caller none.
    """
    found = find_named(reader, name, sees)
    if found is None or not found.is_live:
        raise unknown_service(name)
    return found


def find_named(reader: Reader, name: str, sees: Scope) -> StoredInstance | None:
    """The instance of a guid or reference that the caller means; the last one when it is gone.

    A guid goes first: nobody can have it mean another by giving that as a name.

    Raises:
        Conflict: several owners have one of that name, and the caller none.
    """
    found = reader.instance_by_guid(name)
    if found is not None and sees.instance(found):
        return found
    return sees.choose(name, reader.instances_named(name))


def check_title(title: str) -> None:
    """Pass, when somebody may give this name to a service.

    Names within a tree are its profile's own affair: some name what they request after the
    shared instances that they serve.

    Raises:
        BadRequest: it looks like a guid.
    """
    if title.upper().startswith(GUID_PREFIX):
        raise BadRequest(
            f"{title[:60]!r} looks like the guid of a service",
            status=400,
            hint=f"choose a name that does not begin with {GUID_PREFIX}",
        )


def seated(
    reader: Reader, computer_id: str, partition_id: str, sees: Scope = EVERYTHING
) -> StoredInstance | None:
    """The instance in a partition, None when it is free.

    Raises:
        NotFoundError: there is no such partition, or another's instance is in it.
    """
    instance = reader.instance_in_partition(computer_id, partition_id)
    is_there = instance is not None or reader.partition(computer_id, partition_id) is not None
    if not is_there or not _sees_seat(reader, computer_id, partition_id, instance, sees):
        raise NotFoundError(
            f"the computer {computer_id} has no partition {partition_id}",
            status=404,
            hint=f"pelagos computer info {computer_id}",
        )
    return instance


def _sees_seat(
    reader: Reader,
    computer_id: str,
    partition_id: str,
    instance: StoredInstance | None,
    sees: Scope,
) -> bool:
    if sees.is_unlimited or sees.is_place(computer_id, partition_id):
        return True
    if instance is not None and sees.instance(instance):
        return True
    computer = reader.computer(computer_id)
    return computer is not None and sees.may_change_computer(computer)


def check_changeable(reader: Reader, computer_id: str, sees: Scope) -> None:
    """Pass, when the caller may change the computer: supply, format, drain or report for it.

    An operator may change one that does not exist yet; a machine was permitted before.

    Raises:
        NotFoundError: the caller knows of no such computer.
        Unauthorized: it is the site's.
    """
    if sees.is_unlimited or sees.computer_id == computer_id:
        return
    computer = reader.computer(computer_id)
    if computer is None or not sees.computer(computer):
        raise unknown_computer(computer_id)
    if not sees.may_change_computer(computer):
        raise Unauthorized(
            f"the computer {computer_id} is the site's; only operators may do this",
            status=403,
            hint="ask an operator, or use a computer of your own: pelagos computer add NAME",
        )


def shared_of(reader: Reader, host: StoredInstance, reference: str) -> StoredInstance:
    """The shared instance that a host calls by this slave_reference.

    Raises:
        NotFoundError: the host serves no such one.
    """
    for shared in reader.shared_of_host(host.key):
        if reference in (shared.guid, shared.title):
            return shared
    raise NotFoundError(
        f"{host.title} serves no shared instance {reference}",
        status=404,
        hint=f"{protocol.FETCH_PARTITION} of {host.title} lists those that it serves",
    )


def no_instance(computer_id: str, partition_id: str) -> NotFoundError:
    """The error for a partition that is free."""
    return NotFoundError(
        f"{computer_id} {partition_id} has no instance",
        status=404,
        hint=f"pelagos computer info {computer_id} shows who sits where",
    )


def not_supplied(computer_id: str, url: str) -> NotFoundError:
    """The error for a release that nobody asked a computer for."""
    return NotFoundError(
        f"{computer_id} was not asked to supply {url}",
        status=404,
        hint=f"pelagos supply {url} {computer_id}",
    )


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
