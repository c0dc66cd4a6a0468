"""The base of commands for the last versions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, Any, ClassVar, TypeVar

from pelagos.compat.kamaki.cli.argument import Argument, ConfigArgument, ValueArgument
from pelagos.compat.kamaki.cli.errors import CLIError
from pelagos.compat.kamaki.cli.utils import (
    ask_user,
    print_dict,
    print_items,
    print_json,
    print_list,
)
from pelagos.compat.kamaki.clients import Client
from pelagos.compat.kamaki.clients.astakos import CachedAstakosClient

__all__ = ["CommandInit", "IDFilter", "NameFilter", "OptionalOutput", "Wait"]

AnyClient = TypeVar("AnyClient", bound=Client)


class CommandInit:
    """A command; a class of a program has `arguments`, `required` and `main`.

    Args:
        arguments: the options of the program, `config` among them.
        astakos: who has logged in.
        cloud: the name of the cloud.
        _in, _out, _err: streams; by default the process' own.
    """

    arguments: ClassVar[Mapping[str, Argument]] = {}
    required: ClassVar[Any] = None

    def __init__(
        self,
        arguments: Mapping[str, Argument] | None = None,
        astakos: CachedAstakosClient | None = None,
        cloud: str | None = None,
        _in: IO[str] | None = None,
        _out: IO[str] | None = None,
        _err: IO[str] | None = None,
    ) -> None:
        inherited: dict[str, Argument] = {}
        for one in reversed(type(self).__mro__):
            inherited |= vars(one).get("arguments", {})
        self.arguments = {**inherited, **(arguments or {})}  # type: ignore[misc]  # the object's own
        self._in, self._out, self._err = _in or sys.stdin, _out or sys.stdout, _err or sys.stderr
        config = self.arguments.get("config")
        self.config = config.value if isinstance(config, ConfigArgument) else None
        self.cloud = cloud or (self.config.get_global("default_cloud") if self.config else None)
        self._astakos = astakos

    def __getitem__(self, argterm: str) -> Any:
        return self.arguments[argterm].value

    def __setitem__(self, argterm: str, argument: Argument) -> None:
        self.arguments[argterm] = argument  # type: ignore[index]  # the object's own

    @property
    def astakos(self) -> CachedAstakosClient:
        """Who has logged in at the cloud.

        Raises:
            CLIError: no cloud is configured.
        """
        if self._astakos is None:
            self._astakos = CachedAstakosClient(
                self._said("url"), str(self._said("token")).split()
            )
        return self._astakos

    def _said(self, option: str) -> Any:
        try:
            return self.config.get_cloud(self.cloud, option)  # type: ignore[union-attr,arg-type]  # see below
        except (AttributeError, KeyError) as error:
            raise CLIError(
                f"the cloud {self.cloud or ''} does not say its {option}",
                [f"write it into the section of the cloud: {option} = …"],
                3,
            ) from error

    def get_client(self, cls: type[AnyClient], service: str) -> AnyClient:
        """A client of the cloud: by `<service>_url` of its section, or by the catalogue."""
        said = self.config.get_cloud(self.cloud) if self.config and self.cloud else {}
        url = said.get(f"{service}_url")
        if not url:
            kind = said.get(f"{service}_type") or cls.service_type
            url = self.astakos.get_endpoint_url(kind, said.get(f"{service}_version"))
        token = said.get(f"{service}_token") or str(self._said("token")).split()[0]
        return cls(url, token)

    def write(self, text: Any) -> None:
        """Print as it is."""
        self._out.write(str(text))

    def writeln(self, text: Any = "") -> None:
        """Print a line."""
        self._out.write(f"{text}\n")

    def error(self, text: Any) -> None:
        """Say something that is no result."""
        self._err.write(f"{text}\n")

    def print_dict(self, what: Mapping[str, Any], **how: Any) -> None:
        """Print `name: value` lines."""
        print_dict(what, out=self._out, **how)

    def print_list(self, what: Sequence[Any], **how: Any) -> None:
        """Print the elements."""
        print_list(what, out=self._out, **how)

    def print_items(self, what: Iterable[Any], **how: Any) -> None:
        """Print things."""
        print_items(what, out=self._out, **how)

    def print_json(self, what: Any) -> None:
        """Print as JSON."""
        print_json(what, self._out)

    def ask_user(self, msg: str) -> bool:
        """Ask whether to go on."""
        return ask_user(msg, out=self._err, user_in=self._in)


class OptionalOutput:
    """What is printed may be JSON."""

    arguments: ClassVar[Mapping[str, Argument]] = {
        "output_format": ValueArgument("Show output as json", "--output-format"),
    }

    def print_(self, output: Any, print_method: Any = print_items, **how: Any) -> None:
        """Print, as JSON when it was asked for.

        Raises:
            CLIError: another form was asked for.
        """
        form = self["output_format"]  # type: ignore[index]  # of the command
        if form not in (None, "", "json"):
            raise CLIError(f"{form} is no form of output", ["there is json"], 1)
        if form == "json":
            print_json(output, self._out)  # type: ignore[attr-defined]  # of the command
        else:
            print_method(output, out=self._out, **how)  # type: ignore[attr-defined]  # of the command


class _Filter:
    _KEY: ClassVar[str] = ""

    def _kept(self, items: Iterable[Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
        exact, pref, suff, like = (
            self[name]  # type: ignore[index]  # of the command
            for name in (key, f"{key}_pref", f"{key}_suff", f"{key}_like")
        )
        return [
            one
            for one in items
            if (not exact or str(one.get(key)) == exact)
            and str(one.get(key, "")).startswith(pref or "")
            and str(one.get(key, "")).endswith(suff or "")
            and (like or "") in str(one.get(key, ""))
        ]


def _filters(key: str, word: str) -> dict[str, Argument]:
    return {
        key: ValueArgument(f"only with this {word}", f"--{key}"),
        f"{key}_pref": ValueArgument(f"only with a {word} that begins so", f"--{key}-prefix"),
        f"{key}_suff": ValueArgument(f"only with a {word} that ends so", f"--{key}-suffix"),
        f"{key}_like": ValueArgument(f"only with a {word} that has it", f"--{key}-like"),
    }


class NameFilter(_Filter):
    """Lists can be narrowed by name."""

    arguments: ClassVar[Mapping[str, Argument]] = _filters("name", "name")

    def _filter_by_name(self, items: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return self._kept(items, "name")


class IDFilter(_Filter):
    """Lists can be narrowed by id."""

    arguments: ClassVar[Mapping[str, Argument]] = _filters("id", "id")

    def _filter_by_id(self, items: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return self._kept(items, "id")


class Wait:
    """Commands that wait until something has another status."""

    def wait(
        self,
        service: str,
        service_id: Any,
        status_method: Callable[..., Any],
        current_status: str,
        countdown: bool = True,
        timeout: int = 60,
    ) -> None:
        """Wait while it has this status, and say on stderr how that ended.

        Args:
            service: what it is, in words.
            status_method: of a client: `wait_server` and its like.
            countdown: has no meaning here: what is waited for is said once, before.
            timeout: seconds at the most.
        """
        del countdown
        say = self.error  # type: ignore[attr-defined]  # of the command
        what = f"{service} {service_id}: status"
        say(f"{what} is {current_status}, waiting")
        found = status_method(service_id, current_status, max_wait=timeout)
        status = found.get("status") if isinstance(found, Mapping) else found
        is_other = bool(status) and status != current_status
        say(f"{what} is now {status}" if is_other else f"{what} is still {current_status}")
