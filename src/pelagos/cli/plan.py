"""A plan on its way between `request --plan` and `apply`: shown to a person, kept as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pelagos.cli.context import Context
from pelagos.cli.failures import UsageError
from pelagos.cli.output import Column
from pelagos.cli.values import plain

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the model
    from pelagos.slap.model import InstanceRequest

_LIMIT = 16 * 1024 * 1024

_CHANGES = (Column("what"), Column("before"), Column("after"))


def show_plan(context: Context, wish: InstanceRequest) -> None:
    """Ask the master what a wish would change, and print it; nothing is done."""
    plan = context.master.plan(wish)
    output = context.output
    if not output.is_table:
        output.show_one({"request": plain(wish), **plain(plan)})
        return
    if plan.changes:
        output.show_list(plan.changes, _CHANGES)
    for effect in plan.effects:
        output.line(f"- {effect}")
    if not plan.changes and not plan.effects:
        output.line(f"nothing: {wish.reference} is as wished already")
    context.say("nothing was done; to do it, keep this plan with -o json and: pelagos apply FILE")


def read_plan(context: Context, name: str) -> tuple[InstanceRequest, str]:
    """The wish and the basis of a kept plan.

    Raises:
        UsageError: the file cannot be read, or holds no plan.
    """
    from pelagos.core import wire
    from pelagos.slap.model import InstanceRequest

    hint = "make one with: pelagos request NAME URL --plan -o json > plan.json"
    try:
        if name == "-":
            text = context.stdin.read(_LIMIT)
        else:
            with Path(name).expanduser().open(encoding="utf-8") as file:
                text = file.read(_LIMIT)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"apply: cannot read {name}: {reason}", hint=hint) from error
    try:
        document: dict[str, Any] = wire.decode(text.encode(), dict[str, Any], limit=_LIMIT)
        basis = document["basis"]
        wish: InstanceRequest = wire.convert(document["request"], InstanceRequest)
    except (wire.WireError, KeyError) as error:
        raise UsageError(f"apply: {name} holds no plan: {error}", hint=hint) from error
    if not isinstance(basis, str) or not basis:
        raise UsageError(f"apply: {name} holds no plan: its basis is no text", hint=hint)
    return wish, basis
