"""Golden tables: what each method of a client sends, exactly, and which answers it takes.

A row names a method, its arguments, the requests that it must make in order (method, path and
query, body, header fields besides the usual ones), their answers, and what comes out.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from pelagos.clients import ClientError, Reply
from pelagos.core.clock import ManualClock
from pelagos.core.http import Headers, Request, Response

ENDPOINT = "http://cloud.test/service/v2.0"
BOTH = ("openstack", "synnefo")
OPENSTACK = ("openstack",)
SYNNEFO = ("synnefo",)

#: Statuses that are tried besides those of a row.
_TRIED = (200, 201, 202, 203, 204, 300, 400, 404, 409)
_USUAL = {"user-agent", "accept-encoding", "x-auth-token"}


@dataclass(frozen=True)
class Ask:
    """A request that is expected, and its answer; `ok`: the statuses that are well."""

    request: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Any = None
    ok: tuple[int, ...] = (200,)
    answer_headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A call and what it must do."""

    method: str
    args: tuple[Any, ...]
    asks: tuple[Ask, ...]
    result: Any = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    dialects: tuple[str, ...] = BOTH


HEADERS = object()  # as a row's result: the header fields of the last answer


def row(
    method: str, *args: Any, asks: Iterable[Ask] | Ask, result: Any = HEADERS, **more: Any
) -> Row:
    """A row in one line; `dialects=` tells for whom, all else goes to the call by name."""
    dialects = more.pop("dialects", BOTH)
    wanted = (asks,) if isinstance(asks, Ask) else tuple(asks)
    return Row(method, args, wanted, result, more, dialects)


class Script:
    """A transport that expects requests in order, and answers them."""

    def __init__(self, asks: Iterable[Ask], last_status: int | None = None) -> None:
        self._asks = list(asks)
        self._last_status = last_status
        self.left = len(self._asks)

    def send(self, request: Request) -> Response:
        assert self.left, f"one request too many: {request.method} {request.url}"
        ask = self._asks[-self.left]
        self.left -= 1
        _compare(request, ask)
        status = ask.ok[0] if self.left or self._last_status is None else self._last_status
        body = b"" if ask.answer is None else json.dumps(ask.answer).encode()
        return Response(status, Headers(ask.answer_headers), body)

    def close(self) -> None:
        """Nothing is held."""


def _compare(request: Request, ask: Ask) -> None:
    assert request.url.startswith(ENDPOINT)
    assert f"{request.method} {request.url.removeprefix(ENDPOINT)}" == ask.request
    sent = {name.lower(): value for name, value in request.headers.items()}
    assert sent["x-auth-token"] == "token"
    others = {name: value for name, value in sent.items() if name not in _USUAL}
    wanted = {name.lower(): value for name, value in ask.headers.items()}
    if ask.body is None:
        assert not request.body
    elif isinstance(ask.body, bytes):
        body = request.body if isinstance(request.body, bytes) else request.body.read()
        assert body == ask.body
    else:
        assert json.loads(request.body) == ask.body
        wanted.setdefault("content-type", "application/json")
    assert others == wanted


def expand(rows: Iterable[Row]) -> list[Any]:
    """A parameter (row, dialect) for each dialect of each row."""
    return [
        pytest.param(one, dialect, id=f"{number}-{one.method}-{dialect}")
        for number, one in enumerate(rows)
        for dialect in one.dialects
    ]


def play(make: Callable[..., Any], one: Row, dialect: str) -> int:
    """Make the call; what it sends and returns must be as the row says. How many requests it made.

    All of them are to be made: `len(one.asks)`.
    """
    script = Script(one.asks)
    client = make(ENDPOINT, "token", http=script, dialect=dialect)
    result = getattr(client, one.method)(*one.args, **one.kwargs)
    if isinstance(result, Reply):
        assert result.status == one.asks[-1].ok[0]
    elif one.result is HEADERS:
        assert dict(result) == {k.lower(): v for k, v in one.asks[-1].answer_headers.items()}
    else:
        assert result == one.result
    return len(one.asks) - script.left


def try_statuses(make: Callable[..., Any], one: Row, dialect: str) -> list[int]:
    """The statuses that are taken as the last answer's, in order; each other one is an error."""
    taken, refused = [], []
    tried = sorted({*_TRIED, *one.asks[-1].ok})
    for status in tried:
        client = make(ENDPOINT, "token", http=Script(one.asks, status), dialect=dialect)
        call = getattr(client, one.method)
        try:
            call(*one.args, **one.kwargs)
        except ClientError as error:
            refused.append(error.status)
        else:
            taken.append(status)
    assert refused == [status for status in tried if status not in taken]
    return taken


def missing(
    kind: type, rows: Iterable[Row], *, base: type, without: Iterable[str] = ()
) -> set[str]:
    """Public methods of a client, beyond those of its base, that have no row: "name dialect"."""
    have = {(one.method, dialect) for one in rows for dialect in one.dialects}
    names = {
        name
        for name, member in inspect.getmembers(kind, callable)
        if not name.startswith("_") and not hasattr(base, name)
    }
    wanted = {(name, dialect) for name in names for dialect in BOTH}
    left = {f"{name} {dialect}" for name, dialect in wanted - have}
    return left - set(without)


#: What a service must not answer, and may.
_ODD: tuple[Any, ...] = (
    *(None, [], {}, [None], [[]], "x", "", 0, -1, True, 1.5, [1], ["x"]),
    *({"id": None}, [{}], [{"id": []}], {"status": 1}, {"fixed_ips": 3}, {"fixed_ips": [3]}),
)


class Odd:
    """A transport that answers everything with something odd under the keys of real answers."""

    def __init__(self, one: Row, value: Any, *, is_whole: bool) -> None:
        self._asks = list(one.asks)
        self._value = value
        self._is_whole = is_whole
        self._at = 0

    def send(self, _request: Request) -> Response:
        ask = self._asks[min(self._at, len(self._asks) - 1)]
        self._at += 1
        if self._at > 20:
            return Response(400, Headers({}), b"")
        answer = self._value
        if not self._is_whole and isinstance(ask.answer, dict):
            answer = dict.fromkeys(ask.answer, self._value)
        return Response(ask.ok[0], Headers(ask.answer_headers), json.dumps(answer).encode())

    def close(self) -> None:
        """Nothing is held."""


def survive(make: Callable[..., Any], one: Row, dialect: str) -> list[str]:
    """The odd answers at which a call neither returns nor raises a ClientError."""
    failed = []
    for is_whole in (True, False):
        for value in _ODD:
            transport = Odd(one, value, is_whole=is_whole)
            client = make(ENDPOINT, "token", http=transport, dialect=dialect)
            client._clock = ManualClock()
            try:
                getattr(client, one.method)(*one.args, **one.kwargs)
            except ClientError:
                pass
            except Exception as error:  # noqa: BLE001  # each is one too many
                failed.append(f"{one.method} with {value!r}: {error!r}")
    return failed


def golden_tests(
    make: Callable[..., Any], rows: Iterable[Row], *, plain: Iterable[Row] | None = None
) -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    """The tests of a table: what is sent and returned, which statuses are well, odd answers.

    Args:
        plain: rows whose last answer's status alone decides; by default all.
    """
    every = list(rows)
    each = pytest.mark.parametrize(("one", "dialect"), expand(every))

    @each
    def plays(one: Row, dialect: str) -> None:
        assert play(make, one, dialect) == len(one.asks)

    @pytest.mark.parametrize(("one", "dialect"), expand(every if plain is None else plain))
    def takes(one: Row, dialect: str) -> None:
        assert try_statuses(make, one, dialect) == sorted(one.asks[-1].ok)

    @each
    def survives(one: Row, dialect: str) -> None:
        assert survive(make, one, dialect) == []

    return plays, takes, survives
