"""Schemas beside a release on a web server: bounded in size and time, and from nowhere else."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pelagos.cli.parameters import checked
from pelagos.core.clock import SystemClock
from pelagos.core.json_schema import SchemaError
from pelagos.slap.agent.builders.fake import FakeBuilder
from pelagos.slap.agent.cause import Causes
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.room import Room as FreeRoom
from pelagos.slap.agent.steps.releases import ReleaseSteps
from pelagos.slap.errors import BadRequest, NotFoundError
from pelagos.slap.model import InstanceRequest
from pelagos.slap.parameter_schema import KnownSchemas
from pelagos.slap.schema_files import read_bundle

pytestmark = pytest.mark.integration

DOCUMENT = {"serialisation": "xml", "software-type": {"default": {"request": "input.json"}}}
SCHEMA = {"type": "object", "properties": {"size": {"type": "integer"}}}
Answer = Callable[[BaseHTTPRequestHandler], None]


class Place:
    """A web server: what it answers at each path, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.done = threading.Event()
        place = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place.asked.append(self.path)
                answer = place.answers.get(self.path)
                if answer is None:
                    self.send_error(404)
                else:
                    answer(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
                del format, args

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.done.set()
        self._server.shutdown()
        self._server.server_close()

    def put(self, path: str, document: object) -> None:
        self.answers[path] = says(json.dumps(document).encode())


def says(content: bytes, kind: str = "application/json", status: int = 200) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def leads_to(url: str, status: int = 302) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    place.put("/software.cfg.json", DOCUMENT)
    place.put("/input.json", SCHEMA)
    yield place
    place.close()


@pytest.fixture
def other() -> Iterator[Place]:
    place = Place()
    place.put("/software.cfg.json", DOCUMENT)
    place.put("/input.json", {"type": "object", "maxProperties": 0})
    yield place
    place.close()


def announced(place: Place, folder: Path) -> str:
    """What an agent says of the parameters of the release that it has built."""
    layout, clock = Layout(folder, 1), SystemClock()
    steps = ReleaseSteps(layout, FakeBuilder(layout, {}), Causes("COMP-1", clock), FreeRoom())
    report = steps.announce(f"{place.url}/software.cfg").report
    assert report is not None
    return report.schemas


def read(place: Place, **options: float) -> Any:
    return read_bundle(f"{place.url}/software.cfg", **options)


def test_the_schemas_beside_a_release_are_read(place: Place) -> None:
    found = read(place)
    assert found.schemas == {f"{place.url}/input.json": SCHEMA}


@pytest.mark.parametrize("path", ["/software.cfg.json", "/input.json"])
def test_a_redirection_to_another_server_is_not_followed(
    place: Place, other: Place, path: str
) -> None:
    for target in (other.url + path, other.url.replace("127.0.0.1", "localhost") + path):
        place.answers[path] = leads_to(target)
        found = read(place)
        assert other.asked == []
        assert found is None or found.schemas == {}


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:application/json,{}", "gopher:x"]
)
def test_a_redirection_to_another_scheme_is_not_followed(place: Place, target: str) -> None:
    place.answers["/software.cfg.json"] = leads_to(target)
    assert read(place) is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_on_the_same_server_is_followed(place: Place, status: int) -> None:
    place.put("/real/input.json", SCHEMA)
    place.answers["/input.json"] = leads_to("real/input.json", status)
    assert read(place).schemas == {f"{place.url}/input.json": SCHEMA}


def test_redirections_without_end_are_told(place: Place) -> None:
    place.answers["/software.cfg.json"] = leads_to("/software.cfg.json")
    with pytest.raises(SchemaError, match="without end"):
        read(place)
    assert len(place.asked) < 10


def test_a_reference_to_another_server_is_not_read(place: Place, other: Place) -> None:
    place.put("/input.json", {"$ref": f"{other.url}/input.json"})
    read(place)
    assert other.asked == []


def test_a_huge_answer_is_not_read_to_its_end(place: Place) -> None:
    def pour(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not place.done.is_set():
            handler.wfile.write(b" " * 65536)

    place.answers["/software.cfg.json"] = pour
    with pytest.raises(SchemaError, match="larger than"):
        read(place)


@pytest.mark.parametrize("slow", ["head", "body", "nothing"])
def test_a_slow_answer_is_left_when_its_time_is_over(place: Place, slow: str) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        if slow == "body":
            handler.send_response(200)
            handler.end_headers()
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: " if slow == "head" else b" ")
        while not place.done.wait(0.05):
            if slow != "nothing":
                handler.wfile.write(b" ")

    place.answers["/software.cfg.json"] = drip
    begun = time.monotonic()
    with pytest.raises(SchemaError):
        read(place, timeout=0.5)
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410])
def test_a_release_without_schemas_is_nothing_to_warn_of(
    place: Place, status: int, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.INFO)
    place.answers["/software.cfg.json"] = says(b"no", status=status)
    assert read(place) is None
    place.answers["/software.cfg.json"] = says(b"<html>Sign in</html>", "text/html")
    assert read(place) is None
    assert announced(place, tmp_path) == ""
    assert not caplog.records


def test_a_server_that_fails_is_told(
    place: Place, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    place.answers["/software.cfg.json"] = says(b"no", status=503)
    with pytest.raises(SchemaError, match="503"):
        read(place)
    assert announced(place, tmp_path) == ""
    assert "are not checked" in caplog.text


class Unknowing:
    """A master that does not know the release; or that knows nothing of schemas."""

    def __init__(self, answers: KnownSchemas | None) -> None:
        self._answers = answers

    def parameter_schema(self, url: str) -> KnownSchemas:
        del url
        if self._answers is None:
            raise NotFoundError("no such call", status=404)
        return self._answers


class Room:
    """As much of a context as a check needs."""

    def __init__(self, master: Unknowing) -> None:
        self.master = master
        self.said: list[str] = []
        self.say = self.said.append


def test_a_release_that_the_master_does_not_know_is_looked_at(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pelagos.cli.parameters._PATIENCE", 60.0)
    wish = InstanceRequest("one", f"{place.url}/software.cfg", parameters={"size": "ten"})
    room: Any = Room(Unknowing(KnownSchemas()))
    with pytest.raises(BadRequest, match="size is 'ten'"):
        checked(room, wish)
    room = Room(Unknowing(KnownSchemas(refuses=False)))
    assert checked(room, wish) == wish and "takes it all the same" in room.said[0]
    place.answers["/software.cfg.json"] = says(b"no", status=500)
    assert checked(room, wish) == wish and "are not checked" in room.said[1]
    del place.answers["/software.cfg.json"]
    assert checked(room, wish) == wish and len(room.said) == 2


def test_a_master_without_schemas_is_not_stood_in_for(place: Place) -> None:
    wish = InstanceRequest("one", f"{place.url}/software.cfg", parameters={"size": "ten"})
    room: Any = Room(Unknowing(None))
    assert checked(room, wish) == wish and place.asked == [] and room.said == []
