"""The client: a master's calls as methods that take and return the nouns of `model`.

Used by agents, by programs and by the command line. It speaks SLAP to any master, and the JSON
interface (`/v1`) to ours. Knows no waiting and no retrying: each method is one exchange, and
errors say in `retry_after` whether another try can help.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pelagos.core import wire
from pelagos.core.http import ClientTls, HttpClient, HttpError, Response
from pelagos.slap import errors, protocol
from pelagos.slap.capacity_calls import CapacityCalls
from pelagos.slap.client_calls import FurtherCalls
from pelagos.slap.identity_calls import IdentityCalls
from pelagos.slap.model import (
    Cause,
    Computer,
    ComputerFormat,
    ComputerStatus,
    Event,
    Explanation,
    Instance,
    InstanceRequest,
    InstanceState,
    Partition,
    ReleaseOnComputer,
    Service,
    ServicePage,
    SupplyState,
)
from pelagos.slap.orders import Orders
from pelagos.slap.orders import segment as _segment
from pelagos.slap.parameter_schema import KnownSchemas
from pelagos.slap.remote_calls import RemoteCalls
from pelagos.slap.usage_calls import UsageCalls

log = logging.getLogger(__name__)

T = TypeVar("T")
ReleaseReport = Literal["building", "available", "destroyed"]
PartitionReport = Literal["started", "stopped", "destroyed"]

_RELEASE_CALLS: Mapping[str, str] = {
    "building": protocol.RELEASE_BUILDING,
    "available": protocol.RELEASE_AVAILABLE,
    "destroyed": protocol.RELEASE_DESTROYED,
}
_PARTITION_CALLS: Mapping[str, str] = {
    "started": protocol.PARTITION_STARTED,
    "stopped": protocol.PARTITION_STOPPED,
    "destroyed": protocol.PARTITION_DESTROYED,
}
_ERRORS: Mapping[int, type[errors.SlapError]] = {
    400: errors.BadRequest,
    401: errors.AuthenticationError,
    403: errors.Unauthorized,
    404: errors.NotFoundError,
    408: errors.ResourceNotReady,
    413: errors.BadRequest,
}
_HINTS: Mapping[int, str] = {
    401: "give the master's token: in the address, the configuration or PELAGOS_TOKEN",
    403: "use the token of a person, computer or partition that may do this",
}
_FOREIGN = "is this the address of a Pelagos master? pelagos config get plane.master_url shows it"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: Seconds after which to ask again when the master does not say: it failed, or is not ready.
_RETRY_AFTER: Mapping[int, float] = {408: 2.0, 429: 5.0}
_SERVER_RETRY_AFTER = 5.0


@dataclass(frozen=True, slots=True)
class _TokenAnswer:
    token: str = field(repr=False)


class SlapClient(FurtherCalls, IdentityCalls, Orders, UsageCalls, RemoteCalls, CapacityCalls):
    """Calls to one master. Safe to share between threads.

    Args:
        master_url: http or https address; a credential in it (`http://x:TOKEN@host`) is the token.
        token: who asks: a person, a computer or a partition.
        timeout: seconds that one answer may take.
        tls: over https, whom to trust and as whom to come.
        http: the HTTP client to use instead of one made from the arguments above.

    Every method raises `SlapError`: `MasterUnreachable` without an answer, and for each status its
    own class (see `errors`). An answer that cannot be read is `MarshalError` or `ServerError`.
    """

    def __init__(
        self,
        master_url: str,
        *,
        token: str | None = None,
        timeout: float = 60.0,
        tls: ClientTls | None = None,
        http: HttpClient | None = None,
    ) -> None:
        self._http = http or HttpClient(master_url, token=token, timeout=timeout, tls=tls)
        self._timeout = timeout
        self._computers: dict[str, tuple[str, Computer]] = {}  # id → ETag and what it stands for

    def __repr__(self) -> str:
        return f"SlapClient({self.url!r})"

    @property
    def url(self) -> str:
        """The master's address, without credentials."""
        return self._http.base_url

    def with_token(self, token: str | None) -> SlapClient:
        """The same master over the same connections, asked as somebody else; cheap to make."""
        return SlapClient(self.url, timeout=self._timeout, http=self._http.with_token(token))

    def close(self) -> None:
        """Give back idle connections; the client stays usable."""
        self._http.close()

    # ---- for agents -----------------------------------------------------------------------------

    def fetch_computer(self, computer_id: str, agent: str | None = None) -> Computer:
        """All that the agent of a computer needs to know.

        While nothing has changed the master only says so, and the same object is returned again.
        `agent` names this run of the agent, so that the master notices when two of them call.
        """
        known = self._computers.get(computer_id)
        response = self._call(
            "GET",
            protocol.FETCH_COMPUTER,
            params={"computer_id": computer_id},
            headers={
                **({"If-None-Match": known[0]} if known else {}),
                **({protocol.AGENT_HEADER: agent} if agent else {}),
            },
        )
        if response.status == 304 and known:  # noqa: PLR2004  # RFC 9110: not modified
            return known[1]
        computer = protocol.decode_computer(response.body)
        etag = response.headers.get("ETag")
        if etag:
            self._computers[computer_id] = (etag, computer)
        return computer

    def format_computer(self, computer: ComputerFormat) -> None:
        """Announce a computer and its partitions."""
        self._post(protocol.FORMAT_COMPUTER, {"xml": protocol.encode_format(computer)})

    def report_release(
        self,
        computer_id: str,
        url: str,
        status: ReleaseReport,
        cause: Cause | None = None,
        schemas: str = "",
    ) -> None:
        """Say how far a software release has come on a computer.

        `schemas` is what an available one says of its parameters; other masters ignore it.
        """
        form = {"url": url, "computer_id": computer_id}
        if schemas:
            form["schemas"] = schemas
        self._post(_RELEASE_CALLS[status], form, cause)

    def report_release_error(
        self, computer_id: str, url: str, log: str, cause: Cause | None = None
    ) -> None:
        """Say that a software release could not be built or removed, with the log's end."""
        form = {"url": url, "computer_id": computer_id, "error_log": log}
        self._post(protocol.RELEASE_ERROR, form, cause)

    def report_partition(
        self,
        computer_id: str,
        partition_id: str,
        state: PartitionReport,
        cause: Cause | None = None,
        timestamp: int | None = None,
    ) -> None:
        """Say what the instance in a partition is now; `timestamp` names the wish carried out."""
        form = _slot(computer_id, partition_id) | _of_wish(timestamp)
        self._post(_PARTITION_CALLS[state], form, cause)

    def report_partition_error(
        self,
        computer_id: str,
        partition_id: str,
        log: str,
        cause: Cause | None = None,
        shared_reference: str | None = None,
        timestamp: int | None = None,
    ) -> None:
        """Say that the instance in a partition is not as wished, with the log's end.

        `shared_reference` names the shared instance that is concerned, if it is one; `timestamp`
        is as in `report_partition`.
        """
        form = _slot(computer_id, partition_id) | {"error_log": log} | _of_wish(timestamp)
        if shared_reference is not None:
            form["slave_reference"] = shared_reference
        self._post(protocol.PARTITION_ERROR, form, cause)

    def bang_partition(self, computer_id: str, partition_id: str, message: str) -> None:
        """Have the instance's tree looked at again."""
        form = _slot(computer_id, partition_id) | {"message": message}
        self._post(protocol.PARTITION_BANG, form)

    def partition_token(self, computer_id: str, partition_id: str) -> str | None:
        """A new token for the instance in a partition, which replaces the former one.

        None when the master has no such call, as masters other than ours.
        """
        try:
            named = {"computer_id": computer_id, "partition_id": partition_id}
            response = self._call("POST", "v1/partition-token", json=named)
        except errors.NotFoundError as error:
            log.debug("no token for %s of %s: %s", partition_id, computer_id, error)
            return None
        return self._json(response, _TokenAnswer).token

    # ---- for instances --------------------------------------------------------------------------

    def fetch_partition(self, computer_id: str, partition_id: str) -> Partition:
        """One partition, as the instance in it sees it."""
        response = self._call(
            "GET",
            protocol.FETCH_PARTITION,
            params={
                "computer_reference": computer_id,
                "computer_partition_reference": partition_id,
            },
        )
        return protocol.decode_partition(response.body)

    def publish(
        self,
        computer_id: str,
        partition_id: str,
        connection: Mapping[str, Any],
        shared_reference: str | None = None,
    ) -> None:
        """Hand the connection parameters to whoever requested the instance.

        Args:
            computer_id: where the instance is.
            partition_id: where the instance is.
            connection: all of them; they replace the former ones.
            shared_reference: the shared instance that they are for; None for the instance itself.
        """
        form = _slot(computer_id, partition_id)
        form["connection_xml"] = protocol.encode_parameters(connection)
        if shared_reference is not None:
            form["slave_reference"] = shared_reference
        self._post(protocol.PUBLISH, form)

    # ---- for persons ----------------------------------------------------------------------------

    def request(self, request: InstanceRequest) -> Instance:
        """Ask for an instance, or for another state or parameters of the one that there is.

        Raises:
            ResourceNotReady: the wish is kept and not allocated yet; its `cause` says why.
        """
        response = self._post(protocol.REQUEST, protocol.encode_request(request))
        return protocol.decode_instance(response.body)

    def supply(
        self, url: str, computer_id: str, state: SupplyState = SupplyState.AVAILABLE
    ) -> None:
        """Wish a software release onto a computer, or away from it."""
        form = {"url": url, "computer_id": computer_id, "state": str(state)}
        self._post(protocol.SUPPLY, form)

    # ---- the JSON interface ---------------------------------------------------------------------

    def services(self, after: int = 0) -> Iterator[Service]:
        """Every instance that the token may see, oldest first; fetched page by page.

        Args:
            after: `next` of a page that was seen already.
        """
        at: int | None = after
        while at is not None:
            page = self._get("v1/services", ServicePage, {"after": at or None})
            yield from page.services
            at = page.next

    def service(self, name: str) -> Service:
        """One instance, by reference or guid."""
        return self._get(f"v1/services/{_segment(name)}", Service)

    def set_state(self, name: str, state: InstanceState) -> Service:
        """Start, stop or destroy an instance, by reference or guid."""
        path = f"v1/services/{_segment(name)}/state"
        return self._json(self._call("POST", path, json={"state": str(state)}), Service)

    def computers(self) -> list[ComputerStatus]:
        """Every computer with its slots."""
        return self._get("v1/computers", list[ComputerStatus])

    def computer(self, computer_id: str) -> ComputerStatus:
        """One computer with its slots."""
        return self._get(f"v1/computers/{_segment(computer_id)}", ComputerStatus)

    def releases(self) -> list[ReleaseOnComputer]:
        """Every supply and what became of it."""
        return self._get("v1/releases", list[ReleaseOnComputer])

    def events(
        self, after: int = 0, subject: str | None = None, limit: int = 100, wait: float = 0.0
    ) -> list[Event]:
        """What has happened, oldest first.

        Args:
            after: the id of the last event that is known already.
            subject: only those of this instance (guid), release (URL) or computer.
            limit: how many at the most.
            wait: seconds to wait for one when there is none; the master allows 30 at the most.
        """
        params = {"after": after, "subject": subject, "limit": limit, "wait": wait or None}
        return self._get("v1/events", list[Event], params, timeout=self._timeout + wait)

    def explain(self, name: str, kind: str | None = None) -> Explanation:
        """Why a service, computer or release is in the state that it is in."""
        return self._get("v1/explain", Explanation, {"name": name, "kind": kind})

    def parameter_schema(self, url: str) -> KnownSchemas:
        """What the master knows of a release's parameters."""
        return self._get("v1/parameter-schema", KnownSchemas, {"url": url})

    def identity(self) -> dict[str, Any]:
        """Who the token says that we are: `kind` and `name`."""
        return self._get("v1/identity", dict[str, Any])

    # ---- one exchange ---------------------------------------------------------------------------

    def _post(self, path: str, form: Mapping[str, str], cause: Cause | None = None) -> Response:
        sent = dict(form)
        if cause is not None:
            sent["cause"] = protocol.cause_to_text(cause)
        return self._call("POST", path, form=sent)

    def _get(
        self,
        path: str,
        into: type[T],
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> T:
        return self._json(self._call("GET", path, params=params, timeout=timeout), into)

    def _json(self, response: Response, into: type[T]) -> T:
        try:
            return wire.decode(response.body, into)
        except wire.WireError as error:
            raise errors.ServerError(
                f"the answer of {self.url} cannot be read: {error}",
                status=response.status,
                hint="is this the address of a Pelagos master, of this version?",
            ) from error

    def _call(
        self, method: str, path: str, *, redirects: bool = False, **arguments: Any
    ) -> Response:
        try:
            response = self._http.request(method, path, **arguments)
        except HttpError as error:
            raise errors.MasterUnreachable(
                f"the master cannot be reached: {error}",
                hint=error.hint or "is it running, and is the address right?",
                retry_after=error.retry_after,
            ) from error
        if 200 <= response.status < 300 or response.status == 304:  # noqa: PLR2004  # RFC 9110
            return response
        if redirects and response.status in _REDIRECTS and "Location" in response.headers:
            return response
        raise _failure(path, response)


def _slot(computer_id: str, partition_id: str) -> dict[str, str]:
    return {"computer_id": computer_id, "computer_partition_id": partition_id}


def _of_wish(timestamp: int | None) -> dict[str, str]:
    return {} if timestamp is None else {"timestamp": str(timestamp)}


def _failure(call: str, response: Response) -> errors.SlapError:
    """The error that an answer stands for, in the master's own words where it has some."""
    status = response.status
    document = _document(response)
    said = document.get("error")
    said = said if isinstance(said, dict) else {}
    message = said.get("message") or f"the master answered {status} to {call.partition('?')[0]}"
    # Each error of a Pelagos master says more than its status.
    is_foreign = not said and (status == 404 or status in _REDIRECTS)  # noqa: PLR2004  # RFC 9110
    arguments: dict[str, Any] = {
        "status": status,
        "hint": said.get("hint") or (_FOREIGN if is_foreign else _HINTS.get(status)),
        "retry_after": _retry_after(response),
    }
    kind = _ERRORS.get(status)
    if kind is None:
        kind = errors.ServerError if status >= 500 else errors.SlapError  # noqa: PLR2004  # RFC 9110
    if kind is errors.ResourceNotReady:
        return errors.ResourceNotReady(str(message), cause=_cause(document), **arguments)
    error = kind(str(message), **arguments)
    error.is_foreign = is_foreign
    return error


def _document(response: Response) -> dict[str, Any]:
    """The JSON object in an error's body; empty for a foreign master's text page."""
    try:
        found = response.json()
    except wire.WireError:
        return {}
    return found if isinstance(found, dict) else {}


def _cause(document: Mapping[str, Any]) -> Cause | None:
    try:
        found: Cause | None = wire.convert(document.get("cause"), Cause | None)
    except wire.WireError as error:
        log.debug("the master's cause cannot be read: %s", error)
        return None
    return found


def _retry_after(response: Response) -> float | None:
    said = response.headers.get("Retry-After", "")
    if said.isascii() and said.isdigit():
        return float(said)
    if response.status >= 500:  # noqa: PLR2004  # RFC 9110: the server failed
        return _SERVER_RETRY_AFTER
    return _RETRY_AFTER.get(response.status)
