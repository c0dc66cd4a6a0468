"""What is to be done so that a target becomes as its source. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pelagos.clients.folder.entries import Entry, Passed
from pelagos.clients.folder.names import folders_of


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, by the paths.

    Attributes:
        new: what the target has not.
        changed: what the target has with another content.
        same: what is equal.
        remove: what only the target has; empty unless that was asked for.
        marks: folders without files, to be made.
        unmarks: marks of folders to be removed.
        passed: what cannot be carried, with the reasons.
        size: bytes of what is new or changed.
    """

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    unmarks: tuple[str, ...] = ()
    passed: tuple[Passed, ...] = ()
    size: int = 0

    @property
    def carry(self) -> tuple[str, ...]:
        """What is new or changed."""
        return (*self.new, *self.changed)


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan as far as sizes and times can tell.

    Attributes:
        compare: of equal size; their content decides.
        conflicts: names that are needed for a file and for a folder.
    """

    new: tuple[str, ...]
    changed: tuple[str, ...]
    same: tuple[str, ...]
    compare: tuple[str, ...]
    only_target: tuple[str, ...]
    conflicts: tuple[Passed, ...]


def draft(
    source: Mapping[str, Entry], target: Mapping[str, Entry], *, fast: bool = False
) -> Draft:
    """Compare two sides without looking at content.

    Args:
        source: what is to be carried.
        target: what is there.
        fast: take files of equal size for equal when the target's is not older.

    >>> one, two = Entry("a", 1, 5.0), Entry("a", 1, 6.0)
    >>> draft({"a": one}, {"a": two}).compare, draft({"a": one}, {"a": two}, fast=True).same
    (('a',), ('a',))
    """
    inner = {folder for path in source for folder in folders_of(path)}
    new, changed, same, compare, conflicts = [], [], [], [], []
    for path in sorted(source):
        here, there = source[path], target.get(path)
        if path in inner:
            conflicts.append(Passed(path, "is a file and a folder at once"))
        elif there is None:
            new.append(path)
        elif here.size != there.size:
            changed.append(path)
        elif fast and here.modified <= there.modified:
            same.append(path)
        else:
            compare.append(path)
    only_target = sorted(target.keys() - source.keys())
    return Draft(
        tuple(new),
        tuple(changed),
        tuple(same),
        tuple(compare),
        tuple(only_target),
        tuple(conflicts),
    )


def kept(paths: Iterable[str], passed: Iterable[Passed]) -> tuple[str, ...]:
    """Those paths that may be removed: nothing that was passed over stands for them.

    What could not be read at the source is not gone there, so that it stays at the target.

    >>> kept(["a/x", "b"], [Passed("a", "cannot be read")])
    ('b',)
    """
    shields = {one.path.strip("/") for one in passed}
    if "" in shields:
        return ()
    return tuple(
        path for path in paths if path not in shields and shields.isdisjoint(folders_of(path))
    )
