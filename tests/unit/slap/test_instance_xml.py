from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.slap.errors import MarshalError
from pelagos.slap.instance_xml import parameters_xml, xml_parameters
from pelagos.slap.structured import pack, unpack
from support.slap_samples import document

texts = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def test_what_the_original_wrote_is_read_and_written_again():
    written = document("synthetic_instance_parameters.xml").decode()
    read = xml_parameters(written)
    assert read
    assert parameters_xml(read) == written


@given(st.dictionaries(texts, texts, max_size=4))
def test_parameters_survive_their_document(parameters: dict[str, str]):
    assert xml_parameters(parameters_xml(parameters)) == parameters


def test_what_is_empty_is_nothing_and_what_is_double_is_joined():
    assert xml_parameters("") == {}
    assert xml_parameters("<instance/>") == {}
    double = '<instance><parameter id="a">1</parameter><parameter id="a">2</parameter></instance>'
    assert xml_parameters(double) == {"a": "1 2"}
    assert xml_parameters('<instance><parameter id="a"/></instance>') == {"a": None}


@pytest.mark.parametrize("text", ["<instance>", "no", '<!DOCTYPE i [<!ENTITY a "b">]><i>&a;</i>'])
def test_what_is_no_document_is_refused(text: str):
    with pytest.raises(MarshalError):
        xml_parameters(text)


@given(st.dictionaries(texts, values, max_size=4))
def test_structure_survives(parameters: dict[str, object]):
    packed = pack(parameters)
    if any(isinstance(value, (dict, list)) for value in parameters.values()):
        assert list(packed) == ["_"]
        assert unpack(packed) == json.loads(json.dumps(parameters))
    else:
        assert packed == parameters


@pytest.mark.parametrize("text", ["no json", "[1]", "5"])
def test_an_underscore_that_is_no_object_stays_text(text: str):
    assert unpack({"_": text}) == {"_": text}
