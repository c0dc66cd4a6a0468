"""Commands on a cloud: which cloud is meant, what is meant by a name, and what it says in words.

    class ServerInfo(CloudCommand):
        arguments = {**CLOUD}

        def main(self, server):
            self.context.output.show_one(self.find(SERVER, server))

The cloud is the one of --cloud, of PELAGOS_CLOUD or OS_CLOUD, or the default one. A thing is named
by its id or its name; `pelagos.cli.cloud.things` has the kinds of things.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pelagos.cli.argument import Argument, Operand, ValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.context import Context
from pelagos.cli.failures import NOT_FOUND, CommandError, UsageError
from pelagos.core.errors import PelagosError

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the clients
    from pelagos.clients.cloud import Cloud, CloudSettings
    from pelagos.core.http.transports.base import Transport

Record = Mapping[str, Any]
R = TypeVar("R", bound=Record)

CLOUD: Mapping[str, Argument] = {
    "cloud": ValueArgument(
        "which cloud; default: PELAGOS_CLOUD, OS_CLOUD, or the configured one",
        "--cloud",
        metavar="NAME",
        complete="cloud",
    )
}
"""The option of every command on a cloud."""

NAMED: Mapping[str, Argument] = {
    "name": ValueArgument(
        "only those of this name; * stands for anything, as in 'web-*'",
        "--name",
        metavar="PATTERN",
    ),
    "id": ValueArgument("only those of this id; * stands for anything", "--id", metavar="PATTERN"),
}
"""What every list can be narrowed by; see `named`."""

MORE = Operand("further ones")
"""The operand of commands on several things, after the first."""

_HEX = frozenset("0123456789abcdefABCDEF")
_UUID_DIGITS = 32


class Kind(NamedTuple):
    """A kind of thing that a cloud has.

    Attributes:
        word: what it is called, and the group of its commands: "server".
        listing: all of them; records with at least `id` and `name`.
        record: one by its id.
        is_whole: whether `listing` gives whole records.
        keys: where a record has what a person may call it by.
        list_command: what shows all of them, after `pelagos`; by default `<word> list`.
    """

    word: str
    listing: Callable[[Cloud], Sequence[Record]]
    record: Callable[[Cloud, str], Record]
    is_whole: bool = False
    keys: tuple[str, ...] = ("name",)
    list_command: str = ""


def cloud_environ(context: Context) -> dict[str, str]:
    """The environment as the clients shall see it: with the file of --config."""
    environ = dict(context.environ)
    if context.options.get("config"):
        environ["PELAGOS_CONFIG"] = str(context.config_path)
    return environ


def cloud_name(context: Context, given: str | None = None) -> str:
    """The name of the cloud that is meant.

    Raises:
        CloudNotConfigured: none is configured, or it is not clear which is meant.
    """
    from pelagos.clients.cloud.known import KnownClouds
    from pelagos.clients.errors import CloudNotConfigured

    environ = cloud_environ(context)
    named = given or environ.get("PELAGOS_CLOUD") or environ.get("PELAGOS_CLOUD_DEFAULT")
    if named or environ.get("OS_CLOUD"):
        return str(named or environ["OS_CLOUD"])
    known = KnownClouds(environ)
    try:
        return known.default()
    except CloudNotConfigured as error:
        names = known.names()
        hint = "add one: pelagos cloud add NAME URL --username USER --project NAME"
        if names:
            hint = f"say which: --cloud {names[0]}, or for all commands PELAGOS_CLOUD={names[0]}"
        raise CloudNotConfigured(error.message, hint=hint) from error


def open_cloud(context: Context, given: str | None = None) -> Cloud:
    """The cloud that is meant; nothing is sent yet.

    Raises:
        CloudNotConfigured: there is no such cloud, or its configuration cannot be used.
    """
    from pelagos.clients.cloud.cloud import Cloud
    from pelagos.clients.cloud.known import KnownClouds

    name, environ = cloud_name(context, given), cloud_environ(context)
    settings = KnownClouds(environ).get(name)

    def make() -> Cloud:
        http = carrier(context, settings)
        return Cloud(name, settings=settings, http=http, environ=environ, clock=context.clock)

    return make() if context.kept is None else context.kept.cloud(name, settings, make)


def carrier(context: Context, settings: CloudSettings) -> Transport:
    """What carries the requests of one command; closed when that is over, unless kept."""
    return context.carrier(settings.tls)


class CloudCommand(Command):
    """A command on a cloud; its `arguments` must have `CLOUD`.

    Attributes:
        advice: what else to do when the cloud does not let in; {} is its name.
    """

    advice = "see: pelagos cloud check {}"

    @cached_property
    def cloud(self) -> Cloud:
        """The cloud that is meant; nothing is sent until it is asked for something."""
        return open_cloud(self.context, self["cloud"])

    def find(self, kind: Kind, wanted: str) -> Record:
        """The whole record of a thing; see `find`."""
        return find(self.cloud, kind, wanted)

    def find_id(self, kind: Kind, wanted: str) -> str:
        """The id of a thing; see `find`."""
        return find_id(self.cloud, kind, wanted)

    def explained(self, error: PelagosError) -> PelagosError:
        """What the cloud, or the way to it, said, in words for a person."""
        from pelagos.cli.cloud.failures import explained
        from pelagos.clients.errors import ClientError

        if not isinstance(error, ClientError):
            return error
        opened = self._opened
        advice = self.advice.format(opened.name if opened is not None else "").rstrip()
        return explained(error, opened, advice)

    @property
    def _opened(self) -> Cloud | None:
        """The cloud, when it came so far."""
        return self.__dict__.get("cloud")


# ---- what is meant by a name


def find(cloud: Cloud, kind: Kind, wanted: str) -> Record:
    """The whole record of the thing with this id or name; an id goes before a name.

    Raises:
        CommandError: there is none, or several have that name.
    """
    found = _by_id(cloud, kind, wanted)
    if found is not None:
        return found
    listed = one_of(kind.listing(cloud), kind, wanted, cloud)
    return listed if kind.is_whole else kind.record(cloud, str(listed["id"]))


def find_id(cloud: Cloud, kind: Kind, wanted: str) -> str:
    """The id of the thing with this id or name; as `find`, with a request less.

    Raises:
        CommandError: there is none, or several have that name.
    """
    found = _by_id(cloud, kind, wanted)
    if found is None:
        found = one_of(kind.listing(cloud), kind, wanted, cloud)
    return str(found["id"])


def one_of(records: Iterable[Record], kind: Kind, wanted: str, cloud: Cloud) -> Record:
    """The record with this id or name.

    Raises:
        CommandError: there is none, or several have that name.
    """
    known = list(records)
    same = [one for one in known if str(one.get("id", one.get("name"))) == wanted]
    if not same:
        same = [one for one in known if any(str(one.get(key)) == wanted for key in kind.keys)]
    if len(same) == 1:
        return same[0]
    see = f"see: pelagos {kind.list_command or kind.word + ' list'}"
    if same:
        ids = ", ".join(str(one.get("id")) for one in same)
        raise CommandError(
            f"{len(same)} {kind.word}s are called {wanted}", hint=f"name one by its id: {ids}"
        )
    raise no_such(kind.word, wanted, cloud, known, see, kind.keys)


def no_such(  # what an error says
    word: str,
    wanted: str,
    cloud: Cloud,
    known: Iterable[Record],
    see: str,
    keys: Sequence[str] = ("name",),
) -> CommandError:
    """The error about a thing that a cloud does not have; it names the nearest."""
    from pelagos.core.spelling import nearest

    names = [str(one[key]) for one in known for key in keys if one.get(key)]
    near = nearest(wanted, names)
    return CommandError(
        f"there is no {word} {wanted} in the cloud {cloud.name}",
        hint=f"did you mean {near}?" if near else f"{see} --cloud {cloud.name}",
        code=NOT_FOUND,
    )


def _by_id(cloud: Cloud, kind: Kind, wanted: str) -> Record | None:
    if not _is_like_id(wanted):
        return None
    from pelagos.clients.errors import BadRequest, NotFound

    try:
        return kind.record(cloud, wanted)
    except (NotFound, BadRequest):  # 400: not written as ids are there
        return None


def _is_like_id(word: str) -> bool:
    """Whether a word is a number or a UUID; a regular expression would cost a start more."""
    digits = word.replace("-", "")
    is_uuid = len(digits) == _UUID_DIGITS and _HEX.issuperset(digits)
    return is_uuid or (word.isascii() and word.isdigit())


def named(command: CloudCommand, records: Iterable[Record]) -> list[Record]:
    """Those that --name and --id let through; upper and lower case count the same."""
    found = list(records)
    for key in ("name", "id"):
        if command[key]:
            found = like(found, key, command[key])
    return found


def like(records: Iterable[R], key: str, pattern: str) -> list[R]:
    """Those whose text under a key is like a pattern, in which * stands for anything."""
    from fnmatch import fnmatchcase

    wanted = pattern.lower()
    return [one for one in records if fnmatchcase(str(one.get(key, "")).lower(), wanted)]


# ---- what options must be like


def not_both(command: Command, one: str, other: str) -> None:
    """See that two options that exclude each other are not both given.

    Raises:
        UsageError: they are.
    """
    if command[one] and command[other]:
        arguments = command.all_arguments()
        raise UsageError(f"{arguments[one].name} and {arguments[other].name} exclude each other")
