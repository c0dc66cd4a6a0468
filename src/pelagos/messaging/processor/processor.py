"""A component that acts on messages: its handlers, its queues, and what becomes of failures."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

from pelagos.core.backoff import Backoff
from pelagos.messaging.binding import Eqk, reading_eqk
from pelagos.messaging.consumer.consumer import EXITED, GenericConsumer, started_already
from pelagos.messaging.consumer.received import ReceivedMessage
from pelagos.messaging.dead.again import DEAD_QUEUE
from pelagos.messaging.encoder import Encoder
from pelagos.messaging.environment import located
from pelagos.messaging.errors import AckAndRestart, ExitScheduler, MessagingError
from pelagos.messaging.fingerprint import Fingerprint
from pelagos.messaging.inbox import Inbox
from pelagos.messaging.microthreads import MicroThread
from pelagos.messaging.middleware import Chain, Middleware
from pelagos.messaging.processor.decorators import MessageHandler
from pelagos.messaging.processor.dispatch import Current, current
from pelagos.messaging.processor.reception import Reception
from pelagos.messaging.processor.registry import HandlerInfo, registry_of
from pelagos.messaging.processor.restart import restart_process
from pelagos.messaging.processor.retry import Retry
from pelagos.messaging.processor.settling import Settler, with_dead_letters
from pelagos.messaging.sending.identity import Identity
from pelagos.messaging.transports.base import Queue, Transport

log = logging.getLogger(__name__)


class MessageProcessor(MicroThread):
    """Derive a class, decorate its methods, and start it.

    A message goes to every handler for its type and name; when all have ended it is acknowledged.
    A handler that fails gets it again later (`retry`), the others do not; a message that failed
    too often, that was refused (RejectMessage) or whose content is of a wrong form is moved to the
    dead letters, and so is what is no message. A call goes to one handler and is answered in every
    case: with what the handler says, or with an error; the same call is not carried out twice.

    Attributes:
        eqk: what is read; see GenericConsumer.
        consumer_class: what reads.
        prefetch: messages that wait here while one is handled; None: as its consumer's class says.
            With 1, nothing waits behind what is slow while others are free.
        retry: how often and when a failed message is tried again; None for never.
        dead_letters: the queue of dead messages; None lets the broker have them, which drops them
            unless their queue has dead letters of its own.
        restarter: what `restart` does once the connection has ended.
        middlewares: steps around every handler.
        hup, vhost: where no bus is given; see `environment.default_bus`.

    Args:
        fingerprint: who this is.
        eqk, hup, vhost: instead of the attributes of the class.
        bus: a transport, or a URL.
        inbox: remembers what had its effect, by message id and handler. Without one, calls are
            remembered in this process, and messages are not.
        backoff: pauses between attempts to connect.
    """

    eqk: Eqk = ()
    consumer_class: type[GenericConsumer] = GenericConsumer
    prefetch: int | None = None
    retry: Retry | None = Retry()
    restarter: Callable[[], None] = staticmethod(restart_process)
    dead_letters: str | None = DEAD_QUEUE
    middlewares: Sequence[Middleware] = ()
    hup: ClassVar[Mapping[str, Any] | None] = None
    vhost: ClassVar[str | None] = None

    def __init__(
        self,
        fingerprint: Fingerprint | Mapping[str, Any] | None = None,
        eqk: Eqk | None = None,
        hup: Mapping[str, Any] | None = None,
        vhost: str | None = None,
        *,
        bus: Transport | str | None = None,
        middlewares: Sequence[Middleware] | None = None,
        inbox: Inbox | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        who = Fingerprint.of(fingerprint or {}).given()
        if inbox is not None and not callable(getattr(inbox, "receive", None)):
            raise TypeError(f"inbox is {inbox!r}, and no inbox such as SqlInbox(engine)")
        watchers = Chain(self.middlewares if middlewares is None else middlewares)
        self._stopping = threading.Event()
        settler = Settler(self.dead_letters, self._stopping, self._queues)
        self._switch = threading.RLock()  # held while it is started or told to stop
        self._timers: list[threading.Timer] = []
        self._thread: threading.Thread | None = None
        self._bell: Callable[[], None] | None = None
        self.ending: Exception | None = None
        self._check_retry()
        more: dict[str, Any] = {} if self.prefetch is None else {"prefetch": self.prefetch}
        self.consumer = self.consumer_class(
            self._with_dead_letters(self.eqk if eqk is None else eqk),
            hup or self.hup,
            vhost or self.vhost,
            bus=bus,
            backoff=backoff,
            middlewares=self.middlewares if middlewares is None else middlewares,
            **more,
        )
        self._identity = Identity(located(who, self.consumer.bus, vhost or self.vhost))
        self._reception = Reception(self, settler, watchers, inbox)
        self.consumer.observes_handling = False  # we know which handler it is
        self.consumer.on_open = settler.open
        self.consumer.on_finish = settler.close
        self.consumer.on_poison = self._reception.quarantine
        self.consumer.on_failure = self._reception.fail

    def _with_dead_letters(self, eqk: Eqk) -> Eqk:
        name = self.dead_letters
        with reading_eqk():
            return [
                (exchange, [with_dead_letters(pair, name) for pair in pairs])
                for exchange, pairs in eqk
            ]

    def _check_retry(self) -> None:
        if not isinstance(self.retry, Retry | None):
            raise MessagingError(
                f"{type(self).__name__}.retry is {self.retry!r}",
                hint="write Retry(attempts=3), or None for never",
            )

    @property
    def fingerprint(self) -> dict[str, str]:
        """Who this is: the facts of this process, and over them what was given."""
        return dict(self._identity.facts())

    @property
    def bus(self) -> Transport:
        """Where it is."""
        return self.consumer.bus

    @property
    def encoder_class(self) -> type[Encoder]:
        """How messages are read and written."""
        return self.consumer.encoder_class

    @classmethod
    def handlers(cls) -> tuple[HandlerInfo, ...]:
        """What this class handles, in the order of definition."""
        return registry_of(cls).handlers

    @property
    def current(self) -> Current:
        """The message in work and its transaction; for handlers.

        Raises:
            MessagingError: nothing is in work here.
        """
        found = current.get()
        if found is None:
            raise MessagingError("no message is in work", hint="only a handler may ask for it")
        return found

    # Commands that every processor knows.

    @MessageHandler("command", "quit")
    def msg_quit(self, content: Any) -> None:  # noqa: ARG002 - a handler's form
        """End this processor, and the scheduler that it is part of."""
        raise ExitScheduler

    @MessageHandler("command", "restart")
    def msg_restart(self, content: Any) -> None:  # noqa: ARG002 - a handler's form
        """Replace this process by a fresh one of the same program."""
        raise AckAndRestart

    # What it reads.

    def add_eqk(self, eqk: Eqk) -> None:
        """Read more; while consuming, from now on."""
        for exchange, pairs in self._with_dead_letters(eqk):
            for queue, key, *arguments in pairs:
                self.consumer.queue_bind(
                    exchange, queue, key, binding_arguments=arguments[0] if arguments else None
                )

    def _queues(self) -> list[Queue]:
        return [binding.queue for binding in self.consumer.bindings]

    # Running.

    @property
    def is_running(self) -> bool:
        """Whether the thread that `start` began still runs, connected or not."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Consume in a thread of its own until `stop`; what ended it is in `ending`.

        Raises:
            MessagingError: it is consuming already.
        """
        with self._switch:
            if self.is_running:
                raise started_already("processor")
            self._begin()
            self.ending = None
            self._thread = threading.Thread(target=self._run, name="processor", daemon=True)
            self._thread.start()

    def _begin(self, bell: Callable[[], None] | None = None) -> None:
        with self._switch:
            self.consumer.begin(bell)
            self._stopping.clear()

    def _run(self) -> None:
        try:
            self._consume()
        except (ExitScheduler, StopIteration) as error:
            self.ending = error
        except SystemExit:
            who = f"a handler of {type(self).__name__}"
            log.error(EXITED, who)  # noqa: TRY400 - it is no failure

    def wait_ready(self, timeout: float = 10.0) -> None:
        """Wait until messages come; raises MessagingError when they do not in time."""
        self.consumer.wait_ready(timeout)

    def start_consuming(self) -> None:
        """Consume in this thread until it is told to stop.

        Raises:
            ExitScheduler: it was told to quit.
            StopIteration: a handler raised it.
            MessagingError: it is consuming already.
        """
        self._begin()
        self._consume()

    def _consume(self) -> None:
        try:
            self.consumer.consume(self.dispatch)
        except AckAndRestart:
            self.restart()

    def stop_consuming(self) -> None:
        """Ask it to end after the message in hand; returns at once."""
        with self._switch:
            self._stopping.set()
            for timer in self._timers:
                timer.cancel()
            self.consumer.stop_consuming()

    def stop(self, timeout: float = 10.0) -> bool:
        """End, and wait for the message in hand; whether it came to its end in time."""
        with self._switch:  # whoever starts it again meanwhile does not get this stop
            self.stop_consuming()
            thread = self._thread
        return self._ended(thread, timeout)

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the thread that `start` began has ended; whether it has within `timeout`."""
        with self._switch:
            thread = self._thread
        return self._ended(thread, timeout)

    def _ended(self, thread: threading.Thread | None, timeout: float | None) -> bool:
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(None if timeout is None else min(timeout, threading.TIMEOUT_MAX))
        return not thread.is_alive()

    def restart(self) -> None:
        """End the connection and do what `restarter` does: replace this process by a fresh one."""
        self.consumer.finish()
        self.restarter()

    def add_timeout(self, seconds: float, callback: Callable[[], object] | None = None) -> None:
        """Call back once after so many seconds, in a thread of its own; without one, sleep."""
        if callback is None:
            self._stopping.wait(seconds)
            return
        if not callable(callback):
            raise TypeError(f"the callback is {callback!r}, and cannot be called")
        timer = threading.Timer(float(seconds), callback)
        timer.daemon = True
        with self._switch:
            self._timers = [*(one for one in self._timers if one.is_alive()), timer]
            timer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # As one of several programs in a scheduler.

    def attach(self, bell: Callable[[], None]) -> None:
        """Ring this bell when there may be work."""
        self._bell = bell

    def create(self) -> None:
        """Connect, in the background."""
        self._begin(self._bell)

    def step(self) -> None:
        """Handle one message, if there is one.

        Raises:
            ExitScheduler: it was told to quit.
            StopIteration: a handler raised it, or it was told to stop.
        """
        if self._stopping.is_set():
            raise StopIteration
        try:
            self.is_idle = not self.consumer.step(self.dispatch)
        except AckAndRestart:
            self.restart()

    def destroy(self) -> None:
        """End the connection."""
        self.stop_consuming()
        self.consumer.finish()

    def dispatch(self, message: ReceivedMessage) -> Awaitable[None] | None:
        """Give a message to its handlers and settle it.

        Returns:
            None when it is done; something to be awaited, in an event loop, when one of its
            handlers is an `async def`.

        Raises:
            ExitScheduler, StopIteration, AckAndRestart: a handler did; the message is settled.
        """
        return self._reception.dispatch(message)
