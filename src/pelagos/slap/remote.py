"""Calls of a master to an agent: their words, and how they are sealed.

They travel over a bus that others may reach, so both directions are sealed with a key that only
the master and that agent have. It is derived from the agent's token, of which the master keeps the
digest. For an agent without a token it is derived from a secret of the master's authority and the
numbers of the agent's certificates that hold, so that the master has another one as soon as any of
them ends. The agent asks the master for it, and before it does what a call wants, again when the
last answer is older than a minute; a key that the master no longer has does nothing then. While
the master cannot be reached the agent keeps the key that it has. The key of a token is the agent's
for as long as it runs with that token, also after the master has revoked it.

A call carries a challenge that the agent has given out for one call, so that a copy of it does
nothing; an answer is bound to its call.

    hello                    → Hello: the challenge
    logs, exec (challenge)   → Logs, Ran
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pelagos.core import wire
from pelagos.core.sealing import derive, seal, unseal

T = TypeVar("T")

#: What the secret of a master's authority is for.
BY_CERTIFICATE = "calls of a master to agents with certificates"
#: Bytes of the output of a program, and of its errors, that are kept; and of all lines of logs.
OUTPUT_LIMIT = 512 * 1024
#: Seconds that a program may run at the most, and unless told.
LONGEST_RUN, USUAL_RUN = 300.0, 30.0
#: Seconds that an agent may take to say that it is there, at the most, and unless told.
LONGEST_HELLO, USUAL_HELLO = 300.0, 5.0
#: Lines of each log at the most.
MOST_LINES = 10_000


@dataclass(frozen=True, slots=True)
class RemoteCall:
    """What an agent is asked.

    Attributes:
        verb: hello, logs or exec.
        challenge: what the agent's last Hello said; none for hello.
        partition_id: whose logs, or where a program runs.
        lines: of each log.
        program: only the log of this one.
        words: the program to run, and what it is given.
        seconds: that it may run.
        guid: of the service that the master believes to sit there; nothing is done for another.
    """

    verb: str
    challenge: str = ""
    partition_id: str = ""
    lines: int = 50
    program: str | None = None
    words: tuple[str, ...] = ()
    seconds: float = USUAL_RUN
    guid: str = ""


@dataclass(frozen=True, slots=True)
class Hello:
    """An agent that is there.

    Attributes:
        version: of its Pelagos.
        started: Unix seconds, by its own clock.
        allows: the verbs that its settings allow.
    """

    challenge: str
    version: str
    started: float
    allows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The end of a log file: the name of its program, its path there, its last lines."""

    name: str
    path: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs of a partition.

    Attributes:
        files: those that were wanted.
        known: the names of all.
    """

    files: tuple[LogEnd, ...] = ()
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended.

    Attributes:
        status: its exit status; negative for the signal that ended it.
        output: what it wrote (Base64 on the wire).
        errors: what it wrote to its standard error.
        is_late: it was ended because its time was over.
        is_cut: it wrote more than is kept.
    """

    status: int
    output: bytes = b""
    errors: bytes = b""
    is_late: bool = False
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an agent does not do it; `code` is an HTTP status."""

    message: str
    hint: str = ""
    code: int = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent says: a refusal, or a value."""

    refusal: Refusal | None = None
    value: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Presence:
    """A computer whose agent answered.

    Attributes:
        elapsed_ms: milliseconds from the question to the answer.
        version: of its Pelagos.
        started: Unix seconds when it started, by its own clock.
        allows: what its settings let people do from afar.
    """

    computer_id: str
    elapsed_ms: float
    version: str
    started: float
    allows: tuple[str, ...] = ()


def key_of(digest: str) -> bytes:
    """The key for the agent whose token has this SHA-256 (hexadecimal)."""
    return derive(bytes.fromhex(digest), "calls of a master to an agent")


def key_by_certificates(secret: bytes, computer_id: str, serials: Iterable[str]) -> bytes:
    """The key for an agent that has no token, for as long as just these certificates let it in.

    Args:
        secret: the master's, for `BY_CERTIFICATE`.
        computer_id: of the agent.
        serials: of the certificates, in any order.
    """
    return derive(secret, " ".join([*sorted(serials), computer_id]))


def seal_call(key: bytes, computer_id: str, call_id: str, call: RemoteCall) -> bytes:
    """A call as it travels."""
    return seal(key, wire.encode(call), f"call {call_id} to {computer_id}")


def open_call(key: bytes, computer_id: str, call_id: str, sealed: bytes) -> RemoteCall:
    """The call that was sealed.

    Raises:
        SealError: it was not sealed by the master.
        WireError: it is of another form, so of another version.
    """
    return wire.convert(
        wire.decode(unseal(key, sealed, f"call {call_id} to {computer_id}")), RemoteCall
    )


def seal_answer(key: bytes, computer_id: str, call_id: str, answer: Answer) -> bytes:
    """An answer as it travels."""
    return seal(key, wire.encode(answer), f"answer {call_id} of {computer_id}")


def open_answer(key: bytes, computer_id: str, call_id: str, sealed: bytes) -> Answer:
    """The answer that was sealed.

    Raises:
        SealError: it was not sealed by that agent for this call.
        WireError: it is of another form.
    """
    return wire.convert(
        wire.decode(unseal(key, sealed, f"answer {call_id} of {computer_id}")), Answer
    )


def value_of(answer: Answer, into: type[T]) -> T:
    """The value of an answer that is no refusal.

    Raises:
        WireError: it is of another form.
    """
    return wire.convert(answer.value, into)
