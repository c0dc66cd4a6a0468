"""directory.auth.acl: patterns of rights against what requests need."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.directory.auth.acl import Access, fill, is_allowed, placeholders

LOOKUP = "dird.directories.lookup.sales.read"


def need(text: str) -> Access:
    return Access(text, {})


@pytest.mark.parametrize(
    ("pattern", "needed", "allowed"),
    [
        (LOOKUP, LOOKUP, True),
        ("dird.directories.lookup.*.read", LOOKUP, True),
        ("dird.directories.lookup.sa*.read", LOOKUP, True),
        ("dird.*.read", LOOKUP, False),  # one segment only
        ("dird.*.*.*.read", LOOKUP, True),
        ("dird.#.read", LOOKUP, True),
        ("dird.#", LOOKUP, True),
        ("#", LOOKUP, True),
        ("*", LOOKUP, False),
        ("*", "dird", True),
        ("dird#", "dird", True),
        ("dird.#", "dird", False),
        ("dird", LOOKUP, False),
        ("dird.directories.lookup.sales.rea", LOOKUP, False),
        ("DIRD.directories.lookup.sales.read", LOOKUP, False),
        ("dird.directories.lookup.sales.read\n", LOOKUP, False),
        ("dird.directories.lookup.(sales|x).read", LOOKUP, False),
        ("dird.directories.lookup......read", LOOKUP, False),
        ("", LOOKUP, False),
        ("", "", True),
        ("dird.personal.*.edit", "dird.personal.7.update", True),
        ("dird.personal.*.update", "dird.personal.7.edit", True),
        (
            "dird.edit.7.read",
            "dird.update.7.read",
            False,
        ),  # only what is done, not what it is done to
        ("dird.#.contacts.#.read", "dird.phonebooks.1.contacts.2.read", True),
    ],
)
def test_a_pattern_gives_what_it_stands_for(pattern: str, needed: str, allowed: bool) -> None:
    assert is_allowed([pattern], need(needed)) is allowed


def test_a_denial_wins_wherever_it_stands() -> None:
    for patterns in (["dird.#", "!dird.config.*"], ["!dird.config.*", "dird.#"]):
        assert is_allowed(patterns, need(LOOKUP))
        assert not is_allowed(patterns, need("dird.config.read"))
    assert not is_allowed(["!dird.config.read"], need(LOOKUP)), "a denial alone gives nothing"
    assert not is_allowed([], need(LOOKUP))


def test_me_is_the_owner_and_nobody_who_looks_alike() -> None:
    template = "dird.directories.reverse.{profile}.{user_uuid}.read"
    rule = "dird.directories.reverse.*.me.read"

    def of(user: str) -> Access:
        return fill(template, {"profile": "sales", "user_uuid": user})

    assert is_allowed([rule], of("u-1"), {"u-1"})
    assert not is_allowed([rule], of("u-2"), {"u-1"})
    assert not is_allowed([rule], of("u-1"), ())
    assert is_allowed([rule], of("ann.smith"), {"ann.smith"})
    assert not is_allowed([rule], of("ann_smith"), {"ann.smith"}), (
        "both are ann_smith as a segment"
    )
    assert not is_allowed([rule], of("me"), {"u-1"}), "a person whose name is me is not the owner"
    assert is_allowed(["dird.users.me.read"], need("dird.users.me.read"), {"u-1"})
    assert not is_allowed([rule], of(""), {""})


def test_me_is_the_owners_tenant_where_a_tenant_is_named() -> None:
    def of(tenant: str) -> Access:
        return fill("dird.tenants.{tenant}.phonebooks.read", {"tenant": tenant})

    rule = "dird.tenants.me.phonebooks.read"
    assert is_allowed([rule], of("sea"), {"ann"}, tenants={"sea"})
    assert not is_allowed([rule], of("lake"), {"ann"}, tenants={"sea"})
    assert not is_allowed([rule], of("ann"), {"ann"}, tenants={"sea"}), "a person is no tenant"
    assert not is_allowed([rule], of("me"), {"ann"}, tenants={"sea"})
    person = fill("dird.directories.reverse.x.{xivo_user_uuid}.read", {"xivo_user_uuid": "sea"})
    mine = "dird.directories.reverse.*.me.read"
    assert not is_allowed([mine], person, {"ann"}, tenants={"sea"}), "a tenant is no person"


def test_me_is_a_word_only_as_a_whole_segment() -> None:
    assert is_allowed(["dird.some.read"], need("dird.some.read"))
    assert not is_allowed(["dird.some.read"], need("dird.sou-1.read"), {"u-1"})


def test_a_value_is_always_one_segment() -> None:
    access = fill("dird.directories.lookup.{profile}.read", {"profile": "a.b.#"})
    assert str(access) == "dird.directories.lookup.a_b_#.read"
    assert is_allowed(["dird.directories.lookup.*.read"], access)
    assert not is_allowed(["dird.directories.lookup.a.b.#"], access)


def test_a_template_has_plain_names_only() -> None:
    assert placeholders("dird.{a}.{b}.read") == ("a", "b")
    for template in ("dird.{}.read", "dird.{a.__class__}.read", "dird.{a!r}", "dird.{a:>9}", "{a"):
        with pytest.raises(ValueError, match=r".+"):
            placeholders(template)


def _regex(pattern: str, owner: str) -> re.Pattern[str]:
    """Another way to the same rules, for what is compared below."""
    segments = pattern.split(".")
    written = []
    for number, segment in enumerate(segments):
        if segment == "me":
            written.append(f"(?:me|{owner})")
        elif number == len(segments) - 1 and segment in {"edit", "update"}:
            written.append("(?:edit|update)")
        else:
            written.append(re.escape(segment).replace(r"\*", "[^.]*").replace(r"\#", "(?s:.*)"))
    return re.compile(r"\.".join(written))


SEGMENT = st.sampled_from(["a", "ab", "b", "me", "u1", "edit", "update", "*", "#", "a*", "#b", ""])
WORDS = st.sampled_from(["a", "ab", "b", "u1", "edit", "update", "me", "aab", ""])


@given(st.lists(SEGMENT, max_size=5), st.lists(WORDS, max_size=5))
def test_the_rules_are_those_of_a_regular_expression(pattern: list[str], text: list[str]) -> None:
    begins = [len(".".join(text[:n])) + bool(n) for n in range(len(text))]
    values = {place: word for place, word in zip(begins, text, strict=True) if word == "u1"}
    access = Access(".".join(text), values)
    wanted = _regex(".".join(pattern), "u1").fullmatch(access.text) is not None
    if ".".join(pattern).startswith("!"):
        return
    assert is_allowed([".".join(pattern)], access, {"u1"}) is wanted


def test_no_pattern_and_no_name_takes_long() -> None:
    begin = time.process_time()
    access = fill("dird.{name}.read", {"name": "a" * 5000})
    assert not is_allowed(["#a" * 25 + "#b", "*a" * 25 + "*b"], access)
    assert time.process_time() - begin < 5
