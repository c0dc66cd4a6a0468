from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.slap import documents, marshal
from pelagos.slap.documents import (
    decode_computer,
    decode_instance,
    decode_partition,
    encode_computer,
    encode_instance,
    encode_partition,
)
from pelagos.slap.errors import MarshalError
from pelagos.slap.marshal import MarshalObject
from pelagos.slap.model import (
    Address,
    Computer,
    Instance,
    InstanceState,
    Partition,
    Release,
    SupplyState,
)
from support.slap_samples import Sample, document, sample, samples

RELEASE = "/srv/slapos_demo/sr/software.cfg"
CODECS: dict[str, tuple[Any, Any]] = {
    "Computer": (decode_computer, encode_computer),
    "ComputerPartition": (decode_partition, encode_partition),
    "SoftwareInstance": (decode_instance, encode_instance),
}
ANSWERS = [each for each in samples() if each.body.startswith(b"<marshal><object")]

texts = st.text(st.characters(exclude_categories=["C"]), max_size=12)
ids = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
keys = texts.filter(lambda key: key not in documents.RESERVED)
values = texts | st.none() | st.integers() | st.booleans() | st.lists(texts, max_size=2)
mappings = st.dictionaries(keys, values, max_size=4)
addresses = st.lists(st.builds(Address, texts, texts), max_size=2).map(tuple)
shared = st.lists(st.dictionaries(texts, texts, max_size=3), max_size=2).map(tuple)
free = st.builds(
    Partition, ids, ids, instance_guid=st.none() | ids, access_status=st.none() | texts
)
busy = st.builds(
    Partition,
    computer_id=ids,
    partition_id=ids,
    requested_state=st.sampled_from([str(state) for state in InstanceState]),
    release_url=texts,
    instance_guid=ids,
    instance_title=texts,
    root_instance_title=texts,
    software_type=texts,
    parameters=mappings,
    connection=mappings,
    filters=mappings,
    addresses=addresses,
    shared_instances=shared,
    timestamp=st.none() | st.integers(0, 2**60),
    access_status=st.none() | texts,
)
computers = st.builds(
    Computer,
    ids,
    st.lists(free | busy, max_size=4).map(tuple),
    st.lists(
        st.builds(
            Release, texts, ids, st.sampled_from(SupplyState), st.none() | st.integers(0, 2**52)
        ),
        max_size=2,
    ).map(tuple),
)
instances = st.builds(
    Instance,
    guid=ids,
    title=texts,
    root_title=texts,
    computer_id=ids,
    partition_id=ids,
    release_url=texts,
    software_type=texts,
    requested_state=st.sampled_from(InstanceState),
    parameters=mappings,
    connection=mappings,
    filters=mappings,
    addresses=addresses,
    shared_instances=shared,
    timestamp=st.integers(0, 2**60),
)


@pytest.mark.parametrize("recorded", ANSWERS, ids=lambda each: each.name)
def test_recorded_answers_survive_our_own_writing(recorded: Sample):
    decode, encode = CODECS[marshal.loads(recorded.body).class_name]
    read = decode(recorded.body)
    assert decode(encode(read)) == read


@given(computers)
def test_a_computer_survives_its_document(computer: Computer):
    written = encode_computer(computer)
    assert decode_computer(written) == computer
    assert (
        marshal.dumps(marshal.loads(written)) == written
    )  # as the real marshaller would write it


@given(free | busy)
def test_a_partition_survives_its_document(partition: Partition):
    written = encode_partition(partition)
    assert decode_partition(written) == partition
    assert marshal.dumps(marshal.loads(written)) == written


@given(instances)
def test_an_instance_survives_its_document(instance: Instance):
    assert decode_instance(encode_instance(instance)) == instance


def test_the_recorded_computer_is_read():
    computer = decode_computer(sample(84).body)
    assert computer.computer_id == "local_computer"
    assert computer.releases == (Release(RELEASE, "local_computer"),)
    first, *rest = computer.partitions
    assert first.parameters == {"greeting": "hello", "port": "8000"}
    assert first.connection["url"] == "http://127.0.0.1:8000/"
    assert first.addresses == (Address("lo", "127.0.0.1"),)
    assert first.timestamp == 1795261484785716
    assert (first.requested_state, first.instance_title) == ("started", "inst1")
    assert not first.is_free
    assert [slot.partition_id for slot in rest] == ["slappart1", "slappart2"]
    assert all(slot.is_free and slot.requested_state == "destroyed" for slot in rest)


def test_a_computer_as_the_production_master_writes_it_is_written_byte_for_byte():
    recorded = document("synthetic_production_style_full.xml")
    computer = decode_computer(recorded)
    assert computer.partitions[0].access_status == "#access Instance correctly started"
    assert computer.partitions[0].filters == {"computer_guid": "COMP-1"}
    assert computer.partitions[0].shared_instances[0]["slave_reference"] == "SOFTINST-2"
    assert computer.releases[1].requested_state is SupplyState.DESTROYED
    ours = marshal.loads(encode_computer(computer))
    theirs = marshal.loads(recorded)
    gateways = theirs.attributes["_computer_partition_list"][0].attributes["_parameter_dict"]
    gateways["full_ip_list"] = []  # the addresses of a tap interface, which we do not have
    assert ours == theirs


def test_an_instance_as_the_production_master_writes_it_is_written_byte_for_byte():
    recorded = document("synthetic_production_style_request_answer.xml")
    assert encode_instance(decode_instance(recorded)) == recorded


def test_a_computer_without_partitions_is_the_smallest_document():
    assert encode_computer(Computer("local_computer")) == (
        b'<marshal><object id="i2" module="slapos.slap.slap" class="Computer"><tuple>'
        b'<string>local_computer</string></tuple><dictionary id="i3"><string>_computer_id</string>'
        b"<string>local_computer</string><string>_computer_partition_list</string>"
        b'<list id="i4"/><string>_software_release_list</string><list id="i5"/></dictionary>'
        b"</object></marshal>"
    )


def test_the_proxys_answer_for_a_shared_instance_lacks_state_and_guid():
    instance = decode_instance(sample(124).body)
    assert (instance.guid, instance.requested_state) == ("", InstanceState.STARTED)
    assert instance.parameters == {"domain": "a.example"}


def test_the_proxys_timestamp_is_not_a_parameter():
    instance = decode_instance(sample(17).body)
    assert instance.parameters == {"greeting": "hello", "port": "8000"}
    assert instance.timestamp == 1795261484785716


def test_a_host_sees_its_shared_instances():
    host = decode_partition(sample(130).body)
    assert [each["slave_reference"] for each in host.shared_instances] == [
        "_sl1",
        "_sl2",
        "inst1_sl3",
        "_sl4",
    ]


def test_reserved_names_win_over_parameters():
    slot = Partition(
        "C",
        "p0",
        "started",
        "u",
        instance_title="web",
        parameters={"instance_title": "mine", "full_address_list": "x", "port": "1"},
        addresses=(Address("lo", "::1"),),
        timestamp=5,
    )
    read = decode_partition(encode_partition(slot))
    assert read.parameters == {"port": "1"}
    assert read.instance_title == "web"
    merged = documents.merge_parameters(slot)
    assert merged["instance_title"] == "web"
    assert merged["ip_list"] == [("lo", "::1")]
    sent = marshal.loads(encode_partition(slot)).attributes["_parameter_dict"]
    assert sent == merged


def partition_with(**attributes: Any) -> bytes:
    named = {"_computer_id": "C", "_partition_id": "p0", **attributes}
    return marshal.dumps(MarshalObject("ComputerPartition", ("C", "p0", None), named))


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"_requested_state": 5}, "_requested_state is of the type int, not str"),
        ({"_connection_dict": []}, "_connection_dict is of the type list, not dict"),
        ({"_software_release_document": "u"}, "holds a str where a SoftwareRelease belongs"),
        ({"_parameter_dict": {"ip_list": ["x"]}}, "ip_list holds"),
        ({"_parameter_dict": {"slave_instance_list": [1]}}, "slave_instance_list"),
        ({"_parameter_dict": {"timestamp": "soon"}}, "timestamp is 'soon'"),
        ({"_parameter_dict": {"timestamp": "1e999999999"}}, "timestamp is '1e999999999'"),
        ({"_parameter_dict": {"timestamp": True}}, "timestamp is 'True'"),
        ({"_parameter_dict": {"timestamp": float("inf")}}, "timestamp is 'inf'"),
    ],
)
def test_attributes_of_another_kind_are_refused(attributes: dict[str, Any], why: str):
    with pytest.raises(MarshalError) as caught:
        decode_partition(partition_with(**attributes))
    assert why in str(caught.value)


def test_an_answer_of_another_class_is_refused():
    with pytest.raises(MarshalError, match="a ComputerPartition where a Computer belongs"):
        decode_computer(partition_with())
    with pytest.raises(MarshalError, match="a str where a SoftwareInstance belongs"):
        decode_instance(marshal.dumps("None"))


def test_states_that_slap_does_not_know_are_refused_in_an_answer():
    flying = MarshalObject("SoftwareInstance", (), {"_requested_state": "flying"})
    with pytest.raises(MarshalError, match="'flying'"):
        decode_instance(marshal.dumps(flying))
