"""Every route of the directory: who reaches it, and how it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.errors import ConfigError
from pelagos.directory import AuthResource, Directory, asker, required_acl
from pelagos.directory.auth.rights import KEYSTONE
from pelagos.directory.views.api.view import routes_of
from support.directory import VIEWS, offer
from support.whole_directory import VALUES, WholeDirectory

pytestmark = pytest.mark.integration

#: Routes that anybody reaches, because they say so or because a browser logs in there.
OPEN = {
    "GET /0.1/api/api.yml", "GET /0.1/api/openapi.json",
    "GET /", "GET /search", "POST /search/login", "POST /search/logout",
}  # fmt: skip
FILES = "GET /search/<any("


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WholeDirectory]:
    site = WholeDirectory(tmp_path)
    yield site
    site.directory.close()


def guarded(site: WholeDirectory) -> list[tuple[str, str, str]]:
    found = [
        (method, rule, path)
        for method, rule, path in site.routes()
        if f"{method} {rule}" not in OPEN and not f"{method} {rule}".startswith(FILES)
    ]
    assert len(found) > 50
    return found


@pytest.mark.parametrize("token", [None, "", "b0b's", "ünknown", "x" * 5000])
def test_every_route_refuses_whoever_has_no_valid_token(
    site: WholeDirectory, token: str | None
) -> None:
    for method, rule, path in guarded(site):
        for verb in {method, "HEAD"} if method == "GET" else {method}:
            answer = site.call(verb, path, token)
            assert answer.status_code == 401, f"{verb} {rule}"
            assert not token or token not in answer.text, f"{verb} {rule}"
            assert "WWW-Authenticate" in answer.headers or rule.startswith("/search")


def test_every_route_refuses_a_token_without_its_right(site: WholeDirectory) -> None:
    site.rights = ["dird.nothing.at.all", "!dird.#"]
    for method, rule, path in guarded(site):
        if rule.startswith("/search"):
            continue  # the page's own sessions, which have their own tests
        answer = site.call(method, path)
        assert answer.status_code == 401, f"{method} {rule}"
        assert "right dird." in answer.text, f"{method} {rule}"


def test_every_route_is_served_to_the_right_that_its_document_names(site: WholeDirectory) -> None:
    """And only to that one: the tests above and this one fail when a route needs another."""
    for route in sorted(routes_of(site.directory.app), key=lambda route: route.key):
        if route.right is None:
            continue
        site.rights = [re.sub(r"\{\w+\}", "*", route.right)]
        path = "/0.1" + re.sub(r"\{(\w+)\}", lambda found: VALUES[found[1]], route.path)
        answer = site.call(route.method, path)
        assert answer.status_code not in {401, 403, 405, 500, 503}, f"{route.key}: {answer.text}"


def test_every_route_says_when_tokens_cannot_be_verified(
    site: WholeDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    site.down = True
    for method, rule, path in guarded(site):
        if rule.startswith("/search"):
            continue
        answer = site.call(method, path)
        assert answer.status_code == 503, f"{method} {rule}"
        assert "s3cret" not in answer.text and "auth/" not in answer.text
    assert site.http.get("/0.1/api/api.yml").status_code == 200, "the directory itself is up"
    site.down = False
    assert site.call("GET", "/0.1/status").status_code == 200
    assert "cannot verify a token" in caplog.text


def test_every_route_answers_a_browser_that_asks_before_it_asks(site: WholeDirectory) -> None:
    asked = {"Origin": "https://phone.example", "Access-Control-Request-Method": "GET"}
    site.down = True  # a pre-flight carries no token, and nobody is asked about any
    for _, rule, path in site.routes():
        if not rule.startswith("/0.1/"):
            continue  # the page, which is of this origin
        answer = site.call("OPTIONS", path, None, headers=asked)
        assert answer.status_code == 200, rule
        assert answer.headers["Access-Control-Allow-Origin"] == "*", rule
        assert "X-Auth-Token" in answer.headers["Access-Control-Allow-Headers"], rule


def test_what_is_personal_is_kept_in_no_cache(site: WholeDirectory) -> None:
    for path in ("/0.1/personal", "/0.1/directories/lookup/default?term=a", "/0.1/config"):
        for token in ("ann's", None):
            answer = site.call("GET", path, token)
            assert answer.headers["Cache-Control"] == "no-store", path
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path


def test_an_unknown_profile_is_named(site: WholeDirectory) -> None:
    for path in ("lookup/nowhere?term=a", "lookup/nowhere/headers", "favorites/nowhere",
                 "personal/nowhere", "lookup/nowhere/stream?term=a"):  # fmt: skip
        answer = site.call("GET", f"/0.1/directories/{path}")
        assert answer.status_code == 404, path
        (reason,) = answer.get_json()["reason"]
        assert "profile" in reason and "nowhere" in reason, path


# ---- a view of a stranger


def test_a_method_that_says_nothing_of_its_right_never_comes_to_serve() -> None:
    with pytest.raises(TypeError, match=r"Careless\.post says nothing of the right"):

        class Careless(AuthResource):
            @required_acl("dird.x.read")
            def get(self) -> dict[str, str]:
                return {}

            def post(self) -> dict[str, str]:
                return {}


def test_a_right_of_an_argument_that_no_rule_has_is_seen_when_the_view_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Wrong(AuthResource):
        @required_acl("dird.x.{profil}.read")
        def get(self, profile: str) -> dict[str, str]:
            return {"profile": profile}

    class View:
        def load(self, args: Mapping[str, Any]) -> None:
            args["rest_api"].add_resource(Wrong, "/x/<profile>")

    offer(monkeypatch, VIEWS, wrong=View)
    with Directory({"enabled_plugins": {"views": ["wrong"]}}, verify=lambda _: None) as directory:
        (failure,) = directory.status.failures
        assert failure.name == "wrong" and "no argument 'profil'" in failure.reason


@pytest.mark.parametrize("decorators", [[lambda m: m], {"get": [lambda m: m]}, []])
def test_decorators_of_a_strangers_own_take_nothing_of_the_protection(
    monkeypatch: pytest.MonkeyPatch, decorators: Any
) -> None:
    class Mine(AuthResource):
        method_decorators = decorators
        methods = {"GET", "POST", "PURGE"}  # noqa: RUF012  # as strangers write it

        @required_acl("dird.x.read")
        def get(self) -> dict[str, Any]:
            return {"who": asker().user}

        def purge(self) -> dict[str, Any]:
            return {"purged": True}

    class View:
        def load(self, args: Mapping[str, Any]) -> None:
            args["rest_api"].add_resource(Mine, "/mine")

    def verify(token: str) -> Mapping[str, Any] | None:
        return {"xivo_user_uuid": token, "acls": ["dird.x.read"]} if token == "ann" else None

    offer(monkeypatch, VIEWS, mine=View)
    with Directory({"enabled_plugins": {"views": ["mine"]}}, verify=verify) as directory:
        assert directory.status.failures == ()
        http = directory.app.test_client()
        for token in ("", "bob"):
            for method in ("GET", "HEAD", "PURGE"):
                answer = http.open("/0.1/mine", method=method, headers={"X-Auth-Token": token})
                assert answer.status_code == 401, (token, method)
        known = {"X-Auth-Token": "ann"}
        assert http.get("/0.1/mine", headers=known).get_json() == {"who": "ann"}
        assert http.open("/0.1/mine", method="PURGE", headers=known).status_code == 401
        (route,) = [r for r in routes_of(directory.app) if (r.method, r.path) == ("GET", "/mine")]
        assert route.needs_token


# ---- tenants and errors


class Verifier:
    """Knows one token; says of tenants what a test says."""

    reached = ("sub",)

    def __call__(self, token: str) -> Mapping[str, Any] | None:
        metadata = {"tenant_uuid": "own"}
        return {"auth_id": "ann", "acls": ["#"], "metadata": metadata} if token == "t" else None

    def reaches(self, token: str, access: str, tenant: str | None) -> bool:
        assert token == "t" and access == "dird.x.read"
        return tenant in self.reached


def test_another_tenant_is_reached_by_a_header_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Where(AuthResource):
        error_resource = "places"

        @required_acl("dird.x.read")
        def get(self) -> dict[str, str | None]:
            return {"tenant": asker().tenant}

    class View:
        def load(self, args: Mapping[str, Any]) -> None:
            args["rest_api"].add_resource(Where, "/where")

    offer(monkeypatch, VIEWS, where=View)
    with Directory({"enabled_plugins": {"views": ["where"]}}, verify=Verifier()) as directory:
        http = directory.app.test_client()

        def get(**headers: str) -> Any:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return http.get("/0.1/where", headers=named)

        assert get(X_Auth_Token="t").get_json() == {"tenant": "own"}
        assert get(X_Auth_Token="t", Wazo_Tenant="own").get_json() == {"tenant": "own"}
        assert get(X_Auth_Token="t", Wazo_Tenant="sub").get_json() == {"tenant": "sub"}
        refused = get(X_Auth_Token="t", Wazo_Tenant="other")
        assert refused.status_code == 401
        body = refused.get_json()
        assert body["error_id"] == "unauthorized" and body["resource"] == "places"
        assert body["details"] == {
            "required_access": "dird.x.read",
            "reason": "missing_permission_or_invalid_tenant",
        }
        unknown = get(X_Auth_Token="secret-of-nobody")
        assert unknown.get_json()["details"]["reason"] == "not_found_or_expired"
        assert "secret-of-nobody" not in unknown.text
    plain = Verifier().__call__
    with Directory({"enabled_plugins": {"views": ["where"]}}, verify=plain) as directory:
        headers = {"X-Auth-Token": "t", "Wazo-Tenant": "sub"}
        assert directory.app.test_client().get("/0.1/where", headers=headers).status_code == 401


def test_both_generations_of_errors_are_told_as_their_clients_know_them(
    site: WholeDirectory,
) -> None:
    old = site.call("GET", "/0.1/directories/lookup/default").get_json()
    assert set(old) == {"reason", "timestamp", "status_code"} and old["status_code"] == 400
    assert isinstance(old["timestamp"], list) and isinstance(old["reason"], list)
    token = site.call("GET", "/0.1/personal", None).get_json()
    assert isinstance(token["timestamp"], float) and isinstance(token["reason"], list)
    new = site.call("GET", "/0.1/sources?limit=-1").get_json()
    assert set(new) == {"message", "error_id", "details", "timestamp", "resource"}
    assert new["error_id"] == "invalid-data" and new["resource"] == "sources"
    site.down = True
    down = site.call("GET", "/0.1/displays").get_json()
    assert down["error_id"] == "authentication-server-unreachable"


# ---- CORS


@pytest.mark.parametrize(
    ("cors", "origin", "allowed"),
    [
        ({}, "https://a", "*"),
        ({"enabled": False}, "https://a", None),
        ({"origins": ["https://a"]}, "https://a", "https://a"),
        ({"origins": "https://a"}, "https://b", None),
        ({"origins": ["https://a"], "supports_credentials": True}, "https://a", "https://a"),
    ],
)
def test_pages_of_other_origins_do_what_the_configuration_says(
    tmp_path: Path, cors: dict[str, Any], origin: str, allowed: str | None
) -> None:
    site = WholeDirectory(tmp_path, rest_api={"cors": cors})
    answer = site.call("GET", "/0.1/status", headers={"Origin": origin})
    assert answer.headers.get("Access-Control-Allow-Origin") == allowed
    assert ("Origin" in answer.headers.get("Vary", "")) is ("origins" in cors)
    credentials = answer.headers.get("Access-Control-Allow-Credentials")
    assert credentials == ("true" if cors.get("supports_credentials") else None)
    refused = site.call("GET", "/0.1/status", None, headers={"Origin": origin})
    assert refused.headers.get("Access-Control-Allow-Origin") == allowed, "its error can be read"
    site.directory.close()


@pytest.mark.parametrize(
    "cors",
    [{"orgins": ["*"]}, {"max_age": "1"}, {"enabled": "yes"}, {"supports_credentials": True}],
)
def test_a_wrong_setting_of_cors_is_refused(tmp_path: Path, cors: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"rest_api\.cors"):
        WholeDirectory(tmp_path, rest_api={"cors": cors})


def test_the_whole_configuration_is_told_without_its_secrets(tmp_path: Path) -> None:
    site = WholeDirectory(tmp_path, auth={"type": "wazo", "host": "pbx"}, region="FR")
    told = site.call("GET", "/0.1/config").get_json()
    assert told["sources"]["fixed"]["type"] == "sample" and told["region"] == "FR"
    assert told["auth"] == {"type": "wazo", "host": "pbx"}
    assert told["services"]["lookup"]["default"]["timeout"] == 20
    site.directory.close()


def test_a_tenants_people_read_its_phonebooks_and_no_other_tenants(tmp_path: Path) -> None:
    people = {
        "ann": {"auth_id": "ann", "acls": KEYSTONE["member"], "metadata": {"tenant_uuid": "sea"}},
        "bob": {"auth_id": "bob", "acls": KEYSTONE["reader"], "metadata": {"tenant_uuid": "lake"}},
        "eve": {"auth_id": "sea", "acls": KEYSTONE["member"], "metadata": {"tenant_uuid": None}},
        "root": {"auth_id": "root", "acls": KEYSTONE["admin"], "metadata": {"tenant_uuid": "x"}},
    }
    config = {"db_uri": f"sqlite:///{tmp_path / 'directory.db'}"}
    with Directory(config, verify=people.get) as directory:
        http = directory.app.test_client()

        def ask(token: str, path: str = "", **more: Any) -> int:
            where = f"/0.1/tenants/sea/phonebooks{path}"
            headers = {"X-Auth-Token": token}
            return http.open(where, headers=headers, **more).status_code

        body = {"name": "clients"}
        assert ask("root", method="POST", json=body) == 201
        for token, status in {"ann": 200, "root": 200, "bob": 401, "eve": 401}.items():
            for path in ("", "/1", "/1/contacts", "/1/contacts?search=a"):
                assert ask(token, path) == status, (token, path)
            assert token == "root" or ask(token, method="POST", json=body) == 401
