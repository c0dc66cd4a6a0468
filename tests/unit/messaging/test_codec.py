"""Frames, methods, tables and properties, compared with those of another one's codec."""

from __future__ import annotations

import contextlib
import enum
import math
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pamqp.base
import pamqp.body
import pamqp.commands
import pamqp.decode
import pamqp.encode
import pamqp.frame
import pamqp.header
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.messaging import codec
from pelagos.messaging.codec import CodecError, methods
from pelagos.messaging.codec.methods import base as methods_base
from pelagos.messaging.transports.base import Properties

KINDS = sorted(
    (kind for kind in methods_base._known.values() if kind is not codec.Heartbeat),
    key=lambda kind: kind.INDEX,
)
ONES = {k.__name__: k for k in pamqp.commands.INDEX_MAPPING.values()}

short = st.text(max_size=60)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=40)
    | st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1)).map(  # noqa: DTZ001 - made aware here
        lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
    )
    | st.decimals(-21474, 21474, places=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(short, inner, max_size=4),
    max_leaves=12,
)
tables = st.dictionaries(short, values, max_size=5)
BY_LETTER: dict[str, st.SearchStrategy[Any]] = {
    "b": st.integers(0, 255),
    "h": st.integers(0, 2**16 - 1),
    "l": st.integers(0, 2**32 - 1),
    "q": st.integers(0, 2**64 - 1),
    "s": short,
    "S": st.binary(max_size=60),
    "t": st.booleans(),
    "F": tables,
}


@st.composite
def any_method(draw: st.DrawFn) -> codec.Method:
    kind = draw(st.sampled_from(KINDS))
    return kind(*(draw(BY_LETTER[letter]) for letter in kind.KINDS if letter in BY_LETTER))


all_properties = st.builds(
    Properties,
    message_id=short,
    content_type=short,
    persistent=st.booleans(),
    headers=tables,
    reply_to=st.none() | short,
    correlation_id=st.none() | short,
    expiration=st.none() | st.integers(0, 2**40).map(lambda number: number / 1000),
    timestamp=st.none() | st.integers(0, 2**64 - 1),
    content_encoding=st.none() | short,
    priority=st.none() | st.integers(0, 255),
    type=st.none() | short,
    user_id=st.none() | short,
    app_id=st.none() | short,
)


def read(data: bytes, **options: int) -> list[codec.Frame]:
    return list(codec.Decoder(**options).feed(data))


@given(any_method(), st.integers(1, 2**16 - 1))
def test_what_is_written_is_read(method: codec.Method, channel: int) -> None:
    data = codec.encode_method(channel, method)
    if method.CONTENT:
        assert read(data) == []
    else:
        assert read(data) == [(channel, method, None)]
    assert methods_base.decode_method(method.encode()) == method


def test_every_method_of_the_other_codec_is_known_with_the_same_fields() -> None:
    ours = {kind.INDEX: kind for kind in KINDS}
    for index, theirs in pamqp.commands.INDEX_MAPPING.items():
        kind = ours[(index >> 16, index & 0xFFFF)]
        names = [name for name in theirs.attributes() if not name.startswith("reserved")]
        names = [name for name in names if name not in {"ticket", "out_of_band", "insist"}]
        fields = list(kind().__dict__)
        assert len(fields) == len(names) - sum(
            name in {"capabilities", "cluster_id", "known_hosts", "channel_id"} for name in names
        ), (kind, names)


@given(any_method())
@settings(max_examples=300)
def test_the_other_codec_reads_what_we_write(method: codec.Method) -> None:
    index = method.INDEX[0] << 16 | method.INDEX[1]
    if index not in pamqp.commands.INDEX_MAPPING or method.INDEX == (60, 100):
        return  # unknown to it, or deprecated there
    data = method.encode()
    theirs = pamqp.commands.INDEX_MAPPING[index]()
    theirs.unmarshal(data[4:])
    found = {name: value for name, value in theirs if value is not None}
    for name, value in method.__dict__.items():
        same = {"nowait": "nowait", "type": "exchange_type", "is_global": "global_"}.get(
            name, name
        )
        got = found.get(same, value)
        if isinstance(value, bytes) and isinstance(got, str):
            got = got.encode()
        if type(value) is int:
            got %= 2**64  # it takes large numbers of deliveries for negative ones
        if isinstance(value, dict):
            assert set(got) == set(value)
        else:
            assert got == value, name


@given(tables)
def test_tables_survive_the_way_and_are_read_by_the_other_codec(table: dict[str, Any]) -> None:
    data = codec.encode_table(table)
    assert codec.decode_table(data) == (table, len(data))
    consumed, theirs = pamqp.decode.field_table(data)
    assert consumed == len(data)
    assert set(theirs) == set(table)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=20),
        st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.none(),
    )
)
def test_tables_of_the_other_codec_are_read(table: dict[str, Any]) -> None:
    data = pamqp.encode.field_table(table)
    assert codec.decode_table(data) == (table, len(data))


@given(all_properties, st.binary(max_size=20_000), st.integers(4096, 9000), st.integers(1, 700))
def test_messages_survive_the_way_in_pieces(
    properties: Properties, body: bytes, frame_max: int, step: int
) -> None:
    method = codec.methods.BasicDeliver("tag", 2**63, True, "exchange", "key")
    data = codec.encode_content(3, method, properties, body, frame_max)
    decoder = codec.Decoder(frame_max)
    found = [
        frame for at in range(0, len(data), step) for frame in decoder.feed(data[at : at + step])
    ]
    assert found == [(3, method, (properties, body, None))]


@given(
    all_properties.filter(lambda properties: (properties.timestamp or 0) < 2**37),
    st.binary(max_size=50),
)
def test_the_other_codec_reads_our_messages(properties: Properties, body: bytes) -> None:
    data = codec.encode_message(1, properties, body, 131_072)
    consumed, channel, header = pamqp.frame.unmarshal(data)
    assert channel == 1 and header.body_size == len(body)
    theirs = header.properties
    assert (theirs.message_id or "") == properties.message_id
    assert theirs.delivery_mode == (2 if properties.persistent else 1)
    assert theirs.correlation_id == properties.correlation_id
    assert theirs.priority == properties.priority
    assert theirs.app_id == properties.app_id
    assert theirs.message_type == properties.type
    if body:
        assert pamqp.frame.unmarshal(data[consumed:])[2].value == body


def test_what_a_stranger_leaves_out_or_adds_is_no_damage() -> None:
    header = bytes.fromhex("003c0000 0000000000000000 0000".replace(" ", ""))
    assert codec.decode_properties(header) == (Properties("", persistent=False), None)
    with_cluster = bytes.fromhex("003c000000000000000000000004") + b"\1c"
    assert codec.decode_properties(with_cluster)[1] is None


def table_with(value: bytes) -> bytes:
    return (2 + len(value)).to_bytes(4, "big") + b"\1k" + value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"T" + b"\xff" * 8, 2.0**64),
        (b"T\x40" + bytes(7), 2**62),
        (b"S\0\0\0\1\xff", b"\xff"),
        (b"s\xff\xfe", -2),
        (b"u\xff\xfe", 2**16 - 2),
        (b"i\xff\xff\xff\xff", 2**32 - 1),
        (b"B\xff", 255),
        (b"b\xff", -1),
        (b"f\x3f\x80\0\0", 1.0),
        (b"D\2\xff\xff\xff\x9c", Decimal("-1.00")),
        (b"V", None),
    ],
)
def test_odd_values_of_strangers_are_read(data: bytes, value: object) -> None:
    assert codec.decode_table(table_with(data))[0] == {"k": value}


def test_not_a_number_is_carried() -> None:
    assert math.isnan(codec.decode_table(codec.encode_table({"k": math.nan}))[0]["k"])


@pytest.mark.parametrize(
    "table",
    [
        {"k": object()},
        {"k": {1, 2}},
        {"k": 2**64},
        {"k" * 256: 1},
        {1: 1},
        {"k": "\ud800"},
        {"\ud800": 1},
        {"k": Decimal("NaN")},
        {"k": Decimal(2**40)},
        {"k": Decimal("1e-300")},
        {"k": datetime(1960, 1, 1, tzinfo=UTC)},
    ],
)
def test_what_a_table_cannot_hold_is_refused(table: Any) -> None:
    with pytest.raises(CodecError):
        codec.encode_table(table)


def test_a_bottomless_table_is_refused_both_ways() -> None:
    endless: dict[str, Any] = {}
    endless["k"] = endless
    with pytest.raises(CodecError, match="deep"):
        codec.encode_table(endless)
    data = b""
    for _ in range(2000):
        data = b"A" + len(data).to_bytes(4, "big") + data
    with pytest.raises(CodecError, match="deep"):
        codec.decode_table(table_with(data))


@pytest.mark.parametrize(
    "properties",
    [
        Properties("m", priority=256),
        Properties("m", priority=-1),
        Properties("m", timestamp=-1),
        Properties("m", expiration=math.nan),
        Properties("m", headers={"k": "x" * 5000}),
        Properties("m" * 300),
    ],
)
def test_properties_that_cannot_be_written_are_refused(properties: Properties) -> None:
    with pytest.raises(CodecError):
        codec.encode_message(1, properties, b"", 4096)


# Hostile bytes.


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", 501),
        (b"AMQP\0\0\x09\x01", 501),
        (b"AMQP\x03\1\0\0", 501),
        (b"\1\0\1\0\x02\0\0", 501),  # larger than agreed
        (b"\1\0\1\0\0\0\4\0\x3c\0\x50\0", 501),  # no end
        (b"\1\0\1\0\0\0\4\0\x63\0\x63\xce", 540),
        (b"\1\0\1\0\0\0\4\0\x3c\0\x50\xce", 502),
        (b"\1\0\1\0\0\0\0\xce", 540),
        (b"\2\0\1\0\0\0\0\xce", 505),
        (b"\3\0\1\0\0\0\0\xce", 505),
        (b"\4\0\1\0\0\0\0\xce", 501),
    ],
)
def test_what_is_no_amqp_is_refused(data: bytes, code: int) -> None:
    with pytest.raises(CodecError) as refused:
        read(data)
    assert refused.value.code == code


def test_pieces_of_messages_in_a_wrong_order_are_refused() -> None:
    start = codec.encode_method(1, codec.methods.BasicPublish("", "q"))
    whole = codec.encode_message(1, Properties("m"), b"body", 4096)
    header, body = whole[:-12], whole[-12:]
    wrong = [
        start + start,
        start + codec.encode_method(1, codec.methods.BasicAck(1)),
        start + body,
        start + header + header,
        start + header + b"\3\0\1\0\0\0\5body!\xce",
        start + header + b"\3\0\1\0\0\0\0\xce",
        codec.encode_method(0, codec.methods.BasicPublish("", "q")),
        start + b"\2\0\1\0\0\0\3abc\xce",
        start + b"\2\0\1\0\0\0\x0e" + bytes(14) + b"\xce",
    ]
    for data in wrong:
        with pytest.raises(CodecError):
            read(data)
    with pytest.raises(CodecError, match="at most 3"):
        read(start + whole, body_max=3)
    other = codec.encode_content(2, codec.methods.BasicPublish("", "p"), Properties("n"), b"")
    assert [
        frame[0] for frame in read(start + other + header + b"\x08\0\0\0\0\0\0\xce" + body)
    ] == [
        2,
        0,
        1,
    ]


def test_properties_that_cannot_be_read_harm_their_message_only() -> None:
    good = codec.encode_content(1, codec.methods.BasicDeliver("t", 1), Properties("m"), b"x")
    header = bytes.fromhex("003c0000 0000000000000001 2000".replace(" ", ""))
    payloads = [
        header,
        header + b"\0\0\0\x05\1",
        header[:-1] + b"\1" + b"\0\1",
        header + b"\xff" * 4,
    ]
    payloads.append(header + table_with(b"?"))
    for payload in payloads:
        damaged = (
            codec.encode_method(1, codec.methods.BasicDeliver("t", 1))
            + b"\2\0\1"
            + len(payload).to_bytes(4, "big")
            + payload
            + b"\xce\3\0\1\0\0\0\1x\xce"
        )
        first, second = read(damaged + good)
        assert first[2] is not None and second[2] is not None
        assert first[2][0] == Properties("") and first[2][2] is not None
        assert second[2] == (Properties("m"), b"x", None)


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_random_bytes_give_no_other_error(data: bytes) -> None:
    for kind in (b"\1", b"\2"):
        for prefix in (
            b"",
            b"\0\x3c\0\x3c",
            b"\0\x0a\0\x0a",
            b"\0\x3c\0\0" + bytes(8) + b"\xff\xfe",
        ):
            payload = prefix + data
            frame = kind + b"\0\1" + len(payload).to_bytes(4, "big") + payload + b"\xce"
            start = codec.encode_method(1, codec.methods.BasicPublish("", "q"))
            with contextlib.suppress(CodecError):
                read((start if kind == b"\2" else b"") + frame)
    with contextlib.suppress(CodecError):
        assert len(read(data)) <= len(data)
    with contextlib.suppress(CodecError):
        assert all(isinstance(key, str) for key in codec.decode_table(data)[0])


def test_flipped_and_cut_bytes_give_no_other_error() -> None:
    generator = random.Random(9)
    headers = {"a": [1, {"b": None, "c": "x"}], "t": datetime(2020, 1, 1, tzinfo=UTC), "d": 1.5}
    data = codec.encode_method(0, codec.methods.ConnectionStart(server_properties=headers))
    for number in range(20):
        method = codec.methods.BasicDeliver("tag", number, False, "e", "k")
        data += codec.encode_content(1, method, Properties("m", headers=headers), b"body")
    whole = len(read(data))
    for _ in range(4000):
        hostile = bytearray(data)
        for _ in range(generator.randrange(1, 4)):
            hostile[generator.randrange(len(hostile))] = generator.randrange(256)
        with contextlib.suppress(CodecError):
            assert len(read(bytes(hostile[: generator.randrange(len(hostile))]))) <= whole


def test_bytes_one_by_one_are_read_in_linear_time() -> None:
    body = bytes(120_000)
    data = codec.encode_content(1, codec.methods.BasicDeliver("t", 1), Properties("m"), body)
    decoder = codec.Decoder()
    found = [frame for at in range(len(data)) for frame in decoder.feed(data[at : at + 1])]
    assert len(found) == 1


class Level(enum.IntEnum):
    HIGH = 3


class Name(enum.StrEnum):
    FRONT = "front"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (Level.HIGH, 3),
        (Name.FRONT, "front"),
        (Decimal("3E2"), Decimal(300)),
        (Decimal(-7), Decimal(-7)),
        (Decimal("-12.50"), Decimal("-12.50")),
        (Decimal((0, (1,), -255)), Decimal((0, (1,), -255))),
        (datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_what_a_table_can_just_hold_is_read_as_it_was(given: object, read: object) -> None:
    (found,) = codec.decode_table(codec.encode_table({"k": given}))[0].values()
    assert (found, str(found)) == (read, str(read))


@pytest.mark.parametrize(
    "given", [Decimal((0, (1,), -256)), Decimal(2**31), datetime(1969, 12, 31, tzinfo=UTC)]
)
def test_what_a_table_can_just_not_hold_is_refused(given: object) -> None:
    with pytest.raises(CodecError):
        codec.encode_table({"k": given})


def test_methods_are_equal_when_they_say_the_same() -> None:
    assert methods.BasicAck(1) == methods.BasicAck(1) != methods.BasicAck(2)
    assert methods.QueuePurgeOk(1) != methods.QueueDeleteOk(1)
    assert len({methods.BasicAck(1), methods.BasicAck(1), methods.BasicNack(1)}) == 2


@pytest.mark.parametrize(
    "method",
    [
        methods.BasicDeliver("c", -1),
        methods.BasicAck(2**64),
        methods.BasicQos(prefetch_count="x"),  # type: ignore[arg-type]
        methods.QueueDeclare("q" * 256),
        methods.QueueDeclare("q", arguments={"k": "v" * 4096}),
    ],
)
def test_a_method_that_cannot_be_written_is_refused(method: methods.Method) -> None:
    with pytest.raises(CodecError):
        codec.encode_method(1, method, codec.FRAME_MIN)
