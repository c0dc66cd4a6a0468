"""The pool of LDAP sessions: which are lent again, and to how many."""

from __future__ import annotations

import threading
import time

import pytest

from pelagos.directory.backends.ldap.line import LineError
from pelagos.directory.backends.ldap.pool import Pool
from pelagos.directory.errors import SourceError


class Session:
    """Nothing but whether it was ended."""

    def __init__(self) -> None:
        self.used = time.monotonic()
        self.is_closed = False

    def is_alive(self) -> bool:
        return not self.is_closed

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize(
    ("error", "is_kept"),
    [(SourceError("refused"), True), (LineError("broke"), False), (ValueError("odd"), False)],
)
def test_only_a_session_in_a_known_state_is_lent_again(error: Exception, is_kept: bool) -> None:
    pool = Pool(Session, size=1, patience=1)
    asked: list[Session] = []

    def fail(session: Session) -> None:
        asked.append(session)
        raise error

    with pytest.raises(type(error)):
        pool.ask(fail)
    assert asked[0].is_closed is not is_kept
    assert pool.ask(lambda session: session is asked[0]) is is_kept
    pool.close()


def test_who_waits_for_a_session_in_vain_is_late_and_the_others_go_on() -> None:
    pool, lent, release = (
        Pool(Session, size=1, patience=0.05),
        threading.Event(),
        threading.Event(),
    )

    def hang(_session: Session) -> None:
        lent.set()
        release.wait(30)

    hung = threading.Thread(target=pool.ask, args=(hang,))
    hung.start()
    assert lent.wait(30)
    with pytest.raises(LineError, match="all 1 connections") as caught:
        pool.ask(lambda _session: None)
    assert caught.value.is_late
    release.set()
    hung.join(30)
    assert pool.ask(lambda session: session.is_closed) is False
    pool.close()


def test_what_comes_back_after_the_end_is_ended() -> None:
    pool = Pool(Session, size=2, patience=1)

    def end(session: Session) -> Session:
        pool.close()
        return session

    assert pool.ask(end).is_closed
