import pytest

from pelagos.core.clock import ManualClock
from pelagos.core.errors import PelagosError
from pelagos.core.http import FakeTransport, HttpClient, Request, Response
from pelagos.plane.directory import TRUST, TokenVerifier


def identity(request: Request) -> Response:
    if request.headers["Authorization"] == "Bearer good":
        return Response(200, {}, b'{"kind": "person", "name": "ann"}')
    return Response(401, {}, b"{}")


def verifier(route=identity) -> tuple[TokenVerifier, FakeTransport, ManualClock]:
    master, clock = FakeTransport({"GET /v1/identity": route}), ManualClock()
    return TokenVerifier(HttpClient("http://master", transport=master), clock=clock), master, clock


def test_the_master_is_asked_once_in_a_while():
    verify, master, clock = verifier()
    assert verify("good")["auth_id"] == "ann"
    assert verify("good") and len(master.requests) == 1
    clock.advance(TRUST)
    assert verify("good") and len(master.requests) == 2


def test_a_token_of_nobody_is_nobodys():
    verify, _, _ = verifier()
    assert verify("bad") is None


def test_a_master_that_fails_is_no_no():
    verify, _, _ = verifier(Response(500, {}, b""))
    with pytest.raises(PelagosError, match="500"):
        verify("good")


@pytest.mark.parametrize("kind", ["computer", "partition"])
def test_what_is_no_person_may_not_look_people_over_the_shoulder(kind: str):
    verify, _, _ = verifier(Response(200, {}, b'{"kind": "%s", "name": "c1"}' % kind.encode()))
    assert verify("good") is None


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"name": 1}', b"no JSON"])
def test_a_stranger_in_place_of_the_master_is_no_answer(body: bytes):
    verify, _, _ = verifier(Response(200, {}, body))
    with pytest.raises(PelagosError):
        verify("good")
