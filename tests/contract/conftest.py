"""A cloud with all services: the box's, and the real ones of OpenStack."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest

from pelagos.box import Box
from pelagos.clients import Cloud
from support.places import Place, cloud_of


@pytest.fixture(
    scope="module", params=["box", pytest.param("openstack", marks=pytest.mark.interop)]
)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Where a suite runs that needs identity and object storage alone; one suite, both kinds."""
    if request.param == "openstack":
        yield request.getfixturevalue("openstack")
    else:
        with Box() as box:
            yield box


@pytest.fixture(
    scope="module", params=["box", pytest.param("openstack", marks=pytest.mark.whole_openstack)]
)
def whole_place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Where a suite runs that needs all services."""
    if request.param == "openstack":
        yield request.getfixturevalue("whole_openstack")
    else:
        with Box(pace=0.02) as box:
            yield box


@pytest.fixture(scope="module")
def cloud(whole_place: Place) -> Cloud:
    """As somebody with a project of his own."""
    return cloud_of(whole_place, whole_place.person(f"ann-{secrets.token_hex(3)}"))


@pytest.fixture(scope="module")
def whole_admin(whole_place: Place) -> Cloud:
    """As the cloud's administrator."""
    return cloud_of(whole_place, whole_place.admin)


@pytest.fixture
def later() -> Iterator[list[Callable[[], object]]]:
    """What is to be done when the test is over, the last first."""
    work: list[Callable[[], object]] = []
    yield work
    while work:
        work.pop()()
