"""The base of the clients on real connections, and servers that do what they should not."""

import contextlib
import gzip
import io
import socket
import threading
import time
import tracemalloc
from urllib.parse import unquote_to_bytes

import pytest

from pelagos.clients import Client, ClientError
from pelagos.clients.base import records
from pelagos.clients.base.sending import Patience, Sender
from pelagos.clients.errors import (
    BadRequest,
    BrokenOff,
    Late,
    NoAnswer,
    NotFound,
    RedirectedElsewhere,
    ServiceFault,
    WrongAnswer,
)
from pelagos.core.backoff import Backoff
from support.scripted_server import Conversation, Script, ScriptedServer, answer

QUICK = Patience(backoff=Backoff(first=0.01, limit=0.02))
MIB = 1024 * 1024


def client_of(server: ScriptedServer, *, timeout: float = 30.0, token: str = "T") -> Client:
    client = Client(f"{server.url}/v1", token, timeout=timeout)
    client._sender = Sender(client._sender.transport, QUICK)
    return client


def always(*pieces: bytes) -> Script:
    def script(talk: Conversation) -> bool:
        talk.say(*pieces)
        return True

    return script


def test_one_connection_serves_many_calls():
    with ScriptedServer(always(answer(b'{"a": 1}'))) as server:
        client = client_of(server)
        for _ in range(5):
            assert client.get(("things", "a b")).json == {"a": 1}
    assert server.connections == 1
    assert server.requests[0].startswith(b"GET /v1/things/a%20b HTTP/1.1\r\n")
    assert b"\r\nX-Auth-Token: T\r\n" in server.requests[0]


@pytest.mark.parametrize(
    "name", ["a/../b", "..", "./x", "a//b", "/lead", "x/", "%2e%2e/", "q?a#b", "Ωδ", "a;b=c,d+e"]
)
def test_any_name_of_an_object_reaches_the_server_as_it_is(name: str):
    with ScriptedServer(always(answer())) as server:
        client_of(server).get(f"/acc/c/{name}")
    target = server.requests[0].split()[1]
    assert unquote_to_bytes(target) == f"/v1/acc/c/{name}".encode()
    assert b"?" not in target and b"#" not in target and b"/../" not in target


@pytest.mark.parametrize("verb", ["get", "put", "delete"])
def test_a_stale_connection_of_the_pool_is_replaced(verb: str):
    def script(talk: Conversation) -> bool:
        if talk.number == 0 and talk.turn == 1:
            return False  # closed as the second request arrives: too late to be seen before
        talk.say(answer(b"{}"))
        return True

    with ScriptedServer(script) as server:
        client = client_of(server)
        client.get("/a")
        assert getattr(client, verb)("/b").status == 200
    assert server.connections == 2


def test_a_post_on_a_stale_connection_is_not_made_twice():
    def script(talk: Conversation) -> bool:
        if talk.turn == 1:
            return False
        talk.say(answer(b"{}"))
        return True

    with ScriptedServer(script) as server:
        client = client_of(server)
        client.get("/a")
        with pytest.raises(BrokenOff) as caught:
            client.post("/b", json={})
    assert caught.value.status == 0
    assert sum(head.startswith(b"POST") for head in server.requests) == 1


def test_a_server_that_closed_a_connection_long_ago_is_not_noticed():
    with ScriptedServer(always(answer(b"{}"))) as server:
        client = client_of(server)
        client.get("/a")
        server._open[0].shutdown(2)
        time.sleep(0.05)
        assert client.post("/b", json={}).status == 200  # seen to be closed before it is used


def test_the_token_does_not_follow_to_another_server():
    with ScriptedServer(always(answer(b"{}"))) as thief:
        where = f"{thief.url}/v1/x"
        with ScriptedServer(always(answer(b"", "302 Found", Location=where))) as server:
            for stream in (False, True):
                with pytest.raises(RedirectedElsewhere, match="another server"):
                    client_of(server, token="SECRET").get("/x", stream=stream)
    assert thief.requests == [] and thief.connections == 0


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:%d/x", "//127.0.0.1:%d/x", "http://127.0.0.1:80@127.0.0.1:%d/"]
)
def test_a_next_page_at_another_server_is_asked_for_at_the_endpoint(target: str):
    with ScriptedServer(always(answer(b'{"things": [], "next": null}'))) as thief:
        link = target % thief.port

        def script(talk: Conversation) -> bool:
            onward = f', "next": "{link}?marker=1"' if b"marker" not in talk.head else ""
            talk.say(answer(b'{"things": [{"id": 1}]' + onward.encode() + b"}"))
            return True

        with ScriptedServer(script) as server:
            assert len(records(client_of(server), "/things", "things")) == 2
    assert thief.connections == 0


@pytest.mark.parametrize("inject", ["a\r\nX-Evil: 1", "a\nb", "a\rb"])
def test_no_value_can_begin_another_header(inject: str):
    with ScriptedServer(always(answer(b"{}"))) as server:
        client = client_of(server)
        with pytest.raises(ClientError):
            client.get("/x", headers={"X-Meta": inject})
        with pytest.raises(ClientError):
            Client(f"{server.url}/v1", f"T{inject}").get("/x")
        client.set_header("X-Meta", inject)
        with pytest.raises(ClientError):
            client.get("/x")
        client.get(f"/x {inject}", params={inject: inject})
    assert all(b"X-Evil: 1" not in head for head in server.requests)
    assert len(server.requests) == 1


def test_a_verb_cannot_begin_another_request():
    with (
        ScriptedServer(always(answer(b"{}"))) as server,
        pytest.raises(BadRequest, match="cannot be sent"),
    ):
        client_of(server).request("GET / HTTP/1.1\r\nX: ", "/x")
    assert server.requests == []


def test_headers_of_an_answer_that_are_folded_or_odd_do_no_harm():
    head = (
        b"HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nX-Bytes: \xff\xfe\r\nX-Utf: \xc3\xa9\r\n"
        b"X-Twice: 1\r\nX-Twice: 2\r\nContent-Length: 0\r\n\r\n"
    )
    with ScriptedServer(always(head)) as server:
        headers = client_of(server).get("/x").headers
    assert (headers["x-utf"], headers["x-twice"], headers["x-bytes"]) == ("é", "1, 2", "ÿþ")


def test_json_without_end_is_not_taken_into_memory():
    def script(talk: Conversation) -> bool:
        talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"100000\r\n" + b"[" * MIB + b"\r\n"
        talk.say(*[piece] * 80)
        return False

    tracemalloc.start()
    with ScriptedServer(script) as server, pytest.raises(WrongAnswer, match="larger than"):
        client_of(server).get("/x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300 * MIB
    assert len(server.requests) == 1


def test_a_bomb_of_gzip_is_not_unpacked_into_memory():
    bomb = gzip.compress(b"\0" * (200 * MIB), 9)
    whole = answer(bomb, Content_Encoding="gzip")
    with ScriptedServer(always(whole)) as server, pytest.raises(WrongAnswer):
        client_of(server).get("/x")


def test_what_is_streamed_is_not_unpacked():
    stored = gzip.compress(b"text")
    with ScriptedServer(always(answer(stored, Content_Encoding="gzip"))) as server:
        assert client_of(server).get("/x", stream=True).content == stored
        assert client_of(server).get("/x").content == b"text"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html><body><h1>Not Found</h1></body></html>", "text/html"),
        (b"\xff\xfe\x00", "application/octet-stream"),
        (b'{"a":' * 5000, "application/json"),
        (b"", "application/json"),
        (b"null", "application/json"),
    ],
)
def test_any_body_of_an_error_makes_an_error(body: bytes, kind: str):
    with ScriptedServer(always(answer(body, "404 Not Found", Content_Type=kind))) as server:
        for stream in (False, True):
            with pytest.raises(NotFound) as caught:
                client_of(server).get("/x", stream=stream)
            assert caught.value.status == 404 and "<" not in caught.value.message


def test_an_answer_that_says_less_than_it_promised_is_an_error():
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"

    def script(talk: Conversation) -> bool:
        talk.say(whole)
        return False

    with ScriptedServer(script) as server:
        client = client_of(server)
        with pytest.raises(BrokenOff):
            client.get("/x")
        reply = client.get("/x", stream=True)
        with pytest.raises(BrokenOff):
            list(reply.iter_bytes())


@pytest.mark.parametrize("junk", [b"\x15\x03\x03\x00", b"SSH-2.0-x\r\n", b"\0" * 70_000])
def test_a_server_of_another_kind_is_an_error(junk: bytes):
    def script(talk: Conversation) -> bool:
        talk.say(junk)
        return False

    with ScriptedServer(script) as server, pytest.raises(NoAnswer) as caught:
        client_of(server).get("/x")
    assert caught.value.hint


def test_a_stream_waits_for_each_piece_and_not_for_all():
    stop = threading.Event()

    def script(talk: Conversation) -> bool:
        talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
        for _ in range(6):
            stop.wait(0.25)
            talk.say(b"x")
        return True

    with ScriptedServer(script) as server:
        client = client_of(server, timeout=1.0)
        assert client.get("/x", stream=True).content == b"xxxxxx"
        with pytest.raises(Late):
            client.get("/x")
        stop.set()


def test_a_stream_that_falls_silent_is_late():
    stop = threading.Event()

    def script(talk: Conversation) -> bool:
        talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nxx")
        stop.wait(10)
        return False

    with ScriptedServer(script) as server:
        reply = client_of(server, timeout=0.3).get("/x", stream=True)
        with pytest.raises(Late):
            _ = reply.content
        stop.set()


def test_a_stream_that_was_read_gives_its_connection_back_and_another_does_not():
    body = b"x" * (3 * MIB)
    with ScriptedServer(always(answer(body))) as server:
        client = client_of(server)
        for _ in range(3):
            assert b"".join(client.get("/x", stream=True).iter_bytes(100_000)) == body
        assert server.connections == 1
        client.get("/x", stream=True).release()
        assert client.get("/x").content == body
    assert server.connections == 2


def test_a_large_file_goes_up_without_being_held():
    size = 64 * MIB
    received = []

    class Zeros(io.RawIOBase):
        def __init__(self) -> None:
            self.at = 0

        def readable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return True

        def seek(self, offset: int, whence: int = 0) -> int:
            self.at = offset if whence == 0 else size + offset
            return self.at

        def tell(self) -> int:
            return self.at

        def readinto(self, buffer: object) -> int:
            view = memoryview(buffer)  # type: ignore[arg-type]
            count = min(len(view), size - self.at)
            view[:count] = bytes(count)
            self.at += count
            return count

    def script(talk: Conversation) -> bool:
        received.append(len(talk.body))
        talk.body = b""
        talk.say(answer(b"", "201 Created"))
        return True

    with ScriptedServer(script) as server:
        client_of(server).put("/x", data=Zeros(), success=201)
    assert received == [size]
    assert f"Content-Length: {size}".encode() in server.requests[0]


def test_a_refusal_in_the_middle_of_an_upload_is_read():
    class Refusing(ScriptedServer):
        def _serve(self, peer: socket.socket, _number: int) -> None:  # answers at once
            with peer:
                peer.recv(1000)
                peer.sendall(answer(b'{"overLimit": {"message": "full"}}', "413 Too Large"))
                peer.shutdown(socket.SHUT_WR)
                with contextlib.suppress(OSError):  # the test may be over
                    while peer.recv(MIB):
                        pass

    with Refusing(always()) as server, pytest.raises(ClientError, match="full") as caught:
        client_of(server).put("/x", data=b"x" * (20 * MIB))
    assert caught.value.status == 413


def test_a_failing_gateway_is_asked_again_and_gives_the_answer():
    def script(talk: Conversation) -> bool:
        is_up = len(server.requests) > 2
        talk.say(answer(b"{}") if is_up else answer(b"<h1>wait</h1>", "503 Unavailable"))
        return True

    with ScriptedServer(script) as server:
        assert client_of(server).get("/x").json == {}
        assert len(server.requests) == 3
        server.requests.clear()
        with pytest.raises(ServiceFault, match="wait"):
            client_of(server).post("/x")


def test_threads_share_a_client():
    def script(talk: Conversation) -> bool:
        token = next(line for line in talk.head.splitlines() if line.startswith(b"X-Me:"))
        talk.say(answer(token.partition(b": ")[2]))
        return True

    with ScriptedServer(script) as server:
        client = client_of(server)

        def ask(number: int) -> bool:
            client.set_header("X-Me", number)
            return client.get("/x").text == str(number)

        client.MAX_THREADS = 16
        assert all(client.async_run(ask, [{"number": one} for one in range(300)]))
