"""Messages that nobody should send: bodies, headers and properties, from one seed."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import random
from dataclasses import dataclass
from typing import Any

from pelagos.messaging import MessageCommand, MessageResult, MessageStatus, RpcCommand

#: The header that numbers a hostile message, so that a test finds it again.
NUMBER = "n"


@dataclass(frozen=True, slots=True)
class Hostile:
    """One message to be sent."""

    body: bytes
    properties: dict[str, Any]


class Villain:
    """Makes hostile messages.

    Args:
        seed: the same seed makes the same messages.
        reply_queues: where answers may be asked for, besides places that are none.
    """

    def __init__(self, seed: int, reply_queues: list[str]) -> None:
        self._random = random.Random(seed)
        self._reply_queues = reply_queues

    def make(self, number: int) -> Hostile:
        """The next one."""
        properties: dict[str, Any] = {
            "message_id": self._pick(f"m{number}", "", "same", "é" * 100, "\x00", "x" * 255),
            "headers": self._headers() | {NUMBER: number},
            "correlation_id": f"c{number}",
            "content_type": self._pick("", "application/json", "text/plain", "\x7f"),
            "persistent": self._pick(True, False),
            "priority": self._pick(None, 0, 255),
            "type": self._pick(None, "", "odd"),
            "timestamp": self._pick(None, 0, 2**31, 2**62),
            "content_encoding": self._pick(None, "gzip"),
            "app_id": self._pick(None, "villain"),
            "expiration": self._pick(None, None, 3600.0),
        }
        reply_to = self._pick(None, *self._reply_queues, *self._reply_queues, "nowhere", "é" * 99)
        if reply_to is not None:
            properties["reply_to"] = reply_to
        return Hostile(self._body(), properties)

    def _pick(self, *choices: Any) -> Any:
        return self._random.choice(choices)

    def _body(self) -> bytes:
        kind = self._random.random()
        if kind < 0.15:
            return self._random.randbytes(self._random.randrange(200))
        if kind < 0.25:
            return self._pick(
                b"",
                b"null",
                b"[" * 100_000,
                b'{"a":' * 5000,
                b'"' + b"x" * 100_000 + b'"',
                b"\xef\xbb\xbf{}",
                b'{"type":"a","type":"b"}',
                b"1e400",
                b"NaN",
                b"-" + b"9" * 5000,
                "\ud800".encode("utf-8", "surrogatepass"),
            )
        body = self._message()
        if kind < 0.45:
            return self._damaged(json.dumps(body).encode())
        for _ in range(self._random.randrange(4) if kind < 0.85 else 0):
            body = self._changed(body)
        return json.dumps(body).encode()

    def _message(self) -> dict[str, Any]:
        name = self._pick(
            "go", "fail", "refuse", "typed", "", "*", "[", "x" * 5000, "\udcff", "a\nb"
        )
        made: Any = self._pick(
            RpcCommand("go"),
            RpcCommand("typed"),
            MessageCommand("go"),
            MessageStatus("go"),
            MessageResult(1),
        )
        body: dict[str, Any] = dict(made.body)
        body["name"] = name
        body["content"] = self._pick({}, {"parameters": self._value(0)}, {"args": [1]})
        return body

    def _changed(self, body: dict[str, Any]) -> dict[str, Any]:
        body = dict(body)
        key = self._pick(*body, "extra") if body else "extra"
        if self._random.random() < 0.4:
            body.pop(key, None)
        else:
            body[key] = self._value(0)
        return body

    def _damaged(self, data: bytes) -> bytes:
        place = self._random.randrange(len(data))
        return self._pick(
            data[:place],
            data + data,
            data[:place] + b"\xff" + data[place:],
            data[:place] + self._random.randbytes(1) + data[place + 1 :],
            data + b" trailing",
        )

    def _value(self, depth: int) -> Any:
        simple = self._pick(
            None,
            True,
            0,
            -1,
            2**70,
            1.5,
            "",
            "text",
            "\udcff",
            "\x00",
            "x" * 1000,
            "rpc",
            "2",
            [],
            {},
        )
        if depth > 3 or self._random.random() < 0.6:
            return simple
        inner = self._value(depth + 1)
        return self._pick([inner] * 3, {"size": inner}, {"": inner}, {"__class__": inner})

    def _headers(self) -> dict[str, Any]:
        names = (
            "x-pelagos-attempt",
            "x-pelagos-handlers",
            "x-pelagos-queue",
            "x-pelagos-exchange",
            "x-pelagos-key",
            "x-pelagos-letter",
            "x-delivery-count",
            "x-pelagos-died",
            "traceparent",
            "odd name é",
            "x" * 200,
        )
        count = self._random.randrange(4)
        return {self._pick(*names): self._header_value(0) for _ in range(count)}

    def _header_value(self, depth: int) -> Any:
        simple = self._pick(
            None,
            True,
            -1,
            0,
            2**31 - 1,
            2**62,
            "",
            "text",
            "é" * 300,
            b"\xff\x00",
            1.5,
            decimal.Decimal("1.5"),
            dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            "P.msg_go",
        )
        if depth > 2 or self._random.random() < 0.7:
            return simple
        return self._pick(
            [self._header_value(depth + 1)] * 2, {"a": self._header_value(depth + 1)}
        )
