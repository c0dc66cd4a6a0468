"""What a broker needs of the decoder: raw headers, bounds on what is unfinished, and skipping."""

from __future__ import annotations

import pytest

from pelagos.messaging import codec
from pelagos.messaging.codec import methods
from pelagos.messaging.transports.base import Properties


def message(size: int) -> bytes:
    return codec.encode_content(
        1, methods.BasicPublish("", "k"), Properties("m", "text/plain"), bytes(size), 4096
    )


@pytest.mark.parametrize("size", [0, 1, 4000, 10_000])
@pytest.mark.parametrize("step", [7, 100_000])
def test_the_header_of_each_message_is_kept_as_it_came(size: int, step: int) -> None:
    decoder = codec.Decoder(4096)
    data = message(size)
    count = 0
    for begin in range(0, len(data), step):
        for _ in decoder.feed(data[begin : begin + step]):
            count += 1
            assert decoder.header == codec.encode_header(size, Properties("m", "text/plain"))
    assert (count, decoder.held) == (1, 0)


def test_what_is_unfinished_is_counted() -> None:
    decoder = codec.Decoder(4096)
    assert list(decoder.feed(message(10_000)[:-5000])) == []
    assert 4000 <= decoder.held <= 10_000


@pytest.mark.parametrize("step", [7, 100_000])
def test_what_is_too_large_is_skipped_when_wanted(step: int) -> None:
    decoder = codec.Decoder(4096, body_max=5000, skip_large=True)
    data = message(10_000) + message(10)
    found = []
    for begin in range(0, len(data), step):
        found += list(decoder.feed(data[begin : begin + step]))
        assert decoder.held < 100  # a header, and no large body
    (_, _, large), (_, _, small) = found
    assert large is not None and large[1] == b"" and "10000 bytes" in str(large[2])
    assert small is not None and small[1:] == (bytes(10), None)
