"""What is counted, how much of it may be used, and changes of it in two phases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from pelagos.clients.astakos.calls import Calls
from pelagos.clients.astakos.types import Commission, Quota, Quotas, Resolved, Resource
from pelagos.clients.errors import WrongAnswer


class QuotasAndCommissions(Calls):
    """The part of the client that counts."""

    def get_resources(self) -> dict[str, Resource]:
        """What is counted, by name. Needs no token."""
        return cast("dict[str, Resource]", self._call("GET", "/resources").json)

    def get_quotas(self) -> Quotas:
        """What this user may use and uses, by project and resource."""
        return cast(Quotas, self._call("GET", "/quotas").json)

    def service_get_quotas(
        self,
        user: str | Iterable[str] | None = None,
        project_id: str | Iterable[str] | None = None,
    ) -> dict[str, Quotas]:
        """The same of some users, or of all, for a service."""
        params = {"user": _listed(user), "project": _listed(project_id)}
        return cast("dict[str, Quotas]", self._call("GET", "/service_quotas", params=params).json)

    def service_get_project_quotas(
        self, project_id: str | Iterable[str] | None = None
    ) -> dict[str, dict[str, Quota]]:
        """What projects use as a whole, for a service."""
        params = {"project": _listed(project_id)}
        return cast(
            "dict[str, dict[str, Quota]]",
            self._call("GET", "/service_project_quotas", params=params).json,
        )

    # ---- commissions, for services

    def get_pending_commissions(self) -> list[int]:
        """Serials of what was begun and neither accepted nor rejected."""
        return cast("list[int]", self._call("GET", "/commissions").json)

    def get_commission_info(self, serial: int) -> Commission:
        """What such a commission wants to change."""
        return cast(Commission, self._call("GET", ("commissions", serial)).json)

    def issue_commission(self, request: Mapping[str, Any]) -> int:
        """Begin a commission as the service takes it; its serial.

        Raises:
            OverLimit: a quota does not allow it.
        """
        reply = self._call("POST", "/commissions", json=dict(request), success=(200, 201))
        return _serial(reply.member("serial"))

    def issue_one_commission(
        self,
        holder: str,
        provisions: Mapping[tuple[str, str], int],
        name: str = "",
        force: bool = False,  # the ancestor's order
        auto_accept: bool = False,  # the ancestor's order
    ) -> int:
        """Begin to charge a user, and the projects that are his sources; its serial.

        Args:
            holder: the user's id.
            provisions: quantity by (project, resource); less than 0 gives back.
            name: of the commission, for people.
            force: also above the quota.
            auto_accept: at once, without a second phase.

        Raises:
            OverLimit: a quota does not allow it.
        """
        return self.issue_commission_generic(
            {(holder, project, kind): count for (project, kind), count in provisions.items()},
            {(project, kind): count for (project, kind), count in provisions.items()},
            name,
            force,
            auto_accept,
        )

    def issue_commission_generic(
        self,
        user_provisions: Mapping[tuple[str, str, str], int],
        project_provisions: Mapping[tuple[str, str], int],
        name: str = "",
        force: bool = False,  # the ancestor's order
        auto_accept: bool = False,  # the ancestor's order
    ) -> int:
        """Begin to charge users and projects; its serial.

        Args:
            user_provisions: quantity by (user, project, resource).
            project_provisions: quantity by (project, resource).
            name, force, auto_accept: as for `issue_one_commission`.

        Raises:
            OverLimit: a quota does not allow it.
        """
        provisions: list[dict[str, Any]] = [
            _provision(f"user:{user}", f"project:{project}", kind, count)
            for (user, project, kind), count in user_provisions.items()
        ]
        provisions += [
            _provision(f"project:{project}", None, kind, count)
            for (project, kind), count in project_provisions.items()
        ]
        return self.issue_commission(
            {"provisions": provisions, "name": name, "force": force, "auto_accept": auto_accept}
        )

    def issue_resource_reassignment(
        self,
        holder: str,
        provisions: Mapping[tuple[str, str, str], int],
        name: str = "",
        force: bool = False,  # the ancestor's order
        auto_accept: bool = False,  # the ancestor's order
    ) -> int:
        """Begin to charge another project with what a user has; its serial.

        Args:
            holder: the user's id.
            provisions: quantity by (from project, to project, resource).
            name, force, auto_accept: as for `issue_one_commission`.
        """
        changes: dict[tuple[str, str], int] = {}
        for (source, target, kind), count in provisions.items():
            changes[source, kind] = changes.get((source, kind), 0) - count
            changes[target, kind] = changes.get((target, kind), 0) + count
        users = {(holder, project, kind): count for (project, kind), count in changes.items()}
        return self.issue_commission_generic(users, changes, name, force, auto_accept)

    def accept_commission(self, serial: int) -> None:
        """Let it be so."""
        self._call("POST", ("commissions", serial, "action"), json={"accept": ""})

    def reject_commission(self, serial: int) -> None:
        """Let it not be so."""
        self._call("POST", ("commissions", serial, "action"), json={"reject": ""})

    def resolve_commissions(
        self, accept_serials: Iterable[int], reject_serials: Iterable[int]
    ) -> Resolved:
        """Accept some and reject others; what became of each."""
        body = {"accept": list(accept_serials), "reject": list(reject_serials)}
        return cast(Resolved, self._call("POST", "/commissions/action", json=body).json)


def _provision(holder: str, source: str | None, resource: str, quantity: int) -> dict[str, Any]:
    return {"holder": holder, "source": source, "resource": resource, "quantity": quantity}


def _listed(value: str | Iterable[str] | None) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return ",".join(value)


def _serial(found: Any) -> int:
    try:
        return int(found)
    except (TypeError, ValueError, OverflowError) as error:
        raise WrongAnswer("the service answered with a commission without a number") from error
