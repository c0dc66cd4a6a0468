"""What every back-end of the directory keeps to; one suite for all of them, on real systems."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pelagos.directory.folding import fold
from pelagos.directory.model import RELATIONS
from pelagos.directory.sources import Source
from support.backends import ASKED, ENTRIES, FILLED

#: It answers with one fixed contact, whatever is asked.
FIXED = {"sample"}
#: One class with several names is tried once.
TRIED = sorted(set(FILLED) - {"xivo", "dird_phonebook"})

#: What nobody should type; a back-end may find nothing, and must neither fail nor find all.
HOSTILE = st.text(
    st.one_of(st.sampled_from("*%_()\\\0'\";&|=<>{}[]/?#-:.@ \n\t\u202e\ufeff"), st.characters()),
    min_size=1,
    max_size=40,
)


@pytest.fixture(scope="module", params=TRIED)
def source(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Source]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    with FILLED[request.param](request, folder) as made:
        yield made


def ids(results: list[Any]) -> list[str | None]:
    return [result.source_entry_id() for result in results]


def test_every_back_end_that_is_offered_is_tried() -> None:
    offered = {entry.name for entry in entry_points(group="pelagos.directory.backends")}
    assert offered - FIXED == set(FILLED)


def test_the_empty_term_finds_all_in_a_stable_order(source: Source) -> None:
    found = ids(source.search("", ASKED))
    assert sorted(str(i) for i in found) == ["1", "2", "3"]
    assert found == ids(source.search("", ASKED))


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("celine", ["1"]), ("CÉLINE", ["1"]), ("e\u0301line", ["1"]), ("BOB", ["2", "3"]),
        ("zoe b", ["3"]), ("ö", ["2", "3"]), ("a:1", []), ("*", []), ("%", []), ("_", []),
        ("nobody", []), ("{name}", []), ("\0", []), ("b*b", []), (")(uid=*", []), ("' OR 1=1", []),
        ("\u00ad", ["1", "2", "3"]),
    ],
)  # fmt: skip
def test_a_term_is_found_without_case_and_accents_in_the_searched_columns(
    source: Source, term: str, found: list[str]
) -> None:
    wanted = [i for i, name, _ in ENTRIES if fold(term) in fold(name)]
    assert set(found) <= set(wanted)
    assert sorted(str(i) for i in ids(source.search(term, ASKED))) == wanted


def test_a_result_says_where_it_is_from_and_has_all_relations(source: Source) -> None:
    for result in source.search("", ASKED):
        assert result.source == "here" and result.backend == "test"
        assert set(result.relations) == set(RELATIONS)
        assert isinstance(result.source_entry_id(), str)


def test_a_missing_value_is_none_and_never_the_empty_text(source: Source) -> None:
    for result in source.search("", ASKED):
        assert "" not in [v for v in result.fields.values() if isinstance(v, str)]
    (bob,) = [r for r in source.search("bob", ASKED) if r.source_entry_id() == "2"]
    assert bob.fields["address"] is None
    assert bob.fields["name"] == "bob"


def test_a_match_is_exact_or_none(source: Source) -> None:
    match = source.first_match("c:3", ASKED)
    assert match is not None and match.source_entry_id() == "3"
    assert match.fields["address"] == "c:3" and match.fields["shown"] == "Zoë Bob c:3"
    for other in ("c:", "", "C:3", "nobody", "*", "%", "c:3*", "\0", "c:3\0", "c\\:3"):
        assert source.first_match(other, ASKED) is None
    assert set(source.match_all(["a:1", "c:3", "x", "", "*"], ASKED)) == {"a:1", "c:3"}
    assert source.match_all([], ASKED) == {}


def test_entries_are_listed_by_their_ids(source: Source) -> None:
    found = ids(source.list(["3", "nobody", "1", "*", "%", "", "3"], ASKED))
    assert sorted(str(i) for i in found) == ["1", "3"]
    assert source.list([], ASKED) == []
    assert source.list(["nobody"], ASKED) == []


def test_results_do_not_share_their_fields(source: Source) -> None:
    for _ in range(2):
        for result in source.search("bob", ASKED):
            assert "spoiled" not in result.fields
            dict.__setitem__(result.fields, "spoiled", "yes")  # a dict, whatever it is called


def test_many_threads_may_ask_at_once(source: Source) -> None:
    wrong: list[Any] = []

    def ask() -> None:
        try:
            for _ in range(10):
                found = sorted(str(i) for i in ids(source.search("bob", ASKED)))
                matched = set(source.match_all(["c:3", "x"], ASKED))
                if (found, matched) != (["2", "3"], {"c:3"}):
                    wrong.append((found, matched))
        except Exception as error:  # noqa: BLE001  # a thread's error would be lost
            wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(HOSTILE)
def test_whatever_is_typed_finds_what_it_occurs_in(source: Source, term: str) -> None:
    wanted = [i for i, name, _ in ENTRIES if fold(term) in fold(name)]
    assert sorted(str(i) for i in ids(source.search(term, ASKED))) == wanted
    assert source.first_match(term, ASKED) is None
    assert source.match_all([term, "a:1"], ASKED).keys() == {"a:1"}
    assert ids(source.list([term], ASKED)) == ([term] if term in {"1", "2", "3"} else [])


def test_a_back_end_that_tells_what_it_cannot_do_tells_nothing_when_all_is_well(
    source: Source,
) -> None:
    check = getattr(source.plugin, "check", None)
    if check is not None:
        assert list(check()) == []


@pytest.mark.parametrize("name", TRIED)
def test_unload_is_quiet_once_and_twice(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with FILLED[name](request, tmp_path) as source:
        source.search("bob", ASKED)
        source.unload()
        source.unload()
        assert "failed to unload" not in caplog.text


@pytest.mark.parametrize("name", sorted(set(FILLED) | FIXED))
def test_a_misspelt_key_is_refused_and_the_right_one_named(name: str) -> None:
    (entry,) = entry_points(group="pelagos.directory.backends", name=name)
    plugin = entry.load()()
    config = {"name": "x", "type": name, "searched_colums": ["a"]}
    with pytest.raises(Exception, match="searched_colums") as caught:
        plugin.load({"config": config, "main_config": {}, "context": {}, "store": None})
    assert "searched_columns" in str(getattr(caught.value, "hint", ""))
