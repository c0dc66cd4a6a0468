"""What Swift has in the place of what Pithos can; where it has nothing, a reason is said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pelagos.clients.base import records
from pelagos.clients.errors import ClientError, NotFound
from pelagos.clients.storage.client import StorageClient
from pelagos.clients.storage.transfer import as_done

if TYPE_CHECKING:
    from pelagos.clients.pithos.files.up import Place
    from pelagos.clients.pithos.rest import PithosRestClient

_WHY = {
    "sharing": ("shares single objects", "share the container with set_container_acl"),
    "public": ("publishes single objects", 'set_container_acl(read=".r:*") publishes a container'),
    "groups": ("has groups of users", "name users and projects in set_container_acl"),
    "until": (
        "knows what was at a time",
        "leave `until` out; versions are listed, too",
    ),
    "condition": ("replaces a certain object only", "leave if_etag_match out"),
    "project": ("charges containers to projects", "use the account of that project"),
    "source": (
        "copies old versions and from other accounts here",
        "download it and upload it again",
    ),
    "shared": ("lists what is shared or published", "list a container without these arguments"),
    "meta": ("lists by metadata", "list all, and look at each with get_object_meta"),
}


def refuse(**given: Any) -> None:
    """Refuse what is given and Swift has nothing for.

    Raises:
        ClientError: says what.
    """
    for name, value in given.items():
        if value:
            what, hint = _WHY[name]
            raise ClientError(f"only Pithos {what}; this cloud has Swift", hint=hint)


def policy_fields(sizelimit: int | None, versioning: str | None) -> dict[str, str | None]:
    """A container's quota and policy of versions, as Swift says them.

    Raises:
        ClientError: there is no such policy.
    """
    if versioning not in {None, "auto", "none"}:
        raise ClientError(f"{versioning!r} is no policy of versions: auto or none")
    return {
        "X-Container-Meta-Quota-Bytes": None if sizelimit is None else str(sizelimit or ""),
        "X-Versions-Enabled": None if versioning is None else str(versioning == "auto").lower(),
    }


def with_policy(info: Mapping[str, str]) -> dict[str, str]:
    """A container's header fields, with those by which Pithos says the same."""
    is_kept = info.get("x-versions-enabled", "").lower() == "true"
    return {
        "x-container-policy-quota": info.get("x-container-meta-quota-bytes", "0"),
        "x-container-policy-versioning": "auto" if is_kept else "none",
        **info,
    }


def merge_meta(
    client: PithosRestClient, obj: str, metapairs: Mapping[str, Any], place: Place
) -> dict[str, str]:
    """Set metadata and keep the others, which Swift would forget."""
    found = StorageClient.get_object_meta(client, obj, **place)
    told = {name.lower(): value for name, value in metapairs.items()}
    merged = {
        name: value
        for name, value in {**found, **told}.items()
        if value is not None and value != ""
    }
    StorageClient.replace_object_meta(client, merged, obj, **place)
    return {}


def versions(client: PithosRestClient, obj: str, place: Place) -> list[Any]:
    """An object's versions, oldest first: `[[id, seconds as text], …]`.

    Raises:
        NotFound: there is none.
    """
    path = client.container_path(**place)
    params = {"format": "json", "versions": "true", "prefix": obj}
    found = [
        [one["version_id"], _seconds(one["last_modified"])]
        for one in records(client, path, None, params, success=(200, 204))
        if one.get("name") == obj and "version_id" in one
    ]
    if not found:
        raise NotFound(f"there is no object {obj!r} with versions", 404)
    return sorted(found, key=lambda version: float(version[1]))


def delete_all(client: PithosRestClient, prefix: str, place: Place) -> None:
    """Remove each object whose name begins so."""
    found = StorageClient.list_objects(client, prefix=prefix or None, **place)
    names = [str(one["name"]) for one in found if "name" in one]

    def remove(name: str) -> None:
        StorageClient.delete_object(client, name, **place)

    for _ in as_done(remove, names, client.MAX_THREADS):
        pass


def delete_versions(client: PithosRestClient, place: Place) -> None:
    """Remove every version of every object of a container, for good."""
    path = client.container_path(**place)
    params = {"format": "json", "versions": "true"}
    found = records(client, path, None, params, success=(200, 204))
    jobs = [
        (str(one["name"]), str(one["version_id"]))
        for one in found
        if "name" in one and "version_id" in one
    ]

    def remove(job: tuple[str, str]) -> None:
        where = client.object_path(job[0], **place)
        client.delete(where, params={"version-id": job[1]}, success=(204, 404))

    for _ in as_done(remove, jobs, client.MAX_THREADS):
        pass


def restore(client: PithosRestClient, obj: str, version: int | str, place: Place) -> None:
    """Make a former version the present one."""
    path = client.object_path(obj, **place)
    client.put(path, params={"version-id": version}, data=b"", success=(200, 201, 204))


def _seconds(text: str) -> str:
    when = datetime.fromisoformat(text)
    return f"{(when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp():f}"
