"""directory.number: one form for the many ways to write a number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core.errors import ConfigError
from pelagos.directory.number import _REGIONS, ANYWHERE, LONGEST, plan_of


@pytest.mark.parametrize(
    ("region", "text", "normal"),
    [
        ("FR", "01 23 45 67 89", "+33123456789"),
        ("FR", "01.23.45.67.89", "+33123456789"),
        ("FR", "0033 1 23 45 67 89", "+33123456789"),
        ("FR", "+33 (0)1 23 45 67 89", "+33123456789"),
        ("FR", "+33\u00a01\u202f23\u201145 67 89", "+33123456789"),
        ("FR", "tel:+33123456789", "+33123456789"),
        ("FR", "+1 212 555 0199", "+12125550199"),
        ("FR", "2041", "2041"),
        ("FR", "20 41", "2041"),
        ("FR", "0", "0"),
        ("GB", "020 7946 0000", "+442079460000"),
        ("GB", "٠٢٠ ٧٩٤٦ ٠٠٠٠", "+442079460000"),  # noqa: RUF001  # Arabic digits
        ("US", "(212) 555-0199", "+12125550199"),
        ("US", "1-212-555-0199", "+12125550199"),
        ("US", "011 33 1 23456789", "+33123456789"),
        ("US", "555 0199", "5550199"),
        ("IT", "06 123456", "+3906123456"),
        ("IT", "+39 06 123456", "+3906123456"),
        ("ES", "912 345 678", "+34912345678"),
        ("HU", "06 1 234 5678", "+3612345678"),
        ("RU", "8 (495) 123-45-67", "+74951234567"),
        ("RU", "810 33 123456789", "+33123456789"),
        ("AU", "0011 33 123456789", "+33123456789"),
        ("AU", "(02) 5550 1234", "+61255501234"),
        ("FI", "990 33 123456789", "+33123456789"),
        ("JP", "010 33 123456789", "+33123456789"),
        ("+33", "0123456789", "+33123456789"),
        ("fr", "0123456789", "+33123456789"),
    ],
)
def test_the_ways_to_write_a_number_have_one_form(region: str, text: str, normal: str) -> None:
    assert plan_of(region).normal(text) == normal


@pytest.mark.parametrize(
    "text",
    ["", " ", "Ada", "*21#", "+", "+331", "0" * 40, "1+2", "+" + "1" * 16, "12a45678", "½½"],
)
def test_what_is_no_number_has_no_form(text: str) -> None:
    assert plan_of("FR").normal(text) is None
    assert plan_of("FR").forms(text) == (text,)


def test_a_number_is_looked_for_in_its_usual_forms() -> None:
    expected = {"+33123456789", "0123456789", "0033123456789", "33123456789"}
    for text in ("0123456789", "+33123456789", "0033123456789"):
        forms = plan_of("FR").forms(text)
        assert forms[0] == text and set(forms) == expected
    assert plan_of("FR").forms("01 23 45 67 89")[0] == "01 23 45 67 89"
    assert "2125550199" not in plan_of("FR").forms("+12125550199")
    assert plan_of("FR").forms("2041") == ("2041",)
    assert "12125550199" in plan_of("US").forms("+1 212 555 0199")


@pytest.mark.parametrize("region", ["XX", "France", "", "33", "+", "+0", "FRA"])
def test_an_unknown_country_is_named(region: str) -> None:
    with pytest.raises(ConfigError, match="region"):
        plan_of(region)


def test_a_country_is_in_the_table_once() -> None:
    assert len(_REGIONS) > 150
    assert all(len(name) == 2 and name.isupper() for name in _REGIONS)


@given(st.sampled_from(sorted(_REGIONS)), st.text("0123456789+() .-/*#aé٣", max_size=30))
def test_a_form_is_its_own_form_and_never_too_long(region: str, text: str) -> None:
    plan = plan_of(region)
    normal = plan.normal(text)
    if normal is None:
        return
    digits = normal.removeprefix("+")
    assert digits.isascii() and digits.isdigit() and len(digits) <= LONGEST
    assert plan.normal(normal) == normal or not normal.startswith("+")


@given(st.sampled_from(sorted(_REGIONS)), st.from_regex(r"[2-9][0-9]{8}", fullmatch=True))
def test_a_number_is_found_under_each_form_it_is_looked_for_in(region: str, rest: str) -> None:
    plan = plan_of(region)
    international = f"+{plan.country_code}{rest}"
    forms = plan.forms(international)
    assert forms[0] == international
    bare = international[1:]
    assert all(
        plan.normal(form) == international for form in forms if form.startswith(("+", "00"))
    )
    assert bare in forms and len(forms) == len(set(forms))


@given(st.text(max_size=80))
def test_any_text_is_looked_for_as_it_is_first(text: str) -> None:
    for region in ("FR", "US", "IT"):
        forms = plan_of(region).forms(text)
        assert forms[0] == text and len(forms) == len(set(forms))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("+49 (0)30 123-45", "+493012345"),
        ("0049 30 12345", "+493012345"),
        ("tel:+49 30 12345", "+493012345"),
        ("030/12345", "03012345"),
        ("20 41", "2041"),
        ("2041", "2041"),
        ("\u0660\u0661", "01"),
        ("c:3", None),
        ("Ada", None),
        ("", None),
    ],
)
def test_where_no_country_is_known_separators_do_not_count(text: str, normal: str | None) -> None:
    assert ANYWHERE.normal(text) == normal
