"""The calls of SLAP that few programs make, as methods: status, certificates, names, usage.

The other half of `client`, whose `SlapClient` has all of them.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from pelagos.core import wire
from pelagos.core.http import Response
from pelagos.slap import calls, marshal, protocol
from pelagos.slap.errors import MarshalError, NotFoundError
from pelagos.slap.marshal import MarshalObject

log = logging.getLogger(__name__)


class FurtherCalls(ABC):
    """One method per call; each is one exchange and raises as those of `SlapClient`."""

    @abstractmethod
    def _call(
        self, method: str, path: str, *, redirects: bool = False, **arguments: Any
    ) -> Response:
        """One exchange with the master; `redirects` lets an answer point elsewhere."""

    # ---- status ------------------------------------------------------------------------------

    def computer_status(self, computer_id: str) -> dict[str, Any]:
        """What the master last heard of a computer: text, since, created_at, user and state."""
        found: dict[str, Any] = self._read(calls.COMPUTER_STATUS, dict, computer_id=computer_id)
        return found

    def partition_status(self, computer_id: str, partition_id: str) -> dict[str, Any]:
        """The same of the instance in a partition."""
        slot = _slot(computer_id, partition_id)
        found: dict[str, Any] = self._read(calls.PARTITION_STATUS, dict, **slot)
        return found

    def installation_status(self, computer_id: str, url: str) -> dict[str, Any]:
        """The same of a software release on a computer."""
        wanted = {"url": url, "computer_id": computer_id}
        found: dict[str, Any] = self._read(calls.INSTALLATION_STATUS, dict, **wanted)
        return found

    def tree_addresses(self, computer_id: str, partition_id: str) -> list[tuple[str, str]]:
        """(interface, address) of all partitions in the tree of the instance there."""
        found = self._read(calls.TREE_ADDRESSES, list, **_slot(computer_id, partition_id))
        return [(str(item[0]), str(item[1])) for item in found]

    # ---- certificates ------------------------------------------------------------------------

    def partition_certificate(self, computer_id: str, partition_id: str) -> dict[str, str]:
        """`key` and `certificate` of the instance in a partition, as PEM."""
        slot = _slot(computer_id, partition_id)
        found: dict[str, str] = self._read(calls.PARTITION_CERTIFICATE, dict, **slot)
        return found

    def computer_certificate(self, computer_id: str) -> dict[str, str]:
        """A new `key` and `certificate` of a computer.

        Raises:
            NotFoundError: it has one that is still good; revoke that first.
        """
        answer = self._write(calls.GENERATE_CERTIFICATE, computer_id=computer_id)
        found: dict[str, str] = _typed(answer, dict)
        return found

    def revoke_computer_certificate(self, computer_id: str) -> None:
        """No longer accept a computer's certificate.

        Raises:
            NotFoundError: it has none.
        """
        self._write(calls.REVOKE_CERTIFICATE, computer_id=computer_id)

    # ---- computers and releases --------------------------------------------------------------

    def request_computer(self, title: str) -> str:
        """The id of the computer of that title, which is made when there is none."""
        answer = self._write(calls.REQUEST_COMPUTER, computer_title=title)
        found = marshal.loads(answer)
        if not isinstance(found, MarshalObject) or found.class_name != "Computer":
            raise MarshalError("the answer is not a computer")
        known = dict(zip(("_computer_id",), found.args, strict=False)) | dict(found.attributes)
        return str(known.get("_computer_id", ""))

    def bang_all(self, computer_id: str, message: str) -> None:
        """Have everything on a computer looked at again."""
        self._write(calls.COMPUTER_BANG, computer_id=computer_id, message=message)

    def report_usage(self, computer_id: str, report: str) -> None:
        """Hand in a usage report, a TioXML journal."""
        self._write(calls.USE_COMPUTER, computer_id=computer_id, use_string=report)

    def releases_of_product(
        self, product: str | None = None, *, url: str | None = None
    ) -> list[str]:
        """The releases of a product, or of the product that a release belongs to; best first."""
        wanted = {"software_product_reference": product, "software_release_url": url}
        found: list[str] = self._read(calls.PRODUCT, list, **wanted)
        return found

    # ---- instances ---------------------------------------------------------------------------

    def report_preparing(self, computer_id: str, partition_id: str, *, ready: bool) -> None:
        """Say that the instance in a partition is being prepared, or is ready to be started.

        Masters of today's ancestor know no such call; nothing comes of it there.
        """
        name = calls.PARTITION_AVAILABLE if ready else calls.PARTITION_BUILDING
        try:
            self._write(name, **_slot(computer_id, partition_id))
        except NotFoundError as error:
            log.debug("%s of %s %s: %s", name, computer_id, partition_id, error)

    def rename_partition(
        self,
        computer_id: str,
        partition_id: str,
        name: str,
        shared_reference: str | None = None,
    ) -> None:
        """Give an instance, or a shared one that it serves, another name.

        Raises:
            NotFoundError: no such instance, or the name is taken.
        """
        form = _slot(computer_id, partition_id) | {"new_name": name}
        if shared_reference is not None:
            form["slave_reference"] = shared_reference
        self._write(calls.RENAME, **form)

    def report_related(
        self, computer_id: str, partition_id: str, references: Sequence[str]
    ) -> None:
        """Say which instances the one in a partition has requested in its last run."""
        written = marshal.dumps(list(references)).decode("ascii")
        form = _slot(computer_id, partition_id) | {"instance_reference_xml": written}
        self._write(calls.RELATED, **form)

    # ---- the master --------------------------------------------------------------------------

    def hateoas_url(self) -> str | None:
        """Where the master's HATEOAS interface is; None when it has none."""
        try:
            return self._call("GET", protocol.HATEOAS_URL).text.strip() or None
        except NotFoundError:
            return None

    def run_id(self) -> str:
        """What is different after each start of the master."""
        return self._call("GET", calls.RUN_ID).text

    def read_json(
        self, path: str, params: Mapping[str, str] | None = None
    ) -> dict[str, Any] | str:
        """A JSON object at a path of the master that other calls have named, or where it is.

        Raises:
            MarshalError: it is none.
        """
        response = self._call("GET", path, params=params, redirects=True)
        elsewhere = response.headers.get("Location")
        if elsewhere is not None:
            return elsewhere
        try:
            found: dict[str, Any] = wire.decode(response.body, dict[str, Any])
        except wire.WireError as error:
            raise MarshalError(f"the answer to {path} is no JSON object: {error}") from error
        return found

    # ---- one exchange ------------------------------------------------------------------------

    def _read(self, name: str, kind: type, **params: str | None) -> Any:
        return _typed(self._call("GET", name, params=params).body, kind)

    def _write(self, name: str, **form: str) -> bytes:
        return self._call("POST", name, form=form).body


def _slot(computer_id: str, partition_id: str) -> dict[str, str]:
    return {"computer_id": computer_id, "computer_partition_id": partition_id}


def _typed(document: bytes, kind: type) -> Any:
    value = marshal.loads(document)
    if not isinstance(value, kind):
        raise MarshalError(
            f"the answer is of the type {type(value).__name__}; {kind.__name__} was expected"
        )
    return value
