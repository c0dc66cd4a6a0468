"""Makes docs/reference/clients-methods.md from the clients; `write_reference.py` writes it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from pelagos.clients.astakos import AstakosClient, CachedAstakosClient
from pelagos.clients.base import Client
from pelagos.clients.blockstorage import BlockStorageClient
from pelagos.clients.compute import ComputeClient
from pelagos.clients.cyclades import (
    CycladesBlockStorageClient,
    CycladesComputeClient,
    CycladesNetworkClient,
)
from pelagos.clients.identity import IdentityClient
from pelagos.clients.image import ImageClient
from pelagos.clients.network import NetworkClient
from pelagos.clients.pithos import PithosClient
from pelagos.clients.storage import StorageClient

#: A client, and those whose methods it has besides its own.
CLIENTS: tuple[tuple[type[Any], tuple[type[Any], ...]], ...] = (
    (ComputeClient, (Client,)),
    (CycladesComputeClient, (ComputeClient,)),
    (NetworkClient, (Client,)),
    (CycladesNetworkClient, (NetworkClient,)),
    (BlockStorageClient, (Client,)),
    (CycladesBlockStorageClient, (BlockStorageClient,)),
    (ImageClient, (Client,)),
    (StorageClient, (Client,)),
    (PithosClient, (StorageClient,)),
    (IdentityClient, (Client,)),
    (AstakosClient, (Client,)),
    (CachedAstakosClient, (AstakosClient,)),
    (Client, ()),
)


def page() -> str:
    """The text of the page."""
    return "\n".join(lines()) + "\n"


def lines() -> Iterator[str]:
    """Its lines."""
    yield from (
        "# The methods of the clients",
        "",
        "<!-- made by tools/write_reference.py from the code; change it there -->",
        "",
        "What may be left out stands in brackets, what is told by name alone after `*`. `**`",
        "stands for what else the call takes; [clients](clients.md) says what that is, and what",
        "all have in common.",
    )
    for kind, bases in CLIENTS:
        also = ", ".join(f"[{one.__name__}](#{one.__name__.lower()})" for one in bases)
        yield from ("", f"## {kind.__name__}", "", _first_line(kind))
        if also:
            yield from ("", f"Besides these it has the methods of {also}.")
        yield from ("", "| method | gives |", "| --- | --- |")
        yield from (
            f"| `{name}{_arguments(method)}` | {_first_line(method)} |"
            for name, method in own_methods(kind, bases)
        )


def own_methods(kind: type[Any], bases: tuple[type[Any], ...]) -> Iterator[tuple[str, Any]]:
    """The public methods that a client does not have just as its bases have them."""
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        theirs = [getattr(base, name, None) for base in bases]
        if not name.startswith("_") and method not in theirs:
            yield name, method


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0].replace("|", "\\|")


def _arguments(method: Any) -> str:
    must, may, named, rest = [], [], [], ""
    for one in list(inspect.signature(method).parameters.values())[1:]:
        if one.kind is one.VAR_KEYWORD:
            rest = "**"
        elif one.kind is one.KEYWORD_ONLY:
            named.append(one.name)
        elif one.kind is one.POSITIONAL_OR_KEYWORD:
            (must if one.default is one.empty else may).append(one.name)
    texts = [", ".join(must)] if must else []
    if may:
        texts.append("[" + ", ".join(may) + "]")
    if named:
        texts.append("*, " + ", ".join(named))
    return "(" + ", ".join([*texts, *([rest] if rest else [])]) + ")"
