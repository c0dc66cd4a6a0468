"""The calls of the SLAP protocol, answered by use cases. What the fields mean is in `protocol`."""

from __future__ import annotations

import logging
import re
from typing import Literal

from pelagos.slap import marshal, protocol
from pelagos.slap.errors import BadRequest, NotFoundError
from pelagos.slap.master.auth import Kind, permit
from pelagos.slap.master.desk import Presence
from pelagos.slap.master.errors import TooLarge
from pelagos.slap.master.faces.call import XML, Answer, Call, Route
from pelagos.slap.master.service import Service
from pelagos.slap.master.settings import MasterSettings
from pelagos.slap.model import Cause, SupplyState

log = logging.getLogger(__name__)

_CODE = re.compile(r"[a-z][a-z0-9-]{0,49}")
_DIGITS = 19  # fewer fit 64 bits
_DONE = Answer.text("OK")


class SlapFace:
    """One method per call.

    Args:
        service: the use cases.
        presence: is told which revision an agent was given.
        settings: sizes.
    """

    def __init__(self, service: Service, presence: Presence, settings: MasterSettings) -> None:
        self._service = service
        self._presence = presence
        self._settings = settings

    def routes(self) -> list[Route]:
        """Where each call is answered; one path segment each."""

        def route(name: str, verb: str, work: object, *, by_agent: bool = False) -> Route:
            return Route(name, verb, f"/{name}", work, by_agent)  # type: ignore[arg-type]  # bound

        return [
            route(protocol.FETCH_COMPUTER, "GET", self.fetch_computer, by_agent=True),
            route(protocol.FETCH_COMPUTER_OLD, "GET", self.fetch_computer, by_agent=True),
            route(protocol.FETCH_PARTITION, "GET", self.fetch_partition),
            route("getComputerPartitionCertificate", "GET", self.certificate),
            route(protocol.REQUEST, "POST", self.request),
            route(protocol.SUPPLY, "POST", self.supply),
            route(protocol.FORMAT_COMPUTER, "POST", self.format_computer, by_agent=True),
            route(protocol.RELEASE_BUILDING, "POST", self.release_building, by_agent=True),
            route(protocol.RELEASE_AVAILABLE, "POST", self.release_available, by_agent=True),
            route(protocol.RELEASE_DESTROYED, "POST", self.release_destroyed, by_agent=True),
            route(protocol.RELEASE_ERROR, "POST", self.release_error, by_agent=True),
            route(protocol.PARTITION_STARTED, "POST", self.partition_started, by_agent=True),
            route(protocol.PARTITION_STOPPED, "POST", self.partition_stopped, by_agent=True),
            route(protocol.PARTITION_DESTROYED, "POST", self.partition_destroyed, by_agent=True),
            route(protocol.PARTITION_ERROR, "POST", self.partition_error),
            route(protocol.PARTITION_BANG, "POST", self.bang),
            route(protocol.PUBLISH, "POST", self.publish),
            route("softwareInstanceRename", "POST", self.rename),
            route("updateComputerPartitionRelatedInstanceList", "POST", self.related),
            route("computerBang", "POST", self.bang_computer, by_agent=True),
            route("useComputer", "POST", self.use_computer, by_agent=True),
        ]

    # ---- reads -------------------------------------------------------------------------------

    def fetch_computer(self, call: Call) -> Answer:
        """The whole computer; a partition's own caller sees its own partition only."""
        computer_id = call.computer()
        if call.identity.kind is Kind.PARTITION:
            own = call.identity.partition_id or ""
            return Answer.xml(self._service.own_computer(computer_id, own))
        snapshot = self._service.full_computer(computer_id, call.identity)
        self._presence.deliver(computer_id, snapshot.revision)
        if call.agent is not None:
            self._presence.rivals.note(computer_id, call.agent)
        headers = {
            "ETag": snapshot.etag,
            "Cache-Control": "private, no-cache",
            "Vary": "Accept-Encoding, Authorization",
        }
        if call.etag is not None and snapshot.etag in call.etag:
            return Answer(b"", XML, 304, headers)
        if call.takes_gzip and snapshot.compressed is not None:
            headers["Content-Encoding"] = "gzip"
            return Answer(snapshot.compressed, XML, 200, headers)
        return Answer(snapshot.body, XML, 200, headers)

    def fetch_partition(self, call: Call) -> Answer:
        """One partition."""
        where = call.partition("computer_reference", "computer_partition_reference")
        return Answer.xml(
            protocol.encode_partition(self._service.partition(*where, call.identity))
        )

    def certificate(self, call: Call) -> Answer:
        """Certificate and key of the instance in a partition, the same ones each time."""
        pair = self._service.partition_certificate(*call.partition(), call.identity)
        return Answer(marshal.dumps(pair), XML, 200, {"Cache-Control": "no-store"})

    # ---- wishes ------------------------------------------------------------------------------

    def request(self, call: Call) -> Answer:
        """An instance, for a person or for another instance."""
        self._check_size(call, "partition_parameter_xml")
        wish = protocol.decode_request(call.fields)
        permit(call.identity, call.name, *(wish.requester or (None, None)))
        return Answer.xml(protocol.encode_instance(self._service.request(wish, call.identity)))

    def supply(self, call: Call) -> Answer:
        """A release on a computer."""
        url, computer_id = _url(call), call.computer()
        text = protocol.optional_field(call.fields, "state") or SupplyState.AVAILABLE
        try:
            state = SupplyState(text)
        except ValueError as error:
            raise BadRequest(
                f"{text!r} is not a state of a release",
                status=400,
                hint="use available or destroyed",
            ) from error
        self._service.supply(url, computer_id, state, call.identity)
        return Answer.text(f"Supplied {url!r} to be {state}")

    def rename(self, call: Call) -> Answer:
        """An instance or a shared one gets another name."""
        where = call.partition()
        name = protocol.text_field(call.fields, "new_name")
        self._service.rename(*where, name, call.identity, _shared(call))
        return Answer.text("done")

    # ---- what agents announce and report -----------------------------------------------------

    def format_computer(self, call: Call) -> Answer:
        """A computer and its partitions."""
        announced = protocol.decode_format(call.fields.get("xml", ""))
        permit(call.identity, call.name, announced.computer_id)
        self._service.format_computer(announced, call.identity)
        return Answer.text("done")

    def use_computer(self, call: Call) -> Answer:
        """A usage report."""
        computer_id, report = call.computer(), call.fields.get("use_string", "")
        if len(report) > self._settings.parameters_limit:
            raise TooLarge(
                "the usage report is too long",
                status=413,
                hint=f"send reports of at most {self._settings.parameters_limit:,} characters",
            )
        self._service.use_computer(computer_id, report, call.identity)
        return _DONE

    def release_building(self, call: Call) -> Answer:
        """A release is being built."""
        return self._release(call, "building")

    def release_available(self, call: Call) -> Answer:
        """A release is built; with it may come what it says of its parameters."""
        answer = self._release(call, "available")
        if text := call.fields.get("schemas"):
            self._service.keep_schemas(call.computer(), _url(call), text, call.identity)
        return answer

    def release_destroyed(self, call: Call) -> Answer:
        """A release is removed."""
        return self._release(call, "destroyed")

    def release_error(self, call: Call) -> Answer:
        """A release could not be built."""
        computer_id, url = call.computer(), _url(call)
        self._service.report_release_error(
            computer_id, url, self._log(call), call.identity, _cause(call)
        )
        return _DONE

    def partition_started(self, call: Call) -> Answer:
        """An instance runs, and its promises hold."""
        return self._partition(call, "started")

    def partition_stopped(self, call: Call) -> Answer:
        """An instance is stopped."""
        return self._partition(call, "stopped")

    def partition_destroyed(self, call: Call) -> Answer:
        """A partition is wiped."""
        return self._partition(call, "destroyed")

    def partition_error(self, call: Call) -> Answer:
        """An instance is not as it should be."""
        said = self._service.report_partition_error(
            *call.partition(),
            self._log(call),
            call.identity,
            _cause(call),
            _shared(call),
            _timestamp(call),
        )
        return Answer.text(said)

    def bang(self, call: Call) -> Answer:
        """An instance wants to be processed again."""
        text = call.fields.get("message", "")
        self._service.bang(*call.partition(), text, call.identity)
        return _DONE

    def bang_computer(self, call: Call) -> Answer:
        """All of a computer's instances want to be processed again."""
        text = call.fields.get("message", "")
        self._service.bang_computer(call.computer(), text, call.identity)
        return Answer.xml(marshal.dumps(""))

    def publish(self, call: Call) -> Answer:
        """Connection parameters."""
        where = call.partition()
        self._check_size(call, "connection_xml")
        connection = protocol.decode_parameters(
            call.fields.get("connection_xml", ""), what="the field connection_xml"
        )
        self._service.publish(*where, connection, call.identity, _shared(call))
        return Answer.text("done")

    def related(self, call: Call) -> Answer:
        """Names that an instance requested: the master knows them from the requests."""
        call.partition()
        return _DONE

    def _release(
        self, call: Call, status: Literal["building", "available", "destroyed"]
    ) -> Answer:
        computer_id, url = call.computer(), _url(call)
        self._service.report_release(computer_id, url, status, call.identity, _cause(call))
        return _DONE

    def _partition(self, call: Call, state: Literal["started", "stopped", "destroyed"]) -> Answer:
        where = call.partition()
        said = self._service.report_partition(
            *where, state, call.identity, _cause(call), _timestamp(call)
        )
        return Answer.text(said)

    def _log(self, call: Call) -> str:
        """The end of the log that was sent; a NUL has no place in a text."""
        return call.fields.get("error_log", "")[-self._settings.log_limit :].replace("\0", "")

    def _check_size(self, call: Call, name: str) -> None:
        size = len(call.fields.get(name, ""))
        if size > self._settings.parameters_limit:
            raise TooLarge(
                f"the field {name} has {size:,} bytes; at most "
                f"{self._settings.parameters_limit:,} are taken",
                status=413,
                hint="put large data where the instance can fetch it, and pass its address",
            )


def _url(call: Call) -> str:
    return protocol.text_field(call.fields, "url", limit=protocol.URL_LIMIT)


def _shared(call: Call) -> str | None:
    """The shared instance that a call is about; a name that none can have is not found."""
    try:
        return protocol.optional_field(call.fields, "slave_reference")
    except BadRequest as error:
        raise NotFoundError(error.message, status=404, hint=error.hint) from error


def _timestamp(call: Call) -> int | None:
    """The optional field `timestamp`: which wish a report is about."""
    text = call.fields.get("timestamp", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else None


def _cause(call: Call) -> Cause | None:
    """The optional field `cause`; one that cannot be read does not cost the report its effect."""
    try:
        cause = protocol.cause_from_text(call.fields.get("cause"))
    except BadRequest as error:
        log.warning("%s sent a cause that cannot be read: %s", call.identity.actor, error)
        return None
    if cause is not None and not _CODE.fullmatch(cause.code):
        log.warning("%s sent a cause with an impossible code", call.identity.actor)
        return None
    return cause
