"""Gives a message to all handlers that it is for, and tells what each did with it.

Nothing here knows a broker: it settles nothing, it returns what is to be done.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pelagos.messaging.errors import FilterError, InboxBusyError, RejectMessage
from pelagos.messaging.middleware import Outcome
from pelagos.messaging.processor.dispatch import ENDINGS, Ended, Work, pause_ms
from pelagos.messaging.processor.payload import PayloadError
from pelagos.messaging.processor.registry import HandlerInfo


@dataclass(slots=True)
class Result:
    """What one handler did with the message.

    Attributes:
        outcome: ack, filtered, retry (it failed) or dead (it failed for good).
        error: what it raised, or None.
        delay_ms: how long to wait before it is tried again.
        tried: whether the handler was at it, so that it counts as an attempt.
    """

    info: HandlerInfo
    outcome: Outcome
    error: Exception | None = None
    delay_ms: int = 0
    tried: bool = True


@dataclass(slots=True)
class MessageWork(Work):
    """A message that nobody waits for.

    Attributes:
        retry_ms: milliseconds until the next attempt of a handler, or None for no more.
    """

    retry_ms: Callable[[HandlerInfo], int | None]

    async def tell(self, handlers: list[HandlerInfo]) -> tuple[list[Result], Exception | None]:
        """Run them all, each on data of its own; also what ends the processor, if anything."""
        if len(handlers) == 1:
            result = await self._watched(handlers[0], self.message.body)
            return [result], result.error if isinstance(result.error, ENDINGS) else None
        results = []
        ending: Exception | None = None
        for place, info in enumerate(handlers):
            last = place == len(handlers) - 1
            body = self.message.body if last else copy.deepcopy(self.message.body)
            result = await self._watched(info, body)
            ending = ending or (result.error if isinstance(result.error, ENDINGS) else None)
            results.append(result)
        return results, ending

    async def _watched(self, info: HandlerInfo, body: dict[str, Any]) -> Result:
        if not self.watchers:
            return await self._tell_one(info, body)
        began = time.perf_counter()
        try:
            self.watchers.before_handle(self.message, info.handler)
        except Exception as error:  # noqa: BLE001 - it counts as one of the handler
            result = self._failed(info, error)
        else:
            result = await self._tell_one(info, body)
        seconds = time.perf_counter() - began
        self.watchers.after_handle(self.message, info.handler, result.outcome, seconds)
        return result

    async def _tell_one(self, info: HandlerInfo, body: dict[str, Any]) -> Result:
        key = self.message.message_id
        inbox = self.inbox if key else None
        ending: Exception | None = None
        try:
            if inbox is None:
                await self._run(info, body, None, None)
            else:
                async with self._receipt(inbox, info) as receipt:
                    if receipt.first:
                        try:
                            await self._run(info, body, None, receipt.transaction)
                        except Ended as end:
                            ending = end.error
        except FilterError as error:
            return Result(info, "filtered", error)
        except Ended as end:
            return Result(info, "ack", end.error)
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            return self._failed(info, error)
        return Result(info, "ack", ending)

    def _failed(self, info: HandlerInfo, error: Exception) -> Result:
        if isinstance(error, RejectMessage | PayloadError):
            return Result(info, "dead", error)
        if isinstance(error, InboxBusyError):  # somebody else is at it, or at the database
            return Result(info, "retry", error, pause_ms(error), tried=False)
        delay_ms = self.retry_ms(info)
        if delay_ms is None:
            return Result(info, "dead", error)
        return Result(info, "retry", error, delay_ms)
