"""Servers of a cloud that speaks Nova's or Cyclades' words, as machines: what both drivers share.

A Nova keeps no name apart: of several servers with one, the oldest counts.
"""

from __future__ import annotations

import builtins
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pelagos.clients.cloud import Cloud, KnownClouds
from pelagos.clients.errors import ClientError, NotFound
from pelagos.core.http import HttpClient
from pelagos.core.spelling import hint
from pelagos.plane.capacity.base import Machine, MachineState, NewMachine, oldest
from pelagos.plane.capacity.errors import (
    CapacityError,
    CapacityNotConfigured,
    QuotaReached,
    Refused,
    Unanswered,
)

if TYPE_CHECKING:
    from pelagos.clients.compute import ComputeClient

T = TypeVar("T")

_STATES: Mapping[str, MachineState] = {
    "ACTIVE": MachineState.RUNNING,
    "REBOOT": MachineState.RUNNING,
    "HARD_REBOOT": MachineState.RUNNING,
    "PASSWORD": MachineState.RUNNING,
    "MIGRATING": MachineState.RUNNING,
    "RESIZE": MachineState.RUNNING,
    "VERIFY_RESIZE": MachineState.RUNNING,
    "REVERT_RESIZE": MachineState.RUNNING,
    "BUILD": MachineState.MAKING,
    "REBUILD": MachineState.MAKING,
    "SHUTOFF": MachineState.STOPPED,
    "STOPPED": MachineState.STOPPED,
    "SUSPENDED": MachineState.STOPPED,
    "PAUSED": MachineState.STOPPED,
    "SHELVED": MachineState.STOPPED,
    "SHELVED_OFFLOADED": MachineState.STOPPED,
    "RESCUE": MachineState.STOPPED,
    "ERROR": MachineState.FAILED,
    "DELETED": MachineState.REMOVING,
    "SOFT_DELETED": MachineState.REMOVING,
}
_PLAIN = re.compile(r"[A-Za-z0-9-]+")
#: What a refusal says when all is used up, whatever its status is: Nova answers 403.
_USED_UP = re.compile(r"quota|limit exceeded|resource_limit|over_?limit", re.IGNORECASE)
#: Answers that mean that the request as it stands is refused, and nothing was done. 429 is none:
#: too much was asked lately, and no quota is used up.
_REFUSALS = frozenset({400, 401, 403, 404, 405, 409, 413, 415, 422})
#: Bytes of user data, in base64, that a Nova takes.
USER_DATA_LIMIT = 65_535


class Servers(ABC):
    """The part of a driver that is the same for both families of clouds.

    Args:
        settings: keys of the driver; `cloud` names a configured cloud.
        environ: where clouds are looked for.

    Raises:
        CapacityNotConfigured: a key is missing or wrong, or there is no such cloud.
    """

    KEYS: tuple[str, ...] = ("cloud", "flavor", "image", "networks")
    #: The family that a cloud must be of.
    DIALECT = "openstack"

    def __init__(
        self, settings: Mapping[str, Any], environ: Mapping[str, str] | None = None
    ) -> None:
        self._settings = settings
        self._flavor = self._text("flavor", is_needed=True)
        self._image = self._text("image", is_needed=True)
        self._networks = self._words("networks")
        try:
            known = KnownClouds(os.environ if environ is None else environ)
            name = self._text("cloud") or known.default()
            terms = known.get(name)
            self._http = HttpClient(terms.auth_url, tls=terms.tls)
            self._cloud = Cloud(name, settings=terms, http=self._http)
        except ClientError as error:
            raise CapacityNotConfigured(_line(error), hint=error.hint) from error
        if self._cloud.dialect != self.DIALECT:
            raise CapacityNotConfigured(
                f"the cloud {name} is a {self._cloud.dialect}, and this driver is "
                f"for {self.DIALECT}",
                hint=f'use driver = "{self._cloud.dialect}"',
            )
        self._found: dict[str, str] = {}

    # ---- as a driver

    def make(self, wish: NewMachine) -> Machine:
        """The machine of that name, see `Capacity.make`."""
        there = [one for one in self.list(wish.name) if one.name == wish.name]
        found = oldest([one for one in there if one.state is not MachineState.REMOVING])
        if found is not None:
            return found
        try:
            made = self._asked(lambda: self._create(wish))
        except Refused:
            self._found.clear()  # an image of that name may be another one by now
            raise
        key = str(made.get("id") or "")
        if not key:
            raise Unanswered("the cloud accepted a server, and did not say its id")
        return Machine(wish.name, key, MachineState.MAKING, "BUILD")

    def find(self, name: str) -> Machine | None:
        """The machine of that name."""
        return oldest([one for one in self.list(name) if one.name == name])

    def list(self, prefix: str) -> builtins.list[Machine]:
        """The machines whose names begin so."""
        records = self._asked(lambda: self._listed(prefix))
        found = [machine_of(one) for one in records]
        ours = [one for one in found if one.name.startswith(prefix)]
        return sorted(ours, key=lambda one: (one.name, one.created or 0.0, one.key))

    def remove(self, key: str) -> None:
        """Begin to remove a server."""

        def delete() -> None:
            try:
                self.compute.delete_server(key)
            except NotFound:
                return

        self._asked(delete)

    def close(self) -> None:
        """Give connections back."""
        self._http.close()

    # ---- for the drivers

    @property
    def compute(self) -> ComputeClient:
        """The compute service; logs in when nobody has yet."""
        return self._cloud.compute

    @abstractmethod
    def _create(self, wish: NewMachine) -> Mapping[str, Any]:
        """Have a server made; what the cloud answers."""

    def _listed(self, prefix: str) -> Iterable[Mapping[str, Any]]:
        """Whole records of servers, at least of those whose names begin so."""
        # Nova takes a regular expression; only what no cloud could read otherwise is left to it,
        # because a machine that is not listed would be made again.
        name = prefix if _PLAIN.fullmatch(prefix) else None
        return self.compute.list_servers(detail=True, name=name)

    def _checks(self) -> Iterable[Callable[[], str | None]]:
        """What there is to be checked: each says what is wrong, or None."""
        return (self._flavor_trouble, self._image_trouble)

    def check(self) -> tuple[str, ...]:
        """What would keep a machine from being made now."""
        self._asked(lambda: self._cloud.access)
        found = []
        for one in self._checks():
            try:
                said = self._asked(one)
            except Refused as error:
                said = error.message
            if said:
                found.append(said)
        return tuple(found)

    def _flavor_trouble(self) -> str | None:
        self._flavor_id()
        return None

    def _image_trouble(self) -> str | None:
        self._image_id()
        return None

    def _flavor_id(self) -> str:
        return self._id("flavor", self._flavor, self.compute.list_flavors)

    def _image_id(self) -> str:
        return self._id("image", self._image, self._cloud.image.list_public)

    def _id(self, kind: str, wanted: str, listed: Callable[[], Iterable[Any]]) -> str:
        """The id of what the settings name by its id or name; remembered once it was found.

        Raises:
            Refused: there is none, or several have that name.
        """
        if (known := self._found.get(kind + wanted)) is not None:
            return known
        records = builtins.list(listed())
        by_id = [one for one in records if str(one.get("id")) == wanted]
        named = by_id or [one for one in records if one.get("name") == wanted]
        if len(named) > 1:
            raise Refused(f"{len(named)} {kind}s are called {wanted}", hint="name it by its id")
        if not named:
            names = [str(one.get("name")) for one in records]
            raise Refused(f"the cloud has no {kind} {wanted}", hint=hint(wanted, names[:20]))
        return self._found.setdefault(kind + wanted, str(named[0]["id"]))

    def _asked(self, work: Callable[[], T]) -> T:
        """What a call of the cloud gives; its errors in the words of this room."""
        try:
            return work()
        except ClientError as error:
            raise failure(error) from error

    # ---- settings

    def _text(self, key: str, *, is_needed: bool = False) -> str:
        value = self._settings.get(key, "")
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)  # ids of Synnefo's flavours
        if not isinstance(value, str):
            raise CapacityNotConfigured(f"{key} must be a text", hint=f'write {key} = "…"')
        if is_needed and not value:
            raise CapacityNotConfigured(f"{key} is missing", hint=f'write {key} = "NAME OR ID"')
        return value

    def _words(self, key: str) -> tuple[str, ...]:
        return tuple(self._text(key).split())


def machine_of(record: Mapping[str, Any]) -> Machine:
    """A server as a machine."""
    status = str(record.get("status") or "UNKNOWN").upper()
    state = _STATES.get(status, MachineState.RUNNING)
    if record.get("OS-EXT-STS:task_state") == "deleting":
        state = MachineState.REMOVING
    said = status
    fault = record.get("fault")
    if state is MachineState.FAILED and isinstance(fault, Mapping):
        said = " ".join(f"{status}: {fault.get('message', '')}".split())[:300]
    return Machine(
        name=str(record.get("name") or ""),
        key=str(record.get("id") or ""),
        state=state,
        said=said,
        addresses=tuple(_addresses(record.get("addresses"))),
        created=_seconds(record.get("created")),
    )


def failure(error: ClientError) -> CapacityError:
    """An error of the cloud's client in the words of this room."""
    text = _line(error)
    if error.status in _REFUSALS and _USED_UP.search(f"{error.fault} {text}"):
        return QuotaReached(text, hint=error.hint, retry_after=error.retry_after)
    if error.status in _REFUSALS:
        return Refused(text, hint=error.hint, retry_after=error.retry_after)
    return Unanswered(text, hint=error.hint, retry_after=error.retry_after)


def _line(error: ClientError) -> str:
    return " ".join(error.message.split()).rstrip(".")


def _addresses(found: Any) -> Iterable[str]:
    """Of each network a list of mappings with `addr`."""
    if not isinstance(found, Mapping):
        return
    for entries in found.values():
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, Mapping) and entry.get("addr"):
                yield str(entry["addr"])


def _seconds(text: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None
