"""The calls of one producer: what its answers mean."""

from __future__ import annotations

import functools
import logging
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final, get_args

from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock
from pelagos.messaging.encoder import Encoder
from pelagos.messaging.errors import (
    EncodingError,
    MessagingError,
    PublishRefusedError,
    UnroutableError,
)
from pelagos.messaging.message import (
    Message,
    MessageResultError,
    MessageResultException,
    read_result,
)
from pelagos.messaging.middleware import Chain, Outgoing
from pelagos.messaging.rpc import (
    CallFuture,
    Outcome,
    Replies,
    Request,
    RpcClient,
    client_of,
    release,
)
from pelagos.messaging.rpc.call import Call
from pelagos.messaging.sending.future import call_back
from pelagos.messaging.transports.base import Delivery, Transport

log = logging.getLogger(__name__)

_REPLIES: Final = get_args(Replies)
_callers: Final[weakref.WeakSet[Caller]] = weakref.WeakSet()


class Caller:
    """Makes calls with the client that this process has for a bus."""

    def __init__(self, bus: Transport, *, clock: Clock, backoff: Backoff, chain: Chain) -> None:
        self._bus = bus
        self._clock = clock
        self._backoff = backoff
        self._chain = chain
        self._lock = threading.Lock()
        self._clients: dict[bool, RpcClient] = {}
        self._closed = False
        _callers.add(self)

    def _client(self, replies: Replies) -> RpcClient:
        if replies not in _REPLIES:
            raise MessagingError(
                f"rpc_replies is {replies!r}", hint="it is 'shared', 'direct' or 'private'"
            )
        direct = replies == "direct"
        client = self._clients.get(direct)
        if client is not None:
            return client
        with self._lock:
            if self._closed:
                raise MessagingError("the producer is closed")
            if direct not in self._clients:
                self._clients[direct] = client_of(
                    self._bus, direct=direct, clock=self._clock, backoff=self._backoff
                )
            return self._clients[direct]

    def call(
        self,
        request: Request,
        outgoing: Outgoing | None,
        encoder: type[Encoder],
        replies: Replies,
    ) -> Message:
        """The answer; a failed one is false.

        Raises:
            MessagingError: the call could not be made at all.
        """
        began = self._clock.monotonic()
        try:
            client = self._client(replies)
            outcome = client.call(request, private=replies == "private", owner=self)
        except MessagingError as error:
            self._ended(outgoing, error, began)
            raise
        self._ended(outgoing, outcome.problem, began)
        return _result(outcome, request, encoder)

    def submit(
        self,
        request: Request,
        outgoing: Outgoing | None,
        encoder: type[Encoder],
        replies: Replies,
    ) -> CallFuture:
        """The answer, later."""
        began = self._clock.monotonic()
        try:
            client = self._client(replies)
        except MessagingError as error:
            self._ended(outgoing, error, began)
            raise
        future = client.future()
        tell = functools.partial(self._resolve, client, future, outgoing, encoder, began)
        call = Call(request, began, tell, self)
        future.on_cancel = functools.partial(self._cancelled, client, call, outgoing, began)
        try:
            client.submit(call, private=replies == "private")
        except MessagingError as error:
            if future.take_on_cancel() is not None:
                self._ended(outgoing, error, began)
            raise
        return future

    def _cancelled(
        self, client: RpcClient, call: Call, outgoing: Outgoing | None, began: float
    ) -> None:
        client.forget(call)
        self._ended(outgoing, MessagingError("the call was cancelled"), began)

    def _resolve(
        self,
        client: RpcClient,
        future: CallFuture,
        outgoing: Outgoing | None,
        encoder: type[Encoder],
        began: float,
        call: Call,
    ) -> None:
        outcome = call.outcome
        if outcome is None or future.take_on_cancel() is None:
            return
        client.forget(call)
        self._ended(outgoing, outcome.problem, began)
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = _result(outcome, call.request, encoder)
        except MessagingError as error:
            call_back(future.set_exception, error)
        else:
            call_back(future.set_result, result)

    def _ended(
        self, outgoing: Outgoing | None, problem: MessagingError | None, began: float
    ) -> None:
        if outgoing is not None:
            self._chain.after_publish(outgoing, problem, self._clock.monotonic() - began)

    def scatter(self, asked: Sequence[tuple[Request, Outgoing | None]]) -> str:
        """Ask; the queue in which the answers are collected."""
        began = self._clock.monotonic()
        requests = [request for request, _ in asked]
        problem: MessagingError | None = None
        try:
            scatter = self._client("shared").scatter
            return scatter.ask(requests, began + requests[0].timeout, self)
        except MessagingError as error:
            problem = error
            raise
        finally:
            for _, outgoing in asked:
                self._ended(outgoing, problem, began)

    def gather(
        self,
        queue: str,
        count: int,
        timeout: float,
        encoder: type[Encoder],
        callback: Callable[[Any], object] | None,
    ) -> list[Message]:
        """The answers in such a queue."""
        answers = []
        for delivery in self._client("shared").scatter.gather(queue, count, timeout):
            data = _decode(delivery, encoder)
            if callback is not None and not isinstance(data, Message):
                callback(data)
            answers.append(_meaning(data))
        return answers

    def close(self) -> None:
        """Give the clients back; threads that wait get an error."""
        with self._lock:
            self._closed = True
            clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            release(client, self)


def _result(outcome: Outcome, request: Request, encoder: type[Encoder]) -> Message:
    """What the caller gets: results, errors and exceptions apart."""
    if outcome.answer is not None:
        return _meaning(_decode(outcome.answer, encoder))
    if isinstance(outcome.problem, UnroutableError | PublishRefusedError):
        return MessageResultError(str(outcome.problem))
    if outcome.problem is not None:
        raise outcome.problem
    log.warning(
        "no answer to call %s (exchange %s, key %s) within %d x %g s%s",
        request.call_id,
        request.exchange.name,
        request.key,
        request.retries + 1,
        request.timeout,
        f": {outcome.hindrance}" if outcome.hindrance else "",
    )
    return MessageResultException("TimeoutError", "")


def _decode(delivery: Delivery, encoder: type[Encoder]) -> Any:
    """The body of an answer, or the error that says why it cannot be read."""
    try:
        return encoder.decode(delivery.body)
    except EncodingError as error:
        return MessageResultError(f"the answer cannot be read: {error}")
    except Exception as error:  # noqa: BLE001 - an encoder of others may raise anything
        return MessageResultError(
            f"the answer cannot be read: the encoder failed with {type(error).__name__}"
        )


def _meaning(data: Any) -> Message:
    """The answer that these data are, or the error that says why they are none."""
    if isinstance(data, Message):
        return data
    try:
        return read_result(data)
    except Exception as error:  # noqa: BLE001 - an encoder of others may make data of any kind
        return MessageResultError(f"the answer cannot be read: {type(error).__name__}")


def _forget_the_parent() -> None:
    for caller in list(_callers):
        caller._lock = threading.Lock()  # noqa: SLF001 - another thread of the parent may hold it


os.register_at_fork(after_in_child=_forget_the_parent)
