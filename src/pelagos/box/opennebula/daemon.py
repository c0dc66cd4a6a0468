"""The daemon: authenticates each call, checks its parameters, and lets a method answer it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from pelagos.box.errors import Refused
from pelagos.box.opennebula.errors import MALFORMED, PARAMETER, UNKNOWN, Code, Failure, Fault
from pelagos.box.opennebula.wire import (
    check_text,
    fault_value,
    read_call,
    write_answer,
    write_fault,
)
from pelagos.box.web import Answer, Request

log = logging.getLogger(__name__)

#: Bytes of a call that are read at the most.
CALL_LIMIT = 64 * 1024 * 1024
_TYPES = {"i": "integer", "s": "string", "b": "boolean", "a": "array"}
_HEADERS = {"Content-Type": "text/xml; charset=utf-8"}
_REPLICATION = -1  # the last element of an error: nothing was replicated


class Handler(Protocol):
    """Answers a method."""

    def __call__(self, caller: int, /, *parameters: object) -> object:
        """The second element of the answer.

        Args:
            caller: id of the user who calls.

        Raises:
            Failure: it cannot be done.
        """


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the daemon.

    Attributes:
        name: in full, e.g. "one.vm.info".
        types: of the parameters after the session, a letter for each: i(nteger), s(tring),
            b(oolean), a(rray of integers).
        needed: how many of them have to be there.
    """

    name: str
    types: str
    needed: int
    handler: Callable[..., object]

    @classmethod
    def of(cls, name: str, signature: str, handler: Callable[..., object]) -> Method:
        """From a signature such as "ii|b": what comes after the bar may be left out."""
        needed, _, optional = signature.partition("|")
        return cls(name, needed + optional, len(needed), handler)

    def checked(self, parameters: list[object]) -> list[object]:
        """The parameters that the handler takes: those beyond are ignored.

        Raises:
            Fault: one is missing or of another type.
        """
        if len(parameters) < self.needed:
            raise Fault(PARAMETER, "Not enough parameters")
        taken = parameters[: len(self.types)]
        for kind, one in zip(self.types, taken, strict=False):
            if not _is(kind, one):
                raise Fault(PARAMETER, f"Parameter that is supposed to be {_TYPES[kind]} is not")
        return taken


def _is(kind: str, value: object) -> bool:
    match kind:
        case "b":
            return isinstance(value, bool)
        case "i":
            return isinstance(value, int) and not isinstance(value, bool)
        case "s":
            return isinstance(value, str)
        case _:
            return isinstance(value, list) and all(_is("i", one) for one in value)


class World(Protocol):
    """What the daemon needs of the cloud behind it."""

    def caller(self, session: str) -> int:
        """Id of the user; raises `Failure` when there is none."""

    def run(self, work: Callable[[], object]) -> object:
        """Do it as one change: kept as a whole, or undone."""


class Daemon:
    """Answers what is posted to `/RPC2`.

    Args:
        world: what the methods work on.
        methods: what can be called.
    """

    def __init__(self, world: World, methods: Iterable[Method]) -> None:
        self._world = world
        self._methods = {method.name: method for method in methods}

    def answer(self, request: Request) -> Answer:
        """Answer a request of HTTP."""
        if request.path:
            raise Refused(404, "Not Found")
        if request.method != "POST":
            raise Refused(405, "Method Not Allowed", headers={"Allow": "POST"})
        try:
            name, parameters = read_call(request.body(CALL_LIMIT))
            body = write_answer(self._called(name, parameters))
        except Fault as fault:
            body = write_fault(fault)
        return Answer(200, dict(_HEADERS), body)

    def call(self, name: str, session: str, *parameters: object) -> list[object]:
        """The answer of a method, as it goes over the wire.

        Raises:
            Fault: there is no such method, or its parameters are wrong.
        """
        method = self._methods.get(name)
        if method is None:
            raise Fault(UNKNOWN, f"Method '{name}' not defined")
        taken = method.checked(list(parameters))
        try:
            value = self._world.run(lambda: method.handler(self._world.caller(session), *taken))
        except Failure as failure:
            said = f"[{name}] {failure.message}"
            return [False, said, int(failure.code), failure.object_id, _REPLICATION]
        return [True, value, int(Code.SUCCESS)]

    def _called(self, name: str, parameters: list[object]) -> object:
        if name.startswith("system."):
            return self._of_the_library(name, parameters)
        if not parameters:
            raise Fault(
                PARAMETER if name in self._methods else UNKNOWN,
                "Not enough parameters"
                if name in self._methods
                else f"Method '{name}' not defined",
            )
        session, *rest = parameters
        if name in self._methods and not isinstance(session, str):
            raise Fault(PARAMETER, "Parameter that is supposed to be string is not")
        return self.call(name, str(session), *rest)

    def _of_the_library(self, name: str, parameters: list[object]) -> object:
        """What XML-RPC's own library answers, without a session."""
        first = parameters[0] if parameters else None
        match name:
            case "system.listMethods":
                return sorted([*self._methods, *_LIBRARY])
            case "system.methodExist":
                return first in self._methods or first in _LIBRARY
            case "system.methodHelp":
                return "No help is available for this method."
            case "system.capabilities":
                return {"facility": "xmlrpc-c", "protocol_version": 2}
            case "system.multicall":
                return self._multicall(first)
        raise Fault(UNKNOWN, f"Method '{name}' not defined")

    def _multicall(self, calls: object) -> list[object]:
        if not isinstance(calls, list):
            raise Fault(PARAMETER, "Parameter that is supposed to be array is not")
        return [self._one_of_many(one) for one in calls]

    def _one_of_many(self, call: object) -> object:
        try:
            return [self._called(*_of_a_struct(call))]
        except Fault as fault:
            return fault_value(fault)


def _of_a_struct(call: object) -> tuple[str, list[object]]:
    if not isinstance(call, dict):
        raise Fault(PARAMETER, "A call has to be a struct")
    name, parameters = call.get("methodName"), call.get("params")
    if not isinstance(name, str) or not isinstance(parameters, list):
        raise Fault(PARAMETER, "A call needs methodName and params")
    if name == "system.multicall":
        raise Fault(MALFORMED, "Recursive system.multicall forbidden")
    for one in parameters:
        check_text(one)
    return name, parameters


_LIBRARY = (
    "system.capabilities",
    "system.listMethods",
    "system.methodExist",
    "system.methodHelp",
    "system.multicall",
)
