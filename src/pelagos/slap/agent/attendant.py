"""Answers what the master asks this computer's agent over the bus; see `pelagos.slap.remote`.

Knows no bus: it takes sealed calls and gives sealed answers, from several threads at once.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from importlib.metadata import version
from itertools import islice
from pathlib import Path

from pelagos.core import wire
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import PelagosError
from pelagos.core.sealing import SealError
from pelagos.slap.agent.call_key import CallKey
from pelagos.slap.agent.log_files import log_files, read_end
from pelagos.slap.agent.seats import FILE, Seat
from pelagos.slap.agent.visiting import visit
from pelagos.slap.remote import (
    LONGEST_RUN,
    MOST_LINES,
    OUTPUT_LIMIT,
    Answer,
    Hello,
    LogEnd,
    Logs,
    Ran,
    Refusal,
    RemoteCall,
    open_call,
    seal_answer,
)

#: Seconds that a challenge is good, and how many there are at once.
_CHALLENGE_LIFE = 60.0
_CHALLENGES = 1000
#: Logs of one partition that are looked into: whoever sits there may make any number.
_MOST_LOGS = 100


class Refused(PelagosError):
    """The agent does not do it.

    Attributes:
        code: the HTTP status that says so.
    """

    def __init__(self, message: str, *, code: int, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class Attendant:
    """What a person may do on this computer from afar.

    Args:
        computer_id: of this computer.
        root: the agent's folder.
        key: with which the master seals its calls, and this agent its answers.
        allows: the verbs that the settings of this computer allow: logs, exec.
        stop: ends programs that run.
        clock: the time.
        environ: the agent's own environment.
    """

    def __init__(
        self,
        computer_id: str,
        root: Path,
        key: CallKey,
        *,
        allows: frozenset[str],
        stop: threading.Event,
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._computer_id = computer_id
        self._root = root
        self._key = key
        self._allows = allows
        self._stop = stop
        self._clock = clock or SystemClock()
        self._environ = os.environ if environ is None else environ
        self._started = self._clock.time()
        self._lock = threading.Lock()
        self._challenges: OrderedDict[str, float] = OrderedDict()

    def answer(self, call_id: str, sealed: bytes) -> bytes:
        """The sealed answer to a sealed call.

        Raises:
            SealError: the call is not the master's; nothing was done.
            WireError: it is of another version's form; nothing was done.
            NoCallKeyError: it cannot be read yet, or not any more.
        """
        key, call = self._opened(call_id, sealed)
        try:
            found = Answer(value=wire.to_builtins(self._do(call)))
        except Refused as error:
            found = Answer(Refusal(error.message, error.hint or "", error.code))
        except (PelagosError, OSError) as error:
            hint = getattr(error, "hint", None) or "the log of the agent may say more"
            found = Answer(Refusal(str(error), hint, 500))
        return seal_answer(key, self._computer_id, call_id, found)

    def _opened(self, call_id: str, sealed: bytes) -> tuple[bytes, RemoteCall]:
        key = self._key.now()
        try:
            call = open_call(key, self._computer_id, call_id, sealed)
        except SealError:
            later = self._key.after(key)
            if later is None:
                raise
            key, call = later, open_call(later, self._computer_id, call_id, sealed)
        if call.verb != "hello" and (fresh := self._key.fresh()) != key:
            key, call = fresh, open_call(fresh, self._computer_id, call_id, sealed)
        return key, call

    def _do(self, call: RemoteCall) -> Hello | Logs | Ran:
        if call.verb == "hello":
            return self._greet()
        if not self._take(call.challenge):
            raise Refused(
                "the call is a copy of another one, or came too late",
                code=409,
                hint="ask again",
            )
        if call.verb not in self._allows:
            raise Refused(
                f"the settings of {self._computer_id} do not allow {call.verb} from afar",
                code=403,
                hint=f"there: pelagos config set node.allow_{call.verb} true, and start it again",
            )
        folder = self._folder(call.partition_id, call.guid)
        return self._logs(call, folder) if call.verb == "logs" else self._exec(call, folder)

    def _greet(self) -> Hello:
        challenge = secrets.token_urlsafe(16)
        now = self._clock.monotonic()
        with self._lock:
            self._challenges[challenge] = now + _CHALLENGE_LIFE
            while len(self._challenges) > _CHALLENGES:
                self._challenges.popitem(last=False)
        return Hello(challenge, version("pelagos"), self._started, tuple(sorted(self._allows)))

    def _take(self, challenge: str) -> bool:
        with self._lock:
            return self._challenges.pop(challenge, 0.0) > self._clock.monotonic()

    def _folder(self, partition_id: str, guid: str) -> Path:
        try:
            seats = wire.decode((self._root / FILE).read_bytes(), tuple[Seat, ...])
        except (OSError, wire.WireError):
            seats = ()
        seat = next((seat for seat in seats if seat.partition_id == partition_id), None)
        if seat is None:
            raise Refused(
                f"nobody sits in the partition {partition_id[:80]!r} of {self._computer_id}",
                code=404,
                hint="see where the service is: pelagos service info NAME",
            )
        if guid not in ("", seat.guid):
            raise Refused(
                f"another service than the one asked for sits in {partition_id}",
                code=409,
                hint="the agent has not heard of a change, or the master has not: ask again",
            )
        return self._root.resolve() / "instance" / partition_id

    def _logs(self, call: RemoteCall, folder: Path) -> Logs:
        number = max(0, min(call.lines, MOST_LINES))
        files, known, left = [], [], OUTPUT_LIMIT
        found = log_files(folder)
        chosen = dict(islice(found.items(), _MOST_LOGS))
        if call.program in found:
            chosen[call.program] = found[call.program]
        for name, path in chosen.items():
            lines = read_end(folder, path, number, limit=max(left, 1))
            if lines is None:
                continue
            known.append(name)
            if call.program in (None, name):
                files.append(LogEnd(name, str(path), lines))
                left -= sum(len(line) for line in lines)
        return Logs(tuple(files), tuple(known))

    def _exec(self, call: RemoteCall, folder: Path) -> Ran:
        if not call.words or not call.words[0] or any("\0" in word for word in call.words):
            raise Refused("no program is named", code=400, hint="give it after --")
        try:
            return visit(
                call.words,
                folder=folder,
                environ=self._environ,
                seconds=min(max(call.seconds, 0.1), LONGEST_RUN),
                limit=OUTPUT_LIMIT,
                stop=self._stop,
            )
        except FileNotFoundError as error:
            raise Refused(
                f"there is no program {call.words[0]!r} in {folder} or on its PATH",
                code=404,
                hint="name it by its path below that folder, or one of the system's",
            ) from error
        except OSError as error:
            raise Refused(
                f"{call.words[0]!r} cannot be run: {error.strerror}",
                code=400,
                hint="see that it is executable and has a `#!` line or is a binary",
            ) from error
