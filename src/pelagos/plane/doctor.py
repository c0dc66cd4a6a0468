"""Is everything in order that a plane on this machine needs? Each check says how to mend it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from pelagos.core import fanout
from pelagos.core.errors import PelagosError
from pelagos.core.http import HttpClient, HttpError
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.settings import Part
from pelagos.slap.agent import read_status
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import SlapError

#: Bytes below which a build or an instance may fail for want of space.
SPACE_WANTED = 1_000_000_000
#: Seconds that all checks together may take.
BUDGET = 1.8


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `mend` is empty when nothing needs to be done."""

    name: str
    verdict: Verdict
    message: str
    mend: str = ""


def run(folder: DataFolder, master_url: str, token: str | None) -> list[Check]:
    """All checks, in the order in which a person should mend them; within two seconds."""
    asking = fanout.Fanout(slots=1)
    questions = {name: partial(_seen, check) for name, check in _checks(folder, master_url, token)}
    replies = asking.ask(questions, timeout=BUDGET)
    if all(reply.verdict is not fanout.Verdict.LATE for reply in replies):
        asking.close()  # else a thread hangs, for which nobody waits
    return [_check_of(reply) for reply in replies]


def _seen(check: Callable[[], Check]) -> Check:
    """What a check found; that it could not look is a finding, too."""
    try:
        return check()
    except PelagosError as error:
        return _fail(error.message, error.hint or "mend that first")
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return _fail(what, "run as the user who owns the data folder, or choose one with --data")


def _check_of(reply: fanout.Reply[Check]) -> Check:
    if reply.value is not None:
        return replace(reply.value, name=reply.name)
    if reply.verdict is fanout.Verdict.LATE:
        late = f"no result within {BUDGET:g} s"
        return Check(reply.name, Verdict.FAIL, late, "look whether disk or server hang")
    return Check(reply.name, Verdict.FAIL, reply.error or "", "please report this")


def _checks(
    folder: DataFolder, master_url: str, token: str | None
) -> Iterator[tuple[str, Callable[[], Check]]]:
    yield "python", _python
    yield "data folder", lambda: _data(folder)
    yield "disk space", lambda: _space(folder.path)
    yield "builder", _builder
    yield "plane", lambda: _plane(folder)
    yield "master", lambda: _master(master_url)
    yield "token", lambda: _token(master_url, token)
    yield "agent", lambda: _agent(folder)
    yield "directory", lambda: _directory(folder.endpoints().directory_url)


def _ok(message: str) -> Check:
    return Check("", Verdict.OK, message)


def _warn(message: str, mend: str) -> Check:
    return Check("", Verdict.WARN, message, mend)


def _fail(message: str, mend: str) -> Check:
    return Check("", Verdict.FAIL, message, mend)


def _python() -> Check:
    return _ok(f"{sys.version.split()[0]} at {sys.executable}")


def _data(folder: DataFolder) -> Check:
    path = folder.path
    if not path.exists():
        return _warn(f"{path} does not exist yet", "`pelagos up` makes it")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return _fail(f"{path} cannot be written by this user", "give another one with --data")
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return _fail(f"{path} is open to others (mode {mode:03o})", f"chmod 700 {path}")
    return _ok(str(path))


def _space(path: Path) -> Check:
    while not path.exists():
        path = path.parent
    free = shutil.disk_usage(path).free
    said = f"{free / 1e9:.1f} GB free below {path}"
    if free < SPACE_WANTED:
        return _fail(said, "make room: builds and services need at least 1 GB")
    return _ok(said)


def _builder() -> Check:
    for module in ("zc.buildout", "supervisor", "pkg_resources"):
        if find_spec(module) is None:
            return _fail(f"{module} is not installed", "install Pelagos with its dependencies")
    return _ok("zc.buildout and supervisor are installed")


def _plane(folder: DataFolder) -> Check:
    running = {part: pid for part in Part if (pid := folder.running(part))}
    if not running:
        return _fail("no plane runs on this data", "start it: `pelagos up`")
    said = ", ".join(f"{part} (process {pid})" for part, pid in running.items())
    missing = ", ".join(part for part in Part if part not in running)
    if missing:
        return _warn(f"{said}; not here: {missing}", f"`pelagos up --part` …: {missing}")
    return _ok(said)


def _master(url: str) -> Check:
    if not url:
        return _fail("it is not known where the master is", "start it: `pelagos up`")
    client = HttpClient(url, timeout=BUDGET)
    try:
        answer = client.request("GET", "v1/health")
    except HttpError as error:
        return _fail(error.message, "start it: `pelagos up`, or correct the address")
    finally:
        client.close()
    if answer.status != 200:  # noqa: PLR2004  # HTTP OK
        return _fail(f"{url} answers {answer.status}", "is this the address of a Pelagos master?")
    return _ok(f"answers at {url}")


def _token(url: str, token: str | None) -> Check:
    if not token:
        return _fail("there is no token", "`pelagos up` makes one; or set PELAGOS_TOKEN")
    if not url:
        return _warn("not tried: it is not known where the master is", "start it: `pelagos up`")
    client = SlapClient(url, token=token, timeout=BUDGET)
    try:
        identity = client.identity()
    except SlapError as error:
        if error.status is None:
            return _warn("not tried: the master does not answer", "mend the master first")
        return _fail(error.message, error.hint or "use the token of this master")
    except PelagosError as error:
        return _warn(f"not tried: {error.message}", "mend the master first")
    finally:
        client.close()
    return _ok(f"good for {identity['kind']} {identity['name']}")


def _agent(folder: DataFolder) -> Check:
    said = read_status(folder.node)
    if folder.running(Part.AGENT) is None:
        return _warn("no agent runs on this data", "start it: `pelagos up`")
    if said is None:
        return _warn("the agent has said nothing yet", "wait a second and look again")
    status, _ = said
    if status.cause.code != "ok":
        return _fail(status.cause.message, status.cause.hint or f"its log: {folder.node}/log")
    return _ok("runs and reaches the master")


def _directory(url: str) -> Check:
    if not url:
        return _warn("it is not known where the directory is", "start it: `pelagos up`")
    client = HttpClient(url, timeout=BUDGET)
    try:
        client.request("GET", "0.1/directories/lookup/default")
    except HttpError as error:
        return _warn(error.message, "start it: `pelagos up`")
    finally:
        client.close()
    return _ok(f"answers at {url}")
