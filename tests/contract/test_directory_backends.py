"""What every back-end of the directory keeps to; one suite for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pelagos.directory.backends.csv import CsvBackend
from pelagos.directory.settings import SourceSettings
from pelagos.directory.sources import Source
from pelagos.plane.sources.instances import InstancesBackend
from pelagos.slap.model import Cause, InstanceState, InstanceStatus, Service

#: What every back-end is filled with: id, name, address (None: it has none).
ENTRIES = (("1", "Céline", "a:1"), ("2", "bob", None), ("3", "Zoë Bob", "c:3"))

#: What comes with each question.
ASKED = {"token": "t", "token_infos": {}, "xivo_user_uuid": None}


def csv_source(tmp_path: Path) -> Source:
    path = tmp_path / "entries.csv"
    lines = [",".join(value or "" for value in entry) for entry in ENTRIES]
    path.write_text("\n".join(["id,name,address", *lines]), encoding="utf-8")
    return _loaded(CsvBackend(), "id", "name", "address", {"file": str(path)})


def instances_source(_tmp_path: Path) -> Source:
    class Master:
        def with_token(self, _token: str | None) -> Master:
            return self

        def services(self) -> list[Service]:
            return [_service(*entry) for entry in ENTRIES]

    return _loaded(InstancesBackend(), "guid", "reference", "url", {}, slap=Master())


def _service(guid: str, reference: str, url: str | None) -> Service:
    return Service(
        reference, guid, "release", "", InstanceState.STARTED, InstanceStatus.STARTED,
        Cause("ok", ""), reference, connection={"url": url} if url else {},
    )  # fmt: skip


def _loaded(
    plugin: Any, unique: str, name: str, address: str, own: dict[str, Any], **context: Any
) -> Source:
    config = {
        "searched_columns": [name],
        "first_matched_columns": [address],
        "unique_column": unique,
        "format_columns": {"shown": f"{{{name}}} {{{address}}}", "address": f"{{{address}}}"},
        **own,
    }
    plugin.load({"config": config, "main_config": {}, "context": context})
    return Source(SourceSettings("here", "test", config, unique, config["format_columns"]), plugin)


@pytest.fixture(params=[csv_source, instances_source], ids=["csv", "instances"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    make: Callable[[Path], Source] = request.param
    return make(tmp_path)


def ids(results: list[Any]) -> list[str | None]:
    return [result.source_entry_id() for result in results]


def test_the_empty_term_finds_all_in_a_stable_order(source: Source) -> None:
    assert ids(source.search("", ASKED)) == ["1", "2", "3"] == ids(source.search("", ASKED))


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("celine", ["1"]), ("CÉLINE", ["1"]), ("BOB", ["2", "3"]), ("zoe b", ["3"]),
        ("a:1", []), ("*", []), ("%", []), ("nobody", []), ("{name}", []),
    ],
)  # fmt: skip
def test_a_term_is_found_without_case_and_accents_in_the_searched_columns(
    source: Source, term: str, found: list[str]
) -> None:
    assert ids(source.search(term, ASKED)) == found


def test_a_missing_value_is_none_and_never_the_empty_text(source: Source) -> None:
    for result in source.search("", ASKED):
        assert "" not in result.fields.values()
    assert source.search("bob", ASKED)[0].fields["address"] is None
    assert source.search("bob", ASKED)[0].fields["shown"] == "bob"


def test_a_match_is_exact_or_none(source: Source) -> None:
    match = source.first_match("c:3", ASKED)
    assert match is not None and match.source_entry_id() == "3"
    for other in ("c:", "", "C:3", "nobody"):
        assert source.first_match(other, ASKED) is None
    assert set(source.match_all(["a:1", "c:3", "x"], ASKED)) == {"a:1", "c:3"}


def test_entries_are_listed_by_their_ids(source: Source) -> None:
    assert ids(source.list(["3", "nobody", "1"], ASKED)) == ["1", "3"]
    assert source.list([], ASKED) == []


def test_results_do_not_share_their_fields(source: Source) -> None:
    first = source.search("bob", ASKED)[0]
    dict.__setitem__(first.fields, "shown", "spoiled")  # a dict in fact, whatever it is called
    assert source.search("bob", ASKED)[0].fields["shown"] == "bob"


def test_many_threads_may_ask_at_once(source: Source) -> None:
    wrong: list[Any] = []

    def ask() -> None:
        found = [ids(source.search("bob", ASKED)) for _ in range(50)]
        wrong.extend(f for f in found if f != ["2", "3"])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []


def test_unload_after_load_is_quiet(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    source.unload()
    assert "failed to unload" not in caplog.text
