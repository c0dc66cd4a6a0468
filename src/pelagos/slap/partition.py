"""Partitions and software releases in the ancestor's names: what is read of them and reported.

The other half of `library`, which makes these objects.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from pelagos.slap import protocol
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import (
    MarshalError,
    NotFoundError,
    ResourceNotReady,
    SlapError,
)
from pelagos.slap.hateoas import Information, Navigator, instance_information, needed
from pelagos.slap.model import Instance, InstanceRequest, Partition, Release
from pelagos.slap.said import Status
from pelagos.slap.wish import Parameters, request_of_document

log = logging.getLogger(__name__)


class SoftwareRelease:
    """A software release on a computer, for the agent that builds it."""

    def __init__(self, client: SlapClient, release: Release) -> None:
        self._client = client
        self._release = release

    def getURI(self) -> str:
        """Its URL."""
        return self._release.url

    def getComputerId(self) -> str:
        """The computer's id.

        Raises:
            NameError: it was registered by its URL alone.
        """
        if not self._release.computer_id:
            raise NameError("this software release was registered without a computer")
        return self._release.computer_id

    def getState(self) -> str:
        """What is wished of it: available or destroyed."""
        return str(self._release.requested_state)

    def building(self) -> None:
        """Report that it is being built."""
        self._client.report_release(self.getComputerId(), self.getURI(), "building")

    def available(self) -> None:
        """Report that it can be used."""
        self._client.report_release(self.getComputerId(), self.getURI(), "available")

    def destroyed(self) -> None:
        """Report that it is gone."""
        self._client.report_release(self.getComputerId(), self.getURI(), "destroyed")

    def error(self, error_log: str, logger: logging.Logger | None = None) -> None:
        """Report that it could not be built or removed; a failed report is logged, not raised."""
        try:
            self._client.report_release_error(self.getComputerId(), self.getURI(), error_log)
        except SlapError as error:
            (logger or log).warning("cannot report the error of %s: %s", self.getURI(), error)


class ComputerPartition:
    """A partition and the instance in it, as the master described it when this object was made.

    Made by a request that is not fulfilled yet, it is empty, and its getters raise
    `ResourceNotReady`.
    """

    def __init__(
        self,
        client: SlapClient,
        content: Partition | Instance | ResourceNotReady,
        navigator: Navigator | None = None,
    ) -> None:
        self._client = client
        self._content = content
        self._navigator = navigator
        self.usage: str | None = None  # what `setUsage` was given

    def getId(self) -> str:
        """The partition's name on its computer."""
        return self._found().partition_id

    def getState(self) -> str:
        """What is wished of the instance: started, stopped or destroyed."""
        return str(self._found().requested_state)

    def getType(self) -> str:
        """The software type.

        Raises:
            ResourceNotReady: no instance is here.
        """
        found = self._found()
        if found.release_url is None:
            raise ResourceNotReady(f"no instance is in {found.partition_id}")
        return found.software_type

    def getInstanceGuid(self) -> str:
        """The instance's id, unique at its master.

        Raises:
            ResourceNotReady: the master names none.
        """
        found = self._found()
        guid = found.guid if isinstance(found, Instance) else found.instance_guid
        if not guid:
            raise ResourceNotReady(f"the master names no instance in {found.partition_id}")
        return guid

    def getAccessStatus(self) -> str | None:
        """The agent's last report as text, or None when there is none or a request made this."""
        found = self._found()
        return found.access_status if isinstance(found, Partition) else None

    def getStatus(self) -> Status | None:
        """The agent's last report as the master knows it now; asks the master.

        It is text, as in the ancestor's library, and can be read as the dictionary of the
        interface document: `status["text"]`, `status["since"]`. None before the first report.
        """
        found = self._found()
        try:
            known = self._client.partition_status(found.computer_id, found.partition_id)
        except (MarshalError, NotFoundError) as error:  # another master may not tell
            log.debug("no status of %s: %s", found.partition_id, error)
            text = self.getAccessStatus()
            return None if text is None else Status(text, {"text": text})
        if known.get("no_data"):
            return None
        return Status(str(known.get("text", "")), known)

    def getConnectionParameterDict(self) -> dict[str, Any]:
        """What the instance has published."""
        return dict(self._found().connection)

    def getConnectionParameter(self, key: str) -> Any:
        """One published value.

        Raises:
            NotFoundError: it is not published (yet).
        """
        return _lookup(self._found().connection, key, "connection parameter")

    def getInstanceParameterDict(self) -> dict[str, Any]:
        """The requester's parameters.

        Of a partition that was registered or listed, also what SLAP mixes among them: ip_list,
        instance_title, slap_software_type, slave_instance_list, timestamp…
        """
        found = self._found()
        if isinstance(found, Partition) and not found.is_free:
            return protocol.merge_parameters(found)
        return dict(found.parameters)

    def getInstanceParameter(self, key: str) -> Any:
        """One of `getInstanceParameterDict`.

        Raises:
            NotFoundError: there is none of that name.
        """
        return _lookup(self.getInstanceParameterDict(), key, "parameter")

    def getSoftwareRelease(self) -> SoftwareRelease:
        """The release that the instance is made of.

        Raises:
            NotFoundError: no instance is here.
        """
        found = self._found()
        if found.release_url is None:
            raise NotFoundError(f"no instance is in {found.partition_id}")
        return SoftwareRelease(self._client, Release(found.release_url, found.computer_id))

    def request(
        self,
        software_release: str,
        software_type: str | None,
        partition_reference: str,
        shared: bool = False,
        partition_parameter_kw: Parameters | None = None,
        filter_kw: Parameters | None = None,
        state: str | None = None,
    ) -> ComputerPartition:
        """Ask for an instance in the name of the one in this partition; as `OpenOrder.request`."""
        found = self._found()
        wish = request_of_document(
            software_release,
            software_type,
            partition_reference,
            shared,
            partition_parameter_kw,
            filter_kw,
            state,
            requester=(found.computer_id, found.partition_id),
        )
        return request_instance(self._client, wish, self._navigator)

    def getInformation(self, partition_reference: str) -> Information:
        """All that is known of the root of that title, as far as the caller sees it.

        Raises:
            NotFoundError: there is none.
        """
        return instance_information(needed(self._navigator).tree(partition_reference))

    def setConnectionDict(
        self, connection_dict: Parameters, slave_reference: str | None = None
    ) -> None:
        """Publish: replace what the requester reads.

        Args:
            connection_dict: all connection parameters.
            slave_reference: the shared instance that they are for; None for the instance itself.
        """
        found = self._found()
        self._client.publish(
            found.computer_id, found.partition_id, connection_dict, slave_reference
        )

    def started(self) -> None:
        """Report that the instance runs."""
        found = self._found()
        self._client.report_partition(found.computer_id, found.partition_id, "started")

    def stopped(self) -> None:
        """Report that the instance stands still."""
        found = self._found()
        self._client.report_partition(found.computer_id, found.partition_id, "stopped")

    def destroyed(self) -> None:
        """Report that nothing is left of the instance."""
        found = self._found()
        self._client.report_partition(found.computer_id, found.partition_id, "destroyed")

    def error(
        self,
        error_log: str,
        logger: logging.Logger | None = None,
        slave_reference: str | None = None,
    ) -> None:
        """Report that the instance is not as wished; a failed report is logged, not raised."""
        found = self._found()
        try:
            self._client.report_partition_error(
                found.computer_id,
                found.partition_id,
                error_log,
                shared_reference=slave_reference,
            )
        except SlapError as error:
            (logger or log).warning("cannot report the error of %s: %s", found.partition_id, error)

    def bang(self, message: str) -> None:
        """Have the instance's tree looked at again."""
        found = self._found()
        self._client.bang_partition(found.computer_id, found.partition_id, message)

    def building(self) -> None:
        """Report that the instance is being prepared; the ancestor's masters take no notice."""
        found = self._found()
        self._client.report_preparing(found.computer_id, found.partition_id, ready=False)

    def available(self) -> None:
        """Report that the instance is prepared and can be started; likewise."""
        found = self._found()
        self._client.report_preparing(found.computer_id, found.partition_id, ready=True)

    def rename(self, new_name: str, slave_reference: str | None = None) -> None:
        """Give the instance, or a shared one that it serves, another name within its tree.

        Raises:
            NotFoundError: the name is taken, or there is no such shared instance.
        """
        found = self._found()
        self._client.rename_partition(
            found.computer_id, found.partition_id, new_name, slave_reference
        )

    def setUsage(self, usage_log: str) -> None:
        """Keep a usage report, a TioXML journal, for `Computer.reportUsage`."""
        self.usage = usage_log

    def getCertificate(self) -> dict[str, str]:
        """`key` and `certificate` of the instance, as PEM; empty where it has none.

        Raises:
            NotFoundError: the master knows no such partition.
        """
        found = self._found()
        return self._client.partition_certificate(found.computer_id, found.partition_id)

    def getFullHostingIpAddressList(self) -> list[tuple[str, str]]:
        """(interface, address) of all partitions of the instance's tree; asks the master."""
        found = self._found()
        return self._client.tree_addresses(found.computer_id, found.partition_id)

    def setComputerPartitionRelatedInstanceList(
        self, instance_reference_list: Sequence[str]
    ) -> None:
        """Say which references the instance has requested in its last run."""
        found = self._found()
        self._client.report_related(found.computer_id, found.partition_id, instance_reference_list)

    def _found(self) -> Partition | Instance:
        if isinstance(self._content, ResourceNotReady):
            raise self._content
        return self._content


def request_instance(
    client: SlapClient, wish: InstanceRequest, navigator: Navigator | None = None
) -> ComputerPartition:
    """The partition that a request is answered with, or an empty one while it is not fulfilled."""
    try:
        return ComputerPartition(client, client.request(wish), navigator)
    except ResourceNotReady as error:
        return ComputerPartition(client, error, navigator)


def _lookup(values: Parameters, key: str, kind: str) -> Any:
    if key not in values:
        raise NotFoundError(
            f"there is no {kind} {key!r}", hint=f"there are: {', '.join(sorted(values)) or 'none'}"
        )
    return values[key]
