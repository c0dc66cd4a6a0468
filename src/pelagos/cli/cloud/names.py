"""Names of things of a cloud for completion, when it answers at once."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pelagos.core.errors import PelagosError

if TYPE_CHECKING:  # not for a cycle: most that is completed needs no cloud
    from pelagos.cli.cloud.command import Kind
    from pelagos.clients.cloud import Cloud

_MOST = 200
"""More would be no help to who types."""


def names(
    what: str, words: Sequence[str], current: str, environ: Mapping[str, str], timeout: float
) -> Iterator[tuple[str, str]]:
    """Names and a word about each; nothing when something fails.

    Args:
        what: "server" and the other kinds of `things` and `identity`; "project-id", where
            only an id will do; "container", or "place": a container or what is in one.
        words: those of the line, with its options.
        current: the word that is typed.
        timeout: seconds for each answer.
    """
    try:
        with _opened(words, environ, timeout) as cloud:
            found = _found(cloud, what, current)
            yield from itertools.islice(((name, text) for name, text in found if name), _MOST)
    except (PelagosError, OSError):
        return


def _found(cloud: Cloud, what: str, current: str) -> Iterable[tuple[str, str]]:
    if what == "container":
        return ((name, "") for name in _containers(cloud, current))
    if what == "place":
        container, slash, path = current.partition("/")
        if slash:
            return ((f"{container}/{name}", "") for name in _objects(cloud, container, path))
        return ((f"{name}/", "") for name in _containers(cloud, current))
    kind = _kind(cloud, what.removesuffix("-id"))
    key = "id" if what.endswith("-id") else kind.keys[0]
    about = ("name", "state") if key == "id" else ("status", "id")
    return (
        (str(one.get(key) or ""), next((str(one[each]) for each in about if one.get(each)), ""))
        for one in kind.listing(cloud)
    )


def _kind(cloud: Cloud, what: str) -> Kind:
    """The kind of this name; projects of a Synnefo are another than those of an OpenStack."""
    from pelagos.cli.cloud import identity, things

    if what == "project":
        return identity.project_kind(cloud)
    name = what.replace("-", "_").upper()
    found: Kind = getattr(things, name, None) or getattr(identity, name)
    return found


def _containers(cloud: Cloud, current: str) -> Iterator[str]:
    for one in cloud.object_store.list_containers(limit=_MOST, prefix=current or None):
        yield str(one.get("name", ""))


def _objects(cloud: Cloud, container: str, path: str) -> Iterator[str]:
    from pelagos.clients.folder import Place
    from pelagos.clients.folder.remote import listing

    place = Place(container, path, None)
    for page in listing(cloud.object_store, place, delimiter="/", limit=_MOST):
        for one in page:
            yield str(one.get("subdir") or one.get("name") or "")
        return


@contextlib.contextmanager
def _opened(words: Sequence[str], environ: Mapping[str, str], timeout: float) -> Iterator[Cloud]:
    """The cloud of a line, with little patience."""
    from dataclasses import replace

    from pelagos.cli.cloud.command import cloud_environ, cloud_name
    from pelagos.cli.context import Context
    from pelagos.cli.main import said
    from pelagos.clients.cloud.cloud import Cloud
    from pelagos.clients.cloud.known import KnownClouds
    from pelagos.core.http.transports.lean import LeanTransport

    context = Context({"config": said(words, "--config")}, environ=environ)
    known = cloud_environ(context)
    settings = KnownClouds(known).get(cloud_name(context, said(words, "--cloud")))
    transport = LeanTransport(tls=settings.tls)
    try:
        yield Cloud(settings=replace(settings, timeout=timeout), http=transport, environ=known)
    finally:
        transport.close()
