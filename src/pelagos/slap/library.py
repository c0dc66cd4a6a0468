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

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pelagos.core.http import ClientTls
from pelagos.slap import protocol
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import BadRequest, NotFoundError, SlapError
from pelagos.slap.hateoas import Information, Navigator, instance_information, needed
from pelagos.slap.model import Release, SupplyState
from pelagos.slap.partition import ComputerPartition, SoftwareRelease, request_instance
from pelagos.slap.said import join_journals
from pelagos.slap.wish import request_of_document, request_of_library


class slap:
    """The way in: connect once, then register what is to be worked with."""

    def __init__(self) -> None:
        self._client: SlapClient | None = None
        self._navigator: Navigator | None = None

    def initializeConnection(
        self,
        slapgrid_uri: str,
        authentification_key: str | None = None,
        cert_file: str | None = None,
        master_ca_file: str | None = None,
        timeout: float = 60,
        slapgrid_rest_uri: str | None = None,
        *,
        key_file: str | None = None,
    ) -> None:
        """Choose the master and say who asks; nothing is sent yet.

        The second argument is a token, as the interface document has it, unless a certificate
        stands beside it: then it is the file of that certificate's key, as in the ancestor's
        library, whose order of the arguments this is.

        Args:
            slapgrid_uri: http or https address; a credential in it (`http://x:TOKEN@host`) is the
                token.
            authentification_key: the token, or the key file: see above.
            cert_file: file of the client certificate (PEM) that says who asks.
            master_ca_file: file of the authority (PEM) that the master's certificate must come
                from; None takes the one in PELAGOS_AUTHORITY, as in a partition, or those that
                this computer trusts. It is always checked.
            timeout: seconds that one answer may take.
            slapgrid_rest_uri: address of the HATEOAS interface; None asks the master when a call
                needs it.
            key_file: the key file of `cert_file`, by its name.

        Raises:
            SlapError: a key without a certificate, or a certificate without its key.
        """
        token = authentification_key
        if cert_file and not key_file:
            key_file, token = authentification_key, None
        if bool(cert_file) != bool(key_file):
            raise SlapError(
                "a client certificate and its key belong together",
                hint="pass both, key_file and cert_file, or neither and a token",
            )
        # The agent says whom to trust to what it runs in a partition; recipes pass no authority.
        master_ca_file = master_ca_file or os.environ.get("PELAGOS_AUTHORITY")
        arguments: dict[str, Any] = {"timeout": timeout}
        if cert_file or master_ca_file:
            arguments["tls"] = ClientTls(
                authority=_path(master_ca_file),
                certificate=_path(cert_file),
                key=_path(key_file),
            )
        self._client = SlapClient(slapgrid_uri, token=token, **arguments)
        self._navigator = Navigator(
            self._client,
            slapgrid_rest_uri,
            lambda url: SlapClient(url, token=token, **arguments),
        )

    def registerOpenOrder(self) -> OpenOrder:
        """What requests instances for a person."""
        return OpenOrder(self._connected(), self._navigator)

    def registerSupply(self) -> Supply:
        """What wishes software releases onto computers."""
        return Supply(self._connected())

    def registerToken(self) -> Token:
        """What asks for a token with which a computer joins."""
        self._connected()
        return Token(self._navigated())

    def registerSoftwareRelease(self, software_release: str) -> SoftwareRelease:
        """A software release by its URL; nothing is sent."""
        return SoftwareRelease(self._connected(), Release(software_release, ""))

    def registerComputer(self, computer_guid: str) -> Computer:
        """A computer by its id; nothing is sent."""
        return Computer(self._connected(), computer_guid, self._navigator)

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
        found = client.fetch_partition(computer_guid, partition_id)
        return ComputerPartition(client, found, self._navigator)

    def getSoftwareReleaseListFromSoftwareProduct(
        self,
        software_product_reference: str | None = None,
        software_release_url: str | None = None,
    ) -> list[str]:
        """URLs of the releases of a product, or of the product of a release; the best first.

        Raises:
            AttributeError: both are given, or neither.
        """
        if bool(software_product_reference) == (software_release_url is not None):
            raise AttributeError(
                "name a software product or the URL of a release of it: one of the two"
            )
        return self._connected().releases_of_product(
            software_product_reference or None, url=software_release_url
        )

    def getOpenOrderDict(self) -> dict[str, Information]:
        """The caller's services by their title; each has `_software_release_url`."""
        self._connected()
        return self._navigated().trees()

    def getComputerDict(self) -> dict[str, Information]:
        """The computers that the caller sees by their title; each has `_reference`."""
        self._connected()
        return self._navigated().computers()

    def _navigated(self) -> Navigator:
        return needed(self._navigator)

    def _connected(self) -> SlapClient:
        if self._client is None:
            raise SlapError(
                "there is no connection to a master yet", hint="call initializeConnection first"
            )
        return self._client


class OpenOrder:
    """Requests instances and computers for a person."""

    def __init__(self, client: SlapClient, navigator: Navigator | None = None) -> None:
        self._client = client
        self._navigator = navigator

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
        return request_instance(
            self._client, read(software_release, *args, **kwargs), self._navigator
        )

    def requestComputer(self, computer_reference: str) -> Computer:
        """The computer of that title; one is made when there is none."""
        computer_id = self._client.request_computer(computer_reference)
        return Computer(self._client, computer_id, self._navigator)

    def getInformation(self, partition_reference: str) -> Information:
        """All that is known of the service of that title.

        Raises:
            NotFoundError: there is none.
        """
        return instance_information(needed(self._navigator).tree(partition_reference))


class Supply:
    """Wishes software releases onto computers."""

    def __init__(self, client: SlapClient) -> None:
        self._client = client

    def supply(
        self,
        software_release: str,
        computer_guid: str | None = None,
        state: str = SupplyState.AVAILABLE,
    ) -> None:
        """Wish a release onto a computer (`available`), or away from it (`destroyed`).

        Raises:
            BadRequest: another state, or no computer.
            NotFoundError: the master does not know the computer.
        """
        if not computer_guid:
            raise BadRequest(
                "a release is supplied to a computer, and none is named",
                hint="pass the computer's id as computer_guid",
            )
        if state not in set(SupplyState):
            raise BadRequest(
                f"{state!r} is not a state of a software release",
                hint="use available or destroyed",
            )
        self._client.supply(software_release, computer_guid, SupplyState(state))


class Token:
    """Asks for a token with which a computer joins."""

    def __init__(self, navigator: Navigator) -> None:
        self._navigator = navigator

    def request(self) -> str:
        """A token that serves once; the former ones stay good until they end."""
        return self._navigator.computer_token()


class SoftwareProductCollection:
    """Products by name: `collection.NAME` is the URL of the best release of a product.

    Args:
        logger: is told what is looked up and found.
        slap: a connected way in.
    """

    def __init__(self, logger: logging.Logger, slap: slap) -> None:
        self._logger = logger
        self._slap = slap

    def get(self, software_product: str) -> str:
        """The URL of the best release; asks the master.

        Raises:
            AttributeError: the master knows no such product.
        """
        found = self._slap.getSoftwareReleaseListFromSoftwareProduct(software_product)
        if not found:
            raise AttributeError(f"the master knows no release of a product {software_product!r}")
        self._logger.info("the best release of %s is %s", software_product, found[0])
        return found[0]

    def __getattr__(self, software_product: str) -> str:
        if software_product.startswith("_"):  # Python itself looks for such
            raise AttributeError(software_product)
        return self.get(software_product)


class Computer:
    """A computer; each getter asks the master, which says only "unchanged" when nothing is new."""

    def __init__(
        self, client: SlapClient, computer_guid: str, navigator: Navigator | None = None
    ) -> None:
        self._client = client
        self._computer_id = computer_guid
        self._navigator = navigator

    def getComputerPartitionList(self) -> list[ComputerPartition]:
        """Its partitions, busy and free, as they are now; asks the master.

        Raises:
            NotFoundError: the master does not know the computer.
        """
        computer = self._client.fetch_computer(self._named())
        return [
            ComputerPartition(self._client, slot, self._navigator) for slot in computer.partitions
        ]

    def getSoftwareReleaseList(self) -> list[SoftwareRelease]:
        """The releases wished onto it or away from it, as they are now; asks the master.

        Raises:
            NotFoundError: the master does not know the computer.
        """
        computer = self._client.fetch_computer(self._named())
        return [SoftwareRelease(self._client, release) for release in computer.releases]

    def updateConfiguration(self, configuration_xml: str) -> None:
        """Announce the computer and its partitions.

        Args:
            configuration_xml: a marshalled dictionary, as the ancestor's `node format` writes it.

        Raises:
            BadRequest, MarshalError: it cannot be read; nothing was sent.
        """
        self._client.format_computer(protocol.decode_format(configuration_xml))

    def reportUsage(self, computer_partition_list: str | Iterable[ComputerPartition]) -> None:
        """Hand in what was used; nothing to report sends nothing.

        Args:
            computer_partition_list: a TioXML journal as text, or partitions with the journals
                that `setUsage` gave them, which become one.

        Raises:
            BadRequest: the master, or we, cannot read the journal.
        """
        if isinstance(computer_partition_list, str):
            report = computer_partition_list
        else:
            report = join_journals(slot.usage for slot in computer_partition_list)
        if report:
            self._client.report_usage(self._computer_id, report)

    def bang(self, message: str) -> None:
        """Have all instances on it looked at again."""
        self._client.bang_all(self._computer_id, message)

    def getStatus(self) -> dict[str, Any]:
        """What the master last heard of it: user, created_at, since, state and text."""
        return self._client.computer_status(self._computer_id)

    def generateCertificate(self) -> dict[str, str]:
        """A new `certificate` and its `key`, as PEM; the key is shown this once.

        Raises:
            NotFoundError: it has one that is still good; revoke that first.
        """
        return self._client.computer_certificate(self._computer_id)

    def revokeCertificate(self) -> None:
        """No longer accept its certificate.

        Raises:
            NotFoundError: it has none.
        """
        self._client.revoke_computer_certificate(self._computer_id)

    def getInformation(self) -> Information:
        """What is known of it: `_reference`, `_title` and more.

        Raises:
            NotFoundError: the master shows no such computer.
        """
        return Information(needed(self._navigator).computer(self._computer_id))

    def _named(self) -> str:
        if not self._computer_id:
            raise NotFoundError("a computer is named by its id, and there is none")
        return self._computer_id


def _path(name: str | None) -> Path | None:
    return Path(name).expanduser() if name else None
