"""Sections of the configuration: frozen values with keys."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from pelagos.core.section import changed, declared, keys_of, section


@section
class Sample:
    VARIABLES: ClassVar[str] = "SAMPLE_"

    name: str = "x"
    size: float = declared(default=1.5, metadata={"least": 0})
    named: Mapping[str, Any] = declared(default_factory=dict)


@dataclass(frozen=True)
class Other:
    size: int = field(default=2, metadata={"most": 3})
    named: Mapping[str, Any] = field(default_factory=dict)


def test_what_is_not_said_has_its_default_and_no_two_share_one() -> None:
    one, two = Sample(), Sample(name="y")
    assert (one.name, one.size, one.named, two.name) == ("x", 1.5, {}, "y")
    assert one.named is not two.named


def test_values_are_compared_by_their_keys() -> None:
    assert Sample() == Sample(size=1.5)
    assert Sample() != Sample(size=2)
    assert Sample().__eq__(Other()) is NotImplemented
    assert repr(Sample(size=2)) == "Sample(name='x', size=2, named={})"


def test_they_are_frozen_and_changed_ones_are_others() -> None:
    one = Sample(name="y")
    with pytest.raises(AttributeError, match=r"Sample\.name cannot be changed"):
        one.name = "z"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del one.name
    assert changed(one, size=3.0) == Sample(name="y", size=3.0)
    assert one.size == 1.5


def test_a_key_that_there_is_not_is_refused() -> None:
    with pytest.raises(TypeError, match="has no key colour"):
        Sample(colour="red")  # type: ignore[call-arg]


def test_they_are_copied_and_pickled() -> None:
    one = Sample(name="y")
    assert copy.copy(one) == one == pickle.loads(pickle.dumps(one))


def test_keys_are_told_in_their_order_of_dataclasses_too() -> None:
    assert [(one.name, one.type, one.metadata) for one in keys_of(Sample)] == [
        ("name", "str", {}),
        ("size", "float", {"least": 0}),
        ("named", "Mapping[str, Any]", {}),
    ]
    assert [(one.name, one.make()) for one in keys_of(Other)] == [("size", 2), ("named", {})]
    assert keys_of(Other)[0].metadata == {"most": 3}
