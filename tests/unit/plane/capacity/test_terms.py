"""The section [capacity.named.NAME]: what it may say, and how a mistake is told."""

from __future__ import annotations

from typing import Any

import pytest

from pelagos.core.errors import ConfigError, PelagosError
from pelagos.plane.capacity.base import NewMachine
from pelagos.plane.capacity.errors import CapacityNotConfigured
from pelagos.plane.capacity.fake import FakeCapacity
from pelagos.plane.capacity.terms import CapacityTerms, places


def test_places_keep_their_order_and_split_their_keys() -> None:
    south, north = places(
        {"south": {"driver": "fake", "quota": 3}, "north": {"driver": "fake", "idle": 5}}
    )
    assert (south.name, north.name) == ("south", "north")
    assert south.own == {"quota": 3}
    assert north.terms.idle == 5.0
    assert isinstance(south.open({}), object)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"North": {"driver": "fake"}}, "cannot be the name"),
        ({"north": {}}, "`driver` is missing"),
        ({"north": 5}, "must be a table"),
        ({"north": {"driver": "fake", "max_machines": -1}}, "max_machines must be 0"),
        ({"north": {"driver": "fake", "idle": "soon"}}, "idle must be"),
        ({"north": {"driver": "fake", "prefix": "Not_Good"}}, "cannot begin the name"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_the_start(named: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        places(named)


def test_a_misspelt_key_is_told_with_the_right_one() -> None:
    [place] = places({"north": {"driver": "openstack", "max_machine": 3}})
    with pytest.raises(CapacityNotConfigured) as caught:
        place.open({"HOME": "/nowhere"})
    assert caught.value.hint == "did you mean 'max_machines'?"
    [place] = places({"north": {"driver": "fake", "quotas": 3}})
    with pytest.raises(CapacityNotConfigured, match="quotas"):
        place.open({})


def test_a_driver_that_nobody_offers_is_told_with_those_that_are() -> None:
    [place] = places({"north": {"driver": "opnstack"}})
    with pytest.raises(PelagosError) as caught:
        place.open({})
    assert "openstack" in (caught.value.hint or "")


def test_a_cloud_that_is_not_configured_is_told(tmp_path: Any) -> None:
    environ = {"HOME": str(tmp_path), "PELAGOS_CONFIG": str(tmp_path / "none.toml")}
    (tmp_path / "none.toml").write_text("")
    [place] = places(
        {"north": {"driver": "openstack", "cloud": "work", "flavor": "f", "image": "i"}}
    )
    with pytest.raises(CapacityNotConfigured, match="work"):
        place.open(environ)
    [bare] = places({"north": {"driver": "openstack", "cloud": "work"}})
    with pytest.raises(CapacityNotConfigured, match="flavor is missing"):
        bare.open(environ)


def test_releases_are_chosen_by_their_beginnings() -> None:
    terms = CapacityTerms(releases="https://a.example/ file:///srv/")
    assert terms.is_for("https://a.example/x.cfg", is_supplied=False)
    assert not terms.is_for("https://b.example/x.cfg", is_supplied=False)
    assert terms.is_for("https://b.example/x.cfg", is_supplied=True)


def test_a_file_outlives_the_process(tmp_path: Any) -> None:
    file = {"file": str(tmp_path / "m.json")}
    FakeCapacity(file).make(NewMachine("a", "#!x", {"l": "m"}))
    again = FakeCapacity(file)
    assert [one.name for one in again.list("")] == ["a"]
    assert again.user_data("a") == "#!x"
    assert again.labels("a") == {"l": "m"}
    assert (tmp_path / "m.json").stat().st_mode & 0o777 == 0o600
