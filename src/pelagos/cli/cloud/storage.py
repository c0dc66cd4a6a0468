"""Commands on object storage: how places and sizes are written, what a missing thing is called."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from pelagos.cli.argument import Argument, Operand, ValueArgument
from pelagos.cli.cloud.command import CLOUD, CloudCommand, no_such
from pelagos.cli.failures import NOT_FOUND, CommandError, UsageError

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the clients
    from pelagos.clients.folder import Place
    from pelagos.clients.pithos import PithosClient

STORAGE: Mapping[str, Argument] = {
    **CLOUD,
    "account": ValueArgument(
        "whose object storage, when it is not yours: a user of Synnefo by name or id, an account "
        "of Swift",
        "-A",
        "--account",
        metavar="USER",
    ),
}
"""Options of every command on object storage."""

PLACE = Operand(
    "CONTAINER/PATH; somebody else's is pithos://USER/CONTAINER/PATH", complete="cloud:place"
)
CONTAINER = Operand("name of the container", complete="cloud:container")

_SCHEME = "pithos://"
_BESIDE = 1000
"""Objects among which the nearest name of a missing one is looked for."""


class Where(TypedDict):
    """Where an object is, as methods of the client take it."""

    container: str
    account: str | None


class Spot(NamedTuple):
    """A container, or an object in it.

    Attributes:
        name: of the object; "" when only a container is meant.
        account: whose; None: the asker's.
    """

    container: str
    name: str = ""
    account: str | None = None

    @property
    def where(self) -> Where:
        """As methods of the client take it."""
        return {"container": self.container, "account": self.account}

    def __str__(self) -> str:
        return f"{self.container}/{self.name}" if self.name else self.container


def read_spot(word: str) -> Spot:
    """What a word says of a place.

    >>> read_spot("photos/a/b.jpg")
    Spot(container='photos', name='a/b.jpg', account=None)
    >>> read_spot("pithos://ann/photos")
    Spot(container='photos', name='', account='ann')

    Raises:
        UsageError: it names no container.
    """
    account: str | None = None
    rest = word.removeprefix("/")
    if word.startswith(_SCHEME):
        account, _, rest = word.removeprefix(_SCHEME).partition("/")
    container, _, name = rest.partition("/")
    if not container or account == "":
        raise UsageError(
            f"{word!r} names no container", hint="write CONTAINER/PATH, as photos/2026/sea.jpg"
        )
    return Spot(container, name, account)


class StorageCommand(CloudCommand):
    """A command on object storage; its `arguments` must have `STORAGE`."""

    @cached_property
    def client(self) -> PithosClient:
        """The client of the cloud that is meant."""
        return self.cloud.object_store

    @property
    def is_swift(self) -> bool:
        """Whether it has Swift, which can less than Pithos."""
        return self.cloud.dialect == "openstack"

    def only_pithos(self, what: str) -> None:
        """Refuse an option that Swift has nothing for.

        Raises:
            CommandError: the cloud has Swift.
        """
        if self.is_swift:
            raise CommandError(
                f"{what}: only Pithos can tell, and the cloud {self.cloud.name} has Swift",
                hint="ask without it",
            )

    @cached_property
    def account(self) -> str | None:
        """Whose storage, by --account; None: the asker's."""
        return self.account_of(self["account"])

    def account_of(self, user: str | None) -> str | None:
        """The account of a user who is named as people name him."""
        if not user or self.is_swift:
            return user or None
        return self.user_id(user)

    def user_id(self, user: str) -> str:
        """The id of a user of Synnefo, by his name or his id.

        Raises:
            CommandError: there is none. The servers take any text, and share with nobody.
        """
        from pelagos.clients.errors import NotFound

        astakos = self.cloud.astakos
        if user in astakos.get_usernames([user]):
            return user
        try:
            return astakos.get_uuid(user)
        except NotFound as error:
            raise CommandError(
                f"there is no user {user} in the cloud {self.cloud.name}",
                hint="names are e-mail addresses there",
                code=NOT_FOUND,
            ) from error

    def container(self, word: str) -> Spot:
        """The container that a word names.

        Raises:
            UsageError: it names an object.
        """
        spot = self.spot(word.removesuffix("/"))
        if spot.name:
            raise UsageError(f"{word} is a place in a container; name the container alone")
        return spot

    def object(self, word: str) -> Spot:
        """The object that a word names.

        Raises:
            UsageError: it names a container alone.
        """
        spot = self.spot(word)
        if not spot.name:
            raise UsageError(
                f"{word} names no object", hint=f"write CONTAINER/PATH, as {word}/sea.jpg"
            )
        return spot

    def spot(self, word: str) -> Spot:
        """The container or object that a word names; --account is whose, unless it says it."""
        found = read_spot(word)
        account = self.account if found.account is None else self.account_of(found.account)
        return found._replace(account=account)

    def below(self, spot: Spot) -> Place:
        """What is below a place that stands for a folder."""
        from pelagos.clients.folder import Place

        prefix = spot.name if not spot.name or spot.name.endswith("/") else f"{spot.name}/"
        return Place(spot.container, prefix, spot.account)

    @contextlib.contextmanager
    def looking(self, spot: Spot, version: str | None = None) -> Iterator[None]:
        """Say what is missing, when something is.

        Args:
            version: of the object, when one is meant; by default that of --version.

        Raises:
            CommandError: there is no such container, no such object or no such version of it.
        """
        from pelagos.clients.errors import NotFound

        try:
            yield
        except NotFound as error:
            if not self._has_container(spot):
                raise self._no_container(spot) from error
            if version is None and "version" in self.arguments:
                version = self["version"]
            if version:
                raise CommandError(
                    f"{spot} has no version {version}",
                    hint=f"see: pelagos object versions {spot} --cloud {self.cloud.name}",
                    code=NOT_FOUND,
                ) from error
            raise self._no_object(spot) from error

    def need(self, spot: Spot) -> None:
        """See that the container is there.

        Raises:
            CommandError: it is not.
        """
        if not self._has_container(spot):
            raise self._no_container(spot)

    def _has_container(self, spot: Spot) -> bool:
        path = self.client.container_path(**spot.where)
        return self.client.head(path, success=(200, 204, 404)).status != 404  # noqa: PLR2004

    def _no_object(self, spot: Spot) -> CommandError:
        from pelagos.core.spelling import nearest

        near = nearest(spot.name, self._beside(spot))
        see = f"see: pelagos object list -r {spot.container} --cloud {self.cloud.name}"
        return CommandError(
            f"there is no object {spot.name} in {spot.container}",
            hint=f"did you mean {spot._replace(name=near)}?" if near else see,
            code=NOT_FOUND,
        )

    def _beside(self, spot: Spot) -> list[str]:
        """Names in the folder of an object, as far as one answer has them."""
        from pelagos.clients.errors import ClientError
        from pelagos.clients.folder import Place
        from pelagos.clients.folder.remote import listing

        folder = Place(spot.container, spot.name[: spot.name.rfind("/") + 1], spot.account)
        try:
            page = next(listing(self.client, folder, delimiter="/", limit=_BESIDE), [])
        except ClientError:  # who may read an object need not be allowed to list the container
            return []
        found = (str(one.get("name") or one.get("subdir") or "") for one in page)
        return [name.removesuffix("/") for name in found if name]

    def _no_container(self, spot: Spot) -> CommandError:
        known = self.client.list_containers(account=spot.account)
        see = "see: pelagos container list"
        return no_such("container", spot.container, self.cloud, known, see)


def file_here(word: str, folder_hint: str | None = None) -> Path:
    """A file of this computer that is to be sent.

    Args:
        word: as it was typed.
        folder_hint: how a folder would be sent.

    Raises:
        UsageError: it is not there, is a folder, or may not be read.
    """
    path = Path(word).expanduser()
    if path.is_dir():
        raise UsageError(f"{word} is a folder", hint=folder_hint or "name a file")
    if not path.exists():
        raise UsageError(f"there is no file {path}", hint="check the path")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{path} may not be read", hint="see whose it is: ls -l")
    return path


def folder_here(word: str) -> Path:
    """A folder of this computer that is to be sent.

    Raises:
        UsageError: it is not there.
    """
    path = Path(word).expanduser()
    if not path.is_dir():
        raise UsageError(f"there is no folder {path}", hint="check the path")
    return path


def count_of(number: int, word: str) -> str:
    """A number with its word.

    >>> count_of(1, "object"), count_of(1200, "object")
    ('1 object', '1,200 objects')
    """
    return f"{number:,} {word}{'' if number == 1 else 's'}"
