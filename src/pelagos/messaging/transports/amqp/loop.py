"""The thread of one connection: it reads, watches the clock, and writes what is left to it."""

from __future__ import annotations

import contextlib
import logging
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
        self._poller = select.poll()
        self._watched = _READ
        self.outgoing = Outgoing(link.stream, self._wake)
        self.thread = threading.Thread(target=self._run, name="amqp", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._poller.register(self._stream.fileno(), self._watched)
        self._poller.register(self._sign, _READ)
        try:
            self.thread.start()
        except RuntimeError:  # the system has no more threads just now
            self._end()
            raise

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
        try:
            self._serve()
        except CodecError as error:
            self._part(error)
            self._reason = self._reason or self._lost(f"the broker sends broken bytes: {error}")
        except OSError as error:
            self._reason = self._reason or self._lost(str(error.strerror or error))
        except BaseException as error:  # of a callback, also of one that exits
            log.exception("the thread of the connection to %s failed", self._url)
            self._reason = self._reason or self._lost(f"{type(error).__name__}: {error}")
        finally:
            self._end()
            self._on_loss(self._reason or self._lost("the broker closed it"))

    def _end(self) -> None:
        with self._guard:
            self._over = True
            self._stream.break_off()
            os.close(self._sign)
        self.outgoing.close()

    def _part(self, error: CodecError) -> None:
        """Tell the peer what is wrong with its bytes, if it still listens."""
        close = codec.methods.ConnectionClose(
            error.code, str(error)[:200].encode()[:200].decode("utf-8", "ignore")
        )
        self.outgoing.send_from_loop(writable=True)
        with contextlib.suppress(OSError, CodecError):
            self._stream.write(codec.encode_method(0, close))

    def _serve(self) -> None:
        heartbeat = self._link.heartbeat
        heard = beat = now = time.monotonic()
        writable = True
        while self._reason is None:
            soon = self.outgoing.send_from_loop(writable=writable, expecting=heard > now)
            self._watch()
            now = time.monotonic()
            if now - beat >= heartbeat / 2:
                beat = now
                self._beat()
            patience = min(beat + heartbeat / 2, heard + 2 * heartbeat) - now
            patience = min(patience, _SOON) if soon else patience
            if self._stream.has_more or not (soon or self.outgoing.sleeping):
                patience = 0.0
            ready = dict(self._poller.poll(max(0.0, patience * _MILLISECONDS)))
            self.outgoing.awake(in_vain=soon and not ready)
            if self._sign in ready:
                os.eventfd_read(self._sign)
            events = ready.get(self._stream.fileno(), 0)
            writable = bool(events & _WRITE)
            if events & ~_WRITE or self._stream.has_more:
                if not self._read():
                    return
                heard = time.monotonic()
            elif time.monotonic() - heard >= 2 * heartbeat:
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

    def _read(self) -> bool:
        """Whether the connection goes on."""
        data = self._stream.read()
        if data is None:
            return True
        if not data:
            return False
        on_frame, outgoing = self._on_frame, self.outgoing
        outgoing.reader = threading.get_ident()
        try:
            for frame in self._link.decoder.feed(data):
                on_frame(frame)
        finally:
            outgoing.reader = 0
        return True
