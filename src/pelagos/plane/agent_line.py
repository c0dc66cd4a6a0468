"""Calls of the master to agents over the bus: the master's end, and the agent's.

    exchange      pelagos.calls, topic, durable
    routing key   computer.COMPUTER
    message       rpc command `agent`, parameters {"call": its id, "sealed": Base64}
    answer        {"sealed": Base64}

What is sealed is the business of `pelagos.slap.remote`: who merely reaches the bus can neither
read it nor make it up.
"""

from __future__ import annotations

import base64
import binascii
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

from pelagos.core.errors import PelagosError
from pelagos.core.sealing import SealError
from pelagos.core.wire import WireError
from pelagos.messaging import (
    Exchange,
    GenericConsumer,
    GenericProducer,
    MessageResultError,
    ReceivedMessage,
    RpcCommand,
    connect,
)
from pelagos.messaging.inbox import MemoryInbox
from pelagos.plane.words import word
from pelagos.slap.agent.call_key import NoCallKeyError
from pelagos.slap.master import AgentUnreachable

log = logging.getLogger(__name__)

#: Calls that a master has under way at once: each holds a thread of its server.
_AT_ONCE = 8
#: Calls that an agent works on at once, and further ones that wait there.
_WORKERS, _WAITING = 4, 16
#: Answers that an agent remembers, and for how many seconds: for copies of their calls.
_REMEMBERED, _LIFETIME, _REMEMBERED_BYTES = 100, 900.0, 16 << 20
#: Seconds that the way there and back may take.
_WAY = 5.0

#: call id, sealed call → sealed answer
Answers = Callable[[str, bytes], bytes]


class AgentCalls(Exchange):
    """Where calls to agents go."""

    name = "pelagos.calls"
    exchange_type = "topic"
    durable = True


class _CallProducer(GenericProducer):
    eks = ((AgentCalls, "computer"),)
    persistent = False

    def build_rpc_agent(self, call_id: str, sealed: bytes) -> RpcCommand:
        """A sealed call."""
        return RpcCommand("agent", {"call": call_id, "sealed": base64.b64encode(sealed).decode()})


class BusLine:
    """The master's end; safe to share between threads. Connects when it is first used."""

    def __init__(self, bus_url: str) -> None:
        self._bus = connect(bus_url)
        self._lock = threading.Lock()
        self._producer: _CallProducer | None = None
        self._slots = threading.BoundedSemaphore(_AT_ONCE)

    def call(self, computer_id: str, call_id: str, sealed: bytes, timeout: float) -> bytes:
        """The sealed answer; see `pelagos.slap.master.AgentLine`."""
        if not self._slots.acquire(blocking=False):
            raise AgentUnreachable(
                f"{_AT_ONCE} calls to agents are under way already",
                status=503,
                hint="try again in a moment",
                retry_after=2.0,
            )
        try:
            answer = self._made().rpc_agent(
                call_id,
                sealed,
                _key=f"computer.{word(computer_id)}",
                _timeout=timeout + _WAY,
                _max_retry=0,  # a copy is only sent after a lost connection
            )
        except PelagosError as error:
            raise AgentUnreachable(
                f"the bus does not carry calls to agents: {error.message}",
                status=503,
                hint=f"see that the broker at {self._bus.url} runs: pelagos bus doctor",
                retry_after=2.0,
            ) from error
        finally:
            self._slots.release()
        return self._read(computer_id, answer, timeout)

    def _made(self) -> _CallProducer:
        with self._lock:
            if self._producer is None:
                self._producer = _CallProducer({"name": "master", "type": "plane"}, bus=self._bus)
            return self._producer

    def _read(self, computer_id: str, answer: object, timeout: float) -> bytes:
        content = getattr(answer, "body", {}).get("content", {})
        value = content.get("value")
        if content.get("type") == "success" and isinstance(value, dict):
            try:
                return base64.b64decode(value.get("sealed", ""), validate=True)
            except (ValueError, TypeError, binascii.Error):
                value = None
        said = str(content.get("message") or "")
        if content.get("type") == "exception" and content.get("value") == "TimeoutError":
            raise AgentUnreachable(
                f"the agent of {computer_id} did not answer within {timeout:g} s",
                status=504,
                hint=f"see: pelagos why {computer_id}",
            )
        if "no queue" in said:
            raise self._nobody(computer_id)
        raise AgentUnreachable(
            f"the agent of {computer_id} cannot answer: {said or 'it says nothing that is known'}",
            status=502,
            hint=f"see: pelagos why {computer_id}; its log says more",
        )

    def _nobody(self, computer_id: str) -> AgentUnreachable:
        if self._bus.capabilities.crosses_processes:
            hint = (
                f"see that it runs (pelagos why {computer_id}) and that its bus.url names this bus"
            )
        else:
            hint = (
                "this bus is inside the master's own process; to ask other computers set bus.url "
                "to a broker that all of them reach, here and there"
            )
        return AgentUnreachable(
            f"no agent of {computer_id} listens on the bus {self._bus.url}", status=503, hint=hint
        )

    def close(self) -> None:
        """End the connection; those who wait get an error."""
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is not None:
            producer.close()


class AgentEar:
    """The agent's end: hands each call to `answers`, in threads of its own.

    When a connection is lost meanwhile, the master sends the call again, and its copy gets the
    same answer; when it is only this end's, the answer goes over a new one.
    """

    def __init__(self, bus_url: str, computer_id: str, answers: Answers) -> None:
        self._answers = answers
        self._answered = MemoryInbox(_REMEMBERED, _LIFETIME, reply_bytes=_REMEMBERED_BYTES)
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="call of the master")
        self._room = threading.BoundedSemaphore(_WORKERS + _WAITING)
        own_queue = {"name": "", "flags": {"exclusive": True}}
        self._consumer = GenericConsumer(
            [(AgentCalls, [(own_queue, f"computer.{word(computer_id)}")])], bus=connect(bus_url)
        )
        self._consumer.start(self._on_call)

    def wait_ready(self, timeout: float = 10.0) -> None:
        """Wait until calls come; raises `MessagingError` when they do not in time."""
        self._consumer.wait_ready(timeout)

    def _on_call(self, message: ReceivedMessage) -> None:
        """Take a call; it is acknowledged at once, because none may be worked on twice."""
        if not message.properties.reply_to:
            return
        if not self._room.acquire(blocking=False):
            message.reply(MessageResultError("the agent is busy with other calls; try again"))
            return
        self._pool.submit(self._work, message)

    def _work(self, message: ReceivedMessage) -> None:
        try:
            self._reply(message, self._answer(message))
        except PelagosError as error:
            log.warning("a call could not be answered: %s", error)
        finally:
            self._room.release()

    def _reply(self, message: ReceivedMessage, answer: object) -> None:
        if message.connection.is_open:
            message.reply(answer)
            return
        connection = self._consumer.bus.open()
        try:
            ReceivedMessage(message.body, message.delivery, connection).reply(answer)
        finally:
            connection.close()

    def _answer(self, message: ReceivedMessage) -> object:
        content = message.content if isinstance(message.content, dict) else {}
        asked: Any = content.get("parameters")
        try:
            call_id = str(asked["call"])
            sealed = base64.b64decode(asked["sealed"], validate=True)
        except (KeyError, TypeError, ValueError):
            return MessageResultError("the call is of a form that this agent does not know")
        try:
            answer = self._once(call_id, sealed)
        except SealError:
            log.warning("a call came over the bus that is not this computer's master's")
            return MessageResultError("the call was not sealed by this computer's master")
        except WireError:
            return MessageResultError("the call is of another version of Pelagos")
        except NoCallKeyError as error:
            return MessageResultError(f"{error.message} ({error.hint})")
        except Exception:  # a defect: whoever waits must hear of it, and its log must tell it
            log.exception("a call of the master failed")
            return MessageResultError("the agent failed on the call; its log says why")
        return {"sealed": base64.b64encode(answer).decode()}

    def _once(self, call_id: str, sealed: bytes) -> bytes:
        """The sealed answer; a copy of a call waits for the first, and gets the same one."""
        with self._answered.receive(f"{call_id} {sha256(sealed).hexdigest()}", "") as receipt:
            if receipt.first or receipt.reply is None:
                receipt.remember(self._answers(call_id, sealed))
            return receipt.reply or b""

    def alive(self) -> bool:
        """Whether its thread still runs, connected or not."""
        return self._consumer.is_running

    @property
    def problem(self) -> PelagosError | None:
        """Why no calls come just now, or None."""
        return self._consumer.problem

    def stop(self) -> None:
        """Take no more calls; what runs goes on to its end, or is ended by its own stop."""
        self._consumer.stop(timeout=5)
        self._pool.shutdown(wait=False, cancel_futures=True)
