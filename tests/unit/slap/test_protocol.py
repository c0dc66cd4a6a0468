from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.slap import marshal, protocol
from pelagos.slap.errors import BadRequest, MarshalError
from pelagos.slap.model import (
    Address,
    Cause,
    ComputerFormat,
    InstanceRequest,
    InstanceState,
    InstanceStatus,
    PartitionFormat,
)
from support.slap_samples import sample

RELEASE = "/srv/slapos_demo/sr/software.cfg"

names = st.text(
    st.characters(codec="ascii", categories=["L", "N"], include_characters=" :-_"),
    min_size=1,
    max_size=30,
).filter(lambda text: text.lower() != "none" and text.strip())
values = st.text(st.characters(exclude_categories=["C"])) | st.integers() | st.booleans()
mappings = st.dictionaries(names, values, max_size=4)


def fields(**changes: str) -> dict[str, str]:
    return {**sample(17).fields, **changes}


# ---- requests -----------------------------------------------------------------------------------

RECORDED_REQUESTS = {
    17: InstanceRequest(
        reference="inst1",
        release_url=RELEASE,
        parameters={"greeting": "hello", "port": "8000"},
        filters={"computer_guid": "local_computer"},
    ),
    109: InstanceRequest(
        reference="inst1",
        release_url=RELEASE,
        parameters={"greeting": "hello2", "port": "8000"},
        state=InstanceState.STOPPED,
    ),
    112: InstanceRequest(
        reference="types",
        release_url=RELEASE,
        parameters={
            "b": True,
            "d": {"a": 1},
            "empty": "",
            "f": 1.5,
            "i": 1,
            "l": [1, 2],
            "n": None,
            "u": 'é<&>"',
        },
    ),
    116: InstanceRequest(
        reference="db1",
        release_url=RELEASE,
        software_type="child",
        parameters={"a": "1"},
        requester=("local_computer", "slappart0"),
    ),
    124: InstanceRequest(
        reference="sl1", release_url=RELEASE, parameters={"domain": "a.example"}, shared=True
    ),
}


@pytest.mark.parametrize("number", sorted(RECORDED_REQUESTS))
def test_recorded_requests_are_read_and_written_as_they_were(number: int):
    recorded, request = sample(number), RECORDED_REQUESTS[number]
    assert protocol.decode_request(recorded.fields) == request
    assert protocol.encode_request(request) == recorded.fields
    assert recorded.call == protocol.REQUEST


@given(
    st.builds(
        InstanceRequest,
        reference=names,
        release_url=names,
        software_type=names,
        parameters=mappings,
        filters=mappings,
        shared=st.booleans(),
        state=st.none() | st.sampled_from(InstanceState),
        requester=st.none() | st.tuples(names, names),
    )
)
def test_a_request_survives_its_form(request: InstanceRequest):
    assert protocol.decode_request(protocol.encode_request(request)) == request


def test_a_form_by_hand_needs_only_release_and_reference():
    request = protocol.decode_request({"software_release": "u", "partition_reference": "r"})
    assert request == InstanceRequest(reference="r", release_url="u")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"partition_reference": ""}, "partition_reference is missing"),
        ({"software_release": "None"}, "software_release is missing"),
        ({"partition_reference": "x" * 201}, "201 characters; at most 200"),
        ({"partition_reference": "a\x00b"}, "control character"),
        ({"software_type": "a\nb"}, "software_type has a control character"),
        ({"state": "<marshal><string>flying</string></marshal>"}, "'flying' is not a state"),
        ({"state": '<marshal><list id="i2"/></marshal>'}, "is not a state"),
        ({"shared_xml": "<marshal><string>yes</string></marshal>"}, "not a boolean"),
        ({"computer_id": "COMP-1"}, "belong together"),
    ],
)
def test_what_cannot_be_asked_is_a_bad_request(changes: dict[str, str], why: str):
    with pytest.raises(BadRequest) as caught:
        protocol.decode_request(fields(**changes))
    assert why in str(caught.value)
    assert caught.value.status == 400


@pytest.mark.parametrize("name", ["partition_parameter_xml", "filter_xml", "shared_xml", "state"])
def test_an_unreadable_field_is_named(name: str):
    with pytest.raises(MarshalError, match=f"the field {name}: .*document type") as caught:
        protocol.decode_request(fields(**{name: "<!DOCTYPE x><marshal><none/></marshal>"}))
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "document", ["<marshal><none/></marshal>", marshal.dumps({1: "a"}).decode("ascii")]
)
def test_parameters_that_are_not_named_by_text_are_refused(document: str):
    with pytest.raises(MarshalError, match="not a dictionary with text as keys"):
        protocol.decode_request(fields(partition_parameter_xml=document))


def test_parameters_of_ten_megabytes_are_refused_with_a_hint():
    huge = protocol.encode_parameters({"data": "x" * 10_000_000})
    with pytest.raises(MarshalError, match="at most 1,048,576 are read") as caught:
        protocol.decode_request(fields(partition_parameter_xml=huge))
    assert caught.value.hint


# ---- formats ------------------------------------------------------------------------------------


def test_the_recorded_format_is_read_and_its_other_keys_passed_over():
    recorded = sample(2)
    assert recorded.call == protocol.FORMAT_COMPUTER
    computer = protocol.decode_format(recorded.fields["xml"])
    assert computer.computer_id == "local_computer"
    assert (computer.address, computer.netmask) == ("127.0.0.1", "255.255.255.255")
    assert [slot.partition_id for slot in computer.partitions] == [
        f"slappart{number}" for number in range(len(computer.partitions))
    ]
    assert computer.partitions[0].addresses == (Address("lo", "127.0.0.1", "255.255.255.255"),)


addresses = st.builds(Address, names, names, names)


@given(
    st.builds(
        ComputerFormat,
        computer_id=names,
        partitions=st.lists(
            st.builds(
                PartitionFormat, names, st.lists(addresses, min_size=0, max_size=3).map(tuple)
            ),
            max_size=4,
            unique_by=lambda slot: slot.partition_id,
        ).map(tuple),
        address=names,
        netmask=names,
    )
)
def test_a_format_survives_its_field(computer: ComputerFormat):
    assert protocol.decode_format(protocol.encode_format(computer)) == computer


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({}, "reference is missing"),
        ({"reference": "C", "partition_list": "x"}, "partition_list is of the type str"),
        ({"reference": "C", "partition_list": ["x"]}, "a partition is of the type str"),
        ({"reference": "C", "partition_list": [{"reference": "../etc"}]}, "cannot be the name"),
        ({"reference": "C", "partition_list": [{"reference": ".."}]}, "cannot be the name"),
        ({"reference": "C", "partition_list": [{"reference": "a"}, {"reference": "a"}]}, "twice"),
        (
            {"reference": "C", "partition_list": [{"reference": "a", "address_list": [1]}]},
            "an address of a is of the type int; dict",
        ),
        (
            {"reference": "C", "partition_list": [{"reference": "a", "address_list": [{}]}]},
            "addr is missing",
        ),
        ({"reference": 5}, "reference is of the type int; str"),
    ],
)
def test_a_wrong_format_is_refused_whole(document: dict[str, object], why: str):
    with pytest.raises(BadRequest) as caught:
        protocol.decode_format(marshal.dumps(document))
    assert why in str(caught.value)


# ---- fields, causes, statuses -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["schön", "a\u00a0b", "\u3000", "👨\u200d👩", "a/b: c", "<&>"])
def test_a_reference_may_be_any_line_of_text(name: str):
    request = protocol.decode_request(fields(partition_reference=name))
    assert request.reference == name
    assert marshal.loads(marshal.dumps(name)) == name


@pytest.mark.parametrize("text", ["", "None", "none", "NONE"])
def test_the_text_none_means_absent(text: str):
    assert protocol.optional_field({"slave_reference": text}, "slave_reference") is None


def test_recorded_reports_have_the_fields_that_are_read():
    assert protocol.partition_field(sample(80).fields) == "slappart0"
    assert protocol.optional_field(sample(69).fields, "slave_reference") is None
    assert protocol.optional_field(sample(141).fields, "slave_reference") == "_sl1"
    published = protocol.decode_parameters(sample(69).fields["connection_xml"])
    assert published["url"] == "http://127.0.0.1:8000/"


@pytest.mark.parametrize("name", ["../x", "a/b", "..", ".hidden", "a\\b"])
def test_a_partition_is_named_as_a_folder_can_be(name: str):
    with pytest.raises(BadRequest, match="cannot be the name of a partition"):
        protocol.partition_field({"computer_partition_id": name})


def test_values_become_text_as_recorded():
    asked = protocol.decode_request(sample(112).fields).parameters
    kept = protocol.decode_instance(sample(112).body).parameters
    assert {key: protocol.flatten_text(value) for key, value in asked.items()} == kept


@given(st.builds(Cause, st.text(), st.text(), st.text(), st.text(), st.floats(0, 2e9), st.text()))
def test_a_cause_survives_its_field(cause: Cause):
    assert protocol.cause_from_text(protocol.cause_to_text(cause)) == cause


def test_no_cause_is_none_and_a_wrong_one_a_bad_request():
    assert protocol.cause_from_text(None) is None
    assert protocol.cause_from_text("") is None
    with pytest.raises(BadRequest, match="the field cause"):
        protocol.cause_from_text('{"code": 5}')


def test_access_statuses_say_what_the_agents_look_for():
    assert protocol.access_status(InstanceStatus.WAITING) is None
    started = protocol.access_status(InstanceStatus.STARTED)
    assert started == "#access Instance correctly started"
    error = protocol.access_status(InstanceStatus.ERROR, "x" * 1000 + "\x1b[31mend\n")
    assert error is not None
    assert error.startswith("#error while instanciating: xxx")
    assert error.endswith(" [31mend")
    assert len(error) < 500
    assert marshal.loads(marshal.dumps(error)) == error


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"partition_reference": "a", "software_release": "x" * 100_000},
        {"partition_reference": "a\nb", "software_release": "/a"},
        {"partition_reference": "a", "software_release": "/a", "computer_id": "COMP"},
    ],
)
def test_a_field_that_is_refused_comes_with_what_to_do(form: dict[str, str]):
    with pytest.raises(BadRequest) as caught:
        protocol.decode_request(form)
    assert caught.value.hint
