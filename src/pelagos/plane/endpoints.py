"""Where the parts of a plane answer, as `pelagos up` notes it in the data folder.

Cheap to import: every command reads it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pelagos.core.errors import PelagosError

FILE = "plane.json"
"""The file's name in the data folder."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the parts of the plane of this folder answer, or last answered.

    Attributes:
        authority: file (PEM) of the authority that the master's certificate comes from; empty
            while the master speaks plain HTTP.
        phone_urls: where desk phones ask the directory, with blanks between; empty: nowhere.
        partitions: instances that fit on this computer, as its first start was told; 0 when that
            was told nothing.
    """

    master_url: str = ""
    authority: str = ""
    directory_url: str = ""
    phone_urls: str = ""
    computer_id: str = ""
    node_root: str = ""
    pid: int = 0
    partitions: int = 0


def read_endpoints(folder: Path) -> Endpoints:
    """What was last noted in a data folder; empty values when nothing was.

    Raises:
        PelagosError: the file cannot be read or is damaged. It is not taken as empty, because
            this computer would get another name, and the master another address.
    """
    path = folder / FILE
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Endpoints()
    except OSError as error:
        raise PelagosError(
            f"cannot read {path}: {error.strerror}",
            hint="run as the user who started the plane, or give another folder with --data",
        ) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)) from error
    return _endpoints(path, found)


def _endpoints(path: Path, found: Any) -> Endpoints:
    if not isinstance(found, dict):
        raise _damaged(path, "it is not a table")
    known = {one.name: one.default for one in fields(Endpoints) if one.name in found}
    for name, default in known.items():
        if type(found[name]) is not type(default):
            raise _damaged(path, f"{name} is {found[name]!r}")
    return Endpoints(**{name: found[name] for name in known})


def _damaged(path: Path, reason: str) -> PelagosError:
    return PelagosError(
        f"{path} is damaged: {reason}",
        hint="remove it and run `pelagos up` again, with the former --master-port, and the former "
        "--computer-id if that was not this host's name; or "
        "restore it from a backup; a computer that joined joins again: pelagos computer add NAME "
        "--again",
    )
