"""directory.settings: what is misspelt is an error, what refers to nothing a warning."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pelagos.core.errors import ConfigError
from pelagos.directory import DirectorySettings
from pelagos.directory.model import Column, Display
from pelagos.directory.settings import ServiceProfile, service_profiles

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
    assert settings.services == ("lookup",) and settings.views == ("lookup_json",)
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
        ("sources/", {}, "sources: a text is needed", None),
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


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("services/reverse", {"default": {"sources": []}}, "services: unknown key 'reverse'"),
        ("services/favorites", {}, "services: unknown key 'favorites'"),
        ("views/displays_phone", {}, "views: unknown key 'displays_phone'"),
        ("views/profile_to_display_phone", {}, "views: unknown key 'profile_to_display_phone'"),
        ("views/displays/people", [{"number_display": "x"}],
         "views.displays.people.0: unknown key 'number_display'"),
    ],
)  # fmt: skip
def test_what_would_change_nothing_is_refused_until_it_works(
    path: str, value: Any, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(changed(path, value))
    assert caught.value.message == f"{message}: not served by this version"


def test_a_plugin_of_another_package_may_serve_it() -> None:
    config = changed("services/reverse", {"anything": 1})
    config["enabled_plugins"] = {"services": {"reverse": True}}
    assert read(config).services == ("lookup", "reverse")


def test_names_that_refer_to_nothing_are_warnings(caplog: pytest.LogCaptureFixture) -> None:
    read(changed("services/lookup/default/sources", ["staf"]))
    assert "there is no source staf; did you mean 'staff'?" in caplog.text
    settings = read(changed("views/profile_to_display", {"default": "peple", "x": "people"}))
    assert "there is no display peple; did you mean 'people'?" in caplog.text
    assert settings.displays["default"] == Display() and settings.displays["x"].columns


def test_two_number_columns_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    read(changed("views/displays/people", [{"type": "number"}, {"type": "number"}]))
    assert "more than one column of type number" in caplog.text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ("lookup_json",)),
        (["ping", "ping"], ("ping",)),
        ([], ()),
        ({"ping": True}, ("lookup_json", "ping")),
        ({"lookup_json": False}, ()),
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
