"""One client: its handshake, its channels, its heartbeats, and its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, cast

from pelagos.messaging import codec
from pelagos.messaging.broker.core import Broker
from pelagos.messaging.broker.server import handshake
from pelagos.messaging.broker.server.channel import Channel
from pelagos.messaging.broker.server.handshake import Opening
from pelagos.messaging.broker.server.house import House
from pelagos.messaging.broker.server.intake import Intake
from pelagos.messaging.broker.server.output import Output
from pelagos.messaging.broker.server.publishing import Publishing
from pelagos.messaging.broker.server.refusals import Refusal, ends_channel_only, reply_text
from pelagos.messaging.codec import methods
from pelagos.messaging.errors import ConnectionLostError, MessagingError

log = logging.getLogger(__name__)

_CLOSE_SECONDS: Final = 5.0
_SILENT_BEATS: Final = 2
_FORCED: Final = 320
_SYNTAX_ERROR: Final = 502


class Connection(asyncio.Protocol):
    """The broker's end of a connection; everything happens in the loop's thread."""

    def __init__(self, house: House, number: int) -> None:
        self.house = house
        self.number = number
        self.room = house.room
        self.opening = Opening(house, self._tell)
        self.output = Output(house.loop, house.bounds.output, self._go_on)
        self._broker: Broker | None = None
        self._channels: dict[int, Channel] = {}
        self.intake = Intake(house, self.output, self._must_wait)
        self._transport: asyncio.Transport | None = None
        self._greeted = False
        self._head = b""
        self._seen = 0
        self._heard = house.loop.time()
        self._told_of_blocking = False
        self._publishes = False
        self._relieved = 0
        self._heartbeat = 0
        self._ended = False
        self._timer: asyncio.TimerHandle | None = None
        self.confirming: list[Publishing] = []

    def write(self, data: bytes) -> None:
        """Send it soon, after what was written before; from any thread."""
        if self.room.faults.frames is not None:
            self.room.faults.see_sent(self.number, data)
        self.output.write(data)

    def give_up(self, error: codec.CodecError) -> None:
        """End the connection soon; from any thread."""
        self.house.loop.call_soon_threadsafe(self._close, error.code, str(error))

    @property
    def user(self) -> str:
        """Who is logged in."""
        return self.opening.user

    @property
    def frame_max(self) -> int:
        """Bytes of the largest frame that both sides agreed upon."""
        return self.opening.frame_max

    @property
    def hears_cancels(self) -> bool:
        """Whether the client understands that its consumers are cancelled."""
        return self.opening.can("consumer_cancel_notify")

    @property
    def unfinished(self) -> int:
        """Bytes of messages of which not all has come."""
        return self.intake.begun

    @property
    def is_full(self) -> bool:
        """Whether more is to be sent than the client takes."""
        return self.output.is_full

    def hold(self) -> None:
        """Let no consumer of this client have more for now; the broker's core is locked."""
        broker = self._broker
        if broker is not None:
            for channel in list(self._channels.values()):
                broker.hold(channel)

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._transport = transport = cast("asyncio.Transport", transport)
        self.house.connections.add(self)
        if len(self.house.connections) > self.house.bounds.connections:
            log.warning("connection refused: there are %d", len(self.house.connections) - 1)
            transport.abort()
            return
        self.output.open(transport)
        self._timer = self.house.loop.call_later(self.house.bounds.login, self.cut)

    def connection_lost(self, _exc: Exception | None) -> None:
        """The client has gone."""
        self._leave()
        self.house.left(self)
        self.intake.close()
        if self._timer is not None:
            self._timer.cancel()

    def resume_writing(self) -> None:
        """The client has taken most of what was sent."""
        self.output.drained()

    def data_received(self, data: bytes) -> None:
        """The client has sent something."""
        self._heard = self.house.loop.time()
        if not self._greeted and not self._ended:
            self._head += data
            if len(self._head) < len(codec.PROTOCOL_HEADER):
                return
            data, self._head = self._head[8:], self._head[:8]
            if self._head != codec.PROTOCOL_HEADER:
                self.write(codec.PROTOCOL_HEADER)
                self._hang_up()
                return
            self._greeted = True
            self._tell(handshake.start(self.house.version))
        self.intake.feed(data)
        self._work()

    # Reading.

    def _work(self) -> None:
        """Do what was read, until the client has to wait."""
        self.output.gathering = True
        try:
            for frame in self.intake.ready():
                self._take(frame)
            if not self.intake.waits and self.intake.has_begun_too_much():
                self._close(506, "too much was begun and not ended")
        except codec.CodecError as error:
            code = 501 if error.code == _SYNTAX_ERROR else error.code
            self.intake.drop()
            self._close(code, str(error))
        finally:
            self.output.gathering = False
            self._confirm()
            self.output.flush()
            self._mind_reading()

    def _confirm(self) -> None:
        """Tell which messages have been taken."""
        for publishing in self.confirming:
            publishing.flush()
        self.confirming.clear()

    def _must_wait(self, frame: codec.Frame) -> bool:
        """Whether a publisher has to wait until there is room again."""
        if type(frame[1]) is not methods.BasicPublish:
            return False
        self._publishes = True
        if self.room.meter.used > self.house.bounds.memory:
            self.house.check_memory()
        if self.house.blocked is None:
            return False
        self.tell_blocking()
        return True

    def _mind_reading(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self.intake.waits or self.room.faults.frozen:
            if transport.is_reading():
                transport.pause_reading()
        elif not transport.is_reading():
            transport.resume_reading()

    def _go_on(self) -> None:
        """The client takes again what is sent to it."""
        if self._broker is not None:
            channels = list(self._channels.values())
            first = self._relieved % len(channels) if channels else 0
            for channel in channels[first:] + channels[:first]:
                if self.output.is_full:
                    break
                self._relieved += 1  # so that the next time the others come first
                if not channel.closing:
                    self._broker.limit(channel, active=True)
        self._work()

    def go_on(self) -> None:
        """A reason to wait may have gone."""
        self.tell_blocking()
        self.output.frozen = self.room.faults.frozen
        if not self._ended or not self.output.frozen:
            self._work()

    # Methods.

    def _take(self, frame: codec.Frame) -> None:
        number, method, message = frame
        self._seen += 1
        faults = self.room.faults
        if faults.drops(self._seen):
            self.cut()
        if self._transport is None or self._transport.is_closing():
            return
        if faults.frames is not None:
            faults.see(self.number, "client", frame)
        try:
            if number:
                self._on_channel(number, method, message)
            else:
                self._on_connection(method)
        except MessagingError as error:
            self._refuse(number, method, error)
        except Exception:  # whatever it is, the client is told, and the others are served
            log.exception("%s could not be answered", type(method).__name__)
            self._close(541, "an error inside the broker", method)

    def _on_connection(self, method: codec.Method) -> None:
        if isinstance(method, methods.ConnectionClose):
            self._confirm()
            self._leave()
            self._tell(methods.ConnectionCloseOk())
            self._hang_up()
        elif self._ended:
            if isinstance(method, methods.ConnectionCloseOk):
                self._hang_up()
        elif type(method) is not codec.Heartbeat:
            self._open(method)

    def _open(self, method: codec.Method) -> None:
        opening = self.opening
        if not opening.take(method):
            self.cut()
            return
        self.intake.agree(opening.frame_max)
        if self._broker is None and opening.broker is not None:
            self._broker, self._heartbeat = opening.broker, opening.heartbeat
            if self._timer is not None:
                self._timer.cancel()
            if self._heartbeat:
                self._wait(self._heartbeat / 2, self._beat)

    def _on_channel(
        self, number: int, method: codec.Method, message: codec.Content | None
    ) -> None:
        if self._ended:
            return
        if type(method) is codec.Heartbeat:
            raise Refusal("a heartbeat belongs to channel 0", code=505)
        channel = self._channels.get(number)
        if channel is None:
            self._open_channel(number, method)
        elif isinstance(method, methods.ChannelClose):
            if not channel.closing:  # else both ends said it, and the client's word is to come
                channel.publishing.flush()
                channel.close()
                del self._channels[number]
            self._tell(methods.ChannelCloseOk(), number)
        elif channel.closing:
            if isinstance(method, methods.ChannelCloseOk):
                del self._channels[number]
        else:
            channel.handle(method, message, self.intake.header)

    def _open_channel(self, number: int, method: codec.Method) -> None:
        if self._broker is None:
            raise Refusal("the connection is not open yet", code=504)
        if not isinstance(method, methods.ChannelOpen):
            raise Refusal("expected 'channel.open'", code=504)
        if number > self.opening.channel_max:
            raise Refusal(f"channel {number}; at most {self.opening.channel_max}", code=504)
        self._channels[number] = Channel(self, number, self._broker)
        self._tell(methods.ChannelOpenOk(), number)

    def _tell(self, method: codec.Method, channel: int = 0) -> None:
        self.write(codec.encode_method(channel, method, self.opening.frame_max))

    # Refusing.

    def _refuse(self, number: int, method: codec.Method, error: MessagingError) -> None:
        code: Any = getattr(error, "code", None)
        if isinstance(error, ConnectionLostError) or not isinstance(code, int):
            code = _FORCED if isinstance(error, ConnectionLostError) else 541
        channel = self._channels.get(number)
        if channel is None or not ends_channel_only(code):
            self._close(code, str(error), method)
            return
        channel.publishing.flush()
        channel.close()
        channel.closing = True
        self._tell(methods.ChannelClose(code, reply_text(code, str(error)), *method.INDEX), number)

    def _close(self, code: int, text: str, method: codec.Method | None = None) -> None:
        """End the connection, and wait for the client to agree."""
        if self._ended:
            return
        log.info("connection %d is closed: %s", self.number, reply_text(code, text))
        self._confirm()
        self._leave()
        index = method.INDEX if method is not None else (0, 0)
        self._tell(methods.ConnectionClose(code, reply_text(code, text), *index))
        self._wait(_CLOSE_SECONDS, self.cut)

    def close(self, text: str) -> None:
        """End it because the broker stops."""
        self._close(_FORCED, text)

    def _leave(self) -> None:
        self._ended = True
        if self._broker is not None:
            self._broker.detach(self)
        self._channels.clear()
        self._broker = None

    def _hang_up(self) -> None:
        self._ended = True
        self.output.flush()
        if self._transport is not None:
            self._transport.close()
        self._wait(_CLOSE_SECONDS, self.cut)

    def cut(self) -> None:
        """As if the network had failed."""
        self._leave()
        if self._transport is not None:
            self._transport.abort()

    def _wait(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.house.loop.call_later(seconds, then)

    # While it is open.

    def _beat(self) -> None:
        silent = self.house.loop.time() - self._heard
        if self._is_reading() and silent > _SILENT_BEATS * self._heartbeat:
            log.warning("connection %d: nothing heard for %.0f s", self.number, silent)
            self.cut()
            return
        self.write(codec.HEARTBEAT_BYTES)
        self._wait(self._heartbeat / 2, self._beat)

    def _is_reading(self) -> bool:
        return self._transport is not None and self._transport.is_reading()

    def tell_blocking(self) -> None:
        """Tell a publisher that it has to wait, or no longer."""
        reason = self.house.blocked
        if self._ended or self._broker is None or not self._publishes:
            return
        if (reason is not None) == self._told_of_blocking:
            return
        self._told_of_blocking = reason is not None
        if self.opening.can("connection.blocked"):
            told = methods.ConnectionBlocked(reason) if reason else methods.ConnectionUnblocked()
            self._tell(told)
