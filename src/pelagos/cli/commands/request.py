"""`pelagos request`: ask for a service."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import FlagArgument, KeyValueArgument, Operand, ValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.commands.service import COLUMNS, WAIT_ARGUMENTS
from pelagos.cli.failures import NOT_READY, OK, UsageError
from pelagos.cli.registration import command
from pelagos.cli.software import software_url
from pelagos.cli.tree import CommandTree

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the model
    from pelagos.slap.model import Instance, InstanceRequest

_request_commands = CommandTree("request")
_apply_commands = CommandTree("apply")

_PARAMETER_FILE_LIMIT = 8 * 1024 * 1024
"""Bytes; no master takes more in one request."""


class _Asking(Command):
    """Base of the commands that make a wish known."""

    shows = True

    def _ask(self, wish: InstanceRequest, send: Callable[[], Instance]) -> int:
        """Send the wish, wait when told to, print what came of it."""
        from pelagos.slap.errors import MarshalError, ResourceNotReady

        has_place = True
        try:
            self._note_place(wish, send())
        except ResourceNotReady:
            has_place = False  # the wish is kept; `service` tells its cause
        except MarshalError as error:
            raise UsageError(error.message, hint=error.hint) from error
        if self["wait"]:
            self._wait(wish.reference)
            return OK
        return self._tell(wish.reference, has_place=has_place)

    def _note_place(self, wish: InstanceRequest, placed: Instance) -> None:
        wanted = wish.filters.get("computer_guid")
        if wanted is not None and placed.computer_id and wanted != placed.computer_id:
            self.context.say(
                f"{wish.reference} stays on {placed.computer_id}: a filter counts where a place "
                "is sought, and moves nothing"
            )

    def _tell(self, reference: str, *, has_place: bool) -> int:
        from pelagos.cli.progress import is_reached, next_step

        found = self.context.master.service(reference)
        self.context.output.show_list([found], COLUMNS)
        if is_reached(found, found.requested_state):
            return OK
        if self.context.output.is_table:
            hint = next_step(found.cause)
            self.context.say(hint or f"see how it goes: pelagos why {reference}")
        return OK if has_place else NOT_READY

    def _wait(self, reference: str) -> None:
        from pelagos.cli.progress import wait_until

        goal = self.context.master.service(reference).requested_state
        reached = wait_until(self.context, reference, goal, self["timeout"])
        if reached is None:
            self.context.say(f"{reference} is gone")
        elif goal.value == "started":
            self.context.output.show_values(reached.connection)
        else:
            self.context.output.show_list([reached], COLUMNS)


@command(_request_commands)
class Request(_Asking):
    """Ask for a service, or change what you asked for.

    The master keeps the wish and the agents make it true. The same REFERENCE again changes the
    service: its parameters are those of the last request.
    """

    arguments = {
        "param": KeyValueArgument(
            "a parameter; may be repeated. Where the release takes JSON, it becomes what the "
            "schema wants (a number, true, false, null, a list, an object), else text",
            "-p",
            "--param",
        ),
        "param_file": ValueArgument(
            "parameters in a JSON file (- reads stdin); --param is laid over it",
            "--param-file",
            metavar="FILE",
            complete="file",
        ),
        "type": ValueArgument("software type; default: default", "--type", default="default"),
        "state": ValueArgument(
            "started (at first the default), stopped or destroyed",
            "--state",
            metavar="STATE",
            choices=("started", "stopped", "destroyed"),
        ),
        "filter": KeyValueArgument(
            "only on computers that match, e.g. computer_guid=NAME", "--filter"
        ),
        "shared": FlagArgument(
            "a shared instance: a place in a service of this release that runs already", "--shared"
        ),
        "plan": FlagArgument("show what this would change, and do nothing", "--plan"),
        **WAIT_ARGUMENTS,
    }
    operands = {
        "reference": Operand("the name that you give the service", complete="service"),
        "url": Operand("URL or path of its software release", complete="release"),
    }
    examples = (
        "pelagos request hello examples/hello/software.cfg --wait",
        "pelagos request db https://example.org/db.cfg -p size=10 -w --timeout 20m",
        "pelagos request db db.cfg -p size=20 --plan -o json > plan.json",
    )

    def main(self, reference: str, url: str) -> int:
        """Tell the master; wait when told to; print what came of it."""
        from pelagos.cli.parameters import checked
        from pelagos.slap.model import InstanceRequest, InstanceState

        check_reference(reference)
        wish = InstanceRequest(
            reference=reference,
            release_url=software_url(url),
            software_type=self["type"],
            parameters=self._parameters(),
            filters=self["filter"] or {},
            shared=self["shared"],
            state=InstanceState(self["state"]) if self["state"] else None,
        )
        wish = checked(self.context, wish, tuple(self["param"] or ()))
        if self["plan"]:
            from pelagos.cli.plan import show_plan

            show_plan(self.context, wish)
            return OK
        return self._ask(wish, lambda: self.context.master.request(wish))

    def _parameters(self) -> dict[str, Any]:
        parameters = self._from_file(self["param_file"]) if self["param_file"] else {}
        return {**parameters, **(self["param"] or {})}

    def _from_file(self, name: str) -> dict[str, Any]:
        limit = _PARAMETER_FILE_LIMIT
        try:
            if name == "-":
                text = self.context.stdin.read(limit + 1)
            else:
                with Path(name).expanduser().open(encoding="utf-8") as file:
                    text = file.read(limit + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise UsageError(f"--param-file: cannot read {name}: {reason}") from error
        if len(text) > limit:
            raise UsageError(
                f"--param-file: {name} is larger than {limit // 1024**2} MiB",
                hint="give the service a URL of large data instead of the data",
            )
        return _object(name, text)


@command(_apply_commands)
class Apply(_Asking):
    """Do what a plan says; fails when the world has moved since.

    The plan is what `pelagos request … --plan -o json` printed.
    """

    arguments = WAIT_ARGUMENTS
    operands = {"plan": Operand("file that holds the plan, or - for stdin", complete="file")}
    examples = ("pelagos apply plan.json --wait",)

    def main(self, plan: str) -> int:
        """Send it; wait when told to; print what came of it."""
        from pelagos.cli.plan import read_plan

        wish, basis = read_plan(self.context, plan)
        return self._ask(wish, lambda: self.context.master.apply(wish, basis))


def _finite(text: str) -> float:
    """A number of JSON, which Python reads more freely than its standard (RFC 8259) says."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a number of JSON")  # becomes a UsageError
    return value


def _object(name: str, text: str) -> dict[str, Any]:
    example = 'write for example: {"size": 10}'
    try:
        found = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except ValueError as error:
        raise UsageError(f"--param-file: {name} is not JSON: {error}", hint=example) from error
    except RecursionError as error:
        raise UsageError(f"--param-file: {name} is nested too deep") from error
    if not isinstance(found, dict):
        raise UsageError(f"--param-file: {name} does not hold a JSON object", hint=example)
    return found


def check_reference(reference: str) -> None:
    """See whether a service may have this name.

    Raises:
        UsageError: it is empty, only dots, or holds characters that cannot be printed.
    """
    if not reference.strip(". ") or not reference.isprintable():
        raise UsageError(
            f"{reference!r} cannot be the name of a service",
            hint="use letters, digits, dots, dashes and underscores",
        )
