"""directory.services.reverse: who wins, who is not waited for, and in which forms is looked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from pelagos.core.errors import ConfigError
from pelagos.core.fanout import Fanout
from pelagos.directory.asking import Asking
from pelagos.directory.errors import BadTermError, UnknownProfileError
from pelagos.directory.model import Asker
from pelagos.directory.number import plan_of
from pelagos.directory.services.reverse import (
    MOST_EXTENS,
    ReverseAnswer,
    ReversePlugin,
    ReverseService,
)
from pelagos.directory.settings import ServiceProfile, SourceSettings
from pelagos.directory.sources import Source

PATIENCE = 60.0
ADA = {"name": "Ada", "reverse": "Ada Lovelace", "tel": "2041"}


@pytest.fixture
def fanout() -> Iterator[Fanout]:
    fanout = Fanout(slots=4)
    yield fanout
    assert fanout.close(PATIENCE)


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


class Plugin:
    """Matches by a function; notes what it is asked."""

    answers_from_memory = False

    def __init__(self, match: Callable[[str], Any]) -> None:
        self.match = match
        self.asked: list[str] = []

    def search(self, _term: str) -> list[Any]:
        return []

    def first_match(self, exten: str) -> Any:
        self.asked.append(exten)
        return self.match(exten)


class Batching(Plugin):
    """Looks for many at once."""

    def match_all(self, extens: list[str], args: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(",".join(extens))
        assert args["xivo_user_uuid"] is None or args["xivo_user_uuid"] == "ada"
        return {exten: self.match(exten) for exten in extens}


def holding(*extens: str, **fields: str) -> Callable[[str], Any]:
    return lambda exten: {**ADA, **fields, "tel": exten} if exten in extens else None


def service(
    fanout: Fanout,
    timeout: float = PATIENCE,
    *,
    ordered: bool = False,
    region: str = "",
    **plugins: Any,
) -> ReverseService:
    made = {
        name: Source(
            SourceSettings(name, "test", {}), Plugin(plugin) if callable(plugin) else plugin
        )
        for name, plugin in plugins.items()
    }
    profile = ServiceProfile(tuple(made), timeout, ordered)
    plan = plan_of(region) if region else None
    return ReverseService(Asking(made, {}, fanout), {"default": profile}, plan)


def verdicts(answer: ReverseAnswer) -> dict[str, str]:
    return {verdict.name: str(verdict.verdict) for verdict in answer.sources}


def test_nobody_has_the_number(fanout: Fanout) -> None:
    answer = service(fanout, a=holding(), b=holding()).reverse("999", "default")
    assert (answer.exten, answer.result, answer.display) == ("999", None, None)
    assert verdicts(answer) == {"a": "empty", "b": "empty"}


def test_a_broken_source_does_not_win(fanout: Fanout) -> None:
    def broken(_exten: str) -> Any:
        raise OSError("gone")

    answer = service(fanout, broken=broken, good=holding("2041")).reverse("2041", "default")
    assert answer.display == "Ada Lovelace"
    assert answer.result is not None and answer.result.source == "good"
    assert verdicts(answer)["good"] == "answered"


def test_a_match_that_is_garbage_does_not_win(fanout: Fanout) -> None:
    for garbage in ([], "", "Ada", 7, [ADA]):
        answer = service(
            fanout, garbage=lambda _e, garbage=garbage: garbage, good=holding("2041")
        ).reverse("2041", "default")
        assert answer.display == "Ada Lovelace"


def test_the_quickest_wins_and_the_others_are_not_waited_for(
    fanout: Fanout, release: threading.Event
) -> None:
    def hang(_exten: str) -> Any:
        release.wait(PATIENCE)
        return {"reverse": "Too Late"}

    answer = service(fanout, hung=hang, quick=holding("2041")).reverse("2041", "default")
    assert answer.display == "Ada Lovelace"
    assert verdicts(answer) == {"hung": "unneeded", "quick": "answered"}


def test_of_an_ordered_profile_the_first_configured_wins(
    fanout: Fanout, release: threading.Event
) -> None:
    def slow(exten: str) -> Any:
        release.wait(PATIENCE)
        return holding("2041", reverse="First")(exten)

    asked = threading.Event()

    def quick(exten: str) -> Any:
        asked.set()
        return holding("2041", reverse="Second")(exten)

    def let_go() -> None:
        asked.wait(PATIENCE)
        release.set()

    threading.Thread(target=let_go).start()
    reverse = service(fanout, ordered=True, slow=slow, quick=quick, third=holding("2041"))
    answer = reverse.reverse("2041", "default")
    assert answer.display == "First"
    assert verdicts(answer)["slow"] == "answered"


def test_of_an_ordered_profile_the_second_wins_when_the_first_is_late(
    fanout: Fanout, release: threading.Event
) -> None:
    def hang(_exten: str) -> Any:
        release.wait(PATIENCE)

    reverse = service(fanout, 0.3, ordered=True, hung=hang, good=holding("2041"))
    answer = reverse.reverse("2041", "default")
    assert answer.display == "Ada Lovelace"
    assert verdicts(answer) == {"hung": "late", "good": "answered"}


def test_a_match_without_a_caller_name_has_none(fanout: Fanout) -> None:
    answer = service(fanout, a=lambda exten: {"tel": exten}).reverse("2041", "default")
    assert answer.display is None
    assert answer.result is not None and answer.result.fields == {"tel": "2041"}


def test_many_numbers_are_answered_in_their_order_each_source_asked_once(fanout: Fanout) -> None:
    first = Batching(holding("1", "2", reverse="First"))
    second = Batching(holding("2", "3", reverse="Second"))
    reverse = service(fanout, first=first, second=second, slow=Plugin(holding()))
    answers = reverse.reverse_many(["3", "9", "2", "1", "3"], "default")
    assert [(a.exten, a.display) for a in answers] == [
        ("3", "Second"), ("9", None), ("2", "First"), ("1", "First"), ("3", "Second"),
    ]  # fmt: skip
    assert first.asked == second.asked == ["3,9,2,1"]
    assert reverse.reverse_many([], "default") == ()


def test_a_number_that_one_memory_has_is_not_looked_for_in_those_after_it(
    fanout: Fanout,
) -> None:
    sources = {name: Batching(holding(*name)) for name in ("12", "23", "4")}
    for plugin in sources.values():
        plugin.answers_from_memory = True
    answers = service(fanout, **sources).reverse_many(list("1234"), "default")
    assert [answer.result.source for answer in answers if answer.result] == ["12", "12", "23", "4"]
    assert [plugin.asked for plugin in sources.values()] == [["1,2,3,4"], ["3,4"], ["4"]]
    assert verdicts(answers[0]) == dict.fromkeys(sources, "answered")


def test_an_answer_that_may_stand_in_for_a_later_one_is_of_all_numbers(fanout: Fanout) -> None:
    first, second = Batching(holding("1")), Batching(holding("1", "2"))
    first.answers_from_memory = second.answers_from_memory = True
    kept = SourceSettings("second", "test", {}, stale=60.0)
    made = {
        "first": Source(SourceSettings("first", "test", {}), first),
        "second": Source(kept, second),
    }
    profile = ServiceProfile(tuple(made), PATIENCE)
    reverse = ReverseService(Asking(made, {}, fanout), {"default": profile})
    answers = reverse.reverse_many(["1", "2"], "default")
    assert [answer.result.source for answer in answers if answer.result] == ["first", "second"]
    assert second.asked == ["1,2"]


def test_when_all_numbers_are_found_nobody_else_is_waited_for(
    fanout: Fanout, release: threading.Event
) -> None:
    def hang(_exten: str) -> Any:
        release.wait(PATIENCE)

    reverse = service(fanout, hung=hang, a=holding("1"), b=holding("2"))
    answers = reverse.reverse_many(["1", "2"], "default")
    assert [a.display for a in answers] == ["Ada Lovelace"] * 2
    assert verdicts(answers[0]) == {"hung": "unneeded", "a": "answered", "b": "answered"}


def test_at_the_deadline_what_was_found_is_the_answer(
    fanout: Fanout, release: threading.Event
) -> None:
    def hang(_exten: str) -> Any:
        release.wait(PATIENCE)

    reverse = service(fanout, 0.3, hung=hang, a=holding("1"))
    answers = reverse.reverse_many(["1", "2"], "default")
    assert [a.display for a in answers] == ["Ada Lovelace", None]
    assert verdicts(answers[0]) == {"hung": "late", "a": "answered"}


@pytest.mark.parametrize("written", ["0123456789", "+33123456789", "0033123456789"])
@pytest.mark.parametrize(
    "asked", ["01 23 45 67 89", "+33 (0)1 23 45 67 89", "0033123456789", "33123456789"]
)
def test_with_a_region_each_usual_form_finds_each_other(
    fanout: Fanout, written: str, asked: str
) -> None:
    if asked == "33123456789":
        asked = "+" + asked
    plain, many = Plugin(holding(written)), Batching(holding(written))
    for plugin in (plain, many):
        answer = service(fanout, region="FR", a=plugin).reverse(asked, "default")
        assert answer.display == "Ada Lovelace" and answer.exten == asked
    assert len(many.asked) == 1, "all forms in one question"
    assert plain.asked[-1] == written, "no further form once one is found"


def test_without_a_region_a_number_is_compared_as_it_is(fanout: Fanout) -> None:
    plugin = Plugin(holding("0123456789"))
    answer = service(fanout, a=plugin).reverse("+33123456789", "default")
    assert answer.result is None and plugin.asked == ["+33123456789"]


def test_the_number_as_given_wins_over_its_other_forms(fanout: Fanout) -> None:
    plugin = Plugin(lambda exten: {"reverse": exten})
    answer = service(fanout, region="FR", a=plugin).reverse("0123456789", "default")
    assert answer.display == "0123456789" and plugin.asked == ["0123456789"]


def test_the_sources_are_told_for_whom_is_asked(fanout: Fanout) -> None:
    seen: list[Any] = []

    class Telling(Plugin):
        def first_match(self, exten: str, args: Any = None) -> Any:
            seen.append(args)
            return super().first_match(exten)

    asker = Asker("secret", {"xivo_user_uuid": "owner"}).on_behalf_of("ada")
    service(fanout, a=Telling(holding())).reverse("1", "default", asker)
    assert seen[0]["xivo_user_uuid"] == seen[0]["user_uuid"] == "ada"
    assert seen[0]["token_infos"]["xivo_user_uuid"] == "ada" and seen[0]["token"] == "secret"


def test_no_number_is_nobodys(fanout: Fanout) -> None:
    plugin = Plugin(lambda _exten: ADA)
    answer = service(fanout, a=plugin).reverse("  ", "default")
    assert answer.result is None and plugin.asked == []
    assert verdicts(answer) == {"a": "unneeded"}


def test_what_is_refused(fanout: Fanout) -> None:
    reverse = service(fanout, a=holding())
    with pytest.raises(UnknownProfileError, match="did you mean `default`"):
        reverse.reverse("1", "defualt")
    with pytest.raises(BadTermError, match="not text"):
        reverse.reverse("1\x00", "default")
    with pytest.raises(BadTermError, match="at most 200"):
        reverse.reverse_many(["1"] * (MOST_EXTENS + 1), "default")


def test_an_unknown_region_keeps_the_service_from_loading(fanout: Fanout) -> None:
    args = {"config": {"region": "Frankreich"}, "asking": Asking({}, {}, fanout)}
    with pytest.raises(ConfigError, match="no country"):
        ReversePlugin().load(args)
    with pytest.raises(ValueError, match="args lacks asking"):
        ReversePlugin().load({"config": {}})
