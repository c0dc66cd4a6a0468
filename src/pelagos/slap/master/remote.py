"""What people ask of a computer's agent through the master: whether it is there, logs, programs.

The master sees to the rights, the agent to what its computer's settings allow. The way to the
agent is the program's around (`agent_line`); what goes over it is sealed, see `slap.remote`.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TypeVar

from pelagos.core.sealing import SealError
from pelagos.core.wire import WireError
from pelagos.slap.errors import BadRequest, NotFoundError, SlapError, Unauthorized
from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity, Kind, operators_only
from pelagos.slap.master.desk import UseCases
from pelagos.slap.master.errors import AgentUnreachable, Conflict
from pelagos.slap.master.finding import find_live
from pelagos.slap.master.store import Reader
from pelagos.slap.master.visibility import scope
from pelagos.slap.remote import (
    BY_CERTIFICATE,
    LONGEST_HELLO,
    LONGEST_RUN,
    USUAL_HELLO,
    Answer,
    Hello,
    Logs,
    Presence,
    Ran,
    Refusal,
    RemoteCall,
    key_by_certificates,
    key_of,
    open_answer,
    seal_call,
    value_of,
)

T = TypeVar("T")

#: Seconds that an agent may take for logs.
_READING = 15.0
#: Seconds that an answer may take beyond the program's own.
_BESIDES = 10.0


class Remote(UseCases):
    """One method per wish of a person."""

    def ping(self, computer_id: str, seconds: float, identity: Identity) -> Presence:
        """Whether the agent of a computer is there, and how long its answer took.

        Raises:
            BadRequest: it shall have no time, or too much.
            NotFoundError: there is no such computer that the identity sees.
            AgentUnreachable: it does not answer.
        """
        if not 0 < seconds <= LONGEST_HELLO:
            raise BadRequest(
                "an agent needs some time to answer"
                if not seconds > 0
                else f"{seconds:g} seconds are too long to wait for an agent's answer",
                status=400,
                hint=f"give it more than 0 and at most {LONGEST_HELLO:g} seconds",
            )
        sees = scope(identity)
        with self._desk.store.read() as reader:
            row = reader.computer(computer_id)
            if row is None or not sees.computer(row):
                raise NotFoundError(
                    f"there is no computer {computer_id}",
                    status=404,
                    hint="see all of them: pelagos computer list",
                )
        began = self._desk.clock.monotonic()
        hello = self._hello(computer_id, seconds)
        elapsed = (self._desk.clock.monotonic() - began) * 1000
        return Presence(computer_id, round(elapsed, 1), hello.version, hello.started, hello.allows)

    def logs(self, name: str, lines: int, program: str | None, identity: Identity) -> Logs:
        """The ends of the logs of a service of the identity's.

        Raises:
            NotFoundError: there is no such service, it has no place, or no log of that program.
            Unauthorized: its computer does not allow it.
            AgentUnreachable: its agent does not answer.
        """
        computer_id, partition_id, guid = self._place(name, identity)
        call = RemoteCall(
            "logs", partition_id=partition_id, lines=lines, program=program, guid=guid
        )
        return self._ask(computer_id, call, _READING, Logs)

    def run(self, name: str, words: tuple[str, ...], seconds: float, identity: Identity) -> Ran:
        """Run a program in the place of a service; operators only. The events tell of it.

        Raises:
            Unauthorized: who asks is no operator, or the computer does not allow it.
            BadRequest: no program is named, or it shall run for too long.
            NotFoundError: there is no such service, or it has no place.
            AgentUnreachable: its agent does not answer.
        """
        operators_only(identity)
        if not words or not 0 < seconds <= LONGEST_RUN:
            raise BadRequest(
                "a program needs a name and some time",
                status=400,
                hint=f"name it, and give it at most {LONGEST_RUN:g} seconds",
            )
        computer_id, partition_id, guid = self._place(name, identity)
        call = RemoteCall(
            "exec", partition_id=partition_id, words=words, seconds=seconds, guid=guid
        )
        self._note(name, guid, computer_id, words, identity)
        return self._ask(computer_id, call, seconds + _BESIDES, Ran)

    def call_key(self, identity: Identity) -> bytes:
        """The key with which calls to the agent of the calling computer are sealed now.

        Only for one without a token: a key from the token would outlive the certificate of who
        asks.

        Raises:
            Conflict: the computer has a token.
            AgentUnreachable: it has no certificate either.
        """
        with self._desk.store.read() as reader:
            if reader.token_digest(Kind.COMPUTER, identity.name) is not None:
                certificate = f"pelagos computer certificate {identity.name}"
                raise Conflict(
                    f"calls to {identity.name} are sealed with a key of its token",
                    status=409,
                    hint="to come with a certificate alone, revoke all that it has: "
                    f"{certificate} --revoke, then get another one: {certificate} --issue DIR; "
                    f"to have a token, let it join again: pelagos computer add {identity.name} "
                    "--again",
                )
            return self._key(reader, identity.name)

    def _key(self, reader: Reader, computer_id: str) -> bytes:
        digest, authority = reader.token_digest(Kind.COMPUTER, computer_id), self._desk.authority
        if digest is not None:
            return key_of(digest)
        now = self._now()
        serials = [
            held.serial
            for held in reader.certificates(Kind.COMPUTER, computer_id)
            if held.revoked is None and held.expires > now
        ]
        if not serials or authority is None:
            raise AgentUnreachable(
                f"the agent of {computer_id} has neither a token nor a certificate, with which "
                "calls to it are sealed",
                status=503,
                hint=f"let it join again: pelagos computer add {computer_id} --again",
            )
        return key_by_certificates(authority.secret(BY_CERTIFICATE), computer_id, serials)

    def _place(self, name: str, identity: Identity) -> tuple[str, str, str]:
        with self._desk.store.read() as reader:
            found = find_live(reader, name, scope(identity))
        if found.computer_id is None or found.partition_id is None:
            raise NotFoundError(
                f"{name} has no place of its own",
                status=404,
                hint=f"see: pelagos why {name}",
            )
        return found.computer_id, found.partition_id, found.guid

    def _note(
        self, name: str, guid: str, computer_id: str, words: tuple[str, ...], identity: Identity
    ) -> None:
        """Before it runs: what cannot be told must not happen."""
        with self._desk.change(identity) as change:
            program = causes.one_line(words[0]) or "a program"  # its arguments may be secrets
            cause = causes.plain("ok", f"{identity.actor} runs {program} there", change.now)
            change.record("instance.exec", guid, name, cause, where=computer_id)

    def _hello(self, computer_id: str, seconds: float = USUAL_HELLO) -> Hello:
        return self._exchange(computer_id, RemoteCall("hello"), seconds, Hello)

    def _ask(self, computer_id: str, call: RemoteCall, timeout: float, into: type[T]) -> T:
        hello = self._hello(computer_id)
        challenged = replace(call, challenge=hello.challenge)
        return self._exchange(computer_id, challenged, timeout, into)

    def _exchange(self, computer_id: str, call: RemoteCall, timeout: float, into: type[T]) -> T:
        line = self._desk.line
        if line is None:
            raise AgentUnreachable(
                "this master is connected to no bus, so it cannot ask agents",
                status=503,
                hint="set bus.url to a broker that master and agents reach",
            )
        with self._desk.store.read() as reader:
            key = self._key(reader, computer_id)
        call_id = uuid.uuid4().hex
        sealed = line.call(
            computer_id, call_id, seal_call(key, computer_id, call_id, call), timeout
        )
        try:
            answer = open_answer(key, computer_id, call_id, sealed)
            if answer.refusal is None:
                return value_of(answer, into)
        except (SealError, WireError) as error:
            raise AgentUnreachable(
                f"the answer of the agent of {computer_id} cannot be read: {error}",
                status=502,
                hint="see that it runs this version of Pelagos, and that nobody else listens in "
                "its place",
            ) from error
        raise _refused(answer)


def _refused(answer: Answer) -> SlapError:
    refusal = answer.refusal or Refusal("the agent says nothing")
    kinds: dict[int, type[SlapError]] = {
        400: BadRequest,
        403: Unauthorized,
        404: NotFoundError,
        409: Conflict,
    }
    kind = kinds.get(refusal.code, AgentUnreachable)
    status = refusal.code if refusal.code in kinds else 502
    return kind(refusal.message, status=status, hint=refusal.hint or None)
