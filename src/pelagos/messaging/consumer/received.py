"""A message that arrived, and what its receiver decides about it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from pelagos.messaging.encoder import Encoder, JsonEncoder
from pelagos.messaging.errors import ConnectionLostError, MessagingError, PublishRefusedError
from pelagos.messaging.fingerprint import Fingerprint
from pelagos.messaging.message import Message, MessageResult
from pelagos.messaging.transports.base import Connection, Delivery, Envelope, Properties

log = logging.getLogger(__name__)

#: The header that counts the deliveries of a message which is retried; 1 is the first.
ATTEMPT_HEADER: Final = "x-pelagos-attempt"

_NO_HEADERS: Final[Mapping[str, Any]] = {}
_ID_LIMIT: Final = 200  # bytes, so that an id made from it still fits
_LARGE: Final = 1 << 17  # bytes, from which on a broker may refuse an answer for its size

Refused = Callable[[PublishRefusedError], None]


class ReceivedMessage:
    """What a consumer's callback gets.

    It is settled once: the first `ack` or `reject` counts, from whichever thread. When the
    connection is lost meanwhile, the broker delivers the message again.

    Attributes:
        body: the message's mapping, checked; empty for what is no message.
        delivery: where it came from, with its properties.
        outcome: ack, reject, requeue or retry (it is handled anew) once it is settled; None
            before.
    """

    __slots__ = ("_connection", "_encoder", "_lock", "body", "delivery", "outcome")

    def __init__(
        self,
        body: dict[str, Any],
        delivery: Delivery,
        connection: Connection,
        encoder: type[Encoder] = JsonEncoder,
    ) -> None:
        self.body = body
        self.delivery = delivery
        self.outcome: str | None = None
        self._connection = connection
        self._encoder = encoder
        self._lock = threading.Lock()

    @property
    def type(self) -> str:
        """The kind of message, such as command or status."""
        return str(self.body.get("type"))

    @property
    def name(self) -> str:
        """The command's or status' name."""
        return str(self.body.get("name"))

    @property
    def category(self) -> str:
        """`message`, or `rpc` when an answer is expected."""
        return str(self.body.get("category"))

    @property
    def content(self) -> Any:
        """What it says."""
        return self.body.get("content")

    @property
    def key(self) -> str:
        """The routing key with which it was sent."""
        return self.delivery.key

    @property
    def properties(self) -> Properties:
        """What travelled beside the body."""
        return self.delivery.properties

    @property
    def headers(self) -> Mapping[str, Any]:
        """The headers that travelled beside the body."""
        return self.delivery.properties.headers

    @property
    def message_id(self) -> str:
        """Its id; the same when it comes again."""
        return self.delivery.properties.message_id

    @property
    def redelivered(self) -> bool:
        """Whether it may have been delivered before; a restarted broker says so of every one."""
        return self.delivery.redelivered

    @property
    def attempt(self) -> int:
        """How often it has been tried with this one: 1 for the first time."""
        given = self.headers.get(ATTEMPT_HEADER)
        return given if type(given) is int and given > 1 else 1

    @property
    def connection(self) -> Connection:
        """Over which it came, and over which it is settled."""
        return self._connection

    def ack(self) -> None:
        """It is done; the broker may forget it."""
        if self._first("ack"):
            try:
                self._connection.ack(self.delivery)
            except ConnectionLostError:
                self._log_lost()

    def reject(self, *, requeue: bool = False) -> None:
        """Refuse it for good, or give it back to its queue to be delivered again."""
        if self._first("requeue" if requeue else "reject"):
            try:
                self._connection.reject(self.delivery, requeue=requeue)
            except ConnectionLostError:
                self._log_lost()

    def withdraw(self) -> bool:
        """Let nobody settle this object: its delivery is handled anew. False: it is settled."""
        return self._first("retry")

    def reply(self, answer: Any) -> None:
        """Answer whoever asked, over the connection on which the question came; never waits.

        The answer is a message, or a value that is sent as a MessageResult. Its fingerprint is
        filled with the facts of this process where it has none. An answer that cannot be
        delivered is logged: the asker is gone, or the question comes again.

        Raises:
            MessagingError: nobody asked for an answer.
            EncodingError: the value cannot be written.
        """
        asked = self.delivery.properties
        if not asked.reply_to:
            raise MessagingError(
                f"{self} asks for no answer",
                hint="only what names a queue in reply_to is answered",
            )
        message = answer if isinstance(answer, Message) else MessageResult(answer)
        if not message.body["fingerprint"]:
            message.fingerprint(**Fingerprint().as_dict())
        self.reply_raw(self._encoder.encode(message.body))

    def reply_raw(self, body: bytes | str, on_refused: Refused | None = None) -> None:
        """Answer with a body that is encoded already; see `reply`.

        `on_refused` is called, in any thread, when the broker will not have it, such as one that
        is too large.
        """
        answer = self.answer(body)
        is_large = len(answer.body) > _LARGE
        try:
            if is_large or not self._connection.post(answer, at_once=False):
                self._connection.publish(answer, partial(self._replied, on_refused))
        except ConnectionLostError as error:
            self._replied(on_refused, error)

    def answer(self, body: bytes | str) -> Envelope:
        """An answer with a body that is encoded already, ready to be sent."""
        asked = self.delivery.properties
        asked_id = asked.message_id
        size = len(asked_id) if asked_id.isascii() else len(asked_id.encode(errors="replace"))
        properties = Properties(
            f"{asked_id}.reply" if size <= _ID_LIMIT else "",
            self._encoder.content_type,
            False,  # persistent: whoever asked is still there
            _NO_HEADERS,
            None,
            asked.correlation_id,
        )
        data = body.encode() if isinstance(body, str) else bytes(body)
        return Envelope("", asked.reply_to or "", data, properties)

    def _replied(self, on_refused: Refused | None, problem: MessagingError | None) -> None:
        if problem is not None:
            log.info("the answer to %s could not be delivered: %s", self, problem)
        if isinstance(problem, PublishRefusedError) and on_refused is not None:
            on_refused(problem)

    def _first(self, outcome: str) -> bool:
        with self._lock:
            if self.outcome is not None:
                return False
            self.outcome = outcome
            return True

    def _log_lost(self) -> None:
        log.info("%s was handled, but the connection is lost: it will come again", self)

    def __repr__(self) -> str:
        where = f"in queue {self.delivery.queue}"
        return f"<message {self.type} {self.name} id {self.message_id} {where}>"
