"""directory.sources: strangers' back-ends are called as they can be, and kept apart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pelagos.directory import BaseSourcePlugin, DirectorySettings, SourceResult
from pelagos.directory import sources as module
from pelagos.directory.errors import SourceError
from pelagos.directory.settings import SourceSettings
from pelagos.directory.sources import LoadedSources, Source, load_sources
from support.directory import BACKENDS, Guide, Raising, Rows, config, offer


def source(plugin: Any, **settings: Any) -> Source:
    return Source(SourceSettings("crm", "stranger", {}, **settings), plugin)


def load(sources: Mapping[str, Any], context: Mapping[str, Any] | None = None) -> LoadedSources:
    return load_sources(DirectorySettings.from_mapping(config(sources)), context or {})


class Answering:
    """Answers what it was made with, whatever the question."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def search(self, _term: str, _args: Any) -> Any:
        return self.value


def test_the_guides_plain_class_works(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, BACKENDS, guide=Guide)
    sources = {"g": {"type": "guide", "format_columns": {"name": "{first} {last}"}, "own": 1}}
    loaded = load(sources, {"slap": "client"})
    guide = loaded.sources["g"]
    assert guide.plugin.name == "g" and guide.plugin.backend == "guide"
    assert guide.plugin.loaded_with["config"]["own"] == 1
    assert guide.plugin.loaded_with["main_config"]["sources"] == sources
    assert guide.plugin.loaded_with["context"] == {"slap": "client"}
    (result,) = guide.search("Lovelace", {"token": "t"})
    assert isinstance(result, SourceResult) and result.fields["name"] == "Ada Lovelace"
    assert result.source == "g"
    assert guide.first_match("555", {}) is None and guide.match_all(["555"]) == {}
    assert [r.fields["name"] for r in guide.list([7], {})] == ["7"]


def test_name_and_backend_are_set_before_load(monkeypatch: pytest.MonkeyPatch) -> None:
    class Checking(Rows):
        def load(self, args: Mapping[str, Any]) -> None:
            super().load(args)
            assert (self.name, self.backend) == ("a", "checking")

    class Sealed(Rows):
        @property
        def name(self) -> str:
            return "mine"

    offer(monkeypatch, BACKENDS, checking=Checking, sealed=Sealed)
    loaded = load({"a": {"type": "checking"}, "b": {"type": "sealed"}})
    assert list(loaded.sources) == ["a", "b"] and loaded.failures == ()


def test_each_configured_source_is_its_own_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, BACKENDS, rows=Rows)
    loaded = load({n: {"type": "rows", "rows": [{"name": n}]} for n in "ab"})
    assert [s.search("")[0].fields["name"] for s in loaded.sources.values()] == ["a", "b"]


def test_a_source_that_cannot_be_loaded_is_named_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Unfinished(BaseSourcePlugin):
        pass

    class NoSearch:
        def load(self, args: Mapping[str, Any]) -> None: ...

    class Exits(Rows):
        def load(self, _args: Mapping[str, Any]) -> None:
            raise SystemExit(1)

    offer(
        monkeypatch, BACKENDS, rows=Rows, unfinished=Unfinished, nosearch=NoSearch, exits=Exits,
        gone=ImportError("No module named 'ldap3'"), plain=object,
    )  # fmt: skip
    loaded = load(
        {
            "gone": {"type": "gone"}, "unfinished": {"type": "unfinished"},
            "nosearch": {"type": "nosearch"}, "exits": {"type": "exits"},
            "typo": {"type": "cvs"}, "untyped": {}, "plain": {"type": "plain"},
            "badcsv": {"type": "csv"}, "good": {"type": "rows"},
        }
    )  # fmt: skip
    assert list(loaded.sources) == ["good"]
    assert loaded.reasons["gone"] == "back-end gone: ImportError: No module named 'ldap3'"
    assert "abstract" in loaded.reasons["unfinished"]
    assert loaded.reasons["nosearch"] == "back-end nosearch has no method search"
    assert loaded.reasons["exits"] == "SystemExit: 1"
    assert loaded.reasons["typo"].endswith("did you mean 'csv'?")
    assert loaded.reasons["untyped"].startswith("it has no type")
    assert "file" in loaded.reasons["badcsv"]
    assert set(loaded.reasons) == {f.name for f in loaded.failures} and len(loaded.failures) == 8
    assert "Failed to load back-end exits for source exits" in caplog.text


def test_a_back_end_that_is_not_enabled_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, BACKENDS, rows=Rows)
    whole = config({"a": {"type": "rows"}}) | {"enabled_plugins": {"backends": ["csv"]}}
    loaded = load_sources(DirectorySettings.from_mapping(whole), {})
    assert loaded.reasons == {"a": "back-end rows is not enabled"}


def test_a_broken_back_end_that_no_source_needs_is_named_too() -> None:
    enabled = {"backends": {"csw": True}}
    loaded = load_sources(DirectorySettings.from_mapping({"enabled_plugins": enabled}), {})
    assert [f.name for f in loaded.unused] == ["csw"] and loaded.failures == ()


@pytest.mark.parametrize(
    "method",
    [
        lambda _self, term: [{"t": term}],
        lambda _self, term, args: [{"t": term, **args}],
        lambda _self, term, args=None: [{"t": term, **args}],
        lambda _self, term, *rest: [{"t": term, **rest[0]}],
        lambda _self, term, *, args=None: [{"t": term, **args}],
        lambda _self, term, **kwargs: [{"t": term, **kwargs["args"]}],
    ],
)
def test_any_signature_that_can_be_called_is(method: Any) -> None:
    plugin = type("Stranger", (), {"search": method})()
    (result,) = source(plugin).search("x", {"token": "k"})
    assert result.fields["t"] == "x" and result.fields.get("token", "k") == "k"


def test_each_call_gets_its_own_args() -> None:
    class Spoiling(Answering):
        def search(self, _term: str, args: Any) -> Any:
            args.clear()
            return []

    args = {"token": "t"}
    source(Spoiling([])).search("a", args)
    assert args == {"token": "t"}


@pytest.mark.parametrize("value", [None, [], (), iter(()), set()])
def test_nothing_is_an_empty_answer(value: Any) -> None:
    assert source(Answering(value)).search("a") == []


@pytest.mark.parametrize("value", ["text", b"bytes", {"a": 1}, 7, [7], [None], ["row"]])
def test_what_is_not_a_list_of_results_is_refused(value: Any) -> None:
    with pytest.raises((SourceError, TypeError)):
        source(Answering(value)).search("a")


def test_a_generator_is_consumed_where_the_source_is_asked() -> None:
    def rows() -> Iterator[dict[str, int]]:
        yield {"a": 1}
        raise OSError("connection lost")

    with pytest.raises(OSError, match="connection lost"):
        source(Answering(rows())).search("a")


def test_an_endless_answer_is_cut_off_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_RESULTS", 10)
    with pytest.raises(SourceError, match="more than 10 results"):
        source(Answering(itertools.repeat({"a": 1}))).search("a")


def test_a_ready_result_is_passed_on_as_it_is() -> None:
    result = SourceResult({"a": 1}, "elsewhere")
    assert source(Answering([result])).search("a") == [result]


def test_a_source_that_raises_raises_to_its_caller() -> None:
    with pytest.raises(ConnectionError):
        source(Raising()).search("a")


def test_a_failing_unload_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Stuck(Rows):
        def unload(self) -> None:
            raise OSError("busy")

    source(Stuck()).unload()
    source(Rows()).unload()
    assert "source crm failed to unload" in caplog.text


def test_the_base_class_lists_nothing_and_matches_one_by_one() -> None:
    class Least(BaseSourcePlugin):
        def load(self, args: Mapping[str, Any]) -> None: ...

        def search(self, _term: str, args: Any = None) -> list[Any]:
            return [args]

        def first_match(self, exten: str, args: Any = None) -> Any:
            return {"exten": exten, **args} if exten != "9" else None

    least = source(Least())
    least.unload()
    assert least.list(["1"]) == []
    assert set(least.match_all(["1", "9"], {})) == {"1"}
    assert least.first_match("1", {"x": 1}).fields["x"] == 1
