import pytest

from pelagos.core import wire
from pelagos.core.clock import ManualClock
from pelagos.core.errors import PelagosError
from pelagos.core.http import FakeTransport, HttpClient, Request, Response
from pelagos.directory import Directory
from pelagos.directory.auth.acl import fill, is_allowed
from pelagos.directory.auth.remembered import TRUST, Remembered
from pelagos.directory.auth.settings import AuthSettings
from pelagos.plane.directory_config import default_directory_config
from pelagos.plane.master_tokens import MasterTokens
from pelagos.slap.client import SlapClient


def identity(request: Request) -> Response:
    if request.headers["Authorization"] == "Bearer good":
        return Response(200, {}, b'{"kind": "person", "name": "ann"}')
    return Response(401, {}, b"{}")


def verifier(route=identity) -> tuple[Remembered, FakeTransport, ManualClock]:
    master, clock = FakeTransport({"GET /v1/identity": route}), ManualClock()
    tokens = MasterTokens(HttpClient("http://master", transport=master))
    return Remembered(tokens, clock=clock), master, clock


def test_the_master_is_asked_once_in_a_while():
    verify, master, clock = verifier()
    assert verify("good")["auth_id"] == "ann"
    assert verify("good") and len(master.requests) == 1
    clock.advance(TRUST)
    assert verify("good") and len(master.requests) == 2


def test_an_event_has_the_master_asked_at_once():
    verify, master, _ = verifier()
    assert verify("good")
    verify.forget()
    assert verify("good") and len(master.requests) == 2


def test_an_answer_that_was_under_way_when_the_event_came_is_not_remembered():
    def overtaken(request: Request) -> Response:
        verify.forget()
        return identity(request)

    verify, master, _ = verifier(overtaken)
    assert verify("good") and verify("good")
    assert len(master.requests) == 2


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


def test_the_master_is_asked_with_the_token_of_whoever_asks_the_directory():
    def services(request: Request) -> Response:
        asked.append(request.headers.get("Authorization"))
        return Response(200, {}, b'{"services": [], "next": null}')

    asked: list[str | None] = []
    routes = {"GET /v1/identity": identity, "GET /v1/services": services}
    # An address with a credential in it, as that of a remote master may be.
    http = HttpClient("http://x:admins@master", transport=FakeTransport(routes)).with_token(None)
    context = {"slap": SlapClient(http.base_url, http=http)}
    with Directory(
        default_directory_config(), verify=Remembered(MasterTokens(http)), context=context
    ) as directory:
        client = directory.app.test_client()
        path = "/0.1/directories/lookup/default?term=x"
        answer = client.get(path, headers={"X-Auth-Token": "good"})
        assert answer.get_json()["sources"][0]["verdict"] == "empty"
        assert client.get(path, headers={"X-Auth-Token": "bad"}).status_code == 401
    assert asked == ["Bearer good"]


@pytest.mark.parametrize(
    ("role", "read_lookup", "read_config"),
    [
        ("operator", True, True),
        ("tenant", True, False),
        (None, True, False),
        ("new", False, False),
    ],
)
def test_a_role_gives_its_rights(role: str | None, read_lookup: bool, read_config: bool):
    said = {"kind": "person", "name": "ann", **({"role": role} if role else {})}
    verify, _, _ = verifier(Response(200, {}, wire.encode(said)))
    infos = verify("good")
    assert infos["auth_id"] == infos["xivo_user_uuid"] == "ann"
    for path, given in (("directories.lookup.default", read_lookup), ("config", read_config)):
        assert is_allowed(infos["acls"], fill(f"dird.{path}.read", {}), {"ann"}) is given


def test_rights_by_role_can_be_set():
    auth = AuthSettings.from_mapping({"auth": {"rights": {"tenant": ["dird.status.read"]}}})
    route = {"GET /v1/identity": identity}
    http = HttpClient("http://master", transport=FakeTransport(route))
    assert MasterTokens(http, rights=auth.rights)("good")["acls"] == ["dird.status.read"]
