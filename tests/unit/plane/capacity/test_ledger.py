"""The book of machines: whole on the disk, or not changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pelagos.core.errors import PelagosError
from pelagos.plane.capacity.ledger import Book, Kept, Ledger, Phase, Record, prefix_of
from pelagos.slap.model import Cause

ONE = Kept("m-1", "north", Phase.MAKING, 5.0, 4.0, trouble=Cause("x", "y"), addresses=("1",))


def test_a_book_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "capacity.json"
    ledger = Ledger(file)
    written = ledger.change(
        lambda book: replace(book, count=3).having(ONE).noting("north", Record((1.0,), 2))
    )
    assert Ledger(file).book == written
    assert file.stat().st_mode & 0o777 == 0o600
    assert prefix_of(written, "pelagos", "north") == f"pelagos-north-{written.plane}-"


def test_a_book_that_cannot_be_read_is_not_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "capacity.json"
    file.write_text('{"plane": 5')
    with pytest.raises(PelagosError, match="cannot be read"):
        Ledger(file)
    file.write_text('{"plane": 5}')
    with pytest.raises(PelagosError, match="cannot be read"):
        Ledger(file)


def test_what_cannot_be_written_has_not_happened(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    ledger = Ledger(folder / "capacity.json")
    before = ledger.book
    folder.rmdir()
    with pytest.raises(PelagosError, match="cannot be written"):
        ledger.change(lambda book: book.having(ONE))
    assert ledger.book == before


def test_machines_are_found_replaced_and_taken_out() -> None:
    book = Book("abc").having(ONE).having(replace(ONE, name="m-2", capacity="south"))
    assert [one.name for one in book.of("north")] == ["m-1"]
    later = book.having(replace(ONE, phase=Phase.JOINED))
    assert [one.name for one in later.machines] == ["m-1", "m-2"]
    assert later.machine("m-1").phase is Phase.JOINED  # type: ignore[union-attr]
    assert later.without("m-1").machine("m-1") is None
    assert book.record("none") == Record()
