"""A folder down from a container: planned first, then done, file by file."""

from __future__ import annotations

from pathlib import Path

from pelagos.clients.errors import ClientError
from pelagos.clients.folder.carry import fetch
from pelagos.clients.folder.entries import Entry
from pelagos.clients.folder.exchange import Exchange, Report, Watcher, join
from pelagos.clients.folder.names import folders_of
from pelagos.clients.folder.plan import Plan, draft, kept
from pelagos.clients.folder.remote import need


class Pull(Exchange):
    """A folder down; arguments as of `Exchange`. No link leads it out of the folder."""

    def plan(self) -> Plan:
        """What is to be done; nothing changes.

        Raises:
            NotFound: there is no such container, or nothing at that place of it.
            ClientError: one of the two cannot be read.
        """
        self._look()
        here, there = self._here, self._there
        if not (there.files or there.marks or there.passed):
            need(self._client, self._place)
        found = draft(there.files, here.files, fast=self._fast)
        differ, same = self._compared(found)
        shields = (*there.passed, *here.passed)
        remove = kept(found.only_target, (*shields, *found.conflicts)) if self._delete else ()
        carry = (*found.new, *found.changed, *differ)
        return Plan(
            found.new,
            tuple(sorted((*found.changed, *differ))),
            tuple(sorted((*found.same, *same))),
            remove,
            tuple(sorted(there.marks.keys() - here.folders)),
            (),
            (*there.passed, *found.conflicts),
            sum(there.files[path].size for path in carry),
        )

    def run(self, plan: Plan, watcher: Watcher) -> Report:
        """Do what the plan says; nothing is removed when something failed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        root = self._folder.resolve()
        changed = frozenset(plan.changed)

        def one(path: str, workers: int | None) -> None:
            entry = self._there.files[path]
            fetch(
                self._client,
                entry.name,
                _inside(root, path),
                self._place,
                watcher.advance,
                size=entry.size,
                replace=path in changed,
                workers=workers,
            )
            watcher.done(path, "fetched")

        report = self._carry_all(plan.carry, self._there.files, one, "fetched")

        def mark(path: str, _: int | None) -> None:
            _inside(root, f"{path}/x")
            watcher.done(path, "made")

        marks = {path: Entry(path, 0, 0.0) for path in plan.marks}
        join(report, self._carry_all(plan.marks, marks, mark, "made"))
        if report.failed:
            report.kept = plan.remove
            return report

        def remove(path: str, _: int | None) -> None:
            _inside(root, path).unlink(missing_ok=True)
            self._tidy(root, path)
            watcher.done(path, "removed")

        gone = {path: Entry(path, 0, 0.0) for path in plan.remove}
        join(report, self._carry_all(plan.remove, gone, remove, "removed"))
        return report

    def _tidy(self, root: Path, path: str) -> None:
        """Remove folders that this has emptied."""
        for folder in reversed(folders_of(path)):
            if folder in self._there.marks:
                return
            try:
                (root / folder).rmdir()
            except OSError:  # something is in it
                return


def _inside(root: Path, path: str) -> Path:
    """Where a path is below the root, its folder made.

    Raises:
        ClientError: a link leads out of the root.
    """
    target = root / path
    parent = target.parent
    if not parent.resolve().is_relative_to(root):
        raise ClientError(
            f"{path} would be outside of {root}: a link in it leads elsewhere",
            hint="remove that link, or choose another folder",
        )
    parent.mkdir(parents=True, exist_ok=True)
    return target
