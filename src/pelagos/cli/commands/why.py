"""`pelagos why`: the state of a thing, its cause, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pelagos.cli.argument import Operand, ValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.failures import NOT_FOUND, CommandError, NoPlaneError
from pelagos.cli.moment import clock_and_ago, short
from pelagos.cli.registration import command
from pelagos.cli.terminal import clean, paint, wants_colour
from pelagos.cli.thing import no_such_thing
from pelagos.cli.tree import CommandTree
from pelagos.core.errors import PelagosError
from pelagos.core.spelling import nearest

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the model
    from pelagos.slap.model import Cause, Explanation

_why_commands = CommandTree("why")

_DETAIL_LINES = 12
_CHAIN = 6
_EVENTS = 6


@command(_why_commands)
class Why(Command):
    """Tell why a service, computer, release or source is as it is.

    A source of the directory is asked just now. The first line names the cause. Then: since when
    it holds, who saw it, what to do next, how it came to that.
    """

    shows = True
    arguments = {
        "kind": ValueArgument(
            "what THING is, when a name fits two: service, computer, release or source",
            "--kind",
            metavar="KIND",
            choices=("service", "computer", "release", "source"),
        ),
    }
    operands = {"thing": Operand("name of the service or computer, or URL", complete="thing")}
    examples = ("pelagos why hello", "pelagos why hello --output value --columns cause.code")

    def main(self, thing: str) -> None:
        """Ask and print."""
        explanation = self._explain(thing)
        if self.context.output.is_table and self["columns"] is None:
            self._print(explanation)
        else:
            self.context.output.show_one(explanation)

    def _explain(self, thing: str) -> Explanation:
        from pelagos.plane import why
        from pelagos.plane.data_folder import DataFolder
        from pelagos.plane.sections import BusConfig
        from pelagos.slap.errors import NotFoundError

        if self["kind"] == "source":
            return self._explain_source(thing)
        try:
            master = self.context.master
        except NoPlaneError:  # a directory may run alone
            if self["kind"] is None and (found := self._source(thing)) is not None:
                return found
            raise
        folder = DataFolder(self.context.data)
        bus = self.context.config.of(BusConfig)
        try:
            return why.explain(master, folder, thing, self["kind"], bus)
        except NotFoundError as error:
            path = Path(thing).expanduser()
            if "://" not in thing and path.is_file():  # a release that was supplied by its path
                return why.explain(master, folder, str(path.absolute()), self["kind"], bus)
            if self["kind"] is None and (found := self._source(thing)) is not None:
                return found
            raise no_such_thing(master, thing, self._sources()) from error

    def _explain_source(self, name: str) -> Explanation:
        from pelagos.plane.why_source import explain_source

        found = explain_source(self.context.directory, name)
        if found is None:
            known = [one.name for one in self.context.directory.sources()]
            near = nearest(name, known)
            hint = f"did you mean {near}?" if near else "see: pelagos source list"
            raise CommandError(f"there is no source {name}", hint=hint, code=NOT_FOUND)
        return found

    def _source(self, name: str) -> Explanation | None:
        """The same, where the directory can be asked and knows it."""
        from pelagos.plane.why_source import explain_source

        try:
            return explain_source(self.context.directory, name)
        except PelagosError:  # what the master does not know is told; this is no part of it
            return None

    def _sources(self) -> list[str] | None:
        """Names of the sources; None when they could not be meant, or cannot be had."""
        if self["kind"] is not None:
            return None
        try:
            return [one.name for one in self.context.directory.sources()]
        except PelagosError:
            return None

    def _print(self, explanation: Explanation) -> None:
        cause = explanation.cause
        head = f"{explanation.name}: {cause.message or cause.code}"
        if cause.message and cause.code not in cause.message:
            head = f"{head.rstrip('.')} ({cause.code})"
        is_bold = wants_colour(self.context.stdout, self.context.environ)
        lines = [paint(clean(head), "bold") if is_bold else clean(head)]
        lines += self._facts(explanation.kind, explanation.state, cause)
        chain = [one for one in explanation.chain[:_CHAIN] if one.message]
        if chain:
            lines.append("how it came to that:")
            lines += [f"  - {clean(one.message)} ({clean(one.code)})" for one in chain]
        if explanation.events:
            lines.append("last events:")
        now = self.context.clock.time()
        for event in explanation.events[:_EVENTS]:
            what = f"{event.kind} by {event.actor}"
            said = f": {event.cause.message}" if event.cause.message else ""
            lines.append(f"  {short(event.at, now)}  {clean(what + said)}")
        self.context.stdout.write("\n".join(lines) + "\n")

    def _facts(self, kind: str, state: str, cause: Cause) -> list[str]:
        now = self.context.clock.time()
        facts = (
            ("state", f"{state} ({kind})"),
            ("since", clock_and_ago(cause.since, now) if cause.since else ""),
            ("seen by", cause.seen_by),
            ("next", cause.hint or "nothing needs to be done"),
        )
        lines = [f"  {name:8}  {clean(text)}" for name, text in facts if text]
        detail = cause.detail.rstrip().splitlines()
        if len(detail) > _DETAIL_LINES:
            lines.append(
                f"  detail    … ({len(detail) - _DETAIL_LINES} lines before; all: --output json)"
            )
        elif detail:
            lines.append("  detail")
        lines += [f"    | {clean(line, keep=chr(9))}" for line in detail[-_DETAIL_LINES:]]
        return lines
