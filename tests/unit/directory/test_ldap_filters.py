"""Questions as LDAP filters: nothing that a person types is more than a value in one."""

from __future__ import annotations

import fnmatch
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.directory.backends.ldap import filters
from pelagos.directory.folding import fold

#: What people and attackers type.
TERMS = st.text(st.one_of(st.sampled_from("*()\\\0&|!=~<>% é\u0301ß*)(uid=*"), st.characters()))


def values_of(text: str) -> list[str]:
    """The values that a filter compares with, unescaped, wildcards as \\ufffe."""
    items = re.findall(r"\(([^()]*)\)", text)
    values = [item.partition("=")[2].replace("*", "\ufffe") for item in items]
    return [re.sub(r"\\([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), value) for value in values]


@pytest.mark.parametrize(
    ("columns", "filter_"),
    [(["cn", "mail"], "(|(cn=*bo*)(mail=*bo*))"), (["cn"], "(cn=*bo*)")],
)
def test_a_term_is_looked_for_in_each_column(columns: list[str], filter_: str) -> None:
    assert filters.containing(columns, "bo", loosely=False) == filter_


def test_numbers_are_compared_in_one_filter() -> None:
    assert filters.equal(["tel", "cell"], ["12"]) == "(|(tel=12)(cell=12))"
    assert filters.equal(["uid"], ["1"]) == "(uid=1)"


def test_a_custom_filter_takes_the_term_in_all_its_places_and_joins_the_columns() -> None:
    custom = filters.filled("(&(l=Québec)(|(cn=*%Q*)(sn=%Q)))", "a(b*")
    assert custom == r"(&(l=Québec)(|(cn=*a\28b\2a*)(sn=a\28b\2a)))"
    assert filters.joined("(l=Québec)", "(cn=*bo*)") == "(&(l=Québec)(cn=*bo*))"


def test_the_empty_term_asks_for_whatever_has_the_column() -> None:
    assert filters.containing(["cn", "mail"], "") == "(|(cn=*)(mail=*))"
    assert filters.filled("(cn=*%Q*)", "") == "(cn=*)"


@settings(max_examples=3000)
@given(TERMS)
def test_no_term_leaves_its_value(term: str) -> None:
    plain = filters.containing(["cn", "mail"], term, loosely=False)
    assert filters.problem_of(plain) is None
    wild = "\ufffe" if not term else f"\ufffe{term}\ufffe"
    if "\ufffe" not in term:
        assert values_of(plain) == [wild, wild]
    assert filters.problem_of(filters.containing(["cn", "mail"], term)) is None
    assert filters.problem_of(filters.equal(["cn"], [filters.escape(term)])) is None
    custom = filters.filled("(&(l=Montréal)(|(cn=*%Q*)(!(sn=%Q))))", term)
    assert filters.problem_of(custom) is None
    assert re.sub(r"=[^()]*", "=", custom) == "(&(l=)(|(cn=)(!(sn=))))"


@settings(max_examples=1500)
@given(st.text("aàâäbcçdeéèêëiîïlłmnñoôöøpqrsštuùûüvxyz ß'-", min_size=2, max_size=12), st.data())
def test_a_loosened_pattern_finds_each_accented_form_with_one_accent(
    name: str, data: st.DataObject
) -> None:
    plain = fold(name)
    place = data.draw(st.integers(0, len(plain) - 1))
    accented = unicodedata.normalize("NFC", f"{plain[: place + 1]}\u0301{plain[place + 1 :]}")
    if len(plain) < 3 or accented[place] == plain[place]:
        return  # too short to be loosened, or no such letter in Unicode
    if plain[place] not in "aeiouycdgjlnrstz":
        return
    patterns = [*filters.loosened(plain), plain]
    assert any(_matches(pattern, accented) for pattern in patterns), patterns


def _matches(pattern: str, text: str) -> bool:
    unescaped = re.sub(r"\\([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), pattern)
    glob = "".join(c if c == "*" else f"[{c}]" for c in unescaped)
    return fnmatch.fnmatchcase(text, f"*{glob}*")


@pytest.mark.parametrize(
    "term", ["zoe", "Céline", "muller", "strasse", "łukasz", "Nuñez", "capkova"]
)
def test_common_names_are_found_however_they_are_accented(term: str) -> None:
    names = ["Zoë", "celine", "Céline", "Müller", "Straße", "Lukasz", "Łukasz", "nunez", "Čapková"]
    found = [n for n in names if any(_matches(p, n.lower()) for p in filters.loosened(term))]
    wanted = [n for n in names if fold(n) == fold(term) and n.lower() != term.lower()]
    assert wanted and set(wanted) <= set(found)
    assert all(filters.occurs(term, {"cn": [n]}, ["cn"]) for n in wanted)


def test_what_the_server_gave_too_much_is_left_out() -> None:
    assert filters.occurs("zoe b", {"cn": ["Zoë Bob"]}, ["cn"])
    assert not filters.occurs("zoe b", {"cn": ["Zob"]}, ["cn", "mail"])
    assert filters.occurs("555 12", {"tel": ["(0) 55-512"]}, ["tel"])
    assert filters.occurs("x", {"other": ["y"]}, ["cn"])  # found by what may not be read


@pytest.mark.parametrize(
    "text",
    [
        "(cn=a", "cn=a)", "(cn=a))", "()", "(&", "(!(a=b)(c=d))", "(cn)", "(cn=a\\zz)", "(cn=(a))",
        "(" * 200, "(&" * 200 + ")" * 200, "", "(=a)", "(!)",
    ],
)  # fmt: skip
def test_a_broken_filter_is_told(text: str) -> None:
    assert filters.problem_of(text)


@pytest.mark.parametrize(
    "text", ["(cn=*)", "(&)", "(cn:dn:2.4.6:=x)", "(a>=1)", "(a~=é)", r"(a=\2a)", "(!(a=b))"]
)
def test_a_right_filter_passes(text: str) -> None:
    assert filters.problem_of(text) is None
