"""Many calls in one request: `system.multicall`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from pelagos.one.errors import OneAnswerException, OneException
from pelagos.one.resources import calls_of

if TYPE_CHECKING:  # who imports the server pays for connections only when there is one
    from pelagos.one.exchange import Exchange

_AT_ONCE = 100


class Pending:
    """A call that is under way, or was made."""

    def __init__(self, batch: Batch, method: str, params: Sequence[Any], may_repeat: bool) -> None:
        self.method = method
        self.params = params
        self.may_repeat = may_repeat
        self._batch = batch
        self._value: Any = None
        self._error: OneException | None = None

    def result(self) -> Any:
        """What the server answered; sends the batch when that was not done yet.

        Raises:
            OneException: this call did not succeed; others of the batch may have.
        """
        self._batch.run()
        if self._error is not None:
            raise self._error
        return self._value

    def settle(self, value: Any = None, error: OneException | None = None) -> None:
        """Note the answer."""
        self._value, self._error = value, error

    def __repr__(self) -> str:
        return f"<pending {self.method}>"


class Batch:
    """Calls that are sent together; what one of them says does not touch the others.

    They are made in their order but not as one transaction. As a context manager it sends at the
    end of the block.

    >>> from pelagos.one import OneServer
    >>> one = OneServer(session="oneadmin:secret")
    >>> batch = one.batch()
    >>> batch.vm.info(7), batch.host.info(0)
    (<pending one.vm.info>, <pending one.host.info>)
    """

    drops_surplus = False

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._waiting: list[Pending] = []

    def __getattr__(self, name: str) -> Any:
        return calls_of(self, name)

    def send(self, method: str, params: Sequence[Any], *, may_repeat: bool) -> Pending:
        """Put a call at the end."""
        pending = Pending(self, method, params, may_repeat)
        self._waiting.append(pending)
        return pending

    def run(self) -> None:
        """Send what waits, a hundred calls in a request.

        Raises:
            OneException: a request failed as a whole; its calls and those behind it have that
                error, too.
        """
        while self._waiting:
            some, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            try:
                self._run(some)
            except OneException as error:
                for pending in [*some, *self._waiting]:
                    pending.settle(error=error)
                self._waiting = []
                raise

    def _run(self, some: list[Pending]) -> None:
        session = self._exchange.endpoint.session
        calls = [{"methodName": p.method, "params": [session, *p.params]} for p in some]
        answers = self._exchange.ask_together(
            calls, may_repeat=all(pending.may_repeat for pending in some)
        )
        if len(answers) != len(some):
            raise OneAnswerException(f"{len(some)} calls were answered by {len(answers)} answers")
        for pending, answer in zip(some, answers, strict=True):
            try:
                pending.settle(self._typed(answer, pending.method))
            except OneException as error:
                pending.settle(error=error)

    def _typed(self, answer: Any, method: str) -> Any:
        value = self._exchange.success(self._single(answer, method), method)
        if not isinstance(value, str):
            return value
        from pelagos.one.results import read  # noqa: PLC0415  # loaded when an answer needs it

        return read(iter([value.encode()]), self._exchange.types)

    def _single(self, answer: Any, method: str) -> Any:
        if isinstance(answer, dict):
            code, message = answer.get("faultCode", 0), str(answer.get("faultString", ""))
            raise self._exchange.fault(code if isinstance(code, int) else 0, message, method)
        return answer[0] if isinstance(answer, list) and len(answer) == 1 else answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.run()

    def __repr__(self) -> str:
        return f"<batch of {len(self._waiting)} calls>"
