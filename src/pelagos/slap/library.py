"""The ancestor's way in: `slap()` and the objects that it registers, over `client`.

For programs that were written for SlapOS' client library, and for people who know it. The names
are the ancestor's, the insides are not: every object is complete when it is made, a getter never
goes to the network unless its docstring says so, and all are safe to share between threads.

>>> from pelagos.core.http import FakeTransport, HttpClient, Response
>>> from pelagos.slap.client import SlapClient
>>> transport = FakeTransport({"POST /supplySupply": Response(200, {}, b"")})
>>> master = SlapClient("", http=HttpClient("http://master", transport=transport))
>>> Supply(master).supply("https://example.com/software.cfg", "COMP-1")
>>> transport.requests[0].body
b'url=https%3A%2F%2Fexample.com%2Fsoftware.cfg&computer_id=COMP-1&state=available'
"""

from __future__ import annotations

from typing import Any

from pelagos.slap import protocol
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import BadRequest, NotFoundError, SlapError
from pelagos.slap.model import Release, SupplyState
from pelagos.slap.partition import (
    ComputerPartition,
    SoftwareRelease,
    request_instance,
    request_of_document,
    request_of_library,
)


class slap:
    """The way in: connect once, then register what is to be worked with."""

    def __init__(self) -> None:
        self._client: SlapClient | None = None

    def initializeConnection(
        self,
        slapgrid_uri: str,
        authentification_key: str | None = None,
        cert_file: str | None = None,
        master_ca_file: str | None = None,
        timeout: float = 60,
        *,
        key_file: str | None = None,
    ) -> None:
        """Choose the master; nothing is sent yet.

        Args:
            slapgrid_uri: http or https address; a credential in it (`http://x:TOKEN@host`) is the
                token.
            authentification_key: the token.
            cert_file: refused, as `key_file` and `master_ca_file` are: see Raises.
            master_ca_file: refused.
            timeout: seconds that one answer may take.
            key_file: refused.

        Raises:
            SlapError: a certificate is given; here a token says who asks.
        """
        if cert_file or key_file or master_ca_file:
            raise SlapError(
                "this client shows a token to the master, not a certificate",
                hint="write the token into the address, as http://x:TOKEN@host, or pass it as "
                "authentification_key",
            )
        self._client = SlapClient(slapgrid_uri, token=authentification_key, timeout=timeout)

    def registerOpenOrder(self) -> OpenOrder:
        """What requests instances for a person."""
        return OpenOrder(self._connected())

    def registerSupply(self) -> Supply:
        """What wishes software releases onto computers."""
        return Supply(self._connected())

    def registerSoftwareRelease(self, software_release: str) -> SoftwareRelease:
        """A software release by its URL; nothing is sent."""
        return SoftwareRelease(self._connected(), Release(software_release, ""))

    def registerComputer(self, computer_guid: str) -> Computer:
        """A computer by its id; nothing is sent."""
        return Computer(self._connected(), computer_guid)

    def registerComputerPartition(
        self, computer_guid: str, partition_id: str
    ) -> ComputerPartition:
        """A partition with all that the master knows of it: fetched now, once.

        Raises:
            NotFoundError: no such computer or partition, or an empty name.
        """
        if not computer_guid or not partition_id:
            raise NotFoundError("a partition is named by its computer and its own name, both")
        client = self._connected()
        return ComputerPartition(client, client.fetch_partition(computer_guid, partition_id))

    def _connected(self) -> SlapClient:
        if self._client is None:
            raise SlapError(
                "there is no connection to a master yet", hint="call initializeConnection first"
            )
        return self._client


class OpenOrder:
    """Requests instances for a person."""

    def __init__(self, client: SlapClient) -> None:
        self._client = client

    def request(self, software_release: str, *args: Any, **kwargs: Any) -> ComputerPartition:
        """Ask for an instance, or for another state or parameters of it.

        Two orders of the arguments are understood, that of the interface document and that of the
        ancestor's library. They differ in what stands second, and are told apart by the third
        argument, which only in the document's order is text (or by `partition_reference` being
        named):

            request(software_release, software_type, partition_reference,
                    shared=False, partition_parameter_kw=None, filter_kw=None, state=None)
            request(software_release, partition_reference, partition_parameter_kw=None,
                    software_type=None, filter_kw=None, state=None, shared=False)

        Args:
            software_release: the release's URL.
            args: the rest, in either order.
            kwargs: the rest by name.

        Returns:
            The partition; while none is allocated an empty one, whose getters raise
            `ResourceNotReady` with the cause.

        Raises:
            ValueError: parameters or filters that are not a mapping.
            SlapError: the master refused, or cannot be reached.
        """
        third_is_text = len(args) > 1 and isinstance(args[1], str)
        second_is_type = len(args) == 1 and "partition_reference" in kwargs
        read = request_of_document if third_is_text or second_is_type else request_of_library
        return request_instance(self._client, read(software_release, *args, **kwargs))


class Supply:
    """Wishes software releases onto computers."""

    def __init__(self, client: SlapClient) -> None:
        self._client = client

    def supply(
        self, software_release: str, computer_guid: str, state: str = SupplyState.AVAILABLE
    ) -> None:
        """Wish a release onto a computer (`available`), or away from it (`destroyed`).

        Raises:
            BadRequest: another state.
        """
        if state not in set(SupplyState):
            raise BadRequest(
                f"{state!r} is not a state of a software release",
                hint="use available or destroyed",
            )
        self._client.supply(software_release, computer_guid, SupplyState(state))


class Computer:
    """A computer; each getter asks the master, which says only "unchanged" when nothing is new."""

    def __init__(self, client: SlapClient, computer_guid: str) -> None:
        self._client = client
        self._computer_id = computer_guid

    def getComputerPartitionList(self) -> list[ComputerPartition]:
        """Its partitions, busy and free, as they are now; asks the master."""
        computer = self._client.fetch_computer(self._computer_id)
        return [ComputerPartition(self._client, slot) for slot in computer.partitions]

    def getSoftwareReleaseList(self) -> list[SoftwareRelease]:
        """The releases wished onto it or away from it, as they are now; asks the master."""
        computer = self._client.fetch_computer(self._computer_id)
        return [SoftwareRelease(self._client, release) for release in computer.releases]

    def updateConfiguration(self, xml: str) -> None:
        """Announce the computer and its partitions.

        Args:
            xml: a marshalled dictionary, as the ancestor's `node format` writes it.

        Raises:
            BadRequest, MarshalError: it cannot be read; nothing was sent.
        """
        self._client.format_computer(protocol.decode_format(xml))
