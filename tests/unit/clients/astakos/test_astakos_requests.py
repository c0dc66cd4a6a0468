"""What each method of the Astakos client sends, and what it makes of the answers."""

# ruff: noqa: E501 - a row of a table stays on its line

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from pelagos.clients import Client
from pelagos.clients.astakos import (
    AstakosClient,
    AstakosClientError,
    CachedAstakosClient,
    NoUserName,
    NoUUID,
)
from pelagos.clients.errors import ClientError, NotFound, Unsupported, WrongAnswer
from pelagos.core.http import FakeTransport, Request, Response

URL = "http://a/identity/v2.0"


def catalog() -> list[dict[str, Any]]:
    def service(name: str, kind: str, url: str, version: str = "") -> dict[str, Any]:
        endpoint = {"publicURL": url, "versionId": version, "SNF:uiURL": "http://a/ui"}
        return {"name": name, "type": kind, "endpoints": [endpoint], "endpoints_links": []}

    return [
        service("astakos_account", "account", "http://a/account/v1.0", "v1.0"),
        service("astakos_oauth2", "astakos_auth", "http://a/oauth2"),
        service("cyclades_network", "network", "http://c/network", "v2.0"),
        service("cyclades_compute", "compute", "http://c/compute/v2.0", "v2.0"),
    ]


def known_as(uuid: str, token: str) -> dict[str, Any]:
    return {
        "access": {
            "token": {"id": token, "tenant": {"id": f"project-{uuid}", "name": uuid}},
            "user": {"id": uuid, "name": uuid.title(), "roles": []},
            "serviceCatalog": catalog(),
        }
    }


class Astakos(FakeTransport):
    """The identity service with users by token; the account service answers `answer`."""

    USERS = {"TA": "alice", "TB": "bob"}  # noqa: RUF012  # never changed

    def __init__(self, answer: Any = None, status: int = 200) -> None:
        super().__init__()
        self.answer, self.status = answer, status
        self.logins = 0

    def send(self, request: Request) -> Response:
        self.requests.append(request)
        path = urlsplit(request.url).path
        if path != "/identity/v2.0/tokens":
            return Response(self.status, {}, json.dumps(self.answer).encode())
        if not request.body:
            found: Any = {"access": {"serviceCatalog": catalog()}}
            return Response(200, {}, json.dumps(found).encode())
        self.logins += 1
        token = json.loads(request.body)["auth"]["token"]["id"]  # type: ignore[arg-type]
        if token not in self.USERS:
            return Response(401, {}, b'{"unauthorized": {"message": "Invalid token"}}')
        return Response(200, {}, json.dumps(known_as(self.USERS[token], token)).encode())


TABLE: list[tuple[str, tuple[Any, ...], str, str, str, Any, Any, Any]] = [
    ("get_usernames", (["u"],), "POST", "/user_catalogs", "", {"uuids": ["u"]}, {"uuid_catalog": {"u": "n"}}, {"u": "n"}),
    ("get_username", ("u",), "POST", "/user_catalogs", "", {"uuids": ["u"]}, {"uuid_catalog": {"u": "n"}}, "n"),
    ("get_uuids", (["n"],), "POST", "/user_catalogs", "", {"displaynames": ["n"]}, {"displayname_catalog": {"n": "u"}}, {"n": "u"}),
    ("get_uuid", ("n",), "POST", "/user_catalogs", "", {"displaynames": ["n"]}, {"displayname_catalog": {"n": "u"}}, "u"),
    ("service_get_usernames", (None,), "POST", "/service/user_catalogs", "", {"uuids": None}, {"uuid_catalog": {}}, {}),
    ("service_get_username", ("u",), "POST", "/service/user_catalogs", "", {"uuids": ["u"]}, {"uuid_catalog": {"u": "n"}}, "n"),
    ("service_get_uuids", (["n"],), "POST", "/service/user_catalogs", "", {"displaynames": ["n"]}, {"displayname_catalog": {}}, {}),
    ("service_get_uuid", ("n",), "POST", "/service/user_catalogs", "", {"displaynames": ["n"]}, {"displayname_catalog": {"n": "u"}}, "u"),
    ("post_user_catalogs", (["u"], ["n"]), "POST", "/user_catalogs", "", {"uuids": ["u"], "displaynames": ["n"]}, {"a": 1}, {"a": 1}),
    ("set_default_project", ("p",), "POST", "/myaccount/default_project", "", {"project_id": "p"}, None, None),
    ("get_resources", (), "GET", "/resources", "", None, {"cyclades.vm": {}}, {"cyclades.vm": {}}),
    ("get_quotas", (), "GET", "/quotas", "", None, {"p": {}}, {"p": {}}),
    ("service_get_quotas", (["u1", "u2"], "p"), "GET", "/service_quotas", "user=u1,u2&project=p", None, {"u": {}}, {"u": {}}),
    ("service_get_project_quotas", ("p",), "GET", "/service_project_quotas", "project=p", None, {"p": {}}, {"p": {}}),
    ("get_pending_commissions", (), "GET", "/commissions", "", None, [95], [95]),
    ("get_commission_info", (95,), "GET", "/commissions/95", "", None, {"serial": 95}, {"serial": 95}),
    ("issue_commission", ({"provisions": []},), "POST", "/commissions", "", {"provisions": []}, {"serial": 3}, 3),
    ("issue_one_commission", ("u", {("p", "vm"): 1}, "n", True, True), "POST", "/commissions", "", {"provisions": [{"holder": "user:u", "source": "project:p", "resource": "vm", "quantity": 1}, {"holder": "project:p", "source": None, "resource": "vm", "quantity": 1}], "name": "n", "force": True, "auto_accept": True}, {"serial": 3}, 3),
    ("issue_commission_generic", ({("u", "p", "vm"): -1}, {}), "POST", "/commissions", "", {"provisions": [{"holder": "user:u", "source": "project:p", "resource": "vm", "quantity": -1}], "name": "", "force": False, "auto_accept": False}, {"serial": 3}, 3),
    ("issue_resource_reassignment", ("u", {("a", "b", "vm"): 2}), "POST", "/commissions", "", {"provisions": [{"holder": "user:u", "source": "project:a", "resource": "vm", "quantity": -2}, {"holder": "user:u", "source": "project:b", "resource": "vm", "quantity": 2}, {"holder": "project:a", "source": None, "resource": "vm", "quantity": -2}, {"holder": "project:b", "source": None, "resource": "vm", "quantity": 2}], "name": "", "force": False, "auto_accept": False}, {"serial": 3}, 3),
    ("accept_commission", (9,), "POST", "/commissions/9/action", "", {"accept": ""}, None, None),
    ("reject_commission", (9,), "POST", "/commissions/9/action", "", {"reject": ""}, None, None),
    ("resolve_commissions", ([1], [2]), "POST", "/commissions/action", "", {"accept": [1], "reject": [2]}, {"failed": []}, {"failed": []}),
    ("get_projects", (None, "active", None, "member"), "GET", "/projects", "state=active&mode=member", None, [], []),
    ("get_project", ("p",), "GET", "/projects/p", "", None, {"id": "p"}, {"id": "p"}),
    ("create_project", ({"name": "n"},), "POST", "/projects", "", {"name": "n"}, {"id": "p"}, {"id": "p"}),
    ("modify_project", ("p", {"name": "n"}), "PUT", "/projects/p", "", {"name": "n"}, {"id": "p"}, {"id": "p"}),
    ("project_action", ("p", "suspend", "why"), "POST", "/projects/p/action", "", {"suspend": {"reason": "why"}}, None, None),
    ("application_action", ("p", 4, "approve", "why"), "POST", "/projects/p/action", "", {"approve": {"reason": "why", "app_id": 4}}, None, None),
    ("get_memberships", ("p",), "GET", "/projects/memberships", "project=p", None, [], []),
    ("get_membership", (4,), "GET", "/projects/memberships/4", "", None, {"id": 4}, {"id": 4}),
    ("join_project", ("p",), "POST", "/projects/memberships", "", {"join": {"project": "p"}}, {"id": 4}, {"id": 4}),
    ("enroll_member", ("p", "e"), "POST", "/projects/memberships", "", {"enroll": {"project": "p", "user": "e"}}, {"id": 4}, {"id": 4}),
    ("membership_action", (4, "leave", "why"), "POST", "/projects/memberships/4/action", "", {"leave": "why"}, None, None),
]  # fmt: skip

#: Tested below, each by itself: they go elsewhere than to the account service.
ELSEWHERE = {
    *("authenticate", "get_endpoint_url", "get_endpoints", "get_menu", "get_service_details"),
    *("get_service_endpoints", "get_services", "get_token", "get_ui_services", "is_keystone"),
    *("send_feedback", "user_info", "user_term"),
}


@pytest.mark.parametrize(
    ("call", "given", "method", "path", "query", "body", "answer", "found"),
    TABLE,
    ids=[t[0] for t in TABLE],
)
def test_each_method_sends_what_astakos_takes(  # the columns of the table
    call: str,
    given: tuple[Any, ...],
    method: str,
    path: str,
    query: str,
    body: Any,
    answer: Any,
    found: Any,
):
    fake = Astakos(answer)
    client = AstakosClient(URL, "TA", http=fake)
    assert getattr(client, call)(*given) == found
    getattr(client, call)(*given)
    assert len(fake.requests) == 3  # the address of the account service is asked for once
    sent = fake.requests[-1]
    assert (sent.method, sent.headers["X-Auth-Token"]) == (method, "TA")
    assert sent.url == f"http://a/account/v1.0{path}" + (f"?{query}" if query else "")
    assert (json.loads(sent.body) if sent.body else None) == body  # type: ignore[arg-type]


def test_every_public_method_is_asked_for_somewhere():
    public = {name for name in dir(AstakosClient) if name[0] != "_" and not hasattr(Client, name)}
    assert public - {call for call, *_ in TABLE} == ELSEWHERE


def test_the_catalogue_alone_is_asked_for_with_an_empty_body():
    fake = Astakos({})
    AstakosClient(URL, "TA", http=fake).get_quotas()
    first = fake.requests[0]
    assert (first.body, first.headers["Content-Type"]) == (b"", "application/json")


def test_feedback_is_a_form():
    fake = Astakos({})
    AstakosClient(URL, "TA", http=fake).send_feedback("it's ünusual", "d")
    sent = fake.requests[-1]
    assert sent.body == b"feedback_msg=it%27s+%C3%BCnusual&feedback_data=d"
    assert sent.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_names_that_nobody_has_are_errors():
    client = AstakosClient(
        URL, "TA", http=Astakos({"uuid_catalog": {}, "displayname_catalog": {}})
    )
    with pytest.raises(NoUserName):
        client.get_username("u")
    with pytest.raises(NoUUID):
        client.service_get_uuid("n")


def test_the_web_page_and_oauth_have_addresses_of_their_own():
    fake = Astakos([{"id": 1}])
    client = AstakosClient(URL, "TA", http=fake)
    assert client.get_ui_services() == [{"id": 1}]
    assert fake.requests[-1].url == "http://a/ui/get_services"
    client.get_menu()
    client.get_token("authorization_code", "me", "s", code="c")
    sent = fake.requests[-1]
    assert (sent.url, sent.body) == (
        "http://a/oauth2/token",
        b"grant_type=authorization_code&code=c",
    )
    assert sent.headers["Authorization"] == "Basic bWU6cw=="
    assert "X-Auth-Token" not in sent.headers


def test_the_login_gives_user_and_catalogue_at_once():
    fake = Astakos()
    client = AstakosClient(URL, "TA", http=fake)
    assert client.user_info["id"] == client.user_term("id") == "alice"
    assert client.get_endpoint_url("NETWORK") == "http://c/network/v2.0"
    assert client.get_service_endpoints("network", "v1.0") == {}
    assert [one["type"] for one in client.get_services()][-1] == "compute"
    assert fake.logins == 1
    for wrong in (
        lambda: client.user_term("shoe"),
        lambda: client.get_endpoint_url("image"),
        lambda: client.get_endpoint_url("network", "v9"),
    ):
        with pytest.raises(NotFound):
            wrong()


def test_a_wrong_token_is_an_error_that_old_programs_catch():
    with pytest.raises(AstakosClientError) as caught:
        AstakosClient(URL, "X", http=Astakos()).authenticate()
    assert caught.value.status == 401 and isinstance(caught.value, ClientError)


def test_an_answer_of_somebody_else_is_an_error():
    fake = FakeTransport({"POST /identity/v2.0/tokens": Response(200, {}, b'{"access": 5}')})
    with pytest.raises(WrongAnswer):
        AstakosClient(URL, "TA", http=fake).authenticate()


# ---- many users


def test_each_user_is_asked_about_once():
    fake = Astakos()
    client = CachedAstakosClient(URL, ["TA", "TB"], http=fake)
    assert client.user_info()["id"] == "alice"
    assert client.user_info("TB") == {
        "id": "bob",
        "name": "Bob",
        "roles": [],
        "default_project": "project-bob",
    }
    assert client.user_term("name", ["TB"]) == client.term("name", "TB") == "Bob"
    assert client.term("shoe") is None
    assert [(one["id"], one["auth_token"]) for one in client.list_users()] == [
        ("alice", "TA"),
        ("bob", "TB"),
    ]
    assert (fake.logins, client.get_token("bob")) == (2, "TB")
    client.remove_user("bob")
    with pytest.raises(NotFound):
        client.get_token("bob")


def test_exactly_one_endpoint_must_match():
    client = CachedAstakosClient(URL, "TA", http=Astakos())
    assert client.get_endpoint_url("compute", "v2.0") == "http://c/compute/v2.0"
    with pytest.raises(AstakosClientError, match="0 endpoints"):
        client.get_service_endpoints("compute", "v3")
    with pytest.raises(AstakosClientError):
        client.get_service_details("nothing")


def test_names_are_kept():
    fake = Astakos({"uuid_catalog": {"u": "n"}, "displayname_catalog": {"m": "v"}})
    client = CachedAstakosClient(URL, "TA", http=fake)
    for _ in range(2):
        assert client.uuids2usernames(["u"]) == {"u": "n"}
        assert client.usernames2uuids(["m"]) == {"m": "v"}
    assert sum(one.url.endswith("user_catalogs") for one in fake.requests) == 1


def test_without_any_token_nobody_can_be_asked_about():
    with pytest.raises(AstakosClientError, match="no token"):
        CachedAstakosClient(URL, http=Astakos()).user_info()


# ---- Keystone in the place of Astakos


def test_what_keystone_has_comes_in_the_same_shape():
    endpoint = {"interface": "public", "url": "http://nova/v2.1", "region_id": "R"}
    token = {
        "expires_at": "2036-01-01T00:00:00Z",
        "user": {"id": "u", "name": "ada"},
        "project": {"id": "p", "name": "x"},
        "roles": [{"name": "member"}],
        "catalog": [{"type": "compute", "name": "nova", "endpoints": [endpoint]}],
    }
    fake = FakeTransport(
        {
            "GET /v3/auth/tokens": Response(
                200, {"X-Subject-Token": "T"}, json.dumps({"token": token}).encode()
            )
        }
    )
    client = AstakosClient("http://k/v3", "T", http=fake)
    assert client.user_info["id"] == "u"
    assert client.get_endpoint_url("compute") == "http://nova/v2.1"
    with pytest.raises(Unsupported):
        client.get_quotas()
    assert len(fake.requests) == 1
