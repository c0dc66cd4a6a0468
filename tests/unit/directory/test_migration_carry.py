"""directory.migration: what means the same is carried over, the rest is named."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.core import plugins, toml
from pelagos.directory import DirectorySettings
from pelagos.directory.auth.settings import AuthSettings
from pelagos.directory.migration import Carried, Tree, carry_over
from pelagos.directory.migration.plugins import SERVICES, VIEWS
from pelagos.directory.migration.sources import KEYS
from pelagos.directory.settings import profile_phone_displays, service_profiles
from pelagos.directory.settings.cors import Cors
from pelagos.directory.sources import load_sources
from pelagos.directory.store import DirectoryStore

OFFICE = [
    {"title": "Name", "field": "name", "type": "name"},
    {"title": None, "type": "favorite", "default": None},
    {"field": "phone", "type": "number", "default": ""},
]
WHOLE: dict[str, Any] = {
    "enabled_plugins": {
        "backends": ["csv", "personal", "mine"],
        "services": [*SERVICES, "service_discovery", "my_service"],
        "views": ["default_json", "headers_view", "personal_view", "cisco_view", "my_view"],
    },
    "auth": {"host": "auth.example", "verify_certificate": "/ca.pem", "key_file": "/k"},
    "rest_api": {"https": {"port": 9489}, "cors": {"enabled": True, "allow_headers": ["X"]}},
    "sources": {
        "staff": {
            "type": "csv", "name": "staff", "file": "/dev/null", "separator": "|",
            "unique_column": "id", "searched_columns": ["a"], "first_matched_columns": ["b"],
            "format_columns": {"name": "{a}"},
        },
        "mine_1": {"type": "mine", "anything": {"a": [1, None]}},
        "own": {"type": "personal", "db_uri": "postgresql://x", "unique_column": "id"},
    },
    "services": {
        "lookup": {"sales": {"sources": ["staff", "own"], "timeout": 0.5}},
        "reverse": {"default": {"sources": {"staff": True, "own": False}, "timeout": 1}},
        "favorites": {"sales": {"sources": ["staff"], "options": {"timeout": 3}}},
        "my_service": {"a": 1},
    },
    "views": {
        "displays": {"office": OFFICE},
        "profile_to_display": {"sales": "office"},
        "displays_phone": {"small": {"name": ["n"], "number": [{"field": ["p"]}]}},
        "profile_to_display_phone": {"sales": "small"},
        "my_view": {"b": 2},
    },
}  # fmt: skip


def carry(config: dict[str, Any]) -> Carried:
    return carry_over(Tree({"sources": {}, **config}))


def said(carried: Carried) -> str:
    return "\n".join(f"{remark} | {remark.hint}" for remark in carried.remarks)


def test_a_whole_configuration_becomes_ours() -> None:
    carried = carry(WHOLE)
    ours = carried.settings
    read = DirectorySettings.from_mapping(ours, has_store=True)
    assert list(read.sources) == ["staff", "mine_1", "own"]
    assert read.sources["staff"].config["separator"] == "|"
    assert read.sources["mine_1"].config["anything"] == {"a": [1]}
    lookup = service_profiles(ours, "lookup")["sales"]
    assert (lookup.sources, lookup.timeout) == (("staff", "own"), 0.5)
    assert service_profiles(ours, "reverse")["default"].sources == ("staff",)
    assert service_profiles(ours, "favorites")["sales"].timeout == 3
    assert [column.default for column in read.displays["sales"].columns] == [None, None, ""]
    assert profile_phone_displays(ours["views"])["sales"].name == ("n",)
    assert {"lookup", "reverse", "favorites", "my_service"} <= set(read.services)
    assert {"lookup_json", "cisco_view", "my_view"} <= set(read.views)
    assert "snom_view" not in read.views and "phonebook_view" not in read.views
    assert ours["auth"] == {
        "type": "wazo", "host": "auth.example", "verify_certificate": "/ca.pem",
    }  # fmt: skip
    assert ours["rest_api"] == {"cors": {"enabled": True, "allow_headers": ["X"]}}
    assert "rest_api.https: not carried over" in said(carried)
    assert "sources.own.db_uri: not carried over" in said(carried)


def test_what_is_carried_can_be_written_as_toml() -> None:
    ours = carry(WHOLE).settings
    assert tomllib.loads(toml.dumps({"directory": {"settings": ours}})) == {
        "directory": {"settings": ours}
    }


@pytest.mark.parametrize(
    ("changes", "place", "what"),
    [
        ({"debug": True, "user": "x"}, "debug, user", "not needed"),
        ({"db_uri": "postgresql://a:s3cret@h/d"}, "db_uri", "not carried over"),
        ({"bus": {"password": "s3cret"}}, "bus", "one for all"),
        ({"consul": {}}, "consul", "not carried over"),
        ({"service_discovery": {}}, "service_discovery", "does not register"),
        ({"servces": {}}, "servces", "does not know this key | did you mean 'services'?"),
        ({"sources": {"x": {"file": "y"}}}, "sources.x", "it has no type"),
        ({"sources": {"x": 1}}, "sources.x", "a mapping is needed"),
        ({"sources": {"x": {"type": "google"}}}, "sources.x", "not a source here"),
        ({"sources": {"x": {"type": "phonebook", "phonebook_uuid": "u"}}}, "sources.x", "tenant"),
        ({"sources": {"x": {"type": "ldap", "ldap_ur": "y"}}}, "sources.x.ldap_ur", "not know"),
        ({"sources": {"x": {"type": "csv", "file": "/nothing"}}}, "sources.x.file", "not on this"),
        ({"sources": {"x": {"type": "csv"}}}, "sources.x.file", "a path is needed"),
        ({"sources": {"x": {"type": "sample", "searched_columns": "a"}}}, "sources.x", "a list"),
        ({"sources": {"x": {"type": "sample"}}, "enabled_plugins": {"backends": {"csv": True}}},
         "sources.x", "was not enabled"),
        ({"services": {"lookup": {"a": {"sources": ["nope"], "timeout": 1}}}},
         "services.lookup.a.sources", "there is no source nope"),
        ({"services": {"lookup": {"a": {"sources": []}}}}, "services.lookup.a", "for ever: 2 s"),
        ({"services": {"reverse": {"a": {"timeout": 0}}}}, "services.reverse.a", "left out"),
        ({"services": {"lookup": {"a": {"timeot": 1}}}}, "services.lookup.a.timeot", "ignored it"),
        ({"services": {"lookup": [1]}}, "services.lookup", "a mapping"),
        ({"services": {"other": {}}}, "services.other", "no such service"),
        ({"services": {"service_discovery": {}}}, "services.service_discovery", "not added"),
        ({"views": {"displays": {"d": "x"}}}, "views.displays.d", "a list of columns"),
        ({"views": {"displays": {"d": [{"titel": "x"}]}}}, "views.displays.d.0.titel", "ignored"),
        ({"views": {"profile_to_display": {"p": "d"}}}, "views.profile_to_display.p", "as before"),
        ({"views": {"displays_phone": {"d": {}}}}, "views.displays_phone.d", "left out"),
        ({"views": {"profile_to_display_phone": {"p": "d"}}},
         "views.profile_to_display_phone.p", "left out"),
        ({"views": {"x": {}}}, "views.x", "no such view"),
        ({"auth": {"verify_certificate": False}}, "auth.verify_certificate", "not carried over"),
        ({"auth": {"service_key": "s3cret"}}, "auth.service_key", "not needed"),
        ({"rest_api": {"https": {"port": 1234}}}, "rest_api.https",
         "host 0.0.0.0 && pelagos config set directory.port 1234 && pelagos"),
        ({"rest_api": {"https": {"ciphers": "x"}}}, "rest_api.https.ciphers", "left out"),
        ({"rest_api": {"min_threads": 3}}, "rest_api.min_threads", "left out"),
        ({"rest_api": {"cors": {"vary_header": True}}}, "rest_api.cors.vary_header", "left out"),
        ({"rest_api": {"cors": {"supports_credentials": True}}},
         "rest_api.cors.supports_credentials", "name the origins"),
        ({"rest_api": {"cors": {"max_age": "5m"}}}, "rest_api.cors.max_age", "left out"),
        ({"rest_api": {"cors": {"origins": [r"https://.*\.example"]}}},
         "rest_api.cors.origins", "name each origin"),
        ({"auth": {"port": "9497"}}, "auth.port", "left out"),
        ({"lookup_service": {"executor_workers": 9}}, "lookup_service", "slots"),
        ({"confd": {"host": "pbx"}}, "confd", "each source"),
        ({"key_file": "/k.yml"}, "key_file", "no account"),
        ({"enabled_plugins": {"views": "x"}}, "enabled_plugins.views", "left out"),
        ({"enabled_plugins": {"views": ["graphql_view"]}}, "graphql_view", "no such view"),
        ({"views": []}, "views", "a mapping is needed"),
    ],
)  # fmt: skip
def test_what_is_not_carried_over_is_named(changes: dict[str, Any], place: str, what: str) -> None:
    carried = carry(changes)
    lines = [line for line in said(carried).splitlines() if line.split(": ")[0].endswith(place)]
    assert any(what in line for line in lines), said(carried)
    assert "s3cret" not in said(carried)
    starts(carried.settings)


def starts(ours: Mapping[str, Any]) -> None:
    """Read all that a directory reads when it starts."""
    DirectorySettings.from_mapping(ours, has_store=True)
    profile_phone_displays(ours.get("views", {}))
    Cors.from_mapping(ours)
    AuthSettings.from_mapping(ours)


def test_pages_that_are_named_may_send_credentials() -> None:
    cors = {"origins": "https://a.example", "supports_credentials": True, "max_age": 60}
    carried = carry({"rest_api": {"cors": cors}})
    assert carried.settings["rest_api"] == {"cors": cors}


@pytest.mark.parametrize(
    ("origins", "kept", "what"),
    [
        (True, [], "True is not a list of origins: no page of others is let in"),
        (5, [], "5 is not a list of origins"),
        (["https://a.example", 7, ""], ["https://a.example"], "left out: 7, ''"),
        ([7], [], "left out: 7"),
        ([], [], ""),
    ],
)
def test_origins_that_cannot_be_used_let_nobody_in_unsaid(
    origins: Any, kept: list[str], what: str
) -> None:
    carried = carry({"rest_api": {"cors": {"origins": origins}}})
    assert carried.settings["rest_api"] == {"cors": {"origins": kept}}
    assert what in said(carried) and ("cors.origins" in said(carried)) is bool(what)
    starts(carried.settings)


def test_an_older_guides_search_columns_are_searched() -> None:
    carried = carry({"sources": {"x": {"type": "sample", "search_columns": ["a"]}}})
    assert carried.settings["sources"]["x"]["searched_columns"] == ["a"]


def test_every_view_and_service_that_we_know_is_ours() -> None:
    assert set(SERVICES) <= set(plugins.names("pelagos.directory.services"))
    ours = {name for names in VIEWS.values() for name in names}
    assert ours <= set(plugins.names("pelagos.directory.views"))


WORDS = st.sampled_from(
    ["name", "type", "csv", "staff", "lookup", "sources", "timeout", "displays", "views", "x", ""]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text()
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(), inner, max_size=4)
    ),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whatever_a_configuration_holds_the_rest_is_carried_over(data: st.DataObject) -> None:
    config = copy.deepcopy(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        place: Any = config
        while True:
            key = data.draw(st.sampled_from(sorted(place)) | WORDS)
            below = place.get(key)
            if not isinstance(below, dict) or not below or data.draw(st.booleans()):
                place[key] = data.draw(TREES)
                break
            place = below
    if not isinstance(config["sources"], dict):
        config["sources"] = {}
    ours = carry_over(Tree(config)).settings
    starts(ours)
    whole = {"directory": {"settings": ours}}
    assert tomllib.loads(toml.dumps(whole)) == whole


CONFD = {"https": True, "host": "pbx.example", "port": 9486, "version": "1.1", "timeout": 4}
AUTH = {"host": "pbx.example", "port": 443, "username": "u", "password": "p", "timeout": 2}
SOURCES: dict[str, dict[str, Any]] = {
    "csv": {"file": "/dev/null", "separator": "|"},
    "csv_ws": {
        "lookup_url": "https://ws.example/lookup", "list_url": "https://ws.example/list",
        "delimiter": "|", "timeout": 3, "verify_certificate": True,
    },
    "ldap": {
        "ldap_uri": "ldap://ldap.example:389", "ldap_base_dn": "ou=people,dc=example",
        "ldap_username": "cn=admin", "ldap_password": "p", "ldap_custom_filter": "(l=%Q)",
        "ldap_network_timeout": 0.3, "ldap_timeout": 1.0, "unique_column_format": "binary_uuid",
        "unique_column": "objectGUID",
    },
    "dird_phonebook": {"tenant": "here", "phonebook_name": "clients", "db_uri": "postgresql://x"},
    "personal": {"db_uri": "postgresql://x"},
    "sample": {},
    "xivo": {
        "confd_config": {**CONFD, "username": "u", "password": "p", "verify_certificate": True},
        "extra_search_params": {"context": "sales"}, "unique_column": "id",
    },
    "wazo": {"auth": {**AUTH, "https": True, "prefix": "/api/auth"},
             "confd": {**CONFD, "prefix": "/api/confd"}, "unique_column": "id"},
    "conference": {"auth": AUTH, "confd": CONFD},
}  # fmt: skip


COLUMNS = {"conference": ["name"]}


@pytest.mark.parametrize("backend", SOURCES)
def test_a_source_of_each_back_end_loads_with_all_keys_that_it_had(
    backend: str, tmp_path: Path
) -> None:
    assert set(KEYS) == set(SOURCES)
    common = {
        "name": "s", "type": backend, "searched_columns": COLUMNS.get(backend, ["firstname"]),
        "first_matched_columns": COLUMNS.get(backend, ["email"]),
        "format_columns": {"name": "{firstname}"},
    }  # fmt: skip
    carried = carry({"sources": {"s": {**common, **SOURCES[backend]}}})
    unexpected = [line for line in said(carried).splitlines() if line.startswith("sources.s.")]
    assert all("db_uri" in line for line in unexpected)
    read = DirectorySettings.from_mapping(carried.settings)
    with DirectoryStore(f"sqlite:///{tmp_path}/d.db") as store:
        loaded = load_sources(read, {}, store)
        try:
            assert loaded.reasons == {} and list(loaded.sources) == ["s"]
        finally:
            for source in loaded.sources.values():
                source.unload()
