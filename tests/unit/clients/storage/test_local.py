"""The caller's files as places of bytes, and work on many pieces at once."""

import gzip
import io
import os
import threading

import pytest

from pelagos.clients.errors import ClientError
from pelagos.clients.storage.fields import as_written, filter_in, filter_out, metadata
from pelagos.clients.storage.local import Sink, Source
from pelagos.clients.storage.progress import Progress
from pelagos.clients.storage.transfer import as_done, in_order


def test_what_only_looks_like_a_file_is_read_as_it_looks(tmp_path):
    place = tmp_path / "f.gz"
    with gzip.open(place, "wb") as file:
        file.write(b"0123456789" * 100)
    with gzip.open(place, "rb") as file, Source.of(file) as source:
        assert source.size == 1000
        assert source.read(995, 5) == b"56789"


def test_a_file_that_became_shorter_is_told(tmp_path):
    place = tmp_path / "f"
    place.write_bytes(b"0123456789")
    with place.open("rb") as file, Source.of(file) as source:
        os.truncate(place, 3)
        with pytest.raises(ClientError, match="shorter"):
            source.read(0, 10)


def test_a_part_is_a_file_of_its_own():
    with Source.of(b"0123456789") as source:
        part = source.part(2, 5)
        assert part.read(3) + part.read() + part.read() == b"23456"
        part.seek(-2, os.SEEK_END)
        assert part.read(100) == b"56"
        part.seek(0)
        assert part.read() == b"23456"


def test_a_sink_writes_from_where_the_file_stands(tmp_path):
    place = tmp_path / "f"
    place.write_bytes(b"head....tail")
    with place.open("rb+") as file:
        file.seek(4)
        sink = Sink(file)
        assert sink.size == 8
        sink.write(2, b"cd")
        sink.write(0, b"ab")
        sink.cut(4)
        assert file.tell() == 8
    assert place.read_bytes() == b"headabcd"


def test_a_file_that_cannot_be_read_has_nothing_to_resume(tmp_path):
    with (tmp_path / "f").open("wb") as file:
        file.write(b"unread")
        file.seek(0)
        assert Sink(file).size == 0


def test_text_is_refused():
    with pytest.raises(ClientError, match="open as text"):
        Sink(io.StringIO())


@pytest.mark.parametrize("run", [as_done, in_order])
def test_the_first_error_ends_the_work_and_no_thread_is_left(run):
    begun = []

    def work(job):
        begun.append(job)
        if job == 3:
            raise ValueError(job)
        return job

    before = threading.active_count()
    with pytest.raises(ValueError, match="3"):
        list(run(work, range(1000), 2))
    assert len(begun) < 20
    assert threading.active_count() <= before


@pytest.mark.parametrize("run", [as_done, in_order])
def test_at_most_so_many_results_exist(run):
    lock, now, most = threading.Lock(), 0, 0

    class Held:
        def __init__(self):
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)

        def __del__(self):
            nonlocal now
            with lock:
                now -= 1

    for _, result in run(lambda _: Held(), range(100), 3):
        del result
    assert most <= 4  # the consumer's own, too


def test_progress_of_nothing_is_told():
    told = []
    Progress(lambda total: iter([told.append(total)]), 0).advance(0)
    assert told == [0]


def test_fields_of_people_go_both_ways():
    sent = metadata("X-Object-Meta-", {"ä-B": "5 % ; ü"}, is_quoted=True)
    assert all(name.isascii() and value.isascii() for name, value in sent.items())
    assert as_written(sent, is_quoted=True) == {"x-object-meta-ä-b": "5 % ; ü"}
    with pytest.raises(ClientError):
        metadata("X-", {"": "x"}, is_quoted=True)


def test_filters_look_without_regard_to_case():
    pairs = {"X-A-b": 1, "x-a": 2, "y": 3}
    assert filter_in(pairs, "x-a") == {"X-A-b": 1, "x-a": 2}
    assert filter_in(pairs, "X-A", exactMatch=True) == {"x-a": 2}
    assert filter_out(pairs, "X-A") == {"y": 3}
