import pytest

from pelagos.core.errors import PelagosError
from pelagos.core.http import FakeTransport, HttpClient, HttpUnreachable, Request, Response


def echo(request: Request) -> Response:
    return Response(200, {}, request.body or b"")


def client(url: str = "http://host/base", **kwargs: object) -> tuple[HttpClient, FakeTransport]:
    fake = FakeTransport({"POST /base/x": echo, "GET /base/x": echo})
    return HttpClient(url, transport=fake, **kwargs), fake


def test_a_credential_in_the_address_becomes_the_token_and_is_shown_nowhere():
    http, fake = client("http://agent:s3cret@host/base")
    http.request("GET", "/x")
    assert fake.requests[0].headers["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in repr(http) + repr(fake.requests[0]) + http.base_url


def test_another_token_is_sent_over_the_same_connections():
    http, fake = client("http://agent:s3cret@host/base", timeout=3.0)
    http.with_token("other").request("GET", "x")
    http.with_token(None).request("GET", "x")
    http.request("GET", "x")
    sent = [r.headers.get("Authorization") for r in fake.requests]
    assert sent == ["Bearer other", None, "Bearer s3cret"]
    assert {r.timeout for r in fake.requests} == {3.0}
    assert "other" not in repr(http.with_token("other"))


def test_query_form_and_json_are_encoded():
    http, fake = client(token="t")
    http.request("GET", "x", params={"a": "é&", "none": None})
    assert fake.requests[0].url == "http://host/base/x?a=%C3%A9%26"
    assert http.request("POST", "x", form={"k": "v w"}).body == b"k=v+w"
    assert http.request("POST", "x", json={"k": [1]}).json() == {"k": [1]}
    assert [r.headers.get("Content-Type") for r in fake.requests] == [
        None,
        "application/x-www-form-urlencoded",
        "application/json",
    ]


def test_a_path_cannot_add_a_query():
    http, fake = client()
    with pytest.raises(HttpUnreachable):
        http.request("GET", "x?admin=1")
    assert fake.requests[0].url == "http://host/base/x%3Fadmin%3D1"


@pytest.mark.parametrize("url", ["", "host:80", "ftp://host", "http://", "/path"])
def test_an_address_that_is_none_is_refused_with_the_way_to_write_it(url: str):
    with pytest.raises(PelagosError) as caught:
        HttpClient(url)
    assert "http://HOST:PORT" in str(caught.value.hint)
