"""The WSGI server and the error shape, over a real socket."""

from collections.abc import Iterator

import pytest
from flask import request

from pelagos.core.errors import PelagosError
from pelagos.core.http import HttpClient, HttpUnreachable
from pelagos.core.web import Server, WebError, make_app


@pytest.fixture
def server() -> Iterator[Server]:
    app = make_app(__name__, max_body=100)

    @app.get("/boom")
    def boom() -> None:
        raise RuntimeError("s3cret detail")

    @app.post("/teapot")
    def teapot() -> None:
        raise WebError(418, "teapot", "short and stout", hint="tip me over", extra={"x": 1})

    @app.post("/form")
    def form() -> str:
        return request.form["x"]

    server = Server(app)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "none", 404, "not-found"),
        ("GET", "teapot", 405, "method-not-allowed"),
        ("GET", "boom", 500, "internal-error"),
        ("POST", "teapot", 418, "teapot"),
    ],
)
def test_every_error_has_one_shape(server: Server, method: str, path: str, status: int, code: str):
    http = HttpClient(server.url)
    answer = http.request(method, path)
    http.close()
    assert answer.status == status
    assert answer.json()["error"]["code"] == code
    assert "s3cret" not in answer.text and "Traceback" not in answer.text


def test_a_body_over_the_limit_is_refused_in_words(server: Server):
    http = HttpClient(server.url)
    answer = http.request("POST", "form", form={"x": "y" * 10_000_000})
    http.close()
    assert answer.status == 413
    assert answer.json()["error"]["code"] == "too-large"


def test_a_taken_port_is_a_clear_error(server: Server):
    with pytest.raises(PelagosError, match=f"{server.port}: the port is taken") as caught:
        Server(make_app(__name__), port=server.port).start()
    assert "another port" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("host", "hint"),
    [("203.0.113.1", "`ip address` lists"), ("nobody.invalid", "of this computer")],
)
def test_an_address_that_cannot_be_had_comes_with_what_to_do(host: str, hint: str):
    server = Server(make_app(__name__), host=host)
    with pytest.raises(PelagosError, match=f"cannot listen on {host}") as caught:
        server.start()
    assert hint in str(caught.value.hint)
    assert not server.alive()


def test_a_stopped_server_has_given_its_port_back():
    server = Server(make_app(__name__))
    server.start()
    url, port = server.url, server.port
    server.stop()
    http = HttpClient(url)
    with pytest.raises(HttpUnreachable):
        http.request("GET", "x")
    again = Server(make_app(__name__), port=port)
    again.start()
    again.stop()
