"""Answers recorded from a server and played again, without secrets."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.http import FakeTransport, HttpUnreachable, Request, Response
from pelagos.one import errors
from pelagos.one.tester import OneServerTester
from support.one_answers import SESSION, URI, sample, text_answer, value_answer


class Daemon:
    def __init__(self) -> None:
        self.states = iter([1, 1, 3])

    def __call__(self, request: Request) -> Response:
        body = request.body
        assert isinstance(body, bytes)
        if b"one.user.login" in body:
            return Response(200, {}, text_answer("f" * 64))
        if b"one.user.info" in body:
            return Response(200, {}, text_answer(sample("user_info.xml")))
        if b"one.vm.action" in body:
            return Response(200, {}, value_answer(False, "[one.vm.action] Wrong.", 0x800, 7, -1))
        if b"one.host.info" in body:
            raise HttpUnreachable("nobody there", url=URI)
        facts = f"<ID>7</ID><STATE>{next(self.states)}</STATE><LCM_STATE>3</LCM_STATE>"
        return Response(200, {}, text_answer(f"<VM_POOL><VM>{facts}</VM></VM_POOL>"))


def program(one: Any) -> list[Any]:
    """What somebody's test does."""
    seen = [one.vm.wait(7, "RUNNING").STATE]
    with pytest.raises(errors.OneActionException) as caught:
        one.vm.action("resume", 7)
    seen.append(caught.value.object_id)
    with pytest.raises(errors.OneTransportException):
        one.host.info(0)
    one.set_fixture_unit_test("people")
    seen.append(one.user.info(2).NAME)
    one.user.login("alice", "hush-hush-2", 3600)
    return seen


@pytest.mark.parametrize("name", ["fixture.json", "fixture.json.gz"])
def test_what_was_recorded_is_played(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    real = FakeTransport({"POST /RPC2": Daemon()})
    with OneServerTester(
        URI, SESSION, path, fixture_replay=False, transport=real, retries=0
    ) as one:
        recorded = program(one)
    played = program(OneServerTester(URI, "other:session", path, retries=0))
    assert played == recorded == [3, 7, "alice"]
    data = path.read_bytes()
    text = (gzip.decompress(data) if name.endswith("gz") else data).decode()
    for secret in ("s3cret-word", "hush-hush", "f" * 64):
        assert secret not in text
    for element in ("PASSWORD", "TOKEN"):
        for part in text.split(f"&lt;{element}&gt;")[1:]:
            assert part.startswith("hidden")


def test_a_call_that_was_not_recorded_says_so(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps({"format": 1, "units": {"init": []}}))
    one = OneServerTester(URI, SESSION, path)
    with pytest.raises(errors.OneHelperException, match=r"no answer.* to one.vm.info"):
        one.vm.info(1)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2, "units": {}}', "\x80"])
def test_a_file_that_is_no_recording(tmp_path: Path, text: str) -> None:
    path = tmp_path / "f.json"
    path.write_text(text)
    with pytest.raises(errors.OneConfigException, match="is not a recording"):
        OneServerTester(URI, SESSION, path)
