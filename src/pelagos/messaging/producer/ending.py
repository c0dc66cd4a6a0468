"""How a producer ends: closed, forgotten, or with its program."""

from __future__ import annotations

import contextlib
import threading
from typing import Final

from pelagos.messaging.errors import MessagingError
from pelagos.messaging.producer.caller import Caller
from pelagos.messaging.sending.publisher import Publisher

_LAST_WAIT: Final = 5.0  # seconds that the end of a program waits for the broker


def close(publisher: Publisher, caller: Caller) -> None:
    """End the connections; whoever waits gets an error."""
    caller.close()
    publisher.close()


def abandon(publisher: Publisher, caller: Caller) -> None:
    """Nobody has the producer any more; when the program ends, what was handed over may leave."""
    program_ends = not threading.main_thread().is_alive()
    if program_ends and not publisher.idle():
        with contextlib.suppress(MessagingError):  # the log has it
            publisher.flush(_LAST_WAIT)
    close(publisher, caller)
