"""What a service of a box is to it: a place under its address, lines in its catalogues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pelagos.box.errors import Refused
from pelagos.box.web import Answer, Request


@dataclass(frozen=True, slots=True)
class Offer:
    """A line of Keystone's catalogue.

    Attributes:
        kind: the type, e.g. "object-store".
        name: e.g. "swift".
        path: below the box's address; `{project}` stands for the id of the token's project.
    """

    kind: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class SynnefoOffer:
    """A line of Astakos' catalogue.

    Attributes:
        kind: the type, e.g. "object-store".
        name: e.g. "pithos_object-store".
        path: of the public URL, below the box's address.
        version: as `versionId`; empty for none.
        exposes_version: whether the public URL holds it.
    """

    kind: str
    name: str
    path: str
    version: str = ""
    exposes_version: bool = True


@dataclass(frozen=True, slots=True)
class Service:
    """A service and where it is.

    Attributes:
        prefixes: the first pieces of the paths that it answers, e.g. `("/swift", "/info")`.
        answer: answers a request whose `prefix` is one of them.
        shape: an error as this service's clients read it.
    """

    prefixes: tuple[str, ...]
    answer: Callable[[Request], Answer]
    shape: Callable[[Request, Refused], Answer]
    offers: tuple[Offer, ...] = ()
    synnefo_offers: tuple[SynnefoOffer, ...] = ()
