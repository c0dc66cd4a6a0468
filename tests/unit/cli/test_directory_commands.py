"""cli: contacts, phonebooks, favourites and sources, asked of a fake directory."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.cli import failures
from pelagos.cli.attributes import changed, columns_of, read_attributes
from pelagos.cli.failures import UsageError
from pelagos.cli.found import headings

KEY = st.text(min_size=1).filter(lambda key: "=" not in key)


@given(st.dictionaries(KEY, st.text()).filter(bool))
def test_attributes_come_back_as_they_were_typed(contact: dict[str, str]) -> None:
    words = [f"{key}={value}" for key, value in contact.items()]
    assert read_attributes(words) == contact
    whole = changed({"id": "7", "old": "x"}, words, replace=True)
    assert whole == contact
    merged = changed({"id": "7", "old": "x"}, words, replace=False)
    assert "" not in merged.values()
    assert ("id" in merged) is bool(contact.get("id"))


@pytest.mark.parametrize("words", [[], ["a"], ["=b"], ["a=1", "a=2"]])
def test_what_is_no_attribute_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError):
        read_attributes(words)


@given(st.lists(st.one_of(st.none(), st.sampled_from(["Name", "", "Tel"])), max_size=8))
def test_every_column_has_a_heading_of_its_own(headers: list[str | None]) -> None:
    names = headings(headers)
    assert len(set(names)) == len(headers) and all(names)


def test_a_table_of_contacts_shows_the_usual_columns_and_then_the_most_common() -> None:
    contacts: list[dict[str, Any]] = [
        {"id": "1", "zip": "1", "hobby": "chess", "number": "2"},
        {"id": "2", "zip": "1", "lastname": "Roy"},
    ]
    shown = [column.key for column in columns_of(contacts)]
    assert shown == ["id", "lastname", "number", "zip", "hobby"]
    assert len(columns_of([{str(n): "" for n in range(30)}])) == 6


@pytest.fixture
def directory(world: Any) -> Any:
    world.plane(directory_url="http://dir.test")
    return world


def test_the_lines_of_a_refused_file_are_shown(directory: Any) -> None:
    lines = [{"line": 3, "errors": ["two values too many"]}]
    directory.routes["POST /0.1/personal/import"] = directory.answer({"reason": lines}, 400)
    directory.stdin = "a,b\n"
    ran = directory.run("contact", "import", "-")
    assert (ran.code, "line 3: two values too many" in ran.err) == (failures.USAGE, True)


def test_a_hostile_directory_cannot_steer_the_terminal(directory: Any) -> None:
    evil = "\x1b]0;owned\x07"
    directory.routes["GET /0.1/personal"] = directory.answer(
        {"items": [{"id": evil, "name": f"a{evil}\r\nb", evil: "c"}]}
    )
    checked = {"name": evil, "backend": evil, "verdict": evil, "ms": 1, "said": [evil]}
    directory.routes["GET /0.1/sources/check"] = directory.answer({"items": [checked]})
    directory.routes["GET /0.1/directories/lookup/default"] = directory.answer(
        {
            "column_headers": [evil],
            "column_types": [None],
            "results": [{"column_values": [evil], "relations": {}, "source": evil}],
            "sources": [{"name": evil, "verdict": "failed", "ms": 1, "error": evil}],
        }
    )
    for words in (("contact", "list"), ("source", "check"), ("lookup", "a")):
        for form in ("table", "json", "yaml", "csv", "value"):
            ran = directory.run(*words, "-o", form)
            assert "\x1b" not in ran.out + ran.err and "\x07" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        ({"verdict": "answered"}, 0),
        ({"verdict": "empty"}, 0),
        ({"verdict": "late", "error": "no answer"}, failures.FAILED),
        ({"verdict": "open", "error": "x"}, failures.FAILED),
        ({"verdict": "answered", "said": ["no favourites"]}, failures.FAILED),
    ],
)
def test_a_check_ends_as_its_sources_do(directory: Any, fact: dict[str, Any], code: int) -> None:
    one = {"name": "crm", "backend": "ldap", "ms": 12.34, **fact}
    directory.routes["GET /0.1/sources/check"] = directory.answer({"items": [one]})
    ran = directory.run("source", "check")
    assert ran.code == code and "12.3" in ran.out
    assert ("source crm: no favourites" in ran.err) is ("said" in fact)


def test_a_phonebook_whose_name_is_the_id_of_another_is_found_by_name(directory: Any) -> None:
    books = [{"id": 1, "name": "2", "description": None}, {"id": 2, "name": "b"}]
    base = "GET /0.1/tenants/default/phonebooks"
    directory.routes[base] = directory.answer({"items": books, "total": 2})
    directory.routes[f"{base}/1/contacts"] = directory.answer({"items": [{"id": "x"}], "total": 1})
    ran = directory.run("phonebook", "show", "2", "-o", "json")
    assert ran.data == [{"id": "x"}]


def test_one_contact_or_all_and_not_both(directory: Any) -> None:
    assert directory.run("contact", "remove").code == failures.USAGE
    assert directory.run("contact", "remove", "7", "--all").code == failures.USAGE
    directory.routes["DELETE /0.1/personal"] = directory.answer(None, 204)
    assert directory.run("contact", "remove", "--all").code == 0


def test_who_asks_whose_number_it_is_need_not_say_who_that_is(directory: Any) -> None:
    found = {"display": "Ines", "exten": "7", "source": "crm", "fields": {}}
    directory.routes["GET /v1/identity"] = directory.answer({"kind": "person", "name": "ann"})
    directory.routes["GET /0.1/directories/reverse/default/ann"] = directory.answer(found)
    directory.routes["GET /0.1/directories/reverse/default/bob"] = directory.answer(found)
    assert directory.run("reverse", "7").code == 0
    assert directory.run("reverse", "7", "--user", "bob").code == 0
    assert directory.run("reverse", "7", "--user", "eve").code == failures.UNREACHABLE
