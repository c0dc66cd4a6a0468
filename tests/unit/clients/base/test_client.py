import io
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pelagos.clients.base import Client
from pelagos.clients.base.sending import DEBUGV, Patience, Sender
from pelagos.clients.errors import (
    ClientError,
    CloudNotConfigured,
    NoAnswer,
    NotFound,
    OverLimit,
    RedirectedElsewhere,
    ServiceFault,
    Unauthorized,
    WrongAnswer,
)
from pelagos.core.clock import ManualClock
from pelagos.core.http import FakeTransport, HttpProtocolError, HttpTimeout, Request, Response
from pelagos.core.http.types import Headers

URL = "http://cloud/v2"


def ok(body: bytes = b"{}", status: int = 200, **headers: str) -> Response:
    return Response(status, Headers(headers), body)


def client_of(
    *answers: Response | Exception | Callable[[Request], Response],
    token: str | None = "T",
    **how: Any,
) -> tuple[Client, FakeTransport]:
    """A client whose GET, POST, … of /v2/x are answered one after the other, the last for ever."""
    rest = list(answers)

    def answer(request: Request) -> Response:
        now = rest.pop(0) if len(rest) > 1 else rest[0]
        if isinstance(now, Exception):
            raise now
        return now if isinstance(now, Response) else now(request)

    verbs = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "COPY", "MOVE")
    fake = FakeTransport({f"{verb} /v2/x": answer for verb in verbs})
    client = Client(URL, token, http=fake, **how)
    client._sender = Sender(fake, Patience(), ManualClock())
    return client, fake


@pytest.mark.parametrize("verb", ["get", "head", "post", "put", "patch", "delete", "copy", "move"])
def test_each_verb_carries_the_token(verb: str):
    client, fake = client_of(ok(b'{"a": 1}'))
    reply = getattr(client, verb)("/x", params={"b": 2, "c": None}, headers={"X-Y": 1})
    sent = fake.requests[0]
    assert (sent.method, sent.url) == (verb.upper(), "http://cloud/v2/x?b=2")
    assert (sent.headers["X-Auth-Token"], sent.headers["X-Y"]) == ("T", "1")
    assert (reply.status, reply.status_code, reply.json) == (200, 200, {"a": 1})


def test_an_unknown_keyword_is_an_error():
    client, _ = client_of(ok())
    with pytest.raises(TypeError, match="sucess"):
        client.get("/x", sucess=200)  # type: ignore[call-arg]


@pytest.mark.parametrize("success", [200, (200, 204), {200}, range(200, 300), None])
def test_success_takes_a_number_a_collection_or_anything(success: Any):
    client, _ = client_of(ok())
    assert client.get("/x", success=success).status == 200


def test_another_status_is_an_error_of_its_kind():
    client, _ = client_of(ok(b'{"itemNotFound": {"message": "no x", "code": 404}}', 404))
    with pytest.raises(NotFound) as caught:
        client.get("/x")
    error = caught.value
    assert (error.message, error.status) == ("404 Not Found itemNotFound (no x)\n", 404)
    assert error.details == ["GET http://cloud/v2/x"]


def test_any_status_is_welcome_when_none_is_named():
    client, _ = client_of(ok(b"gone", 404))
    assert client.get("/x", success=None).text == "gone"


def test_json_replaces_data_and_an_explicit_type_wins():
    client, fake = client_of(ok())
    client.post("/x", json={"a": 1}, data=b"no")
    client.post("/x", json={"a": 1}, headers={"content-type": "application/x"})
    first, second = fake.requests
    assert (first.body, first.headers["Content-Type"]) == (b'{"a":1}', "application/json")
    assert [v for k, v in second.headers.items() if k.lower() == "content-type"] == [
        "application/x"
    ]


def test_a_token_of_the_call_goes_before():
    client, fake = client_of(ok())
    client.get("/x", headers={"x-auth-token": "other"})
    assert [v for k, v in fake.requests[0].headers.items() if k.lower() == "x-auth-token"] == [
        "other"
    ]


def test_without_a_token_none_is_sent():
    client, fake = client_of(ok(), token=None)
    client.get("/x")
    assert "X-Auth-Token" not in fake.requests[0].headers


@pytest.mark.parametrize(
    ("url", "dialect", "endpoint"),
    [
        ("http://h/compute/", None, "http://h/compute/v2.0"),
        ("http://h/compute/v2.0", None, "http://h/compute/v2.0"),
        ("http://h/v1/AUTH_x", "synnefo", "http://h/v1/AUTH_x"),
        ("http://h/image", "openstack", "http://h/image"),
        ("http://h/image", "synnefo", "http://h/image/v2.0"),
    ],
)
def test_a_version_is_added_where_there_is_none(url: str, dialect: Any, endpoint: str):
    class Versioned(Client):
        DEFAULT_API_VERSION = "2.0"

    client = Versioned(url, "T", dialect=dialect, http=FakeTransport())
    assert (client.endpoint_url, client.base_url) == (endpoint, endpoint)
    assert Versioned(base_url=url, token="T", dialect=dialect).base_url == endpoint


@pytest.mark.parametrize("url", ["", "cloud", "ftp://h/", "http://", "http://u:p@h/"])
def test_a_wrong_address_is_refused_without_quoting_a_password(url: str):
    with pytest.raises(CloudNotConfigured) as caught:
        Client(url, "T")
    assert ":p@" not in str(caught.value)


# ---- what old programs put aside for the next call


def test_what_was_put_aside_goes_with_one_call_only():
    client, fake = client_of(ok())
    client.set_header("X-A", False)
    client.set_header("X-B", None)
    client.set_header("X-C", 1, iff=False)
    client.set_param("shared")
    client.set_param("limit", 3)
    client.headers["X-D"] = "d"
    client.get("/x", async_params={"public": None})
    client.get("/x")
    first, second = fake.requests
    assert first.url == "http://cloud/v2/x?shared&limit=3&public"
    assert {k: v for k, v in first.headers.items() if k.startswith("X-") and "Auth" not in k} == {
        "X-A": "False",
        "X-D": "d",
    }
    assert second.url == "http://cloud/v2/x" and "X-A" not in second.headers


def test_a_failed_call_takes_it_too():
    client, fake = client_of(ok(status=404))
    client.set_header("X-A", 1)
    for _ in range(2):
        with pytest.raises(NotFound):
            client.get("/x")
    assert ["X-A" in one.headers for one in fake.requests] == [True, False]


def test_threads_do_not_mix_what_they_put_aside():
    client, fake = client_of(ok())
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        for _ in range(50):
            client.set_header("X-Me", number)
            barrier.wait()
            client.get("/x", headers={"X-Expected": number})

    threads = [threading.Thread(target=work, args=(one,)) for one in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(fake.requests) == 400
    assert all(one.headers["X-Me"] == one.headers["X-Expected"] for one in fake.requests)


# ---- again, and never twice


@pytest.mark.parametrize("verb", ["get", "put", "delete", "post", "copy"])
def test_too_many_requests_are_sent_again_later(verb: str):
    client, fake = client_of(ok(status=429, **{"Retry-After": "3"}), ok())
    assert getattr(client, verb)("/x").status == 200
    assert len(fake.requests) == 2
    assert client._sender._clock.monotonic() == 3.0


def test_a_server_that_wants_too_long_a_wait_is_not_waited_for():
    client, fake = client_of(ok(status=429, **{"Retry-After": "3600"}))
    with pytest.raises(OverLimit) as caught:
        client.get("/x")
    assert (caught.value.retry_after, len(fake.requests)) == (3600.0, 1)


@pytest.mark.parametrize(("verb", "times"), [("get", 4), ("put", 4), ("delete", 4), ("post", 1)])
def test_a_failing_gateway_is_asked_again_by_idempotent_verbs_only(verb: str, times: int):
    client, fake = client_of(ok(status=503))
    with pytest.raises(ServiceFault):
        getattr(client, verb)("/x")
    assert len(fake.requests) == times


def test_an_internal_error_is_not_asked_again():
    client, fake = client_of(ok(status=500))
    with pytest.raises(ServiceFault):
        client.get("/x")
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("verb", "headers", "times"),
    [
        ("put", {}, 4),
        ("put", {"If-None-Match": "*"}, 1),
        ("delete", {"if-match": "x"}, 1),
        ("get", {"If-None-Match": "x"}, 4),
        ("post", {}, 1),
        ("move", {}, 1),
    ],
)
def test_what_broke_off_is_repeated_only_where_twice_is_once(
    verb: str, headers: dict[str, str], times: int
):
    client, fake = client_of(HttpProtocolError("cut", url="http://cloud"))
    with pytest.raises(NoAnswer) as caught:
        getattr(client, verb)("/x", headers=headers)
    assert (len(fake.requests), caught.value.status) == (times, 0)


def test_a_late_answer_is_not_waited_for_again():
    client, fake = client_of(HttpTimeout("late", url="http://cloud"))
    with pytest.raises(NoAnswer):
        client.get("/x")
    assert len(fake.requests) == 1


def test_nobody_there_is_tried_again_by_every_verb():
    client = Client(URL, http=(fake := FakeTransport()))
    client._sender = Sender(fake, Patience(), ManualClock())
    with pytest.raises(NoAnswer) as caught:
        client.post("/x", json={})
    assert (len(fake.requests), caught.value.status) == (4, 0)
    assert caught.value.retry_after == 1.0


def test_a_file_is_sent_again_from_where_it_stood():
    bodies = []

    def take(request: Request) -> Response:
        bodies.append(request.body.read())  # type: ignore[union-attr]
        return ok(status=503 if len(bodies) == 1 else 201)

    client, fake = client_of(take)
    file = io.BytesIO(b"skip-data")
    file.seek(5)
    client.put("/x", data=file, success=201)
    assert bodies == [b"data", b"data"]
    assert fake.requests[0].headers["Content-Length"] == "4"


# ---- sessions


class Session:
    def __init__(self) -> None:
        self.number = 1
        self.renewed: list[str] = []

    def token(self) -> str:
        return f"t{self.number}"

    def renew(self, old: str) -> str:
        self.renewed.append(old)
        self.number += 1
        return self.token()


@pytest.mark.parametrize("verb", ["get", "post"])
def test_a_refused_token_is_renewed_once(verb: str):
    session = Session()
    client, fake = client_of(ok(status=401), ok(), token=None, session=session)
    assert getattr(client, verb)("/x").status == 200
    assert [one.headers["X-Auth-Token"] for one in fake.requests] == ["t1", "t2"]
    assert session.renewed == ["t1"]


def test_a_renewed_token_that_is_refused_is_an_error():
    client, fake = client_of(ok(status=401), token=None, session=Session())
    with pytest.raises(Unauthorized):
        client.get("/x")
    assert len(fake.requests) == 2


def test_no_error_has_the_renewed_token():
    client, _ = client_of(ok(status=401), ok(b"who is t2?", 403), token=None, session=Session())
    with pytest.raises(ClientError) as caught:
        client.get("/x")
    assert "who is" in str(caught.value) and "t2" not in str(caught.value)


def test_a_plain_token_is_not_renewed():
    client, fake = client_of(ok(status=401))
    with pytest.raises(Unauthorized) as caught:
        client.get("/x")
    assert len(fake.requests) == 1 and "log in" in (caught.value.hint or "")


# ---- redirects


@pytest.mark.parametrize(
    "where",
    [
        "http://evil/v2/x",
        "https://cloud/v2/x",
        "http://cloud:81/v2/x",
        "//evil/x",
        "http://cloud@evil/x",
        "http://u@cloud/x",
        "http://[",
        "ftp://cloud/x",
        "http://cloud:99999999/",
    ],
)
def test_the_token_goes_to_no_other_server(where: str):
    client, fake = client_of(ok(status=302, Location=where))
    with pytest.raises(RedirectedElsewhere) as caught:
        client.get("/x")
    assert len(fake.requests) == 1
    assert (caught.value.location, caught.value.status) == (where, 302)


def test_a_redirect_on_the_same_server_is_followed():
    client, fake = client_of(ok())
    fake.routes["GET /v2/y"] = ok(status=301, Location="/v2/x?a=1#z")
    assert client.get("/y").status == 200
    assert fake.requests[-1].url == "http://cloud/v2/x?a=1"


def test_a_redirected_post_is_not_repeated_elsewhere():
    client, fake = client_of(ok(status=307, Location="/v2/y"))
    with pytest.raises(RedirectedElsewhere):
        client.post("/x", json={})
    assert len(fake.requests) == 1


def test_redirects_in_circles_end():
    client, fake = client_of(ok(status=302, Location="/v2/x"))
    with pytest.raises(RedirectedElsewhere):
        client.get("/x")
    assert len(fake.requests) == 6


def test_a_redirect_that_was_asked_for_is_an_answer():
    client, _ = client_of(ok(status=300, Location="http://evil/"))
    assert client.get("/x", success=(200, 300)).status == 300


# ---- answers


@pytest.mark.parametrize("body", [b"<html>", b"", b"{", b"\xff"])
def test_an_answer_that_is_not_json_is_an_error_when_json_is_asked_for(body: bytes):
    client, _ = client_of(ok(body))
    reply = client.get("/x")
    with pytest.raises(WrongAnswer) as caught:
        _ = reply.json
    assert caught.value.hint


def test_an_answer_without_the_wanted_member_is_an_error():
    client, _ = client_of(ok(b"[]"))
    with pytest.raises(WrongAnswer, match="servers"):
        client.get("/x").member("servers")


def test_headers_are_found_without_regard_to_case_and_are_text():
    client, _ = client_of(ok(**{"X-Meta": "Ã©", "X-Raw": "\xff"}))
    headers = client.get("/x").headers
    assert (headers["x-meta"], headers["X-RAW"]) == ("é", "\xff")


def test_a_stream_is_read_in_pieces_and_given_back():
    client, _ = client_of(ok(b"abcdef"))
    with client.get("/x", stream=True) as reply:
        stream: Any = reply._stream
        assert list(reply.iter_bytes(4)) == [b"abcd", b"ef"]
    assert stream.is_closed


def test_an_error_of_a_stream_is_read_and_given_back():
    client, _ = client_of(ok(b"no", 404))
    with pytest.raises(NotFound, match="no"):
        client.get("/x", stream=True)


def test_what_is_streamed_is_asked_for_as_it_is_stored():
    client, fake = client_of(ok())
    client.get("/x", stream=True).release()
    client.get("/x")
    assert [one.headers["Accept-Encoding"] for one in fake.requests] == ["identity", "gzip"]


# ---- logs


def test_no_log_has_the_token(caplog: pytest.LogCaptureFixture):
    client, _ = client_of(ok(b"{}", 200, **{"X-Subject-Token": "SECRET", "X-B": "a\x1b[31m"}))
    client.token = "SECRET"
    with caplog.at_level(logging.DEBUG, "pelagos.clients"):
        client.post("/x", json={"password": "SECRET"})
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "POST http://cloud/v2/x" in logged
    assert "SECRET" not in logged and "\x1b" not in logged
    assert DEBUGV == 11


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"X-Account-Meta-Temp-URL-Key": "SECRET"}, "/x"),
        ({"X-Container-Meta-Temp-Url-Key-2": "SECRET"}, "/x"),
        ({"X-Container-Sync-Key": "SECRET"}, "/x"),
    ],
)
def test_no_log_has_a_key(caplog: pytest.LogCaptureFixture, headers: dict[str, str], path: str):
    client, _ = client_of(ok(b"", 200, **headers))
    with caplog.at_level(logging.DEBUG, "pelagos.clients"):
        client.post(path, headers=headers)
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "key" in logged.lower() and "SECRET" not in logged
    assert "SECRET" not in repr(client)
