"""plane.directory_config: what the directory of a fresh plane is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from pelagos.core.errors import ConfigError
from pelagos.directory import DirectorySettings
from pelagos.directory.settings import service_profiles
from pelagos.plane.directory_config import (
    default_directory_config,
    directory_config,
    with_database,
)


def test_it_is_well_formed_and_every_source_is_asked() -> None:
    config = default_directory_config()
    settings = DirectorySettings.from_mapping(with_database(config, "/data"))
    on_phones = service_profiles(config, "lookup")["phones"]
    assert set(on_phones.sources) == {"personal", "phonebooks"} and settings.displays["phones"]
    for service in ("lookup", "favorites"):
        profile = service_profiles(config, service)["default"]
        assert set(profile.sources) == set(settings.sources)
    assert settings.displays["default"].headers[0] == "Name"


@given(st.text(st.characters(exclude_characters="\0/", exclude_categories=("Cs",)), min_size=1))
def test_the_database_is_in_the_folder_whatever_that_is_called(name: str) -> None:
    folder = f"/data/{name}"
    url = make_url(with_database({}, folder)["db_uri"])
    assert Path(str(url.database)) == Path(folder) / "directory.db"


def test_a_database_that_is_named_is_used() -> None:
    assert with_database({"db_uri": "postgresql://db/x"}, "/data")["db_uri"] == "postgresql://db/x"


@pytest.mark.parametrize(
    "said",
    [{}, {"phones": {}}, {"region": "FR"}, {"auth": {"trust": 9}}, {"db_uri": "sqlite:////d/x"},
     {"services": {"cleanup": {}}}, {"views": {"displays_phone": {}}}, {"sources": {}},
     {"enabled_plugins": {"views": {"cisco_view": True}}}, {"sources": None}],
)  # fmt: skip
def test_what_is_not_said_stays_as_it_is(said: dict[str, Any]) -> None:
    config, default = directory_config(said), default_directory_config()
    assert config["sources"] == default["sources"]
    for part in ("services", "views"):
        assert config[part] == {**default[part], **(said.get(part) or {})}
    others = {key: value for key, value in said.items() if key != "sources"}
    assert config.items() >= {k: v for k, v in others.items() if k not in default}.items()
    DirectorySettings.from_mapping(with_database(config, "/data"))


def test_a_source_is_asked_beside_those_of_the_plane_until_a_profile_names_its_own() -> None:
    crm = {"type": "csv", "file": "/crm.csv"}
    config = directory_config({"sources": {"crm": crm, "personal": crm}})
    for service in ("lookup", "reverse", "favorites"):
        assert "crm" in service_profiles(config, service)["default"].sources
    assert config["sources"]["personal"] == crm and "instances" in config["sources"]
    alone = directory_config({"sources": {"crm": crm}}, has_plane=False)
    assert set(alone["sources"]) == {"crm", "personal"}
    strangers = directory_config({"sources": {"crm": crm}, "auth": {"type": "keystone"}})
    assert strangers["sources"] == alone["sources"]

    named = {"services": {"lookup": {"sales": {"sources": ["crm"]}}}, "sources": {"crm": crm}}
    config = directory_config(named)
    assert (config["sources"], config["services"]) == (named["sources"], named["services"])
    shown = {"displays": {"small": []}, "profile_to_display": {"sales": "small"}}
    assert directory_config({**named, "views": shown}) == {**named, "views": shown}


@pytest.mark.parametrize("said", [{"sources": ["a"]}, {"services": "x"}, {"views": [1]}])
def test_what_is_no_table_is_left_to_be_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        DirectorySettings.from_mapping(directory_config(said))


@pytest.mark.parametrize("key", ["type", "backend"])
def test_servers_of_a_cloud_are_found_by_people_and_shown_on_no_phone(key: str) -> None:
    config = directory_config({"sources": {"machines": {key: "servers"}, "odd": {"type": []}}})
    lookup = config["services"]["lookup"]
    assert "machines" in lookup["default"]["sources"]
    assert "machines" in config["services"]["reverse"]["default"]["sources"]
    assert "machines" not in lookup["phones"]["sources"] and "odd" in lookup["phones"]["sources"]
