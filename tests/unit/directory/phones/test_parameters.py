"""What a phone asks, and the URLs that it is given."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.directory.errors import BadTermError
from pelagos.directory.views.phones.parameters import (
    Asked,
    BadParameterError,
    link,
    read_gigaset_question,
    read_query,
    read_question,
)


def test_a_term_in_utf8_or_in_an_older_phones_letters_is_the_same_term() -> None:
    assert read_query("term=%C3%A9t%C3%A9") == read_query("term=%E9t%E9") == {"term": "été"}
    assert read_query("term=a+b%20c") == {"term": "a b c"}
    assert read_query("term=%80") == {"term": "€"}


def test_the_first_of_two_counts_and_an_empty_one_is_one() -> None:
    assert read_query("term=&term=b&x") == {"term": "", "x": ""}


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(BadParameterError):
        read_query("&".join(f"a{n}=1" for n in range(101)))


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=255)))
def test_any_query_is_read_or_refused(query: str) -> None:
    assert all(isinstance(value, str) for value in read_query(query[:200]).values())


@pytest.mark.parametrize("bad", ["-1", "1.5", "True", "x", "", "٣", "1e3", "9" * 5000, "+1", " 1"])
@pytest.mark.parametrize("name", ["limit", "offset"])
def test_what_is_no_natural_number_is_refused(name: str, bad: str) -> None:
    with pytest.raises(BadParameterError, match=name):
        read_question({"term": "a", name: bad})


def test_a_question_needs_a_term_which_may_be_empty() -> None:
    with pytest.raises(BadTermError):
        read_question({"limit": "1"})
    assert read_question({"term": ""}) == Asked("", None, 0)
    assert read_question({"term": "a", "limit": "3", "offset": "6"}) == Asked("a", 3, 6)


def test_a_gigaset_counts_from_one_and_needs_no_term() -> None:
    assert read_gigaset_question({}) == Asked("", None, 0)
    assert read_gigaset_question({"set_first": "Okaf*", "count": "20", "first": "21"}) == Asked(
        "Okaf", 20, 20
    )
    with pytest.raises(BadParameterError):
        read_gigaset_question({"count": "-1"})


def test_a_link_replaces_what_it_says_and_keeps_the_rest() -> None:
    made = link("http://proxy/x?a=1&term=old#top", term="é &#", offset=16)
    assert made.url == "http://proxy/x?a=1&term=%C3%A9%20%26%23&offset=16"
    assert made.address == "http://proxy/x"
    assert made.params == (("a", "1"), ("term", "é &#"), ("offset", "16"))


@settings(deadline=None)
@given(st.text(), st.text())
def test_every_link_is_a_url_that_carries_its_parameters(address: str, term: str) -> None:
    made = link(address.replace("&", ""), term=term)
    assert made.url.isascii() and made.url.isprintable() and " " not in made.url
    assert (
        read_query(made.url.partition("?")[2])["term"] == term.encode("utf-8", "replace").decode()
    )
