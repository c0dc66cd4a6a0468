"""A folder up to a container: planned first, then done, file by file."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from pelagos.clients.errors import ClientError, NotFound
from pelagos.clients.folder.carry import send
from pelagos.clients.folder.entries import Entry
from pelagos.clients.folder.exchange import Exchange, Report, Watcher, join
from pelagos.clients.folder.plan import Plan, draft, kept


class Push(Exchange):
    """A folder up; arguments as of `Exchange`.

    Args:
        how: what else `upload_object` takes, for each file.
    """

    def __init__(self, *where: Any, how: Mapping[str, Any] | None = None, **terms: Any) -> None:
        super().__init__(*where, **terms)
        self._how = dict(how or {})

    def plan(self) -> Plan:
        """What is to be done; nothing changes.

        Raises:
            NotFound: there is no such container.
            ClientError: one of the two cannot be read.
        """
        if not self._folder.is_dir():
            raise ClientError(f"there is no folder {self._folder}", hint="check the path")
        self._look()
        here, there = self._here, self._there
        found = draft(here.files, there.files, fast=self._fast)
        differ, same = self._compared(found)
        carry = (*found.new, *found.changed, *differ)
        passed = (*here.passed, *found.conflicts)
        remove: tuple[str, ...] = ()
        unmarks: tuple[str, ...] = ()
        if self._delete:
            remove = kept(found.only_target, passed)
            unmarks = kept(sorted(there.marks.keys() - here.folders), passed)
        return Plan(
            found.new,
            tuple(sorted((*found.changed, *differ))),
            tuple(sorted((*found.same, *same))),
            remove,
            tuple(sorted(here.empty - there.marks.keys())),
            unmarks,
            passed,
            sum(here.files[path].size for path in carry),
        )

    def run(self, plan: Plan, watcher: Watcher) -> Report:
        """Do what the plan says; nothing is removed when something failed."""
        place = self._place

        def one(path: str, workers: int | None) -> None:
            name = place.prefix + path
            send(
                self._client,
                self._folder / path,
                name,
                place,
                watcher.advance,
                workers=workers,
                **self._how,
            )
            watcher.done(path, "sent")

        report = self._carry_all(plan.carry, self._here.files, one, "sent")

        def mark(path: str, _: int | None) -> None:
            self._client.create_directory(place.prefix + path, **place.where)
            watcher.done(path, "made")

        marks = {path: Entry(path, 0, 0.0) for path in plan.marks}
        join(report, self._carry_all(plan.marks, marks, mark, "made"))
        gone = {path: self._there.files[path].name for path in plan.remove}
        gone |= {path: self._there.marks[path] for path in plan.unmarks}
        if report.failed:
            report.kept = tuple(gone)
            return report

        def remove(path: str, _: int | None) -> None:
            with contextlib.suppress(NotFound):  # it was gone already
                self._client.delete_object(gone[path], **place.where)
            watcher.done(path, "removed")

        entries = {path: Entry(path, 0, 0.0) for path in gone}
        join(report, self._carry_all(list(gone), entries, remove, "removed"))
        return report
