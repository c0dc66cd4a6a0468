"""plane.directory_config: what the directory of a fresh plane is."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from pelagos.directory import DirectorySettings
from pelagos.directory.settings import service_profiles
from pelagos.plane.directory_config import default_directory_config, with_database


def test_it_is_well_formed_and_every_source_is_asked() -> None:
    config = default_directory_config()
    settings = DirectorySettings.from_mapping(with_database(config, "/data"))
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
