"""Whether the folders of a container are marked as programs that show folders want it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pelagos.clients.folder.names import folders_of, why_not
from pelagos.clients.folder.remote import is_folder

#: A folder has no mark; a mark's name ends with a slash; a mark stands there twice; an object is
#: where a folder is.
Kind = Literal["no mark", "slash", "twice", "not a folder"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it should be.

    Attributes:
        name: of the object that it is about, or that is missing.
        folder: the folder's path, without a slash at its end.
    """

    kind: Kind
    name: str
    folder: str

    @property
    def is_mendable(self) -> bool:
        """Whether it goes without a decision of the owner: what he stored stays as it is."""
        return self.kind != "not a folder"


def faults_of(records: Iterable[Mapping[str, Any]], *, takes_slashes: bool) -> list[Fault]:
    """The faults of a container, folders before what is in them.

    Names that cannot be paths (`a//b`) make no folders.

    Args:
        records: all of a listing.
        takes_slashes: a mark may be called `folder/`, as in Swift; in Pithos it is `folder`.

    >>> [(one.kind, one.name) for one in faults_of([{"name": "a/b", "bytes": 1}],
    ...     takes_slashes=False)]
    [('no mark', 'a')]
    """
    marks: set[str] = set()
    slashed: dict[str, str] = {}
    objects: set[str] = set()
    needed: set[str] = set()
    for record in records:
        name = str(record.get("name", ""))
        plain = name.rstrip("/")
        if not plain:
            continue
        needed.update(path for path in folders_of(plain) if why_not(path) is None)
        if not is_folder(record):
            objects.add(name)
        elif name == plain:
            marks.add(name)
        elif name == f"{plain}/":
            slashed[plain] = name
    found = [Fault("not a folder", path, path) for path in (needed | slashed.keys()) & objects]
    missing = needed - marks - objects - slashed.keys()
    found += [Fault("no mark", path, path) for path in missing]
    if not takes_slashes:
        found += [
            Fault("twice" if path in marks else "slash", name, path)
            for path, name in slashed.items()
            if path not in objects
        ]
    return sorted(found, key=lambda fault: (fault.folder, fault.name))
