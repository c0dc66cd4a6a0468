"""Clouds that a suite runs on, the box and a real OpenStack, seen by their clients."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pelagos.box import Box, Person
from pelagos.clients import Cloud, CloudSettings
from pelagos.clients.errors import NotFound

from .openstack_services import Login, OpenStack

Place = Box | OpenStack
#: Until a slow and busy machine has done a thing, and until it answers.
SECONDS = 600
ANSWER_SECONDS = 300


def cloud_of(place: Place, who: Person | Login) -> Cloud:
    """The cloud, as somebody who uses it."""
    login = {"username": who.name, "password": who.password, "project_name": who.project}
    return Cloud(settings=CloudSettings(place.auth_url, timeout=ANSWER_SECONDS, **login))


def until_gone(look: Callable[[], Any], *, delay: float = 0.1) -> NotFound:
    """Ask for a thing until it is not there; how the cloud says so."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            seen = look()
        except NotFound as error:
            return error
        assert time.monotonic() < deadline, seen
        time.sleep(delay)
