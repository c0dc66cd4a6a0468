"""Is everything in order that a plane on this machine needs? Each check says how to mend it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from pelagos.core import fanout
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError
from pelagos.core.files import is_private
from pelagos.core.http import ClientTls, HttpClient, HttpError, HttpTimeout, HttpTlsError
from pelagos.plane.bus import trouble
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.doctor_directory import look_at_directory
from pelagos.plane.doctor_disk import has_room, look_at_disks
from pelagos.plane.doctor_machines import look_at_machines
from pelagos.plane.doctor_process import is_stopped, look_at, start, wake_or_end
from pelagos.plane.membership import (
    JOIN_AGAIN,
    certificate_of,
    has_joined,
    identity_file,
    is_due,
)
from pelagos.plane.sections import BusConfig
from pelagos.plane.settings import Part
from pelagos.slap.agent import read_status
from pelagos.slap.client import SlapClient
from pelagos.slap.errors import SlapError

#: Seconds that all checks together may take. 1.4, so that the whole command ends within two.
BUDGET = 1.4
#: The part of it that a server gets, so that its check can still say which one is silent.
_SERVER_SHARE = 0.7
#: So many of its polls may an agent miss, for it and its master may be busy.
_MISSED_POLLS = 3
#: Seconds more, which one answer may take.
_ANSWER = 5.0
_BEGIN = (
    "start one: `pelagos up`; or join one: `pelagos node run TOKEN`; or name one: --master-url URL"
)


class Grade(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `mend` is empty when nothing needs to be done."""

    name: str
    grade: Grade
    message: str
    mend: str = ""


def run(
    folder: DataFolder,
    master_url: str,
    token: str | None,
    *,
    authority: Path | None = None,
    poll_interval: float = 5.0,
    clock: Clock | None = None,
    bus: BusConfig | None = None,
) -> list[Check]:
    """All checks, in the order in which a person should mend them; within `BUDGET` seconds.

    Args:
        folder: the plane's.
        master_url: empty when it is not known.
        token: of the person who asks, None when there is none.
        authority: whom to trust (PEM) that the master's certificate is right; None: the plane's
            own, when the master is that of `folder`.
        poll_interval: seconds between two questions of the agent to its master.
        clock: what tells the age of what the agent said.
        bus: where master and agents talk; None is not looked at.
    """
    asking = fanout.Fanout(slots=1)
    agent = partial(_agent, folder, clock or SystemClock(), poll_interval)
    master = _Master(folder, master_url, token, authority)
    questions = {name: partial(_seen, check) for name, check in _checks(folder, master, agent)}
    if bus is not None and not master.is_elsewhere:
        questions["bus"] = partial(_seen, partial(_bus, bus, folder))
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
        return Check(reply.name, Grade.FAIL, late, "look whether disk or server hang")
    return Check(reply.name, Grade.FAIL, reply.error or "", "please report this")


@dataclass(frozen=True, slots=True)
class _Master:
    """Which master is asked, as whom, and whom to trust."""

    folder: DataFolder
    url: str
    token: str | None
    authority: Path | None

    @property
    def is_own(self) -> bool:
        """Whether it is the one that is noted in the folder."""
        return self.folder.endpoints().master_url.rstrip("/") == self.url.rstrip("/")

    @property
    def is_elsewhere(self) -> bool:
        """Whether a person asks who only uses a plane: nothing of one is on this machine."""
        return bool(self.url) and not self.folder.path.exists()

    @property
    def tls(self) -> ClientTls | None:
        if self.authority is not None:
            return ClientTls(authority=self.authority)
        return self.folder.client_tls() if self.is_own else None


def _checks(
    folder: DataFolder, master: _Master, agent: Callable[[], Check]
) -> Iterator[tuple[str, Callable[[], Check]]]:
    is_bare = _is_bare(folder, master)
    yield "python", _python
    if master.is_elsewhere:
        yield "master", lambda: _master(master)
        yield "token", lambda: _token(master)
        return
    if not is_bare or folder.path.exists():
        yield "data folder", lambda: _data(folder)
    yield "disk space", lambda: _space(folder)
    yield "builder", _builder
    if is_bare:  # all that follows would say so again
        yield "plane", lambda: _fail(f"there is none on {folder.path}, and none is named", _BEGIN)
        return
    yield "plane", lambda: _plane(folder)
    yield "master", lambda: _master(master)
    yield "token", lambda: _token(master)
    yield "agent", agent
    if identity_file(folder).exists():
        yield "certificate", lambda: _certificate(folder)
    if folder.machines.exists() and master.token:
        yield "machines", lambda: _machines(folder, master)
    if not has_joined(folder):
        yield "directory", lambda: _directory(folder, master.token)


def _is_bare(folder: DataFolder, master: _Master) -> bool:
    """Whether no plane was ever started here, no computer joined one, and none is named."""
    try:
        is_used = has_joined(folder) or any(folder.running(part) for part in Part)
    except (PelagosError, OSError):  # told by the checks
        return False
    return not master.url and not is_used


def _ok(message: str) -> Check:
    return Check("", Grade.OK, message)


def _warn(message: str, mend: str) -> Check:
    return Check("", Grade.WARN, message, mend)


def _fail(message: str, mend: str) -> Check:
    return Check("", Grade.FAIL, message, mend)


def _python() -> Check:
    return _ok(f"{sys.version.split()[0]} at {sys.executable}")


def _data(folder: DataFolder) -> Check:
    path = folder.path
    if not path.exists():
        mend = "`pelagos up` makes it, or `pelagos node run TOKEN` on a further computer"
        return _warn(f"{path} does not exist yet", mend)
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return _fail(f"{path} cannot be written by this user", "give another one with --data")
    if not is_private(path):
        mode = path.stat().st_mode & 0o777
        return _fail(f"{path} is open to others (mode {mode:03o})", f"chmod 700 {path}")
    return _ok(str(path))


def _space(folder: DataFolder) -> Check:
    is_well, said, mend = look_at_disks([folder.path, _root_of(folder)])
    return _ok(said) if is_well else _fail(said, mend)


def _builder() -> Check:
    for module in ("zc.buildout", "supervisor", "pkg_resources"):
        if find_spec(module) is None:
            return _fail(f"{module} is not installed", "install Pelagos with its dependencies")
    return _ok("zc.buildout and supervisor are installed")


def _plane(folder: DataFolder) -> Check:
    running = {part: pid for part in Part if (pid := folder.running(part))}
    if not running:
        what = "the agent does not run" if has_joined(folder) else "no plane runs on this data"
        return _fail(what, start(folder))
    for part, pid in running.items():
        if is_stopped(pid):
            said = f"process {pid}, which runs the {part}, is stopped"
            return _fail(said, wake_or_end(folder, pid))
    said = ", ".join(f"{part} (process {pid})" for part, pid in running.items())
    missing = ", ".join(part for part in Part if part not in running)
    if missing and not has_joined(folder):
        return _warn(f"{said}; not here: {missing}", f"`pelagos up --part` …: {missing}")
    return _ok(said)


def _silent(folder: DataFolder, part: Part, error: HttpError, mend: str) -> str:
    """What to do about a server that gave no answer: a process that hangs must end first."""
    pid = folder.running(part) if isinstance(error, HttpTimeout) else None
    return look_at(folder, pid) if pid else mend


def _master(master: _Master) -> Check:
    url, folder = master.url, master.folder
    if not url:
        return _fail("it is not known where the master is", "start it: `pelagos up`")
    client = HttpClient(url, timeout=BUDGET * _SERVER_SHARE, tls=master.tls)
    try:
        answer = client.request("GET", "v1/health")
    except HttpError as error:
        mend = "start it: `pelagos up`, or correct the address"
        if master.is_elsewhere:
            mend = "see that it runs there, or correct the address"
        elif has_joined(folder) and master.is_own:
            mend = "see that the master runs there, and the network lets this computer through"
        elif master.is_own:
            mend = _silent(folder, Part.MASTER, error, mend)
        return _fail(error.message, _trust(error, mend))
    finally:
        client.close()
    if answer.status != 200:  # noqa: PLR2004  # HTTP OK
        return _fail(f"{url} answers {answer.status}", "is this the address of a Pelagos master?")
    return _ok(f"answers at {url}")


def _trust(error: HttpError, mend: str) -> str:
    """What to do about a certificate is what the error itself says."""
    return error.hint or mend if isinstance(error, HttpTlsError) else mend


def _token(master: _Master) -> Check:
    if not master.token:
        if has_joined(master.folder):
            return _ok("of a person: none, and none is needed; the agent has its own")
        who = "who runs the plane gives one" if master.is_elsewhere else "`pelagos up` makes one"
        return _fail("there is no token", f"{who}; use --token-file or PELAGOS_TOKEN")
    return _tried_token(master, master.token)


def _tried_token(master: _Master, token: str) -> Check:
    if not master.url:
        return _warn("not tried: it is not known where the master is", "start it: `pelagos up`")
    timeout = BUDGET * _SERVER_SHARE
    client = SlapClient(master.url, token=token, timeout=timeout, tls=master.tls)
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


def _root_of(folder: DataFolder) -> Path:
    """Where partitions and software are: often below the data, at times on another disk."""
    return Path(folder.endpoints().node_root or folder.node)


def _agent(folder: DataFolder, clock: Clock, poll_interval: float) -> Check:
    said = read_status(_root_of(folder))
    pid = folder.running(Part.AGENT)
    if pid is None:
        return _warn("no agent runs on this data", start(folder))
    if said is None:
        return _warn("the agent has said nothing yet", "wait a second and look again")
    if is_stopped(pid):
        return _fail(f"its process {pid} is stopped", wake_or_end(folder, pid))
    status, written = said
    if status.cause.code != "ok":
        return _fail(status.cause.message, status.cause.hint or f"its log: {folder.node}/log")
    age = clock.time() - (status.last_contact or written)
    if age > poll_interval * _MISSED_POLLS + _ANSWER:
        return _silent_agent(folder, pid, age)
    return _ok("runs and reaches the master")


def _silent_agent(folder: DataFolder, pid: int, age: float) -> Check:
    if not has_room(_root_of(folder)):  # its process may be well
        return _fail(f"could not write for {age:.0f} s how it is", "make room on its disk")
    return _fail(f"has not heard its master for {age:.0f} s", look_at(folder, pid))


def _certificate(folder: DataFolder) -> Check:
    """That of a computer which joined a plane elsewhere."""
    found = certificate_of(folder)
    now = SystemClock().time()
    if found is None:
        return _ok("this computer needs none")
    day = time.strftime("%Y-%m-%d", time.gmtime(found.expires))
    if found.expires <= now:
        return _fail(f"that of {found.common_name} ended on {day}", JOIN_AGAIN)
    if is_due(found, now):
        mend = "see that the agent runs and reaches its master, which renews it"
        return _warn(f"that of {found.common_name} ends on {day} and was not renewed yet", mend)
    return _ok(f"good until {day}, renewed by itself")


def _bus(bus: BusConfig, folder: DataFolder) -> Check:
    """Without it all goes on, slower: agents poll, and events wait."""
    error = trouble(bus, folder.path, timeout=BUDGET * _SERVER_SHARE)
    if error is None:
        said = "in the plane's own process" if bus == BusConfig() else "can be reached"
        return _ok(said)
    mend = f"{error.hint or 'see that the broker runs'}; meanwhile agents poll and events wait"
    return _warn(error.message, mend)


def _machines(folder: DataFolder, master: _Master) -> Check:
    limit = BUDGET * _SERVER_SHARE
    client = SlapClient(master.url, token=master.token, timeout=limit, tls=master.tls)
    try:
        is_well, said, mend = look_at_machines(client, folder.machines)
    finally:
        client.close()
    return _ok(said) if is_well else _warn(said, mend)


def _directory(folder: DataFolder, token: str | None) -> Check:
    url = folder.endpoints().directory_url
    start = "start it: `pelagos up`"
    if not url:
        return _warn("it is not known where the directory is", start)
    is_well, said, mend = look_at_directory(
        url,
        token,
        BUDGET * _SERVER_SHARE / 2,
        lambda error: _silent(folder, Part.DIRECTORY, error, start),
    )
    return _ok(said) if is_well else _warn(said, mend)
