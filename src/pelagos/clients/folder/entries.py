"""What stands in a folder and what in a container, in the same words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or an object in the place of one.

    Attributes:
        path: below the folder or the prefix, with `/` between its parts.
        size: bytes.
        modified: seconds since 1970.
        digest: of the content, as the service names it; "" when nothing is known.
        name: of the object; "" of a file.
    """

    path: str
    size: int
    modified: float
    digest: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Passed:
    """Something that is passed over.

    Attributes:
        path: below the folder, or the object's name.
        reason: for a person: "is a link to a folder".
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class LocalTree:
    """A folder.

    Attributes:
        files: by their paths.
        folders: every folder below it.
        empty: those of them in which nothing is.
        passed: what is neither.
    """

    files: Mapping[str, Entry] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()
    empty: frozenset[str] = frozenset()
    passed: tuple[Passed, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoteTree:
    """What is below a prefix.

    Attributes:
        files: by their paths.
        marks: objects that stand for folders: their names by the folders' paths.
        passed: objects that can be no file of ours.
    """

    files: Mapping[str, Entry] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    passed: tuple[Passed, ...] = ()
