"""The HATEOAS interface, as SlapOS' programs follow it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pelagos.slap.hateoas import expand
from pelagos.slap.instance_xml import xml_parameters
from pelagos.slap.master.auth import Role
from pelagos.slap.master.faces.hateoas import Terms
from support.slap_site import COMPUTER, URL, Site
from support.wsgi import Caller

TREES = 'portal_type:"Instance Tree" AND validation_state:validated'
COMPUTERS = 'portal_type:"Compute Node" AND validation_state:validated'


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    made.supply()
    yield made
    made.close()


class Follower:
    """Follows links as the ancestor's navigator does: from the root, by absolute addresses."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def get(self, url: str) -> Any:
        parts = urlsplit(url)
        path = parts.path.lstrip("/") + (f"?{parts.query}" if parts.query else "")
        return self._caller.ask("GET", path)

    def link(self, name: str) -> str:
        return str(self.get("http://localhost/hateoas/").get_json()["_links"][name]["href"])

    def search(self, query: str) -> Any:
        values = {"query": query, "select_list": ["title", "url_string"], "limit": "40"}
        answer = self.get(expand(self.link("raw_search"), values))
        assert answer.status_code == 200, answer.data
        return answer.get_json()["_embedded"]["contents"]

    def document(self, relative_url: str) -> Any:
        values = {"relative_url": relative_url, "view": "slaposjs_view"}
        return self.get(expand(self.link("traverse"), values)).get_json()

    def fields(self, relative_url: str) -> dict[str, Any]:
        view = self.document(relative_url)["_embedded"]["_view"]
        return {name: field["default"] for name, field in view.items() if name != "form_id"}


@pytest.fixture
def person(site: Site) -> Follower:
    return Follower(Caller(site.master.app, site.person_token))


def test_links_carry_the_credential_that_the_address_had(site: Site):
    token = site.person_token
    within = Caller(site.master.app, token, basic=True).get("hateoas/").get_json()["_links"]
    assert within["self"]["href"] == f"http://x:{token}@localhost/hateoas"
    assert all(f"//x:{token}@" in link["href"] for link in within.values())
    plain = Caller(site.master.app, token).get("hateoas/").text
    assert token not in plain


def test_trees_are_searched_and_shown(site: Site, person: Follower):
    root = site.request(parameters={"greeting": "hë <&>", "empty": ""})
    site.child(root, "db")
    site.publish(root, {"url": "http://x/?a=1&b=2"})
    site.report(root)
    (row,) = person.search(TREES)
    assert (row["title"], row["url_string"]) == ("hello", URL)
    assert person.search(f'{TREES} AND title:="hello"') == [row]
    assert person.search(f'{TREES} AND title:="none"') == []
    fields = person.fields(row["relative_url"])
    assert fields["my_slap_state"] == "started"
    assert fields["my_url_string"] == URL
    assert fields["my_source_reference"] == "default"
    assert fields["my_root_slave"] == 0
    assert xml_parameters(fields["my_text_content"]) == {"greeting": "hë <&>", "empty": None}
    assert fields["my_connection_parameter_list"] == [
        {"connection_key": "url", "connection_value": "http://x/?a=1&b=2"}
    ]
    (news,) = fields["my_news"]["instance"]
    assert news["text"] == "#access Instance correctly started"
    assert person.document(row["relative_url"])["_links"]["type"]["name"] == "Instance Tree"


def test_computers_are_searched_and_shown(site: Site, person: Follower):
    site.report(site.request())
    (row,) = person.search(COMPUTERS)
    assert row["reference"] == COMPUTER
    assert person.search(f'{COMPUTERS} AND reference:="{COMPUTER}"') == [row]
    assert person.search(f'{COMPUTERS} AND reference:="NOPE"') == []
    fields = person.fields(row["relative_url"])
    assert (fields["my_reference"], fields["my_title"]) == (COMPUTER, COMPUTER)
    news = fields["my_news"]["partition"]["slappart0"]
    assert news["text"].startswith("#access")


def test_members_and_installations_are_searched(site: Site, person: Follower):
    root = site.request()
    site.child(root, "db", parameters={"a": "1"})
    query = (
        'portal_type:("Software Instance", "Slave Instance") AND validation_state:validated'
        ' AND default_specialise_title:="hello"'
    )
    first, second = person.search(query)
    assert (first["title"], second["title"]) == ("hello", "db")
    assert xml_parameters(second["text_content"]) == {"a": "1"}
    assert person.fields(second["relative_url"])["my_title"] == "db"
    (release,) = person.search(
        'portal_type:"Software Installation" AND validation_state:validated'
        f' AND default_aggregate_reference:="{COMPUTER}"'
    )
    assert release["url_string"] == URL
    assert "text" in release["SoftwareInstallation_getNewsDict"]


@pytest.mark.parametrize(
    "query",
    [
        'portal_type:"Person"',
        "",
        "((",
        f'{TREES} AND owner:"x"',
        f"{TREES} OR x:y",
        "x:" + "(" * 90,
    ],
)
def test_other_searches_are_refused(person: Follower, query: str):
    url = expand(person.link("raw_search"), {"query": query, "select_list": "title"})
    assert person.get(url).status_code == 400


def test_what_is_not_there_or_not_yours_is_not_found(site: Site, person: Follower):
    guid = site.request().guid
    ann = Follower(Caller(site.master.app, site.service.create_person("ann", Role.TENANT)))
    assert ann.search(TREES) == []
    for who, where in (
        (ann, f"instance_tree_module/{guid}"),
        (person, "instance_tree_module/NOPE"),
        (person, "compute_node_module/NOPE"),
        (person, "person_module/x"),
    ):
        assert who.get(f"http://localhost/hateoas/{where}").status_code == 404
    assert person.get("http://localhost/hateoas/?mode=dance").status_code == 400


def test_me_is_what_a_machine_is(site: Site):
    agent = Follower(Caller(site.master.app, site.computer_token))
    assert agent.link("me") == f"urn:jio:get:compute_node_module/{COMPUTER}"


@pytest.mark.parametrize(
    ("query", "kinds", "values"),
    [
        ('portal_type:"A" AND title:="a \\"b\\" AND c"', {"A"}, {"title": 'a "b" AND c'}),
        ('portal_type:("A", "B")', {"A", "B"}, {}),
        ('portal_type:"A" title:"x"', set(), {}),
        ("validation_state:invalidated", set(), {"validation_state": "invalidated"}),
    ],
)
def test_a_search_is_taken_apart(query: str, kinds: set[str], values: dict[str, str]):
    terms = Terms.parse(query)
    assert (set(terms.kinds), terms.values) == (kinds, values)
