"""The interfaces of SLAP, as zope.interface declares them, and who provides them.

The only door to zope.interface. The names and the signatures are those of the SLAP document, with
what the ancestor's library added since; where the two differ the docstring says what holds. Our
classes learn of their interfaces when this module is imported, and not before: a program that
does not ask pays nothing.

>>> from zope.interface.verify import verifyObject
>>> from pelagos.slap import slap
>>> verifyObject(ISlap, slap())
True
"""

# An interface's methods have no `self`, no body and no types: they say how a caller calls.
# ruff: noqa: N802, N805
# mypy: disable-error-code="no-untyped-def, misc, import-untyped"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zope.interface import Interface, classImplements

from pelagos.slap import errors, library, partition

if TYPE_CHECKING:
    _Interface: Any = object
else:
    _Interface = Interface


class IException(_Interface):
    """What every error of SLAP provides."""


class INotFoundError(IException):
    """There is no such computer, partition, release, instance or parameter."""


class IUnauthorized(IException):
    """The caller is known, and this is not his to do, or he is not known at all."""


class IResourceNotReady(IException):
    """The wish is kept, and there is nothing to show yet."""


class IServerError(IException):
    """The master failed."""


class IConnectionError(IException):
    """No whole answer came from the master."""


class IRequester(_Interface):
    """Who can ask for instances."""

    def request(
        software_release,
        software_type,
        partition_reference,
        shared=False,
        partition_parameter_kw=None,
        filter_kw=None,
        state=None,
    ):
        """Ask for an instance, or for another state or other parameters of it.

        Args:
            software_release: URL of the release.
            software_type: which of the release's kinds; None for its default.
            partition_reference: the requester's own name for the instance: asked again with the
                same name, the same instance answers.
            shared: whether a part of somebody's instance is enough.
            partition_parameter_kw: parameters, a dictionary.
            filter_kw: where it may be, a dictionary.
            state: started, stopped or destroyed; None leaves it as it is, or starts a new one.

        Returns:
            An `IComputerPartition`; while none is allocated its getters raise IResourceNotReady.

        Raises:
            INotFoundError: what the wish names does not exist.
            IUnauthorized: the caller may not ask for it.
        """

    def getInformation(partition_reference):
        """All that is known of an instance that was requested by this name.

        Raises:
            INotFoundError: there is none.
        """


class IBuildoutController(_Interface):
    """Who reports how the building of something goes."""

    def available():
        """It is built."""

    def building():
        """It is being built."""

    def error(error_log):
        """It could not be built.

        Args:
            error_log: what was said; its end counts.
        """


class ISoftwareRelease(IBuildoutController):
    """A software release, on a computer or by itself."""

    def getURI():
        """Its URL."""

    def getComputerId():
        """The computer's id.

        Raises:
            NameError: it was registered by its URL alone.
        """

    def getState():
        """What is wished of it: available or destroyed."""

    def destroyed():
        """Report that it was removed."""


class ISoftwareProductCollection(_Interface):
    """Products by name: `collection.NAME` is the URL of the best release of a product."""

    def get(software_product):
        """The same by a call.

        Raises:
            AttributeError: the master knows no such product.
        """


class IToken(_Interface):
    """Asks for a token with which a computer can join."""

    def request():
        """A token that serves once."""


class IComputerPartition(IBuildoutController, IRequester):
    """A place for an instance, and the instance in it."""

    def stopped():
        """Report that the instance stands still."""

    def started():
        """Report that the instance runs."""

    def destroyed():
        """Report that nothing is left of the instance."""

    def getId():
        """The partition's name on its computer.

        Raises:
            IResourceNotReady: none is allocated.
        """

    def getInstanceGuid():
        """The instance's id, unique at its master.

        Raises:
            IResourceNotReady: there is none.
        """

    def getState():
        """What is wished: started, stopped or destroyed.

        Raises:
            IResourceNotReady: none is allocated.
        """

    def getStatus():
        """What was last reported: text that can be read as a dictionary, too, or None.

        The document wants a dictionary, the ancestor's library gives text; this is both.
        """

    def getAccessStatus():
        """What was last reported when this object was made, as text, or None."""

    def getType():
        """The software type.

        Raises:
            IResourceNotReady: there is no instance.
        """

    def getSoftwareRelease():
        """The `ISoftwareRelease` that the instance is made of.

        Raises:
            INotFoundError: there is no instance.
        """

    def getInstanceParameterDict():
        """The parameters, with what SLAP adds to them; may be empty."""

    def getInstanceParameter(key):
        """One of them.

        Raises:
            INotFoundError: there is none of that name.
        """

    def getConnectionParameterDict():
        """What the instance has published; may be empty."""

    def getConnectionParameter(key):
        """One of them.

        Raises:
            INotFoundError: it is not published.
        """

    def setConnectionDict(connection_dict, slave_reference=None):
        """Publish all connection parameters, of the instance or of a shared one that it serves."""

    def setUsage(usage_log):
        """Keep a usage report (TioXML) for `IComputer.reportUsage`."""

    def bang(message):
        """Have the instances of this tree looked at again; says why."""

    def rename(new_name, slave_reference=None):
        """Give the instance, or a shared one that it serves, another name.

        Raises:
            INotFoundError: the name is taken, or there is no such instance.
        """

    def getCertificate():
        """A dictionary with `key` and `certificate` of the instance, as PEM.

        Raises:
            INotFoundError: there is no such instance.
        """

    def getFullHostingIpAddressList():
        """(interface, address) of all partitions of the tree, a list."""

    def setComputerPartitionRelatedInstanceList(instance_reference_list):
        """Say which references the instance requests at present."""


class IComputer(_Interface):
    """A machine with partitions."""

    def getSoftwareReleaseList():
        """The releases that are wished onto it or away from it, each an `ISoftwareRelease`.

        Raises:
            INotFoundError: the master does not know the computer.
        """

    def getComputerPartitionList():
        """Its partitions, each an `IComputerPartition`.

        Raises:
            INotFoundError: the master does not know the computer.
        """

    def reportUsage(computer_partition_list):
        """Hand in what was used.

        Args:
            computer_partition_list: partitions with what `setUsage` gave them, as the document
                has it, or one TioXML text, as the ancestor's library has it.
        """

    def bang(message):
        """Have everything on it looked at again."""

    def updateConfiguration(configuration_xml):
        """Announce the computer and its partitions (a marshalled dictionary)."""

    def getStatus():
        """What the master last heard of it: a dictionary with user, created_at, text and more."""

    def generateCertificate():
        """A dictionary with `certificate` and `key` of the computer, as PEM.

        Raises:
            INotFoundError: it has a good one; revoke that first.
        """

    def revokeCertificate():
        """No longer accept its certificate.

        Raises:
            INotFoundError: it has none.
        """

    def getInformation():
        """All that is known of it."""


class IOpenOrder(IRequester):
    """Requests instances and computers for a person."""

    def requestComputer(computer_reference):
        """The `IComputer` of that title, which is made when there is none."""


class ISupply(_Interface):
    """Wishes software releases onto computers."""

    def supply(software_release, computer_guid=None, state="available"):
        """Wish a release onto a computer (`available`) or away from it (`destroyed`).

        Raises:
            INotFoundError: the master does not know the computer.
        """


class slap(_Interface):  # noqa: N801  # the name that the document has
    """The way in."""

    def initializeConnection(slapgrid_uri, authentification_key=None):
        """Choose the master and say who asks.

        Args:
            slapgrid_uri: address of the master.
            authentification_key: a token. The ancestor's library has key_file and cert_file
                there, master_ca_file, timeout and slapgrid_rest_uri: these work as well.
        """

    def registerComputer(computer_guid):
        """An `IComputer`."""

    def registerComputerPartition(computer_guid, partition_id):
        """An `IComputerPartition`.

        Raises:
            INotFoundError: there is no such partition.
        """

    def registerSoftwareRelease(software_release):
        """An `ISoftwareRelease` by its URL."""

    def registerToken():
        """An `IToken`."""

    def registerOpenOrder():
        """An `IOpenOrder`."""

    def registerSupply():
        """An `ISupply`."""

    def getSoftwareReleaseListFromSoftwareProduct(
        software_product_reference=None, software_release_url=None
    ):
        """URLs of the releases of a product, or of the product of a release; the best first."""

    def getOpenOrderDict():
        """The caller's services by their title."""

    def getComputerDict():
        """The computers that the caller sees, by their title."""


ISlap = slap

_PROVIDERS: tuple[tuple[type, Any], ...] = (
    (errors.SlapError, IException),
    (errors.NotFoundError, INotFoundError),
    (errors.Unauthorized, IUnauthorized),
    (errors.AuthenticationError, IUnauthorized),
    (errors.ResourceNotReady, IResourceNotReady),
    (errors.ServerError, IServerError),
    (errors.MasterUnreachable, IConnectionError),
    (partition.SoftwareRelease, ISoftwareRelease),
    (partition.ComputerPartition, IComputerPartition),
    (library.Computer, IComputer),
    (library.OpenOrder, IOpenOrder),
    (library.SoftwareProductCollection, ISoftwareProductCollection),
    (library.Supply, ISupply),
    (library.Token, IToken),
    (library.slap, slap),
)

for _class, _interface in _PROVIDERS:
    classImplements(_class, _interface)
