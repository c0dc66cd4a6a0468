"""`one.vm.info`: resources and calls as attributes. Their types are in `resources.pyi`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from pelagos.core import spelling
from pelagos.one import methods
from pelagos.one.errors import OneUnknownException


class Sender(Protocol):
    """What carries calls: a server, a batch, a recorder.

    Attributes:
        drops_surplus: whether arguments behind the last one are left out, as the daemon does,
            instead of refused.
    """

    drops_surplus: bool

    def send(self, method: str, params: Sequence[Any], *, may_repeat: bool) -> Any:
        """Send parameters that are fit for the wire, the session not among them."""


class Call:
    """One call of one server: call it with its parameters, by position or by name."""

    __slots__ = ("_sender", "method")

    def __init__(self, sender: Sender, method: methods.Method) -> None:
        self._sender = sender
        self.method = method

    def __call__(self, *args: Any, **named: Any) -> Any:
        """What the server answers; raises OneException."""
        method = self.method
        if self._sender.drops_surplus:
            args = args[: len(method.parameters)]
        params = methods.bind(method, args, named)
        return self._sender.send(method.name, params, may_repeat=method.is_read_only)

    @property
    def __doc__(self) -> str:  # type: ignore[override]  # each call has its own
        return f"{self.method.signature}: {self.method.summary}."

    def __repr__(self) -> str:
        return f"<one.{self.method.signature}>"


class Calls:
    """The calls of a resource."""

    def __init__(self, sender: Sender, name: str) -> None:
        self._sender = sender
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        call = Call(self._sender, self._method(name))
        setattr(self, name, call)
        return call

    def _method(self, name: str) -> methods.Method:
        if name in methods.calls(self._name):
            return methods.find(f"one.{self._name}.{name}")
        raise OneUnknownException(
            f"OpenNebula has no call one.{self._name}.{name}",
            method=f"one.{self._name}.{name}",
            hint=spelling.hint(name, [one for one in dir(self) if one[:1] != "_"], quoted=True),
        )

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *methods.calls(self._name)})

    def __repr__(self) -> str:
        return f"<one.{self._name}: {', '.join(methods.calls(self._name))}>"


class Resources:
    """All resources as attributes; whoever has it can send calls."""

    drops_surplus = False

    def __getattr__(self, name: str) -> Any:
        calls = calls_of(self, name)  # type: ignore[arg-type]  # who has it can send
        self.__dict__[name] = calls
        return calls

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *methods.resources()})


def calls_of(sender: Sender, name: str) -> Calls:
    """The calls of a resource, sent by that sender.

    Raises:
        OneUnknownException: there is no such resource.
    """
    if name.startswith("_"):
        raise AttributeError(name)
    if name not in methods.resources():
        raise methods.unknown_resource(name)
    return _kind(name)(sender, name)


def _kind(name: str) -> type[Calls]:
    """Resources with more than the server's calls have a class of their own, loaded now."""
    if name.endswith("pool"):
        from pelagos.one.pools import PoolCalls  # noqa: PLC0415  # it builds on this module

        return PoolCalls
    if name == "vm":
        from pelagos.one.waiting import VmCalls  # noqa: PLC0415

        return VmCalls
    if name == "marketapp":
        from pelagos.one.market import MarketappCalls  # noqa: PLC0415

        return MarketappCalls
    return Calls
