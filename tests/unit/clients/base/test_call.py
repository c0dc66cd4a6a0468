from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.clients.base.call import (
    encode_headers,
    encode_path,
    encode_query,
    path4url,
    quote_values,
)
from pelagos.clients.errors import ClientError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@pytest.mark.parametrize(
    ("parts", "path"),
    [(("a", "/b/", 1), "/a/b/1"), ((), ""), (("",), ""), (("a//b/",), "/a/b"), ((b"a",), "/a")],
)
def test_parts_are_joined_as_the_ancestor_did(parts: tuple[object, ...], path: str):
    assert path4url(*parts) == path


@pytest.mark.parametrize(
    ("path", "encoded"),
    [
        ("", ""),
        ("/", "/"),
        ("images/", "/images/"),
        ("/a//b", "/a//b"),
        ("//lead", "//lead"),
        ("/a/../b", "/a/%2E%2E/b"),
        ("/.", "/%2E"),
        ("/é?#%", "/%C3%A9%3F%23%25"),
        (7, "/7"),
        (("servers", 7, "action"), "/servers/7/action"),
        (("servers", "a/b"), "/servers/a%2Fb"),
        (("servers", ".."), "/servers/%2E%2E"),
    ],
)
def test_a_path_is_encoded(path: object, encoded: str):
    assert encode_path(path) == encoded


@given(TEXT)
def test_any_text_comes_back_as_the_path_that_it_was(text: str):
    url = "http://h" + encode_path("/" + text)
    assert unquote(urlsplit(url).path) == "/" + text
    assert urlsplit(url).query == urlsplit(url).fragment == ""


@given(TEXT)
def test_a_part_is_one_segment(text: str):
    assert encode_path(("a", text, "b")).count("/") == 3


def test_text_without_bytes_is_refused():
    with pytest.raises(ClientError):
        encode_path("/\ud800")


def test_the_ancestors_parameters_are_bare_where_they_were():
    legacy = {"shared": None, "update": False, "a": "", "limit": 5, "yes": True}
    assert encode_query(None, legacy) == "?shared&update&a&limit=5&yes=True"


def test_keys_of_synnefo_stay_readable():
    assert encode_query({"SNF:is_public": True}) == "?SNF:is_public=true"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0", "\x7f"])
def test_a_value_cannot_begin_another_line(value: str):
    with pytest.raises(ClientError, match="X-A"):
        encode_headers({"X-A": value})


@pytest.mark.parametrize("name", ["X-A\r\nX-Evil", "X A", "", "X-A:", "X-Ä"])
def test_a_name_cannot_begin_another_line(name: str):
    with pytest.raises(ClientError):
        encode_headers({name: "1"})


def test_a_value_of_people_goes_as_utf8():
    assert encode_headers({"X-A": "é", "X-B": None, "X-C": 5}) == {"X-A": "Ã©", "X-C": "5"}


def test_values_are_percent_encoded_where_the_service_wants_it():
    sent = {"X-Object-Meta-A": "é /", "X-Copy-From": "é", "Other": "é", "Empty": None}
    assert quote_values(sent, ["x-copy-from"], ["X-Object-Meta-"]) == {
        "X-Object-Meta-A": "%C3%A9%20/",
        "X-Copy-From": "%C3%A9",
        "Other": "é",
        "Empty": None,
    }
