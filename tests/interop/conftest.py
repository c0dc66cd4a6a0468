"""Fixtures of the tests with programs that we did not write."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from support.amqp_desk import Desk


@pytest.fixture(params=["embedded", "rabbitmq"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A test that names it is run at both brokers and expects the same answers."""
    if request.param == "rabbitmq":
        url = request.getfixturevalue("rabbitmq_url")
    else:
        url = request.getfixturevalue("embedded_broker").url
    with contextlib.ExitStack() as stack:
        yield Desk(url, stack)
