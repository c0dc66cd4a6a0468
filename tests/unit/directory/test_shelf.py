"""A list kept in memory answers as one that is read anew, whatever happened to it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pelagos.directory.backends.shelf import ID, Columns, Shelf
from pelagos.directory.errors import DuplicateError, StoreError
from pelagos.directory.folding import fold
from pelagos.directory.former import listening
from pelagos.directory.store import Changes, Contact, ContactList, DirectoryStore, NewContact
from pelagos.directory.store import lists as lists_module

COLUMNS = Columns(("name", "city"), ("number",))
NAMES = ("Zoë", "zoe", "Ada", "Bob", "x\x00y", "空", "")
NUMBERS = ("1", "2", "3", "")

STEP = st.tuples(
    st.sampled_from(["add", "add", "replace", "remove", "many", "clear"]),
    st.sampled_from(NAMES),
    st.sampled_from(NUMBERS),
    st.integers(0, 30),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DirectoryStore]:
    with DirectoryStore(f"sqlite:///{tmp_path / 'directory.db'}") as store:
        yield store


def apply(contacts: ContactList, step: tuple[str, str, str, int]) -> None:
    what, name, number, place = step
    new = NewContact.of({"name": name, "number": number, "place": str(place)})
    there = contacts.all()
    one = there[place % len(there)].uuid if there else None
    try:
        if what == "add":
            contacts.add(new)
        elif what == "many":
            contacts.add_many(
                [NewContact.of({"name": name, "city": str(n)}) for n in range(place)]
            )
        elif what == "clear" and place < 3:
            contacts.clear()
        elif what == "replace" and one is not None:
            contacts.replace(one, new)
        elif what == "remove" and one is not None:
            contacts.remove(one)
    except DuplicateError:
        pass


def same(shelf: Shelf, contacts: list[Contact]) -> None:
    for term in ("", "zoe", "b", "空", "1"):
        wanted = {
            c.uuid
            for c in contacts
            if any(fold(term) in fold(c.attributes.get(k, "")) for k in COLUMNS.searched)
        }
        found = [row[ID] for row in shelf.search(term)]
        assert set(found) == wanted and len(found) == len(wanted)
    for number in NUMBERS:
        having = {c.uuid for c in contacts if number and c.attributes.get("number") == number}
        match = shelf.first_match(number)
        assert (match is None) == (not having) and (match is None or match[ID] in having)
        assert set(shelf.match_all([number])) == ({number} if having else set())
    ids = {c.uuid for c in contacts}
    assert {row[ID] for row in shelf.list([*ids, "nobody"])} == ids
    assert {row[ID] for row in shelf.all()} == ids


@pytest.mark.usefixtures("patient_shelves")
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(STEP, max_size=9), st.sampled_from([0, 3, 200]), st.sampled_from([2, 5000]))
def test_it_answers_as_the_list_is(
    store: DirectoryStore, steps: list[tuple[str, str, str, int]], few: int, remembered: int
) -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr("pelagos.directory.backends.shelf._FEW", few)
    patch.setattr(lists_module, "REMEMBERED", remembered)
    try:
        contacts = store.personal("ada")
        contacts.clear()
        always, seldom = Shelf(contacts, COLUMNS), Shelf(contacts, COLUMNS)
        same(always, [])
        for place, step in enumerate(steps):
            apply(contacts, step)
            same(always, contacts.all())
            assert len(list(always.all())) == len(contacts.all())
            if place % 4 == 3:
                same(seldom, contacts.all())
        store.forget_person("ada")
        same(always, [])
    finally:
        patch.undo()


@pytest.mark.usefixtures("patient_shelves")
def test_many_may_ask_while_others_write(store: DirectoryStore) -> None:
    contacts = store.personal("ada")
    kept = contacts.add(NewContact.of({"name": "kept", "number": "7"})).uuid
    shelf, wrong, ends = Shelf(contacts, COLUMNS), [], threading.Event()

    def ask() -> None:
        try:
            while not ends.is_set():
                match = shelf.first_match("7")
                if [r[ID] for r in shelf.search("kept")] != [kept] or not match:
                    wrong.append(match)
        except Exception as error:  # noqa: BLE001  # a thread's error would be lost
            wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    chance = random.Random(1)
    for number in range(60):
        apply(contacts, ("add", chance.choice(NAMES), "", number))
    ends.set()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    same(shelf, contacts.all())


def test_while_a_list_is_read_answers_are_from_before_and_say_so(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts = store.personal("ada")
    contacts.add(NewContact.of({"name": "before"}))
    shelf, may_read = Shelf(contacts, COLUMNS), threading.Event()
    shelf.warm()
    changes = ContactList.changes

    def slowly(self: ContactList, *since: int) -> Changes:
        assert may_read.wait(60)
        return changes(self, *since)

    monkeypatch.setattr(ContactList, "changes", slowly)
    contacts.add_many([NewContact.of({"name": f"after {n}"}) for n in range(300)])
    with listening() as heard:
        assert [row["name"] for row in shelf.search("")] == ["before"]
    assert len(heard) == 1
    may_read.set()
    reading = shelf._reading
    assert reading is not None and reading.result(60)
    with listening() as heard:
        assert len(shelf.search("")) == 301
    assert heard == []


def test_a_list_that_cannot_be_read_is_an_error_and_then_read_again(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts = store.personal("ada")
    shelf = Shelf(contacts, COLUMNS)
    contacts.add(NewContact.of({"name": "kept"}))

    def away(_self: ContactList, *_since: int) -> Changes:
        raise StoreError(["the database is away"])

    with monkeypatch.context() as patch:
        patch.setattr(ContactList, "changes", away)
        with pytest.raises(StoreError):
            shelf.search("")
    assert [row["name"] for row in shelf.search("")] == ["kept"]


@pytest.mark.usefixtures("patient_shelves")
def test_those_who_ask_at_once_look_at_the_list_together(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts = store.personal("ada")
    shelf = Shelf(contacts, COLUMNS)
    shelf.warm()
    state, may_look = ContactList.state, threading.Event()
    waiting: list[float] = []
    looks: list[int] = []

    class Door:
        """A lock that tells who waits for it."""

        def __init__(self) -> None:
            self._lock = threading.Lock()
            self.release = self._lock.release

        def acquire(self, timeout: float) -> bool:
            waiting.append(timeout)
            return self._lock.acquire(timeout=timeout)

    def seldom(self: ContactList) -> tuple[int, int]:
        looks.append(1)
        assert may_look.wait(60)
        return state(self)

    monkeypatch.setattr(ContactList, "state", seldom)
    monkeypatch.setattr(shelf, "_looking", Door())
    ends = threading.Event()
    asking = [threading.Thread(target=shelf.search, args=("x",)) for _ in range(20)]
    for thread in asking:
        thread.start()
    while len(waiting) < len(asking) and not ends.wait(0.001):
        pass
    may_look.set()
    for thread in asking:
        thread.join(60)
    assert len(looks) == 2  # the first one's, and one for all who asked while it was looking
