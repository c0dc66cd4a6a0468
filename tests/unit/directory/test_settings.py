"""directory.settings: what is misspelt is an error, what refers to nothing a warning."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.core.errors import ConfigError
from pelagos.directory import DirectorySettings
from pelagos.directory.model import Column, Display
from pelagos.directory.settings import (
    PhoneDisplay,
    PhoneNumber,
    ServiceProfile,
    profile_displays,
    profile_phone_displays,
    service_profiles,
)
from pelagos.directory.settings.enabled import (
    DEFAULT_SERVICES,
    DEFAULT_VIEWS,
    STORED_SERVICES,
    STORED_VIEWS,
)

GOOD: dict[str, Any] = {
    "sources": {
        "staff": {
            "type": "csv",
            "file": "/srv/staff.csv",
            "unique_column": "id",
            "searched_columns": ["first"],
            "format_columns": {"name": "{first}", "empty": ""},
        },
        "crm": {"backend": "ldap"},
    },
    "services": {
        "lookup": {
            "default": {"sources": ["staff", "crm"], "timeout": 0.5},
            "phones": {"sources": {"staff": True, "crm": False}},
        },
    },
    "views": {
        "displays": {"people": [{"title": "Name", "field": "name", "default": ""}, {}]},
        "profile_to_display": {"default": "people"},
    },
}


def read(config: Any) -> DirectorySettings:
    return DirectorySettings.from_mapping(config)


def changed(path: str, value: Any) -> dict[str, Any]:
    """A good configuration with one value set, or one key added."""
    config = copy.deepcopy(GOOD)
    *parents, last = path.split("/")
    place: Any = config
    for parent in parents:
        place = place[int(parent) if isinstance(place, list) else parent]
    place[last] = value
    return config


def test_a_configuration_is_read() -> None:
    settings = read(GOOD)
    assert list(settings.sources) == ["staff", "crm"]
    assert settings.sources["crm"].backend == "ldap"
    assert settings.sources["staff"].config["name"] == "staff"
    assert set(settings.backends) == {"csv", "ldap"}
    assert "lookup" in settings.services and "lookup_json" in settings.views
    assert settings.displays["default"] == Display(
        (Column(title="Name", field="name", default=""), Column())
    )
    assert service_profiles(GOOD, "lookup") == {
        "default": ServiceProfile(("staff", "crm"), 0.5),
        "phones": ServiceProfile(("staff",), 2.0),
    }


def test_an_empty_configuration_is_a_directory_without_sources() -> None:
    settings = read({})
    assert not settings.sources and not settings.displays
    assert read({"sources": None, "views": {"displays": None}}).displays == {}


@pytest.mark.parametrize(
    ("path", "value", "message", "hint"),
    [
        ("surces", {}, "unknown key 'surces'", "did you mean 'sources'?"),
        ("services/lokup", {}, "services: unknown key 'lokup'", "did you mean 'lookup'?"),
        ("services/lookup/default/timout", 1, "services.lookup.default: unknown key 'timout'",
         "did you mean 'timeout'?"),
        ("services/lookup/default/timeout", "1", "services.lookup.default.timeout: '1'", None),
        ("services/lookup/default/timeout", 0, "services.lookup.default.timeout: 0", None),
        ("services/lookup/default/timeout", True, "services.lookup.default.timeout: True", None),
        ("services/lookup/default/timeout", float("nan"), "timeout: nan", None),
        ("services/lookup/default/sources", "staff", "sources: a list of names", None),
        ("services/lookup/default/sources", {"staff": 1}, "true or false", None),
        ("services/lookup/default", [], "services.lookup.default: a table", None),
        ("services/lookup/default/x", 1, "services.lookup.default: unknown key 'x'", None),
        ("views/display", {}, "views: unknown key 'display'", "did you mean 'displays'?"),
        ("views/displays/people", {}, "a display is a list of columns", None),
        ("views/displays/people", ["name"], "views.displays.people.0: a table", None),
        ("views/displays/people", [{"titel": "x"}], "unknown key 'titel'",
         "did you mean 'title'?"),
        ("views/displays/people", [{"field": 1}], "views.displays.people.0.field: a text", None),
        ("sources/staff", "csv", "sources.staff: a table", None),
        ("sources/staff/format_columns", ["{a}"], "format_columns: a table", None),
        ("sources/staff/format_columns", {"a": 1}, "format_columns.a: a text", None),
        ("sources/staff/searched_columns", "first", "searched_columns: a list of names", None),
        ("sources/staff/searched_columns", [1], "searched_columns: a text", None),
        ("sources/staff/unique_column", 1, "unique_column: a text", None),
        ("sources/staff/type", ["csv"], "sources.staff.type: a text", None),
        ("sources/staff/name", "other", "sources.staff.name is 'other'", None),
        ("sources/staff/timeout", 0, "sources.staff.timeout: 0 is not a number of seconds", None),
        ("sources/staff/stale", "1h", "sources.staff.stale: '1h' is not a number", None),
        ("sources/staff/slots", 0, "sources.staff.slots: 0 is not a whole number from 1", None),
        ("sources/staff/slots", True, "sources.staff.slots: True", None),
        ("sources/", {}, "sources: a text is needed", None),
        ("sources", {7: {}}, "sources: the key 7 is not text", "put it in quotes"),
        ("services/reverse", {"default": {"timeot": 1}}, "services.reverse.default: unknown key",
         "did you mean 'timeout'?"),
        ("views/profile_to_display/default", 1, "views.profile_to_display.default: a text", None),
        ("auth", "no", "auth: a table is needed", None),
        ("rest_api", {"https": {}}, "rest_api: unknown key 'https'", None),
        ("db_uri", 1, "db_uri: a text is needed", None),
        ("enabled_plugins", {"view": []}, "enabled_plugins: unknown key 'view'",
         "did you mean 'views'?"),
        ("enabled_plugins", {"views": "ping"}, "enabled_plugins.views: a list", None),
        ("enabled_plugins", {"views": {"ping": "no"}}, "true or false", None),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_an_error_that_names_its_place(
    path: str, value: Any, message: str, hint: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(changed(path, value))
    assert message in str(caught.value)
    assert hint is None or caught.value.hint == hint


@pytest.mark.parametrize("kind", ["backends", "services", "views"])
@pytest.mark.parametrize("how", ["list", "table"])
def test_a_directory_in_which_a_kind_of_plugin_is_off_does_not_start(kind: str, how: str) -> None:
    config: dict[str, Any] = {"sources": {"staff": {"type": "csv"}}}
    usual = getattr(read(config), kind)
    config["enabled_plugins"] = {kind: [] if how == "list" else dict.fromkeys(usual, False)}
    with pytest.raises(ConfigError, match=f"enabled_plugins.{kind}: none is enabled"):
        read(config)


def test_the_services_of_profiles_have_their_own_patience() -> None:
    config = changed("services/reverse", {"default": {"sources": ["staff"], "ordered": True}})
    config["services"]["favorites"] = {"default": {"sources": []}}
    read(config)
    assert service_profiles(config, "reverse") == {
        "default": ServiceProfile(("staff",), 1.0, ordered=True)
    }
    assert service_profiles(config, "favorites") == {"default": ServiceProfile()}
    with pytest.raises(ConfigError, match=r"lookup\.default: unknown key 'ordered'"):
        read(changed("services/lookup/default/ordered", True))


def test_a_source_says_how_patient_to_be_with_it() -> None:
    source = read(changed("sources/crm", {"timeout": 1, "stale": 60, "slots": 2})).sources["crm"]
    assert (source.timeout, source.stale, source.slots) == (1.0, 60.0, 2)


def test_a_store_brings_the_plugins_that_need_one() -> None:
    bare, stored = read({}), read({"db_uri": "sqlite:////tmp/x.db"})
    assert bare.services == DEFAULT_SERVICES and bare.views == DEFAULT_VIEWS
    assert stored.services == (*DEFAULT_SERVICES, *STORED_SERVICES)
    assert DirectorySettings.from_mapping({}, has_store=True).views == stored.views
    assert stored.views == (*DEFAULT_VIEWS, *STORED_VIEWS)


PHONES: dict[str, Any] = {
    "displays_phone": {
        "small": {
            "name": ["display_name", "name"],
            "number": [
                {"field": ["phone"]},
                {"field": ["mobile"], "name_format": "{name} (Mobile)"},
            ],
        }
    },
    "profile_to_display": {"sales": "x", "other": "x"},
    "profile_to_display_phone": {"sales": "small"},
}


def test_displays_of_phones_are_read_and_a_profile_without_one_has_the_usual() -> None:
    read({"views": PHONES})
    small = PhoneDisplay(
        ("display_name", "name"),
        (PhoneNumber(("phone",)), PhoneNumber(("mobile",), "{name} (Mobile)")),
    )
    found = profile_phone_displays(PHONES)
    assert set(found) == {"sales", "other"} and found["sales"] == small
    usual = found["other"]
    assert usual.name == ("display_name", "display_name1", "display_name2", "name")
    assert usual.number[0] == PhoneNumber(("phone", "phone1", "phone2"))
    assert usual.number[2].field == ("phone_mobile", "phone_mobile1", "phone_mobile2")
    assert usual.number[2].name_format == "{name} (Mobile)" and len(usual.number) == 5


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("displays_phone/small/name", [], "displays_phone.small.name:"),
        ("displays_phone/small/name", ["x", 1], "displays_phone.small.name.1:"),
        ("displays_phone/small/number", {}, "displays_phone.small.number:"),
        ("displays_phone/small/number", ["x"], "displays_phone.small.number.0:"),
        ("displays_phone/small/number/1/field", "x", "displays_phone.small.number.1.field:"),
        (
            "displays_phone/small/number/0/name_format",
            1,
            "displays_phone.small.number.0.name_format:",
        ),
        ("displays_phone/small/numbers", [], "displays_phone.small: unknown key 'numbers'"),
        ("displays_phone/small", None, "displays_phone.small:"),
        ("profile_to_display_phone/sales", "smal", "profile_to_display_phone.sales: there is no"),
        ("profile_to_display_phone/sales", 1, "profile_to_display_phone.sales: a text"),
    ],
)
def test_a_wrong_display_of_phones_is_named_by_its_place(
    path: str, value: Any, place: str
) -> None:
    views = copy.deepcopy(PHONES)
    *parents, last = path.split("/")
    at: Any = views
    for parent in parents:
        at = at[int(parent) if isinstance(at, list) else parent]
    at[last] = value
    with pytest.raises(ConfigError, match=re.escape(f"views.{place}")):
        profile_phone_displays(views)


def test_names_that_refer_to_nothing_are_warnings(caplog: pytest.LogCaptureFixture) -> None:
    read(changed("services/lookup/default/sources", ["staf"]))
    assert "there is no source staf; did you mean 'staff'?" in caplog.text
    settings = read(changed("views/profile_to_display", {"default": "peple", "x": "people"}))
    assert "there is no display peple; did you mean 'people'?" in caplog.text
    assert settings.displays["default"] == Display() and settings.displays["x"].columns


def test_two_number_columns_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    read(changed("views/displays/people", [{"type": "number"}, {"type": "number"}]))
    assert "more than one column of type number" in caplog.text


def test_what_is_odd_of_a_display_is_told_once_however_many_views_read_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = changed("views/displays/people", [{"type": "number"}, {"type": "number"}])
    config["views"]["profile_to_display"] = {"default": "people", "x": "peple"}
    read(config)
    profile_displays(config["views"])
    profile_phone_displays(config["views"])
    assert caplog.text.count("there is no display peple") == 1
    assert caplog.text.count("more than one column of type number") == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, DEFAULT_VIEWS),
        (["ping", "ping"], ("ping",)),
        ({"ping": True}, (*DEFAULT_VIEWS, "ping")),
        ({**dict.fromkeys(DEFAULT_VIEWS, False), "ping": True}, ("ping",)),
    ],
)
def test_a_list_replaces_the_enabled_plugins_and_a_mapping_changes_them(
    value: Any, expected: tuple[str, ...]
) -> None:
    assert read(changed("enabled_plugins", {"views": value})).views == expected


def test_an_enabled_plugin_may_have_its_own_section() -> None:
    config = changed("enabled_plugins", {"views": ["ping"], "services": ["echo"]})
    config["views"]["ping"] = {"text": "pong"}
    config["services"]["echo"] = {"anything": 1}
    assert read(config).raw["views"]["ping"] == {"text": "pong"}


KEYS = st.sampled_from(
    ["sources", "services", "views", "lookup", "staff", "timeout", "displays", "number", "field"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | KEYS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS | st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_whatever_is_written_is_read_or_refused_with_its_place(data: st.DataObject) -> None:
    config: Any = copy.deepcopy({**GOOD, "views": {**GOOD["views"], **PHONES}})
    place: Any = config
    while True:
        choices = sorted(place, key=str) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(choices))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(VALUES)
    if isinstance(place, dict):
        place[data.draw(KEYS)] = data.draw(VALUES)
    said = ""
    try:
        read(config)
        profile_phone_displays(config.get("views") or {})
    except ConfigError as refused:
        said = refused.message
    # A key at the top has no place before it; all else is "sources.staff.unique_column: …".
    place, colon, _ = said.partition(": ")
    is_placed = bool(colon) and place.split(".")[0] in config
    assert is_placed or not said or said.startswith("unknown key ")
