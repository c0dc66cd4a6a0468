"""plane.sources.server_rows: records of both families of clouds, and what is no record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core import wire
from pelagos.plane.sources.server_rows import COLUMNS, flavor_id, is_there, row_of, same_address


def test_a_record_of_synnefo() -> None:
    record = {
        "id": 42, "name": "My server", "status": "STOPPED", "tenant_id": "u1",
        "flavor": {"id": 3}, "image": {"id": "i1", "links": []}, "key_name": None,
        "SNF:key_names": ["laptop"], "created": "2026-01-02T03:04:05+00:00",
        "addresses": {
            "7": [{"version": 6, "addr": "2001:db8::1", "OS-EXT-IPS:type": "fixed"}],
            "8": [{"version": 4, "addr": "192.0.2.1", "OS-EXT-IPS:type": "floating"}],
        },
    }  # fmt: skip
    assert row_of(record, {"3": "C2R2048D20"}, {"u1": "mine"}) == {
        "id": "42", "name": "My server", "status": "STOPPED",
        "addresses": ["2001:db8::1", "192.0.2.1"], "ipv4": None, "ipv6": "2001:db8::1",
        "floating": "192.0.2.1", "flavor": "C2R2048D20", "image": "i1", "key_name": "laptop",
        "project": "mine", "created": "2026-01-02T03:04:05+00:00", "host": None,
    }  # fmt: skip


def test_a_flavour_whose_name_is_told_is_not_looked_up() -> None:
    record = {"id": "a", "flavor": {"original_name": "small", "vcpus": 1}}
    assert flavor_id(record) is None
    assert row_of(record, {}, {})["flavor"] == "small"


@pytest.mark.parametrize(
    "record", [{}, {"id": None}, {"id": ""}, {"id": "a", "status": "DELETED"}]
)
def test_what_is_no_server_is_not_there(record: dict[str, Any]) -> None:
    assert not is_there(record)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["addr", "id", "name", "OS-EXT-IPS:type"]), inner)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["id", "name", "addresses", "flavor", "image", "SNF:key_names", "created"]
        ),
        _JSON,
    )
)
def test_whatever_a_cloud_says_is_a_row_of_texts(record: dict[str, Any]) -> None:
    row = row_of(record, {}, {})
    assert tuple(row) == COLUMNS
    for column, value in row.items():
        texts = value if column == "addresses" and value is not None else [value]
        assert all(text is None or (isinstance(text, str) and text) for text in texts)
    assert wire.decode(wire.encode(row)) == row
    assert is_there(record) == (row["id"] is not None)


@given(st.text(max_size=40))
def test_an_address_in_its_usual_form_is_the_same_address(text: str) -> None:
    form = same_address(text)
    assert form is None or same_address(form) == form
