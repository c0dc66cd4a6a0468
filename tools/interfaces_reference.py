"""Makes the descriptions of the interfaces for programs; `write_reference.py` writes them.

OpenAPI 3.1 of the master and of the directory, AsyncAPI 3.0 of what passes on the bus of a plane:
from the routes, rights, exchanges and types that the programs themselves use.
"""

from __future__ import annotations

import inspect
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pelagos.core import wire
from pelagos.directory import Directory
from pelagos.directory.views.api.document import openapi
from pelagos.directory.views.api.view import routes_of
from pelagos.messaging import GenericProducer, RpcCommand
from pelagos.messaging.asyncapi import describe
from pelagos.plane.agent_line import AgentCalls
from pelagos.plane.events import PlaneEvents
from pelagos.slap.master.auth import OPEN, RIGHTS, Kind
from pelagos.slap.master.faces import (
    cache,
    capacity,
    hateoas,
    identity,
    jsonrpc,
    orders,
    remote,
    slap,
    status,
    usage,
)
from pelagos.slap.master.faces import (
    json as json_face,
)
from pelagos.slap.master.faces.call import Route
from pelagos.slap.master.settings import MasterSettings
from pelagos.slap.model import Event

LICENSE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
ARGUMENT = re.compile(r"<(?:[^<>:]*:)?(\w+)>")
PHONES = (
    "aastra", "cisco", "fanvil", "gigaset", "grandstream", "htek", "polycom", "snom", "thomson",
    "yealink",
)  # fmt: skip


def pages() -> dict[str, str]:
    """The text of each file, by its name."""
    made = {
        "master-openapi.json": master(),
        "directory-openapi.json": directory(),
        "plane-asyncapi.json": bus(),
    }
    return {
        name: json.dumps(text, indent=1, ensure_ascii=False) + "\n" for name, text in made.items()
    }


class Nobody:
    """Stands for what a face calls when it is asked, which it is not here."""

    def __getattr__(self, _name: str) -> Any:
        return self


def master() -> dict[str, Any]:
    """Every call of the master: who may make it, what is in its path, what it is for."""
    paths: dict[str, Any] = {}
    for route in sorted(routes(), key=lambda route: (route.path, route.verb)):
        path = ARGUMENT.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.verb.lower()] = operation(route)
    health = {
        "operationId": "health",
        "summary": "Whether the master answers.",
        "security": [],
        "responses": {"200": {"description": "it does"}},
    }
    paths["/v1/health"] = {"get": health}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Pelagos master",
            "version": "1",
            "license": LICENSE,
            "description": "http-api.md says what fields, bodies and answers hold.",
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic"},
                "certificate": {"type": "mutualTLS"},
            }
        },
    }


def routes() -> Iterator[Route]:
    """The routes of a master that has everything."""
    nobody: Any = Nobody()
    yield from slap.SlapFace(nobody, nobody, MasterSettings()).routes()
    yield from status.StatusFace(nobody).routes()
    yield from jsonrpc.JsonRpcFace(nobody).routes()
    yield from hateoas.HateoasFace(nobody).routes()
    yield from json_face.JsonFace(nobody).routes()
    yield from orders.OrderFace(nobody).routes()
    yield from remote.RemoteFace(nobody).routes()
    yield from usage.UsageFace(nobody).routes()
    yield from identity.IdentityFace(nobody).routes()
    yield from capacity.CapacityFace(nobody).routes()
    yield from cache.CacheFace(nobody, nobody).routes()


def operation(route: Route) -> dict[str, Any]:
    """What OpenAPI says of one call."""
    may = RIGHTS.get(route.right or route.name, frozenset())
    who = [str(kind) for kind in (Kind.PERSON, Kind.COMPUTER, Kind.PARTITION) if kind in may]
    is_open = route.name in OPEN
    written: dict[str, Any] = {
        "operationId": f"{route.name} {route.verb} {route.path}",
        "summary": (inspect.getdoc(route.work) or "").partition("\n")[0] or route.name,
        "description": f"For {'anybody' if is_open else ', '.join(who)}.",
        "security": [] if is_open else [{"bearer": []}, {"basic": []}, {"certificate": []}],
        "responses": {"default": {"description": "see http-api.md"}},
    }
    names = ARGUMENT.findall(route.path)
    if names:
        text = {"type": "string"}
        written["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": text} for name in names
        ]
    return written


def directory() -> dict[str, Any]:
    """Every call of a directory with all views."""
    with tempfile.TemporaryDirectory() as folder:
        config = {
            "db_uri": f"sqlite:///{Path(folder) / 'directory.db'}",
            "enabled_plugins": {"views": {f"{phone}_view": True for phone in PHONES}},
        }
        with Directory(config, verify=lambda _: {}) as made:
            return openapi(routes_of(made.app), "/0.1")


class Calls(GenericProducer):
    """What the master asks of agents. Both ways are sealed with a key that only they have."""

    eks = ((AgentCalls, "computer.COMPUTER"),)

    def build_rpc_agent(self, call: str, sealed: str) -> RpcCommand:
        """A sealed call, in base64; the answer's value is sealed in the same way."""
        return RpcCommand("agent", {"call": call, "sealed": sealed})


def bus() -> dict[str, Any]:
    """What passes on the bus of a plane."""
    document = describe(Calls, title="The bus of a Pelagos plane", version="1")
    document["info"]["description"] = "The master's events, and its calls to agents."
    [schema], named = wire.json_schemas([Event], reference="#/components/schemas/{name}")
    document["components"]["schemas"].update(named)
    message = {
        "name": "event",
        "contentType": "application/json",
        "summary": "One line of the master's log; its id is event-DATABASE-NUMBER.",
        "payload": schema,
    }
    for name, key, about in (
        ("events-of-a-computer", "computer.{computer}.{kind}", "What an agent should look at"),
        ("events-of-the-plane", "plane.{kind}", "All other events"),
    ):
        document["channels"][name] = {
            "address": key,
            "title": about,
            "description": f"The topic exchange {PlaneEvents.name}.",
            "parameters": {one: {} for one in re.findall(r"{(\w+)}", key)},
            "messages": {"event": message},
        }
        document["operations"][f"send-{name}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{name}"},
        }
    return document
