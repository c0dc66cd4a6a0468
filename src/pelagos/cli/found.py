"""What the directory found, printed: rows of a profile's display, and sources that were silent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import ValueArgument
from pelagos.cli.context import Context
from pelagos.cli.output import Column

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the client
    from pelagos.directory.client import LookupAnswer, LookupPart, LookupRow
    from pelagos.directory.model import SourceVerdict

PROFILE = ValueArgument(
    "which sources and columns", "--profile", metavar="NAME", default="default"
)

#: Another source had the answer; nothing is missing.
_UNNEEDED = "unneeded"
_IDS = (Column("source"), Column("id"))
_KEYS = ("source", "id")


def headings(headers: Sequence[str | None]) -> list[str]:
    """A name for each column, no two the same."""
    names: list[str] = []
    for number, header in enumerate(headers, 1):
        name = header or f"column {number}"
        names.append(name if name not in names else f"{name} {number}")
    return names


def rows_of(results: Iterable[LookupRow], names: Sequence[str]) -> list[dict[str, Any]]:
    """Results as rows; `source` and `id` say how to make one a favourite."""
    return [
        {
            "source": one.source,
            "id": one.relations.get("source_entry_id"),
            **dict(zip(names, one.column_values, strict=False)),
        }
        for one in results
    ]


def show(context: Context, answer: LookupAnswer, *, ids: bool = False) -> int:
    """Print an answer, and on stderr the sources that did not; returns how many rows it has.

    Args:
        context: of the command.
        answer: of the directory.
        ids: whether a table shows source and id of each row, too.
    """
    names = headings(answer.column_headers)
    rows = rows_of(answer.results, names)
    context.output.show_list(rows, _columns(names, ids=ids), keys=_KEYS)
    tell(context, answer.sources)
    return len(rows)


def show_parts(
    context: Context, headers: Sequence[str | None], parts: Iterable[LookupPart]
) -> tuple[int, list[SourceVerdict]]:
    """Print the parts of an answer as they come; how many rows there were, and the verdicts."""
    names = headings(headers)
    count = 0
    verdicts: list[SourceVerdict] = []

    def rows() -> Iterator[list[dict[str, Any]]]:
        nonlocal count
        for part in parts:
            verdicts.append(part.source)
            count += len(part.results)
            yield rows_of(part.results, names)

    context.output.show_parts(rows(), _columns(names), keys=_KEYS)
    return count, verdicts


def tell(context: Context, verdicts: Iterable[SourceVerdict]) -> None:
    """Name the sources that did not answer."""
    for source in verdicts:
        if not source.has_answered and source.verdict != _UNNEEDED:
            reason = f": {source.error}" if source.error else ""
            context.say(f"source {source.name}: {source.verdict}{reason}")


def _columns(names: Sequence[str], *, ids: bool = False) -> list[Column]:
    shown = [Column(name) for name in names]
    return [*shown, *_IDS] if ids else shown
