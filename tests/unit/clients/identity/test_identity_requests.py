"""What each method of the identity client sends: method, path, query, body."""

# ruff: noqa: E501 - a row of a table stays on its line

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pelagos.clients.errors import BadRequest, Conflict, NotFound
from pelagos.clients.identity import IdentityClient
from pelagos.core.http import FakeTransport, Request, Response

URL = "http://keystone/v3"


class Keystone(FakeTransport):
    """Answers everything with what the path's last kind of thing is called."""

    def __init__(self, status: int = 200, body: Any = None) -> None:
        super().__init__()
        self.status, self.body = status, body

    def send(self, request: Request) -> Response:
        self.requests.append(request)
        return Response(self.status, {}, json.dumps(self.body).encode())


#: call → (method, path, query, body, key of the answer)
TABLE: list[tuple[str, dict[str, Any], str, str, str, Any, str]] = [
    ("list_users", {"name": "a", "enabled": True}, "GET", "/users", "enabled=true&name=a", None, "users"),
    ("get_user", {"user_id": "u/1"}, "GET", "/users/u%2F1", "", None, "user"),
    ("create_user", {"name": "a", "password": "p", "domain_id": "d", "email": "e"}, "POST", "/users", "", {"user": {"name": "a", "password": "p", "domain_id": "d", "email": "e"}}, "user"),
    ("update_user", {"user_id": "u", "enabled": False}, "PATCH", "/users/u", "", {"user": {"enabled": False}}, "user"),
    ("delete_user", {"user_id": "u"}, "DELETE", "/users/u", "", None, ""),
    ("change_password", {"user_id": "u", "old": "o", "new": "n"}, "POST", "/users/u/password", "", {"user": {"original_password": "o", "password": "n"}}, ""),
    ("list_user_projects", {"user_id": "u"}, "GET", "/users/u/projects", "", None, "projects"),
    ("list_user_groups", {"user_id": "u"}, "GET", "/users/u/groups", "", None, "groups"),
    ("list_groups", {}, "GET", "/groups", "", None, "groups"),
    ("get_group", {"group_id": "g"}, "GET", "/groups/g", "", None, "group"),
    ("create_group", {"name": "g", "description": "x"}, "POST", "/groups", "", {"group": {"name": "g", "description": "x"}}, "group"),
    ("update_group", {"group_id": "g", "name": "h"}, "PATCH", "/groups/g", "", {"group": {"name": "h"}}, "group"),
    ("delete_group", {"group_id": "g"}, "DELETE", "/groups/g", "", None, ""),
    ("list_group_users", {"group_id": "g"}, "GET", "/groups/g/users", "", None, "users"),
    ("add_group_user", {"group_id": "g", "user_id": "u"}, "PUT", "/groups/g/users/u", "", None, ""),
    ("remove_group_user", {"group_id": "g", "user_id": "u"}, "DELETE", "/groups/g/users/u", "", None, ""),
    ("is_group_user", {"group_id": "g", "user_id": "u"}, "HEAD", "/groups/g/users/u", "", None, ""),
    ("list_application_credentials", {"user_id": "u"}, "GET", "/users/u/application_credentials", "", None, "application_credentials"),
    ("get_application_credential", {"user_id": "u", "credential_id": "c"}, "GET", "/users/u/application_credentials/c", "", None, "application_credential"),
    ("create_application_credential", {"user_id": "u", "name": "n", "roles": [{"name": "r"}], "unrestricted": True}, "POST", "/users/u/application_credentials", "", {"application_credential": {"name": "n", "roles": [{"name": "r"}], "unrestricted": True}}, "application_credential"),
    ("delete_application_credential", {"user_id": "u", "credential_id": "c"}, "DELETE", "/users/u/application_credentials/c", "", None, ""),
    ("list_projects", {"domain_id": "d"}, "GET", "/projects", "domain_id=d", None, "projects"),
    ("list_my_projects", {}, "GET", "/auth/projects", "", None, "projects"),
    ("get_project", {"project_id": "p"}, "GET", "/projects/p", "", None, "project"),
    ("create_project", {"name": "p", "domain_id": "d", "tags": ["t"]}, "POST", "/projects", "", {"project": {"name": "p", "domain_id": "d", "tags": ["t"]}}, "project"),
    ("update_project", {"project_id": "p", "name": "q"}, "PATCH", "/projects/p", "", {"project": {"name": "q"}}, "project"),
    ("delete_project", {"project_id": "p"}, "DELETE", "/projects/p", "", None, ""),
    ("list_project_tags", {"project_id": "p"}, "GET", "/projects/p/tags", "", None, "tags"),
    ("replace_project_tags", {"project_id": "p", "tags": ["t"]}, "PUT", "/projects/p/tags", "", {"tags": ["t"]}, "tags"),
    ("list_domains", {}, "GET", "/domains", "", None, "domains"),
    ("list_my_domains", {}, "GET", "/auth/domains", "", None, "domains"),
    ("get_domain", {"domain_id": "d"}, "GET", "/domains/d", "", None, "domain"),
    ("create_domain", {"name": "d", "enabled": True}, "POST", "/domains", "", {"domain": {"name": "d", "enabled": True}}, "domain"),
    ("update_domain", {"domain_id": "d", "enabled": False}, "PATCH", "/domains/d", "", {"domain": {"enabled": False}}, "domain"),
    ("delete_domain", {"domain_id": "d"}, "DELETE", "/domains/d", "", None, ""),
    ("list_services", {"type": "compute"}, "GET", "/services", "type=compute", None, "services"),
    ("get_service", {"service_id": "s"}, "GET", "/services/s", "", None, "service"),
    ("create_service", {"kind": "compute", "name": "nova"}, "POST", "/services", "", {"service": {"type": "compute", "name": "nova"}}, "service"),
    ("update_service", {"service_id": "s", "enabled": False}, "PATCH", "/services/s", "", {"service": {"enabled": False}}, "service"),
    ("delete_service", {"service_id": "s"}, "DELETE", "/services/s", "", None, ""),
    ("list_endpoints", {"interface": "public"}, "GET", "/endpoints", "interface=public", None, "endpoints"),
    ("get_endpoint", {"endpoint_id": "e"}, "GET", "/endpoints/e", "", None, "endpoint"),
    ("create_endpoint", {"service_id": "s", "url": "http://x", "region_id": "r"}, "POST", "/endpoints", "", {"endpoint": {"service_id": "s", "url": "http://x", "interface": "public", "region_id": "r"}}, "endpoint"),
    ("update_endpoint", {"endpoint_id": "e", "url": "y"}, "PATCH", "/endpoints/e", "", {"endpoint": {"url": "y"}}, "endpoint"),
    ("delete_endpoint", {"endpoint_id": "e"}, "DELETE", "/endpoints/e", "", None, ""),
    ("list_regions", {}, "GET", "/regions", "", None, "regions"),
    ("get_region", {"region_id": "r"}, "GET", "/regions/r", "", None, "region"),
    ("create_region", {"region_id": "r"}, "POST", "/regions", "", {"region": {"id": "r"}}, "region"),
    ("delete_region", {"region_id": "r"}, "DELETE", "/regions/r", "", None, ""),
    ("list_limits", {}, "GET", "/limits", "", None, "limits"),
    ("list_registered_limits", {}, "GET", "/registered_limits", "", None, "registered_limits"),
    ("list_roles", {"name": "r"}, "GET", "/roles", "name=r", None, "roles"),
    ("get_role", {"role_id": "r"}, "GET", "/roles/r", "", None, "role"),
    ("create_role", {"name": "r", "description": "x"}, "POST", "/roles", "", {"role": {"name": "r", "description": "x"}}, "role"),
    ("update_role", {"role_id": "r", "name": "s"}, "PATCH", "/roles/r", "", {"role": {"name": "s"}}, "role"),
    ("delete_role", {"role_id": "r"}, "DELETE", "/roles/r", "", None, ""),
    ("list_role_assignments", {"user_id": "u", "scope_project_id": "p", "effective": True, "names": True}, "GET", "/role_assignments", "effective&include_names=true&scope.project.id=p&user.id=u", None, "role_assignments"),
    ("list_roles_of", {"user_id": "u", "project_id": "p"}, "GET", "/projects/p/users/u/roles", "", None, "roles"),
    ("assign_role", {"role_id": "r", "group_id": "g", "domain_id": "d"}, "PUT", "/domains/d/groups/g/roles/r", "", None, ""),
    ("unassign_role", {"role_id": "r", "user_id": "u", "system": True}, "DELETE", "/system/users/u/roles/r", "", None, ""),
    ("has_role", {"role_id": "r", "user_id": "u", "project_id": "p"}, "HEAD", "/projects/p/users/u/roles/r", "", None, ""),
    ("get_token_info", {"token": "X"}, "GET", "/auth/tokens", "", None, "token"),
    ("revoke_token", {"token": "X"}, "DELETE", "/auth/tokens", "", None, ""),
    ("get_catalog", {}, "GET", "/auth/catalog", "", None, "catalog"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "given", "method", "path", "query", "body", "key"), TABLE, ids=[t[0] for t in TABLE]
)
def test_each_method_sends_what_keystone_takes(  # the columns of the table
    call: str, given: dict[str, Any], method: str, path: str, query: str, body: Any, key: str
):
    record: Any = [{"id": "1"}] if key.endswith("s") or key == "catalog" else {"id": "1"}
    status = {"DELETE": 204, "PUT": 204, "HEAD": 204}.get(method, 200) if not key else 200
    fake = Keystone(status, {key: record})
    found = getattr(IdentityClient(URL, "T", http=fake), call)(**given)
    sent = fake.requests[0]
    parts = urlsplit(sent.url)
    assert (sent.method, parts.path) == (method, "/v3" + path)
    assert "&".join(sorted(parts.query.split("&"))) == query
    assert (json.loads(sent.body) if sent.body else None) == body  # type: ignore[arg-type]
    if key:
        assert found == record
    if path == "/auth/tokens":
        assert (sent.headers["X-Subject-Token"], sent.headers["X-Auth-Token"]) == ("X", "T")


def test_every_public_method_is_in_the_table():
    inherited = {"find_user", "find_project", "find_role"}
    base = {name for one in IdentityClient.__mro__[-4:] for name in vars(one)}
    own = {
        name
        for kind in IdentityClient.__mro__
        if kind.__module__.startswith("pelagos.clients.identity")
        for name in vars(kind)
        if not name.startswith("_") and callable(getattr(kind, name))
    }
    assert own - base - inherited == {row[0] for row in TABLE}


def test_a_thing_is_found_by_name_or_id():
    def answer(request: Request) -> Response:
        query = parse_qs(urlsplit(request.url).query)
        names = {"ada": [{"id": "1"}], "bob": [{"id": "2"}, {"id": "3"}]}
        found = names.get(query["name"][0], [])
        return Response(200, {}, json.dumps({"users": found}).encode())

    fake = FakeTransport(
        {
            "GET /v3/users": answer,
            "GET /v3/users/77": Response(200, {}, b'{"user": {"id": "77"}}'),
            "GET /v3/users/nobody": Response(404, {}, b'{"error": {"message": "no"}}'),
        }
    )
    client = IdentityClient(URL, "T", http=fake)
    assert client.find_user("ada")["id"] == "1"
    assert client.find_user("77")["id"] == "77"
    with pytest.raises(Conflict, match="2 users"):
        client.find_user("bob")
    with pytest.raises(NotFound) as caught:
        client.find_user("nobody")
    assert "name or id" in (caught.value.hint or "")


def test_a_role_that_somebody_has_not_is_false_and_no_error():
    client = IdentityClient(URL, "T", http=Keystone(404))
    assert client.has_role("r", user_id="u", project_id="p") is False


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"user_id": "u"},
        {"project_id": "p"},
        {"user_id": "u", "group_id": "g", "project_id": "p"},
        {"user_id": "u", "project_id": "p", "domain_id": "d"},
        {"user_id": "u", "project_id": "p", "system": True},
    ],
)
def test_a_role_is_of_one_somebody_somewhere(where: dict[str, Any]):
    fake = Keystone(204)
    with pytest.raises(BadRequest):
        IdentityClient(URL, "T", http=fake).assign_role("r", **where)
    assert fake.requests == []
