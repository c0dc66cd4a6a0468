"""What drives one connection: reads, watches the clock, and writes what is left to it.

The connection has a thread for that. But whoever waits for what comes next does better to read it
himself: to be woken by another thread costs more than a small message does. So when one and the
same place waits again and again, as a consumer, or a caller who is alone, the connection's own
thread steps aside, and only looks every five milliseconds whether somebody still reads. Where
nobody has for so long, since a handler works or nobody asks any more, it goes on itself.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Final

from pelagos.messaging import codec
from pelagos.messaging.codec import CodecError, Frame
from pelagos.messaging.errors import ConnectionLostError, MessagingError
from pelagos.messaging.transports.amqp.handshake import Link
from pelagos.messaging.transports.amqp.outgoing import Outgoing

log = logging.getLogger(__name__)

_READ: Final = select.POLLIN
_WRITE: Final = select.POLLOUT
_MILLISECONDS: Final = 1000
_SOON: Final = 0.001  # seconds until the next look for something to write, while there is some

#: Seconds that nobody may read before the connection's own thread does, when it has stepped aside.
_ABSENCE: Final = 0.005
#: It does so when this often within so many seconds somebody waited who could have read himself.
_OFTEN: Final = 16
_WHILE: Final = 0.05
#: Seconds for which somebody who waits reads himself, when nothing comes.
_GUEST: Final = 0.02


class Loop:
    """Drives one connection until it ends.

    Attributes:
        outgoing: what is to be written.
    """

    def __init__(
        self,
        link: Link,
        url: str,
        on_frame: Callable[[Frame], None],
        on_loss: Callable[[MessagingError], None],
    ) -> None:
        self._link = link
        self._stream = link.stream
        self._url = url
        self._on_frame = on_frame
        self._on_loss = on_loss
        self._reason: MessagingError | None = None
        self._sign = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._over = False
        self._guard = threading.Lock()  # keeps the sign from being given after it is closed
        self._driving = threading.Lock()  # held by who reads
        self._lent = False  # the connection's own thread has stepped aside
        self._recalled = threading.Lock()  # free when it is to go on at once
        self._recalled.acquire()
        self._left = 0.0  # when somebody else read last
        self._waits, self._since = 0, 0.0  # of who could have read; a guess, so without a lock
        self._heard = self._beaten = self._now = 0.0
        self._writable = True
        self._polling = False  # nothing is half read or half written
        self._poller = select.poll()
        self._watched = _READ
        self.outgoing = Outgoing(link.stream, self._wake)
        self.thread = threading.Thread(target=self._run, name="amqp", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._poller.register(self._stream.fileno(), self._watched)
        self._poller.register(self._sign, _READ)
        self.thread.start()

    def break_off(self, reason: MessagingError) -> None:
        """End it without a goodbye, from any thread."""
        with self._guard:
            if not self._over:
                self._reason = self._reason or reason
                self._stream.break_off()
                os.eventfd_write(self._sign, 1)

    def _wake(self) -> None:
        with self._guard:
            if not self._over:
                os.eventfd_write(self._sign, 1)

    def _lost(self, why: str) -> ConnectionLostError:
        return ConnectionLostError(f"the connection to {self._url} ended: {why}")

    def _run(self) -> None:
        self._heard = self._beaten = self._now = time.monotonic()
        try:
            while not self._ended():
                with self._driving:
                    while not (self._ended() or self._steps_aside()):
                        self._turn_safely(math.inf)
                if not self._ended():
                    self._look_on()
        finally:
            with self._driving, self._guard:
                self._over = True
                self._stream.break_off()
                os.close(self._sign)
            self.outgoing.close()
            self._on_loss(self._reason or self._lost("the broker closed it"))

    # Who reads.

    def _ended(self) -> bool:
        return self._reason is not None

    def _is_back(self) -> bool:
        return not self._lent

    def _steps_aside(self) -> bool:
        return self._waits >= _OFTEN and time.monotonic() - self._since <= _WHILE

    def _look_on(self) -> None:
        """Wait while others read."""
        self._left = time.monotonic()
        self._lent = True
        while not (self._ended() or self._recalled.acquire(timeout=_ABSENCE)):
            if not self._driving.locked() and time.monotonic() - self._left >= _ABSENCE:
                break
        self._lent = False
        self._waits = 0

    def read_for(self, is_done: Callable[[], bool], seconds: float) -> None:
        """Let this thread read, if it is time for that, until it has what it waits for.

        Args:
            is_done: whether it has.
            seconds: to wait at the most; it may be much less.
        """
        if not self._lent:
            now = time.monotonic()
            if now - self._since > _WHILE:
                self._waits, self._since = 0, now
            self._waits += 1
        elif not self._driving.locked():
            with self._driving:  # and not `acquire`, after which a signal could keep it for ever
                self._read_until(is_done, min(seconds, _GUEST))

    def _read_until(self, is_done: Callable[[], bool], seconds: float) -> None:
        self._left = now = time.monotonic()
        end = now + seconds
        while now < end and not (self._ended() or self._is_back() or is_done()):
            self._turn_safely(end - now)
            self._left = now = time.monotonic()
        if now >= end:
            self._left = 0.0  # nobody may be back here soon

    def recall(self) -> None:
        """Somebody waits who does not read: the connection's own thread is to go on at once."""
        if self._lent:
            self._lent = False
            with contextlib.suppress(RuntimeError):  # another thread was faster
                self._recalled.release()
            self._wake()

    def _part(self, error: CodecError) -> None:
        """Tell the peer what is wrong with its bytes, if it still listens."""
        close = codec.methods.ConnectionClose(
            error.code, str(error)[:200].encode()[:200].decode("utf-8", "ignore")
        )
        self.outgoing.send_from_loop(writable=True)
        with contextlib.suppress(OSError, CodecError):
            self._stream.write(codec.encode_method(0, close))

    def _turn_safely(self, limit: float) -> None:
        try:
            self._turn(limit)
        except CodecError as error:
            self._part(error)
            self._reason = self._reason or self._lost(f"the broker sends broken bytes: {error}")
        except BaseException:
            if self._polling:  # a signal's, and nothing is half read or half written
                self._polling = False
                raise
            self.break_off(self._lost("what it brought could not be given out"))
            if threading.current_thread() is threading.main_thread():
                raise  # it may be a signal's
            log.exception("what %s sends could not be given out", self._url)

    def _turn(self, limit: float) -> None:
        """Write, wait for so many seconds at the most, and read."""
        heartbeat = self._link.heartbeat
        outgoing, stream = self.outgoing, self._stream
        soon = outgoing.send_from_loop(writable=self._writable, expecting=self._heard > self._now)
        self._watch()
        self._now = now = time.monotonic()
        if now - self._beaten >= heartbeat / 2:
            self._beaten = now
            self._beat()
        patience = min(self._beaten + heartbeat / 2, self._heard + 2 * heartbeat) - now
        patience = min(patience, _SOON) if soon else min(patience, limit)
        if stream.has_more or not (soon or outgoing.sleeping):
            patience = 0.0
        self._polling = True
        ready = dict(self._poller.poll(max(0.0, patience * _MILLISECONDS)))
        self._polling = False
        outgoing.awake(in_vain=soon and not ready)
        if self._sign in ready:
            os.eventfd_read(self._sign)
        events = ready.get(stream.fileno(), 0)
        self._writable = bool(events & _WRITE)
        if events & ~_WRITE or stream.has_more:
            self._read()
            self._heard = time.monotonic()
        elif time.monotonic() - self._heard >= 2 * heartbeat:
            self._reason = self._lost(f"the broker was silent for {2 * heartbeat} s")

    def _watch(self) -> None:
        wanted = _READ | _WRITE if self.outgoing.stuck else _READ
        if wanted != self._watched:
            self._watched = wanted
            self._poller.modify(self._stream.fileno(), wanted)

    def _beat(self) -> None:
        outgoing = self.outgoing
        if not outgoing.written and outgoing.is_empty:
            with outgoing.lock:
                outgoing.add(codec.HEARTBEAT_BYTES)
            outgoing.send_from_loop(writable=False)
        outgoing.written = False

    def _read(self) -> None:
        try:
            data = self._stream.read()
        except OSError as error:
            self._reason = self._reason or self._lost(str(error.strerror or error))
            return
        if data is None:
            return
        if not data:
            self._reason = self._reason or self._lost("the broker closed it")
            return
        on_frame, outgoing = self._on_frame, self.outgoing
        outgoing.reader = threading.get_ident()
        try:
            for frame in self._link.decoder.feed(data):
                on_frame(frame)
        finally:
            outgoing.reader = 0
