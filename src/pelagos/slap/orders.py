"""The client's calls that order something about services and computers: a part of `SlapClient`."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from pelagos.core import wire
from pelagos.core.http import Response
from pelagos.slap.model import ComputerStatus, Instance, InstanceRequest, Plan, Service, TreeNode

T = TypeVar("T")


class _Calls(Protocol):
    """What the client around gives."""

    def _call(self, method: str, path: str, **arguments: Any) -> Response: ...
    def _json(self, response: Response, into: type[T]) -> T: ...


class Orders:
    """Plans, trees, names, bangs, draining, removal; each raises `SlapError` as the client's."""

    def plan(self: _Calls, request: InstanceRequest) -> Plan:
        """What a request of a person would do; nothing of it is done."""
        return self._json(self._call("POST", "v1/plan", json=_wish(request)), Plan)

    def apply(self: _Calls, request: InstanceRequest, basis: str) -> Instance:
        """Make a request whose plan was shown.

        Args:
            request: the one that was planned.
            basis: of its plan.

        Raises:
            ResourceNotReady: done, and not allocated yet; its `cause` says why.
            SlapError: with the status 409 when the plan does not hold any more; nothing was done.
        """
        sent = {**_wish(request), "basis": basis}
        return self._json(self._call("POST", "v1/apply", json=sent), Instance)

    def tree(self: _Calls, name: str) -> list[TreeNode]:
        """The whole tree of an instance, by reference or guid; parents before their children."""
        return self._json(self._call("GET", f"v1/tree/{segment(name)}"), list[TreeNode])

    def rename(self: _Calls, name: str, reference: str) -> Service:
        """Give an instance, by reference or guid, another reference."""
        path = f"v1/services/{segment(name)}/rename"
        return self._json(self._call("POST", path, json={"reference": reference}), Service)

    def bang_service(self: _Calls, name: str, message: str = "") -> Service:
        """Have an instance and all those above it in its tree processed again."""
        path = f"v1/services/{segment(name)}/bang"
        return self._json(self._call("POST", path, json={"message": message}), Service)

    def drain(self: _Calls, computer_id: str, draining: bool = True) -> ComputerStatus:
        """Place nothing new on a computer, or end that with `draining` False."""
        path = f"v1/computers/{segment(computer_id)}/drain"
        return self._json(self._call("POST", path, json={"draining": draining}), ComputerStatus)

    def remove_computer(self: _Calls, computer_id: str, *, lost: bool = False) -> None:
        """Forget a computer whose agent is silent.

        Args:
            computer_id: its name.
            lost: what sits there gets another place, or is gone when it was to be destroyed;
                else nothing may sit there.
        """
        self._call("POST", f"v1/computers/{segment(computer_id)}/remove", json={"lost": lost})

    def bang_computer(self: _Calls, computer_id: str, message: str = "") -> ComputerStatus:
        """Have all instances of a computer processed again."""
        path = f"v1/computers/{segment(computer_id)}/bang"
        return self._json(self._call("POST", path, json={"message": message}), ComputerStatus)


def segment(name: str) -> str:
    """A name as one segment of a path."""
    quoted = quote(name, safe="")
    # "." and ".." would be taken out of the address on the way.
    return quoted if name.strip(".") else quoted.replace(".", "%2E")


def _wish(request: InstanceRequest) -> dict[str, Any]:
    document: dict[str, Any] = wire.to_builtins(request)
    del document["requester"]  # a person asks
    return document
