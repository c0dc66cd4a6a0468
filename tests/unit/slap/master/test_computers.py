"""Announcements, snapshots and signs of life."""

from __future__ import annotations

import gzip

import pytest

from pelagos.slap import master, protocol
from pelagos.slap.errors import NotFoundError
from pelagos.slap.model import Computer, SupplyState
from support.slap_site import ADMIN, COMPUTER, URL, Site, announcement

AGENT = master.computer(COMPUTER)


def fetched(site: Site) -> Computer:
    return protocol.decode_computer(site.service.full_computer(COMPUTER).body)


def test_free_partitions_are_listed_as_destroyed_without_a_release(site: Site):
    for partition in fetched(site).partitions:
        assert partition.is_free
        assert partition.requested_state == "destroyed"


def test_an_instance_is_told_whole(site: Site):
    site.request("root", parameters={"a": "é <&>"}, filters={"retention_delay": "7"})
    partition = fetched(site).partitions[0]
    assert partition.release_url == URL
    assert partition.parameters == {"a": "é <&>"}
    assert partition.filters == {"retention_delay": "7"}
    assert (partition.instance_title, partition.root_instance_title) == ("root", "root")
    assert partition.addresses[0].address == "127.0.0.1"
    assert isinstance(partition.timestamp, int)


def test_a_withdrawn_release_stays_listed_until_it_is_gone(site: Site):
    site.supply(state="destroyed")
    (release,) = fetched(site).releases
    assert release.requested_state is SupplyState.DESTROYED


def test_the_same_revision_is_made_once(site: Site):
    first = site.service.full_computer(COMPUTER)
    assert site.service.full_computer(COMPUTER) is first
    site.request()
    second = site.service.full_computer(COMPUTER)
    assert second.etag != first.etag
    assert second.revision > first.revision


def test_the_compressed_answer_is_the_same(site: Site):
    site.request(parameters={"text": "x" * 3000})
    snapshot = site.service.full_computer(COMPUTER)
    assert snapshot.compressed is not None
    assert gzip.decompress(snapshot.compressed) == snapshot.body


def test_what_is_kept_in_memory_stays_below_its_limit(tmp_path):
    site = Site(tmp_path, settings=master.MasterSettings(snapshot_bytes=3000))
    for number in range(5):
        site.add_computer(f"COMP-{number}", 2)
        site.service.full_computer(f"COMP-{number}")
    assert len(site.service._snapshots) < 5
    assert site.service._snapshot_bytes <= 3000
    site.close()


def test_an_unknown_computer_is_not_found(site: Site):
    with pytest.raises(NotFoundError):
        site.service.full_computer("COMP-9")
    with pytest.raises(NotFoundError):
        site.service.format_computer(announcement(1, "COMP-9"), master.computer("COMP-9"))


def test_a_person_may_announce_a_computer_that_is_not_known_yet(bare: Site):
    bare.service.format_computer(announcement(2, "COMP-9"), ADMIN)
    assert bare.service.computer("COMP-9").free_count == 2


def test_the_same_announcement_again_changes_nothing(site: Site):
    before = site.kinds(), site.service.full_computer(COMPUTER)
    site.service.format_computer(announcement(3), AGENT)
    assert (site.kinds(), site.service.full_computer(COMPUTER)) == before


def test_fewer_partitions_take_nothing_from_an_instance(site: Site):
    site.request("a")
    last = site.request("b")
    site.service.format_computer(announcement(1), AGENT)
    names = [partition.partition_id for partition in fetched(site).partitions]
    assert names == ["slappart0", "slappart1"]
    assert site.service.service("b").partition_id == last.partition_id
    assert site.refusal("c").code == "no-partition-free"
    site.set_state("b", "destroyed")
    site.report(last, "destroyed")
    assert len(fetched(site).partitions) == 1
    site.service.format_computer(announcement(3), AGENT)
    assert len(fetched(site).partitions) == 3


def test_a_computer_is_never_seen_then_there_then_silent(bare: Site):
    bare.service.register_computer(COMPUTER)
    assert bare.service.computer(COMPUTER).cause.code == "never-seen"
    bare.service.seen(COMPUTER)
    assert bare.service.computer(COMPUTER).cause.code == "ok"
    bare.clock.advance(61)
    status = bare.service.computer(COMPUTER)
    assert status.cause.code == "computer-silent"
    assert status.cause.since == status.last_seen


def test_signs_of_life_are_written_rarely_and_shown_at_once(site: Site):
    for _ in range(6):
        site.clock.advance(3)
        site.service.seen(COMPUTER)
    assert site.service.computer(COMPUTER).last_seen == site.clock.time()
    with site.master._store.read() as reader:
        stored = reader.computer(COMPUTER)
    assert stored is not None and stored.last_seen is not None
    assert 0 < site.clock.time() - stored.last_seen <= 10


def test_the_clock_set_back_does_not_make_a_computer_silent_for_ever(site: Site):
    site.service.seen(COMPUTER)
    site.clock.jump(-86_400)
    site.service.seen(COMPUTER)
    site.clock.advance(61)
    assert site.service.computer(COMPUTER).cause.code == "computer-silent"
    site.service.seen(COMPUTER)
    assert site.service.computer(COMPUTER).cause.code == "ok"


def test_a_usage_report_is_kept_as_it_came(site: Site):
    site.service.use_computer(COMPUTER, "<journal/>", AGENT)
    with pytest.raises(NotFoundError):
        site.service.use_computer("COMP-9", "<journal/>", AGENT)
