"""Bodies in chunks: whole, never more in memory than asked for, refused when they are none."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core.web.chunked import BadChunk, ChunkedBody


@given(st.lists(st.binary(min_size=1, max_size=50)), st.integers(1, 60))
def test_what_was_sent_is_read_and_nothing_beyond(pieces: list[bytes], size: int) -> None:
    sent = b"".join(b"%x;note=1\r\n%b\r\n" % (len(one), one) for one in pieces)
    stream = io.BytesIO(sent + b"0\r\nTrailer: x\r\n\r\nGET / HTTP/1.1\r\n")
    body = ChunkedBody(stream)
    read = []
    while piece := body.read(size):
        assert len(piece) <= size
        read.append(piece)
    assert b"".join(read) == b"".join(pieces)
    assert body.remaining == 0 and body.read(1) == b""
    assert stream.read().startswith(b"GET /")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\r\n",
        b"x\r\n",
        b"-1\r\n",
        b"0x5\r\nhello\r\n",
        b"5\r\nhel",
        b"5\r\nhelloX\r\n",
        b"5\nhello\n",
        b"ffffffffffffffffffff\r\n",
        b"1" * 5000,
        b"0\r\n" + b"T: x\r\n" * 10_000,
    ],
)
def test_what_is_no_chunk_is_refused(sent: bytes) -> None:
    with pytest.raises(BadChunk):
        ChunkedBody(io.BytesIO(sent)).read()
