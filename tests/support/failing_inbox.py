"""An inbox that cannot be asked for a while."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from pelagos.messaging.inbox import Receipt


class FailingInbox:
    """Fails so many times; then every message is the first, and none is remembered."""

    def __init__(self, error: Exception, times: int) -> None:
        self.left = times
        self._error = error

    def receive(self, _key: str, _consumer: str) -> AbstractContextManager[Receipt]:
        """See `Inbox`."""
        if self.left:
            self.left -= 1
            raise self._error
        return nullcontext(Receipt(first=True))
