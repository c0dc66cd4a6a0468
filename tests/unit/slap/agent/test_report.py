"""Reports wait until the master has taken them, and are not repeated."""

from __future__ import annotations

import pytest

from pelagos.core.backoff import Backoff
from pelagos.slap.agent.report import Outbox, Report, Told, is_refused_for_good
from pelagos.slap.errors import (
    AuthenticationError,
    BadRequest,
    MasterUnreachable,
    NotFoundError,
    ServerError,
)
from pelagos.slap.model import Cause


def report(told: Told = Told.STARTED, message: str = "well", wish: str = "1") -> Report:
    return Report(told, "slappart0", Cause("ok", message), wish)


@pytest.fixture
def outbox() -> Outbox:
    return Outbox(Backoff(first=1.0, factor=2.0, limit=10.0))


def send_all(outbox: Outbox, now: float) -> list[Report]:
    return list(outbox.take_due(now))


def test_what_the_master_knows_is_not_said_again(outbox: Outbox) -> None:
    assert outbox.put(report())
    assert send_all(outbox, 0.0) == [report()]
    outbox.delivered(report())
    assert not outbox.put(report())
    assert outbox.put(report(Told.ERROR, "ill"))
    outbox.forget("slappart0")
    assert len(outbox) == 1


def test_only_the_newest_report_of_a_subject_is_sent(outbox: Outbox) -> None:
    outbox.put(report())
    outbox.put(report(Told.ERROR, "ill"))
    assert [r.told for r in send_all(outbox, 0.0)] == [Told.ERROR]


def test_a_report_that_fails_is_sent_again_later_and_never_lost(outbox: Outbox) -> None:
    outbox.put(report())
    now = 0.0
    for wait in (1.0, 2.0, 4.0, 8.0, 10.0, 10.0):
        assert send_all(outbox, now) == [report()]
        assert send_all(outbox, now) == []  # on its way
        outbox.failed(report(), now)
        assert outbox.due == now + wait
        assert send_all(outbox, now + wait - 0.1) == []
        now += wait
    outbox.hurry()
    assert send_all(outbox, now - 5.0) == [report()]


def test_news_that_comes_while_a_report_is_on_its_way_is_sent_after_it(outbox: Outbox) -> None:
    outbox.put(report())
    assert send_all(outbox, 0.0) == [report()]
    later = report(Told.ERROR, "ill")
    outbox.put(later)
    assert send_all(outbox, 0.0) == []
    outbox.delivered(report())
    assert send_all(outbox, 0.0) == [later]
    outbox.dropped(later)
    assert "slappart0" not in outbox


def test_what_an_earlier_agent_told_is_not_said_again(outbox: Outbox) -> None:
    outbox.assume_known(report(message="as an earlier agent put it"))
    assert outbox.put(report()) is True
    outbox.delivered(report())
    outbox.assume_known(report(Told.ERROR))
    assert outbox.delivered_about("slappart0") == report()


def test_only_what_cannot_help_is_given_up() -> None:
    assert is_refused_for_good(NotFoundError("gone"))
    assert is_refused_for_good(BadRequest("what"))
    for error in (MasterUnreachable("x"), ServerError("x"), AuthenticationError("x")):
        assert not is_refused_for_good(error)
