"""The documents of the API: valid, of every route, and what is answered is what they say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import flask_restful
import jsonschema
import pytest
import yaml

from pelagos.directory import AuthResource, Directory, required_acl
from pelagos.directory.views.api.table import OPERATIONS
from pelagos.directory.views.api.view import routes_of
from support.directory import VIEWS, offer
from support.whole_directory import VALUES, WholeDirectory

pytestmark = pytest.mark.integration


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WholeDirectory]:
    site = WholeDirectory(tmp_path)
    yield site
    site.directory.close()


def test_the_documents_have_every_route_and_no_other(site: WholeDirectory) -> None:
    served = {route.key for route in routes_of(site.directory.app)}
    assert served == set(OPERATIONS)
    written = site.http.get("/0.1/api/openapi.json").get_json()
    named = {f"{m.upper()} {path}" for path, item in written["paths"].items() for m in item}
    assert named == served


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, item in document["paths"].items():
        for operation in item.values():
            yield path, operation


def references(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "$ref":
                yield value
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def test_the_description_is_valid_swagger_and_needs_no_token(site: WholeDirectory) -> None:
    answer = site.http.get("/0.1/api/api.yml")
    assert answer.status_code == 200 and answer.mimetype == "application/x-yaml"
    document = yaml.safe_load(answer.text)
    assert document["swagger"] == "2.0" and document["basePath"] == "/0.1"
    check(document, "#/definitions/", document["definitions"], "2.0")
    assert set(document["definitions"]) <= {r.rpartition("/")[2] for r in references(document)}
    for _, operation in operations(document):
        for parameter in operation["parameters"]:
            assert ("type" in parameter) is (parameter["in"] != "body")


def test_the_description_is_valid_openapi_too(site: WholeDirectory) -> None:
    document = site.http.get("/0.1/api/openapi.json").get_json()
    assert document["openapi"] == "3.1.0"
    check(document, "#/components/schemas/", document["components"]["schemas"], "3.1")


def check(document: Any, base: str, schemas: Mapping[str, Any], version: str) -> None:
    draft = jsonschema.Draft4Validator if version == "2.0" else jsonschema.Draft202012Validator
    for schema in schemas.values():
        draft.check_schema(schema)
    assert {r.removeprefix(base) for r in references(document)} <= set(schemas)
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for path, operation in operations(document):
        named = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path)), path
        assert operation["summary"] and operation["responses"] and operation["tags"]
        assert ("401" in operation["responses"]) is bool(operation["security"])


#: What is made at a path: its name in the paths below, and the key of its id.
KINDS = {
    "/personal": ("personal", "id"),
    "/tenants/sea/phonebooks": ("book", "id"),
    "/backends/sample/sources": ("source", "uuid"),
}
SCENARIO: list[tuple[str, str, Any, int]] = [
    ("GET", "/directories/lookup/default?term=", None, 200),
    ("GET", "/directories/lookup/default", None, 400),
    ("GET", "/directories/lookup/nowhere?term=a", None, 404),
    ("GET", "/directories/lookup/default/headers", None, 200),
    ("GET", "/directories/lookup/default/stream?term=", None, 200),
    ("GET", "/directories/reverse/default/ann?exten=5555555555", None, 200),
    ("GET", "/directories/reverse/default/ann?exten=nobody", None, 200),
    ("GET", "/directories/reverse/default/ann", None, 400),
    ("POST", "/directories/reverse/default/ann", {"extens": ["5555555555", "x"]}, 200),
    ("POST", "/directories/reverse/default/ann", {"extens": 1}, 400),
    ("PUT", "/directories/favorites/fixed/1", None, 204),
    ("PUT", "/directories/favorites/fixed/1", None, 409),
    ("PUT", "/directories/favorites/nowhere/1", None, 404),
    ("GET", "/directories/favorites/default", None, 200),
    ("DELETE", "/directories/favorites/fixed/1", None, 204),
    ("DELETE", "/directories/favorites/fixed/1", None, 404),
    ("GET", "/personal?format=text/csv", None, 204),
    ("POST", "/personal", {"firstname": "Inès", "number": "7"}, 201),
    ("POST", "/personal", {"firstname": "Inès", "number": "7"}, 409),
    ("POST", "/personal", {"": "x"}, 400),
    ("GET", "/personal", None, 200),
    ("GET", "/personal?format=text/csv", None, 200),
    ("GET", "/personal/{personal}", None, 200),
    ("PUT", "/personal/{personal}", {"firstname": "Ines"}, 200),
    ("GET", "/directories/personal/default", None, 200),
    ("POST", "/personal/import", b"firstname,number\nBob,1\nbad\n", 201),
    ("POST", "/personal/import", b"", 400),
    ("DELETE", "/personal/{personal}", None, 204),
    ("DELETE", "/personal/{personal}", None, 404),
    ("DELETE", "/personal", None, 204),
    ("POST", "/tenants/sea/phonebooks", {"name": "clients"}, 201),
    ("POST", "/tenants/sea/phonebooks", {"name": "clients"}, 409),
    ("POST", "/tenants/sea/phonebooks", {}, 400),
    ("GET", "/tenants/sea/phonebooks", None, 200),
    ("GET", "/tenants/sea/phonebooks?limit=-1", None, 400),
    ("GET", "/tenants/sea/phonebooks/{book}", None, 200),
    ("PUT", "/tenants/sea/phonebooks/{book}", {"name": "customers"}, 200),
    ("POST", "/tenants/sea/phonebooks/{book}/contacts", {"name": "Zoë"}, 201),
    ("GET", "/tenants/sea/phonebooks/{book}/contacts", None, 200),
    ("POST", "/tenants/sea/phonebooks/{book}/contacts/import", b"name\nAda\nx,y\n", 200),
    ("GET", "/tenants/sea/phonebooks/{book}/contacts/{contact}", None, 200),
    ("PUT", "/tenants/sea/phonebooks/{book}/contacts/{contact}", {"name": "Zoe"}, 200),
    ("DELETE", "/tenants/sea/phonebooks/{book}/contacts/{contact}", None, 204),
    ("GET", "/tenants/sea/phonebooks/{book}/contacts/{contact}", None, 404),
    ("DELETE", "/tenants/sea/phonebooks/{book}", None, 204),
    ("GET", "/config", None, 200),
    ("GET", "/status", None, 200),
    ("GET", "/profiles", None, 200),
    ("GET", "/displays?limit=x", None, 400),
    ("GET", "/displays", None, 200),
    ("GET", "/sources", None, 200),
    ("GET", "/sources/check", None, 200),
    ("GET", "/backends", None, 200),
    ("GET", "/directories/default/sources", None, 200),
    ("GET", "/directories/nowhere/sources", None, 404),
    ("GET", "/api/api.yml", None, 200),
    ("GET", "/api/openapi.json", None, 200),
    ("GET", "/backends/sample/sources", None, 200),
    ("GET", "/backends/nothing/sources", None, 404),
    ("POST", "/backends/sample/sources", {"name": "another", "searched_columns": []}, 201),
    ("POST", "/backends/sample/sources", {"name": "another"}, 409),
    ("POST", "/backends/sample/sources", {}, 400),
    ("GET", "/backends/sample/sources/{source}", None, 200),
    ("PUT", "/backends/sample/sources/{source}", {"name": "third"}, 204),
    ("PUT", "/backends/sample/sources/{source}", {"name": "fixed"}, 409),
    ("DELETE", "/backends/sample/sources/{source}", None, 204),
    ("DELETE", "/backends/sample/sources/{source}", None, 404),
]


def test_what_is_answered_is_what_the_document_says(site: WholeDirectory) -> None:
    """A day with the API; each status is documented, each body fits its schema."""
    document = site.http.get("/0.1/api/openapi.json").get_json()
    ids: dict[str, str] = {}
    succeeded: set[str] = set()
    for method, template, sent, status in SCENARIO:
        path = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], template)
        how: dict[str, Any] = {}
        if sent is not None:
            how["data"] = sent if isinstance(sent, bytes) else json.dumps(sent)
            how["content_type"] = "text/csv" if isinstance(sent, bytes) else "application/json"
        answer = site.call(method, f"/0.1{path}", **how)
        where = f"{method} {path}: {answer.text}"
        assert answer.status_code == status, where
        known, operation = described(document, method, path.partition("?")[0])
        assert str(status) in operation["responses"], where
        content = operation["responses"][str(status)].get("content", {})
        assert (answer.mimetype in content) if answer.data else not content, where
        if answer.mimetype == "application/json" and answer.data:
            schema = {
                **content["application/json"]["schema"],
                "components": document["components"],
            }
            jsonschema.validate(answer.get_json(), schema, jsonschema.Draft202012Validator)
        if status < 300:
            succeeded.add(f"{method} {known}")
        if status == 201 and "import" not in path:
            kind, key = KINDS.get(path, ("contact", "id"))
            ids[kind] = str(answer.get_json()[key])
    phones = {key for key, operation in OPERATIONS.items() if operation.tag == "phones"}
    for key in sorted(phones):
        method, known = key.split()
        path = re.sub(r"\{(\w+)\}", lambda found: VALUES[found[1]], known)
        answer = site.call(method, f"/0.1{path}?term=")
        content = document["paths"][known]["get"]["responses"]["200"]["content"]
        assert answer.status_code == 200 and answer.mimetype in content, key
    assert succeeded | phones == set(OPERATIONS), "the day has used everything"


def described(document: Mapping[str, Any], method: str, path: str) -> tuple[str, Any]:
    """The description of a path: that with the fewest arguments which fits."""
    fitting = [
        known
        for known in document["paths"]
        if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(known)), path)
        and method.lower() in document["paths"][known]
    ]
    known = min(fitting, key=lambda one: one.count("{"))
    return known, document["paths"][known][method.lower()]


def test_the_document_tells_of_a_strangers_routes_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stars(AuthResource):
        @required_acl("dird.stars.{number}.read")
        def get(self, number: int) -> dict[str, int]:
            """Count them. More of it."""
            return {"number": number}

    class Open(flask_restful.Resource):
        def get(self) -> dict[str, str]:
            return {"message": "pong"}

    class View:
        def load(self, args: Mapping[str, Any]) -> None:
            args["rest_api"].add_resource(Stars, "/stars/<int:number>")
            args["rest_api"].add_resource(Open, "/0.1/ping")

    offer(monkeypatch, VIEWS, stars=View)
    with Directory(
        {"enabled_plugins": {"views": ["stars", "api_view"]}}, verify=lambda _: None
    ) as directory:
        document = directory.app.test_client().get("/0.1/api/openapi.json").get_json()
    stars = document["paths"]["/stars/{number}"]["get"]
    assert stars["summary"] == "Count them. More of it"
    assert "dird.stars.{number}.read" in stars["description"] and stars["security"]
    assert stars["parameters"][0]["schema"] == {"type": "integer"}
    assert document["paths"]["/ping"]["get"]["security"] == []
