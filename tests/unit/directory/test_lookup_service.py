"""directory.services.lookup: the deadline, the verdicts, and what is refused as a term."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core.fanout import Fanout
from pelagos.directory.asking import Asking
from pelagos.directory.errors import BadTermError
from pelagos.directory.model import Asker
from pelagos.directory.services.lookup import LookupPlugin, LookupService, check_term
from pelagos.directory.settings import ServiceProfile, SourceSettings
from pelagos.directory.sources import Source

PATIENCE = 60.0


@pytest.fixture
def fanout() -> Iterator[Fanout]:
    fanout = Fanout(slots=2)
    yield fanout
    assert fanout.close()


class Plugin:
    def __init__(self, search: Any) -> None:
        self.search = search


def sources(**searches: Any) -> dict[str, Source]:
    return {
        name: Source(SourceSettings(name, "test", {}), Plugin(search))
        for name, search in searches.items()
    }


def service(fanout: Fanout, timeout: float = PATIENCE, **searches: Any) -> LookupService:
    profile = ServiceProfile(tuple(searches), timeout)
    return LookupService(Asking(sources(**searches), {}, fanout), {"default": profile})


def verdicts(answer: Any) -> dict[str, str]:
    return {verdict.name: verdict.verdict for verdict in answer.sources}


def test_results_and_verdicts_come_in_the_configured_order(fanout: Fanout) -> None:
    def fail(_term: str) -> list[Any]:
        raise ValueError("boom")

    answer = service(
        fanout,
        z=lambda term: [{"name": term}, {"name": "2"}],
        b=fail,
        a=lambda _term: [],
        c=lambda _term: [{"name": "3"}],
    ).lookup("x", "default")
    assert [(r.source, r.fields["name"]) for r in answer.results] == [
        ("z", "x"), ("z", "2"), ("c", "3"),
    ]  # fmt: skip
    assert verdicts(answer) == {"z": "answered", "b": "failed", "a": "empty", "c": "answered"}
    assert [v.error for v in answer.sources] == [None, "ValueError: boom", None, None]
    assert all(v.ms >= 0 for v in answer.sources)


def test_a_hung_source_is_late_and_the_others_answer(fanout: Fanout) -> None:
    release = threading.Event()

    def hang(_term: str) -> list[Any]:
        release.wait(PATIENCE)
        return [{"name": "too late"}]

    lookup = service(fanout, 0.5, hung=hang, good=lambda _term: [{"name": "here"}])
    for expected in ("late", "late", "busy", "busy", "busy", "open", "open"):
        answer = lookup.lookup("x", "default")
        assert verdicts(answer) == {"hung": expected, "good": "answered"}
        assert [r.fields["name"] for r in answer.results] == ["here"]
        assert not answer.is_complete
    release.set()


def test_answers_stream_as_the_sources_give_them(fanout: Fanout) -> None:
    release = threading.Event()

    def slow(_term: str) -> list[Any]:
        release.wait(PATIENCE)
        return [{"name": "slow"}]

    stream = service(fanout, slow=slow, quick=lambda _term: [{"name": "quick"}]).stream(
        "x", "default"
    )
    assert next(stream).results[0].fields["name"] == "quick"
    release.set()
    assert next(stream).results[0].fields["name"] == "slow"
    assert next(stream, None) is None


def test_a_term_that_is_refused_is_refused_before_the_stream_begins(fanout: Fanout) -> None:
    with pytest.raises(BadTermError):
        service(fanout, a=lambda _term: []).stream("a\0b", "default")


def test_what_is_asked_besides_the_sources_has_the_same_deadline(fanout: Fanout) -> None:
    release = threading.Event()
    lookup = service(fanout, 0.2, a=lambda _term: [])
    (hung,) = lookup.meanwhile("favorites", lambda: release.wait(PATIENCE), "default")
    assert hung.verdict == "late"
    (quick,) = lookup.meanwhile("favorites", lambda: {"a": {"1"}}, "default")
    assert quick.value == {"a": {"1"}}
    release.set()


def test_a_source_that_could_not_be_loaded_is_failed_with_its_reason(fanout: Fanout) -> None:
    profile = ServiceProfile(("gone", "good", "typo"), PATIENCE)
    asking = Asking(sources(good=lambda _term: []), {"gone": "no module ldap3"}, fanout)
    lookup = LookupService(asking, {"default": profile})
    answer = lookup.lookup("x", "default")
    assert verdicts(answer) == {"gone": "failed", "good": "empty", "typo": "failed"}
    assert answer.sources[0].error == "no module ldap3"
    assert answer.sources[2].error == "no source of this name is configured"


def test_a_profile_without_sources_is_an_empty_answer(
    fanout: Fanout, caplog: pytest.LogCaptureFixture
) -> None:
    answer = service(fanout).lookup("x", "sales")
    assert answer.results == () and answer.sources == ()
    assert "profile sales has no sources" in caplog.text


def test_each_source_is_told_who_asks(fanout: Fanout) -> None:
    seen: list[dict[str, Any]] = []

    def search(_term: str, args: dict[str, Any]) -> list[Any]:
        seen.append(dict(args))
        args.clear()
        return []

    asker = Asker("secret", {"xivo_user_uuid": "u-1", "auth_id": "ada"})
    service(fanout, a=search, b=search).lookup("x", "default", asker)
    expected = {
        "token": "secret",
        "token_infos": {"xivo_user_uuid": "u-1", "auth_id": "ada"},
        "xivo_user_uuid": "u-1",
        "user_uuid": "u-1",
        "tenant": None,
    }
    assert seen == [expected, expected]
    assert "secret" not in repr(asker)


def test_the_term_is_passed_on_as_typed_without_the_spaces_around_it(fanout: Fanout) -> None:
    answer = service(fanout, a=lambda term: [{"name": term}]).lookup("  *)(%_'\"\\é ", "default")
    assert answer.results[0].fields["name"] == "*)(%_'\"\\é"


@pytest.mark.parametrize("term", ["a\0b", "a\nb", "\x1b[31m", "\ud800", chr(0xFFFD), "x" * 257])
def test_what_is_not_a_term_is_refused(fanout: Fanout, term: str) -> None:
    with pytest.raises(BadTermError):
        service(fanout, a=lambda _term: []).lookup(term, "default")


def test_a_huge_term_is_not_echoed() -> None:
    with pytest.raises(BadTermError) as caught:
        check_term("x" * 1_000_000)
    assert str(caught.value) == "the term has 1,000,000 characters; at most 256 are searched"


@given(st.text())
def test_any_text_is_a_term_or_refused(term: str) -> None:
    try:
        checked = check_term(term)
    except BadTermError:
        return
    assert checked == term.strip() and "\x00" not in checked


def test_the_plugin_names_what_its_args_lack() -> None:
    with pytest.raises(ValueError, match="args lacks asking; it has config, sources"):
        LookupPlugin().load({"config": {}, "sources": {}})
