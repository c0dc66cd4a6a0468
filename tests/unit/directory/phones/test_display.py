"""Which columns a profile shows on a phone."""

from __future__ import annotations

import pytest

from pelagos.core.errors import ConfigError
from pelagos.directory.settings import PhoneDisplay, PhoneNumber
from pelagos.directory.views.phones.display import displays_on_phones

VIEWS = {
    "displays": {
        "office": [
            {"title": "Name", "field": "name", "type": "name"},
            {"title": "Phone", "field": "phone", "type": "number"},
            {"title": "Mobile {x}", "field": "mobile", "type": "callable"},
            {"title": "Home", "field": "home", "type": "callable", "number_display": "{name} @"},
        ],
        "mail": [{"title": "Mail", "field": "email", "type": "email"}],
    },
    "profile_to_display": {"sales": "office", "post": "mail", "lab": "office"},
    "displays_phone": {"small": {"name": ["n"], "number": [{"field": ["a", "b"]}]}},
    "profile_to_display_phone": {"lab": "small", "phones": "small"},
}
SMALL = PhoneDisplay(("n",), (PhoneNumber(("a", "b")),))


def test_a_profile_shows_its_own_display_or_what_people_see() -> None:
    found = displays_on_phones(VIEWS)
    assert found["lab"] == found["phones"] == SMALL
    assert found["sales"] == PhoneDisplay(
        ("name",),
        (
            PhoneNumber(("phone",)),
            PhoneNumber(("mobile",), "{name} (Mobile {{x}})"),
            PhoneNumber(("home",), "{name} @"),
        ),
    )
    assert "display_name" in found["post"].name
    assert set(found) == {"lab", "phones", "sales", "post"}


def test_a_wrong_display_names_its_place() -> None:
    wrong = {"displays_phone": {"small": {"name": [1], "number": [{"field": ["a"]}]}}}
    with pytest.raises(ConfigError, match=r"displays_phone.small.name"):
        displays_on_phones(wrong)
