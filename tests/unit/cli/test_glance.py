from typing import Self

import pytest

from pelagos.cli import glance


class Wire:
    """A socket that gives a prepared answer."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.sent = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def recv(self, size: int) -> bytes:
        chunk, self.answer = self.answer[:size], self.answer[size:]
        return chunk


@pytest.fixture
def look(monkeypatch):
    """Looks at a master that answers these bytes: (what came of it, what was sent)."""

    def look(answer: bytes, url: str = "http://m.test:80/base/", token: str | None = "t0ken"):
        wire = Wire(answer)
        monkeypatch.setattr(glance.socket, "create_connection", lambda *_rest: wire)
        return glance.look(url, "v1/services", token, 1.0), wire.sent

    return look


def test_a_plain_answer_is_read(look):
    found, sent = look(b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[{"a":1}]')
    assert found == [{"a": 1}]
    lines = sent.decode().split("\r\n")
    assert lines[0] == "GET /base/v1/services HTTP/1.0"
    assert "Host: m.test:80" in lines
    assert "Authorization: Bearer t0ken" in lines


def test_an_empty_list_is_an_answer(look):
    assert look(b"HTTP/1.0 200 OK\r\n\r\n[]")[0] == []


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage",
        b"HTTP/1.1 401 No\r\n\r\n{}",
        b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nno json",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]",  # broke off
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n[]",
    ],
)
def test_everything_else_is_left_to_the_client(look, answer):
    assert look(answer)[0] is None


@pytest.mark.parametrize(
    "url", ["https://m.test/", "http://x:t@m.test/", "m.test", "http://", "http://m.test:port/"]
)
def test_a_url_that_is_not_plain_is_left_to_the_client(look, url):
    found, sent = look(b"HTTP/1.0 200 OK\r\n\r\n[]", url)
    assert found is None
    assert sent == b""


def test_a_token_that_could_add_a_header_is_never_sent(look):
    found, sent = look(b"HTTP/1.0 200 OK\r\n\r\n[]", token="a\r\nX: y")
    assert found is None
    assert sent == b""


def test_a_refused_connection_is_left_to_the_client(monkeypatch):
    def refuse(*_rest: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(glance.socket, "create_connection", refuse)
    assert glance.look("http://m.test/", "v1/services", "t", 1.0) is None
