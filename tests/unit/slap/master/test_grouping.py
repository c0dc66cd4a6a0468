"""Changes that share a commit: each durable when it returns, each undone alone."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from pelagos.slap.master.errors import Conflict, StoreError
from pelagos.slap.master.store import Store
from support.slap_site import Site


@pytest.fixture
def commits(bare: Site) -> list[int]:
    """Grows with each commit of the site's database."""
    seen: list[int] = []
    sa.event.listen(bare.master._store._engine, "commit", lambda _: seen.append(1))
    return seen


def together(store: Store, names: list[str], fail: Any = None) -> list[Any]:
    """Put people while another change holds the turn, so that all of them wait for it."""
    holding, told = threading.Event(), threading.Event()

    def hold() -> None:
        with store.change() as writer:
            holding.set()
            told.wait(60)
            writer.put_person("first", "operator", 1.0)

    def put(name: str) -> Any:
        try:
            with store.change() as writer:
                writer.put_person(name, "operator", 1.0)
                if fail is not None:
                    fail(name, writer)
        except (StoreError, Conflict, ValueError) as error:
            return error
        with store.read() as reader:  # on another connection: it must be committed by now
            return reader.person(name) is not None

    with ThreadPoolExecutor(len(names) + 1) as threads:
        holder = threads.submit(hold)
        holding.wait(60)
        done = [threads.submit(put, name) for name in names]
        while store._groups._waiting < len(names):
            pass
        told.set()
        holder.result()
        return [one.result() for one in done]


def test_those_who_wait_share_a_commit_and_return_when_it_is_done(bare: Site, commits: list[int]):
    names = [f"p{number}" for number in range(10)]
    assert together(bare.master._store, names) == [True] * 10
    assert len(commits) <= 1 + 10 + 1  # one for all changes, one for each read


def test_who_fails_is_undone_alone(bare: Site):
    def fail(name: str, writer: Any) -> None:
        if name == "p3":
            raise ValueError(name)
        if name == "p5":
            writer.add_computer("same", 1.0)
            writer.add_computer("same", 1.0)

    names = [f"p{number}" for number in range(10)]
    found = together(bare.master._store, names, fail)
    assert isinstance(found[3], ValueError)
    assert isinstance(found[5], Conflict)
    assert [one for one in found if one is True] == [True] * 8
    with bare.master._store.read() as reader:
        assert reader.person("p3") is None
        assert reader.person("p5") is None
        assert reader.computer("same") is None


def test_a_commit_that_fails_fails_for_all_of_it(bare: Site, monkeypatch: pytest.MonkeyPatch):
    store = bare.master._store

    def refuse(_: Any) -> None:
        raise StoreError("no commit today", status=500)

    monkeypatch.setattr(store._groups, "_commit", refuse)
    holding = threading.Event()
    errors: list[str] = []

    def put(name: str) -> None:
        try:
            with store.change() as writer:
                holding.wait(60)
                writer.put_person(name, "operator", 1.0)
        except StoreError as error:
            errors.append(error.message)

    threads = [threading.Thread(target=put, args=(f"p{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    while store._groups._waiting < 3:
        time.sleep(0.005)
    holding.set()
    for thread in threads:
        thread.join(60)
    assert errors == ["no commit today"] * 4
    monkeypatch.undo()
    with store.read() as reader:
        assert [reader.person(f"p{number}") for number in range(4)] == [None] * 4
    bare.service.create_person("after")
