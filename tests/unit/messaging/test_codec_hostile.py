"""What a hostile peer may put into a message, and how little room and time that takes."""

from __future__ import annotations

import math
import struct
import time
import tracemalloc
from datetime import datetime
from decimal import Decimal

import pytest

from pelagos.messaging import codec
from pelagos.messaging.codec import CodecError, methods
from pelagos.messaging.transports.base import Properties

NO_UTF8 = b"\xff" * 255  # as text with marks for what is unreadable: three times as long
HEADERS = 1 << 13


def header(size: int, flags: int, rest: bytes) -> bytes:
    return struct.pack(">HHQH", 60, 0, size, flags) + rest


def short(text: bytes) -> bytes:
    return bytes((len(text),)) + text


def table(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def test_messages_that_are_begun_take_the_room_of_their_bytes() -> None:
    many = b"F\0\0\0\0" * 26_000  # tables without entries
    payload = header(1, HEADERS, table(short(b"k") + b"A" + table(many)))
    decoder = codec.Decoder()
    tracemalloc.start()
    for channel in range(1, 21):
        begun = codec.encode_method(channel, methods.BasicPublish("", "q"))
        assert list(decoder.feed(begun + frame(2, channel, payload))) == []
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert decoder.held == 20 * len(payload)
    assert used < 2 * decoder.held
    for channel in range(1, 21):
        ((_, _, content),) = decoder.feed(frame(3, channel, b"x"))
        assert content is not None and len(content[0].headers["k"]) == 26_000
    assert decoder.held == 0


@pytest.mark.parametrize("flag", [1 << 15, 1 << 14, 1 << 10, 1 << 9, 1 << 7, 1 << 5, 1 << 3])
def test_text_that_could_not_be_written_again_is_damage(flag: int) -> None:
    properties, damage = codec.decode_properties(header(0, flag, short(NO_UTF8)))
    assert properties == Properties("") and "UTF-8" in str(damage)


def test_a_key_of_a_table_that_could_not_be_written_again_is_damage() -> None:
    payload = header(0, HEADERS, table(short(NO_UTF8) + b"V"))
    assert codec.decode_properties(payload)[1] is not None


@pytest.mark.parametrize("flag", [1 << 15, 1 << 10, 1 << 9, 1 << 7])
def test_other_text_that_is_no_utf_8_is_read_and_can_be_written(flag: int) -> None:
    properties, damage = codec.decode_properties(header(0, flag, short(b"caf\xe9")))
    assert damage is None and "caf\ufffd" in str(properties)
    again, _ = codec.decode_properties(codec.encode_header(0, properties))
    assert again.headers == properties.headers and "caf\ufffd" in str(again)


def test_short_text_that_is_no_utf_8_is_read_with_marks_while_there_is_room_for_them() -> None:
    for text, read in ((b"caf\xe9", "caf\ufffd"), (b"\xff" * 85, "\ufffd" * 85)):
        properties, _ = codec.decode_properties(header(0, 1 << 14, short(text)))
        assert properties.content_encoding == read
        assert codec.decode_table(table(short(text) + b"V"))[0] == {read: None}
        codec.encode_header(0, properties)


@pytest.mark.parametrize("kind", ["list", "table"])
def test_tables_are_as_deep_as_can_be_written_and_read(kind: str) -> None:
    def nested(levels: int) -> dict[str, object]:
        value: object = None
        for _ in range(levels):
            value = [value] if kind == "list" else {"k": value}
        return {"k": value}

    written = codec.encode_table(nested(64))
    assert codec.decode_table(written)[0] == nested(64)
    with pytest.raises(CodecError, match="64 levels"):
        codec.encode_table(nested(65))
    outer = b"A" + table(written[4:][2:]) if kind == "list" else b"F" + table(written[4:])
    with pytest.raises(CodecError, match="64 levels"):
        codec.decode_table(table(short(b"k") + outer))


@pytest.mark.parametrize("seconds", [2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_time_beyond_the_calendar_can_be_written_again(seconds: int) -> None:
    written = table(short(b"k") + b"T" + struct.pack(">Q", seconds))
    read, _ = codec.decode_table(written)
    assert read["k"] == pytest.approx(seconds)
    assert codec.decode_table(codec.encode_table(read))[0] == read


@pytest.mark.parametrize("expiration", [-0.001, -5, -math.inf, math.inf])
def test_a_time_that_is_over_before_it_begins_is_refused(expiration: float) -> None:
    with pytest.raises(CodecError):
        codec.encode_header(0, Properties("m", expiration=expiration))


@pytest.mark.parametrize(
    "value",
    [
        datetime.min,  # noqa: DTZ901 - without a zone, as careless programs make them
        datetime.max,  # noqa: DTZ901
        Decimal("1e999999999"),
        Decimal("9" * 10_000),
        Decimal("-1e20"),
    ],
)
def test_values_beyond_all_bounds_are_refused_or_written_at_once(value: object) -> None:
    began = time.process_time()
    try:
        codec.encode_table({"k": value})
    except CodecError:
        pass
    else:
        assert isinstance(value, datetime)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (struct.pack(">I", 3) + short(b"k") + b"b\1", "does not end where its length says"),
        (
            table(short(b"k") + b"A" + struct.pack(">I", 1) + b"b\1"),
            "does not end where its length says",
        ),
        (struct.pack(">I", 1), "table or list goes beyond"),
        (table(short(b"k") + b"A" + struct.pack(">I", 9)), "table or list goes beyond"),
        (table(b"\xffk"), "short string goes beyond"),
        (table(short(b"k") + b"S" + struct.pack(">I", 9) + b"x"), "long string goes beyond"),
        (table(short(b"k") + b"l\0\0"), "goes beyond its frame"),
        (table(short(b"k") + b"?"), "unknown kind"),
    ],
)
def test_a_table_that_is_not_what_it_says_is_none(data: bytes, why: str) -> None:
    with pytest.raises(CodecError, match=why):
        codec.decode_table(data)


@pytest.mark.parametrize(
    ("flags", "rest", "why"),
    [
        (1 << 15, b"\5text", "cut short"),
        (1 << 7, b"\5text", "cut short"),
        (1 << 6, b"1234567", "requires a buffer"),
        (1 << 2, b"\5text", "beyond its frame"),
        (1, b"\0\0", "more kinds of them"),
    ],
)
def test_properties_that_are_not_what_they_say_are_damage(
    flags: int, rest: bytes, why: str
) -> None:
    properties, damage = codec.decode_properties(header(0, flags, rest))
    assert properties == Properties("") and why in str(damage)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"AMQP\0\1\0\0", "another version"),
        (b"GET / HTTP/1.1", "no AMQP"),
        (frame(9, 0, b"."), "no AMQP"),
        (struct.pack(">BHI", 1, 0, codec.FRAME_MAX) + b"....", "at most 131072 are agreed"),
        (struct.pack(">BHI", 8, 0, codec.FRAME_MAX) + b"....", "at most 131072 are agreed"),
        (codec.encode_method(1, methods.BasicPublish("", "q")) + frame(3, 1, b"x"), "its header"),
        (frame(1, 1, b"\0\x3c\0\x3c\1c" + bytes(9) + b"\0\5key"), "cut short"),
    ],
)
def test_bytes_that_are_no_frames_are_told_for_what_they_are(data: bytes, why: str) -> None:
    with pytest.raises(CodecError, match=why):
        list(codec.Decoder().feed(data))
