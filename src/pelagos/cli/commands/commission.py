"""`pelagos commission …`: what services charge to users and projects of a Synnefo."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pelagos.cli.argument import FlagArgument, Operand, RepeatableArgument, ValueArgument
from pelagos.cli.cloud.service_token import SERVICE, ServiceCommand
from pelagos.cli.failures import FAILED, NOT_FOUND, CommandError, UsageError
from pelagos.cli.output import Column
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_commission_commands = CommandTree(
    "commission", "What services charge to users and projects of a Synnefo"
)

_SERIAL = Operand("its number; see pelagos commission pending")


class _OfOne(ServiceCommand):
    """Is about one commission."""

    arguments = SERVICE
    operands = {"serial": _SERIAL}

    def number(self, word: str) -> int:
        """The number that a word is.

        Raises:
            UsageError: it is none.
        """
        if not (word.isascii() and word.isdigit()):
            raise UsageError(f"{word!r} is no number of a commission")
        return int(word)

    def resolve(self, word: str, *, is_accepted: bool) -> None:
        """Decide it.

        Raises:
            CommandError: there is none of that number, or it is decided.
        """
        from pelagos.clients.errors import NotFound

        serial = self.number(word)
        try:
            if is_accepted:
                self.service.accept_commission(serial)
            else:
                self.service.reject_commission(serial)
        except NotFound as error:
            raise _decided(serial) from error
        self.context.say(f"commission {serial} is {'accepted' if is_accepted else 'rejected'}")


def _decided(serial: int) -> CommandError:
    return CommandError(
        f"no commission {serial} waits: there is none, or it is decided",
        hint="see: pelagos commission pending",
        code=NOT_FOUND,
    )


@command(_commission_commands)
class CommissionPending(ServiceCommand):
    """List the commissions that are neither accepted nor rejected."""

    shows = True
    lists = True
    keys = ()
    arguments = SERVICE

    def main(self) -> None:
        """Print them."""
        rows = [{"serial": one} for one in self.service.get_pending_commissions()]
        self.context.output.show_list(rows, (Column("serial"),), empty="none waits")


@command(_commission_commands)
class CommissionInfo(_OfOne):
    """Show what a commission wants to change."""

    shows = True

    def main(self, serial: str) -> None:
        """Print it."""
        from pelagos.clients.errors import NotFound

        number = self.number(serial)
        try:
            found = self.service.get_commission_info(number)
        except NotFound as error:
            raise _decided(number) from error
        self.context.output.show_one(found)


@command(_commission_commands)
class CommissionIssue(ServiceCommand):
    """Begin to charge a user and his project; it is decided by accept or reject.

    The quantities are given as RESOURCE=N, less than 0 gives back; or in a file of JSON, an
    object of them.
    """

    shows = True
    arguments = {
        **SERVICE,
        "user": ValueArgument("id of the user", "--user", metavar="ID"),
        "project": ValueArgument(
            "id of the project; by default the user's own",
            "--project",
            metavar="ID",
            complete="cloud:project-id",
        ),
        "file": ValueArgument(
            "the quantities, as JSON", "--provisions-file", metavar="FILE", complete="file"
        ),
        "description": ValueArgument("what it is for", "--description", metavar="TEXT"),
        "force": FlagArgument("also above the quota", "--force"),
        "accept": FlagArgument("decide it at once", "--accept"),
    }
    required = "user"
    operands = {"provisions": Operand("RESOURCE=N, as cyclades.vm=1")}
    examples = ("pelagos commission issue --user 7f2a… cyclades.vm=1 cyclades.ram=1073741824",)

    def main(self, *provisions: str) -> None:
        """Begin it, and print its number."""
        amounts = {**self._of_file(), **dict(_read(one) for one in provisions)}
        if not amounts:
            raise UsageError("nothing is charged", hint="give RESOURCE=N, or --provisions-file")
        project = self["project"] or self["user"]
        serial = self.service.issue_one_commission(
            self["user"],
            {(project, resource): amount for resource, amount in amounts.items()},
            self["description"] or "",
            self["force"],
            self["accept"],
        )
        self.context.output.show_one({"serial": serial, "accepted": self["accept"]})

    def _of_file(self) -> dict[str, int]:
        if not self["file"]:
            return {}
        path = Path(self["file"]).expanduser()
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UsageError(f"{path} is not JSON: {error}") from error
        if not isinstance(found, dict) or not all(_is_amount(one) for one in found.values()):
            raise UsageError(
                f"{path} is no object of whole numbers", hint='write {"cyclades.vm": 1}'
            )
        return found


def _is_amount(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _read(word: str) -> tuple[str, int]:
    resource, equals, amount = word.partition("=")
    try:
        if resource and equals:
            return resource, int(amount)
    except ValueError:
        pass
    raise UsageError(f"{word!r} is not RESOURCE=N", hint="write for example: cyclades.vm=1")


@command(_commission_commands)
class CommissionAccept(_OfOne):
    """Let a commission be so."""

    def main(self, serial: str) -> None:
        """Accept it."""
        self.resolve(serial, is_accepted=True)


@command(_commission_commands)
class CommissionReject(_OfOne):
    """Let a commission not be so."""

    def main(self, serial: str) -> None:
        """Reject it."""
        self.resolve(serial, is_accepted=False)


@command(_commission_commands)
class CommissionResolve(_OfOne):
    """Accept some commissions and reject others; tells what became of each."""

    shows = True
    lists = True
    keys = ()
    arguments = {
        **SERVICE,
        "accept": RepeatableArgument("numbers, with commas between", "--accept", metavar="N,…"),
        "reject": RepeatableArgument("numbers, with commas between", "--reject", metavar="N,…"),
    }
    required = ["accept", "reject"]
    operands = {}

    def main(self) -> int | None:
        """Decide them."""
        wanted = {
            way: [self.number(one.strip()) for text in self[way] for one in text.split(",")]
            for way in ("accept", "reject")
        }
        found = self.service.resolve_commissions(wanted["accept"], wanted["reject"])
        rows = [
            {"serial": one, "became": became, "said": ""}
            for became in ("accepted", "rejected")
            for one in found[became]
        ]
        rows += [
            {"serial": serial, "became": "failed", "said": _said(why)}
            for serial, why in found["failed"]
        ]
        self.context.output.show_list(rows, (Column("serial"), Column("became"), Column("said")))
        return FAILED if found["failed"] else None


def _said(why: Any) -> str:
    """What the server says of one that it could not decide."""
    inner = next(iter(why.values()), None) if isinstance(why, dict) else why
    return str(inner.get("message", inner)) if isinstance(inner, dict) else str(inner)
