"""Questions, answers and reports, with a scripted master and a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pelagos.core.clock import ManualClock
from pelagos.slap.agent.cause import Causes
from pelagos.slap.agent.correspondence import Correspondence
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.news import Fetched, News, Sent
from pelagos.slap.agent.report import Report, Told
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.errors import MarshalError, MasterUnreachable, NotFoundError, SlapError
from pelagos.slap.model import Cause, Computer, ComputerFormat, Partition, Release, SupplyState

WISH = Partition("COMP", "slappart0", release_url="/r", timestamp=5)


class Master:
    url = "http://127.0.0.1:8080/"

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls: list[str] = []

    def _answer(self, call: str) -> None:
        self.calls.append(call)
        if self.error is not None:
            raise self.error

    def format_computer(self, computer: ComputerFormat) -> None:
        self._answer(f"format {len(computer.partitions)}")

    def fetch_computer(self, computer_id: str, _agent: str | None = None) -> Computer:
        self._answer("fetch")
        return Computer(computer_id, (WISH,))

    def report_partition(
        self, computer_id: str, name: str, state: str, cause: Cause, *, timestamp: int | None
    ) -> None:
        assert timestamp == 5
        self._answer(f"{computer_id} {name} {state} {cause.code}")

    def report_release_error(self, computer_id: str, url: str, _: str, cause: Cause) -> None:
        self._answer(f"{computer_id} {url} error {cause.code}")


class Desk:
    """A correspondence whose calls happen at once and whose news are taken at once."""

    def __init__(self, root: Path) -> None:
        self.clock = ManualClock()
        self.master = Master()
        settings = AgentSettings("COMP", root, partition_count=2, poll_interval=5.0)
        self.mail = Correspondence(
            settings,
            self.master,  # type: ignore[arg-type]  # the part that is used
            layout=Layout(root, 2),
            causes=Causes("COMP", self.clock),
            clock=self.clock,
            do=self._do,
            post=self._take,
        )
        self.wish: Computer | None = None
        self.known: list[Report] = []

    @staticmethod
    def _do(work: Callable[[], None]) -> None:
        work()

    def _take(self, news: News) -> None:
        if isinstance(news, Fetched):
            self.wish = self.mail.take_answer(news) or self.wish
        elif isinstance(news, Sent) and self.mail.take_receipt(news):
            self.known.append(news.report)

    def turn(self, seconds: float = 0.0) -> list[str]:
        """Let time pass and do what is due; the calls that were made."""
        self.master.calls.clear()
        self.clock.advance(seconds)
        self.mail.ask_if_due()
        self.mail.send_due()
        return list(self.master.calls)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def report(told: Told = Told.STARTED) -> Report:
    return Report(told, "slappart0", Cause("ok", "well"), "5")


def test_the_computer_is_announced_once_and_then_asked_about(desk: Desk) -> None:
    assert desk.turn() == ["format 2", "fetch"]
    assert desk.turn(4.9) == []
    assert desk.turn(0.2) == ["fetch"]
    assert desk.mail.contact.cause.code == "ok"
    assert desk.mail.contact.last_contact == desk.clock.time()


def test_a_message_makes_it_ask_at_once(desk: Desk) -> None:
    desk.turn()
    desk.mail.wake()
    assert desk.turn() == ["fetch"]
    assert desk.turn() == []


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (
            MasterUnreachable("no", hint="look at the clocks"),
            "look at the clocks. Services go on running meanwhile.",
        ),
        (
            NotFoundError("no", hint="See the list."),
            "See the list. Services go on running meanwhile.",
        ),
        (
            SlapError("the master does not know this token", status=401, hint="the file 'token'"),
            (
                "where this computer joined with a one-time token, let it join again: `pelagos "
                "computer add COMP --again` at the plane (without --again where it was removed), "
                "then `pelagos node run TOKEN` here. "
                "Services go on running meanwhile."
            ),
        ),
    ],
)
def test_what_to_do_about_a_master_is_said_in_sentences(
    desk: Desk, error: SlapError, hint: str
) -> None:
    desk.turn()
    desk.master.error = error
    desk.turn(5.0)
    assert desk.mail.contact.cause.hint == hint


def test_a_silent_master_is_asked_ever_more_seldom_and_the_wish_kept(desk: Desk) -> None:
    desk.turn()
    desk.master.error = MasterUnreachable("nobody answers")
    assert desk.turn(5.0) == ["fetch"]
    cause = desk.mail.contact.cause
    assert cause.code == "master-unreachable" and "nobody answers" in cause.message
    waits = []
    for _ in range(9):
        due = desk.mail.due
        assert due is not None
        waits.append(round(due - desk.clock.monotonic(), 3))
        assert desk.turn(waits[-1] + 0.001) == ["fetch"]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert desk.mail.contact.cause.since == cause.since
    assert desk.wish is not None
    desk.master.error = None
    desk.turn(31.0)
    assert desk.mail.contact.cause.code == "ok"


def test_an_answer_that_cannot_be_read_changes_nothing(desk: Desk) -> None:
    desk.turn()
    desk.master.error = MarshalError("entities")
    desk.turn(5.0)
    assert desk.wish == Computer("COMP", (WISH,))


def test_a_master_that_forgot_the_computer_is_told_again(desk: Desk) -> None:
    desk.turn()
    desk.master.error = NotFoundError("no such computer", status=404)
    desk.turn(5.0)
    desk.master.error = None
    assert desk.turn(1.0) == ["format 2", "fetch"]


def test_a_report_goes_out_until_the_master_has_taken_it(desk: Desk) -> None:
    desk.turn()
    desk.master.error = MasterUnreachable("nobody answers")
    desk.mail.outbox.put(report())
    assert desk.turn() == ["COMP slappart0 started ok"]
    assert desk.known == []
    desk.master.error = None
    assert desk.turn(0.4) == []
    assert desk.turn(0.2) == ["COMP slappart0 started ok"]
    assert desk.known == [report()]
    desk.mail.outbox.put(report())
    assert desk.turn(0.5) == []


def test_when_the_master_is_back_reports_go_out_at_once(desk: Desk) -> None:
    desk.turn()
    desk.master.error = MasterUnreachable("nobody answers")
    desk.mail.outbox.put(report())
    for _ in range(8):
        desk.turn(31.0)
    desk.master.error = None
    assert "COMP slappart0 started ok" in desk.turn(31.0)


def test_a_report_on_what_the_master_does_not_know_is_dropped(desk: Desk) -> None:
    desk.turn()
    desk.master.error = NotFoundError("no such partition", status=404)
    desk.mail.outbox.put(report())
    desk.turn()
    assert len(desk.mail.outbox) == 0


def test_a_report_that_the_master_lost_is_told_again_after_a_while(desk: Desk) -> None:
    desk.turn()
    desk.mail.outbox.put(report())
    desk.turn()
    lost = replace(WISH, access_status="#error while instanciating: x")
    desk.mail.tell_again_if_lost(lost, desk.clock.monotonic())
    assert desk.turn() == []
    desk.mail.tell_again_if_lost(lost, desk.clock.monotonic() + 31.0)
    assert desk.turn() == ["COMP slappart0 started ok"]
    for other in ("#access Instance correctly started", None):
        desk.mail.tell_again_if_lost(
            replace(WISH, access_status=other), desk.clock.monotonic() + 99.0
        )
    newer = replace(lost, timestamp=6)
    desk.mail.tell_again_if_lost(newer, desk.clock.monotonic() + 99.0)
    assert desk.turn() == []


def release_report() -> Report:
    return Report(Told.RELEASE_ERROR, "/r", Cause("buildout-failed", "no such part"))


def supplied(
    state: SupplyState = SupplyState.AVAILABLE, unheard_since: int | None = None
) -> Computer:
    return Computer("COMP", (WISH,), (Release("/r", "COMP", state, unheard_since),))


def tell(desk: Desk) -> list[str]:
    desk.mail.outbox.put(release_report())
    return desk.turn()


def test_what_was_told_of_a_release_is_told_again_when_its_supply_has_changed(desk: Desk) -> None:
    desk.turn()
    said = "COMP /r error buildout-failed"
    assert tell(desk) == [said] and tell(desk) == []
    gone = supplied(SupplyState.DESTROYED)
    assert desk.mail.take_renewals(supplied(), supplied()) == frozenset()
    assert tell(desk) == []
    assert desk.mail.take_renewals(supplied(), gone) == {"/r"}
    assert tell(desk) == [said]
    assert desk.mail.take_renewals(gone, Computer("COMP", (WISH,))) == {"/r"}
    assert tell(desk) == [said]


def test_a_supply_renewed_between_two_answers_is_seen_by_its_time(desk: Desk) -> None:
    desk.turn()
    first, again = supplied(unheard_since=7), supplied(unheard_since=8)
    assert desk.mail.take_renewals(None, first) == {"/r"}
    assert tell(desk)
    assert desk.mail.take_renewals(first, first) == frozenset()  # an answer from before the report
    assert desk.mail.take_renewals(first, supplied()) == frozenset()
    assert tell(desk) == []
    assert desk.mail.take_renewals(supplied(), again) == {"/r"}
    assert tell(desk) == ["COMP /r error buildout-failed"]


@pytest.mark.parametrize("error", [ValueError("no int"), RecursionError("too deep")])
def test_a_defect_ends_a_question_and_a_report_too(
    desk: Desk, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    desk.turn()
    desk.master.error = error
    desk.mail.wake()
    desk.mail.outbox.put(release_report())
    assert len(desk.turn()) == 2
    assert not desk.mail.contact.is_asking
    assert type(error).__name__ in desk.mail.contact.cause.message
    assert len(desk.turn(100.0)) == 2, "neither is tried again"
    assert caplog.text.count("a defect of the agent") == 1
    desk.master.error = None
    desk.turn(100.0)
    assert desk.known and desk.mail.contact.cause.code == "ok"
