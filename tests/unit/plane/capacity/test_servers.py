"""Servers as machines, and a cloud's errors in the words of drivers."""

from __future__ import annotations

from typing import Any

import pytest

from pelagos.clients.errors import ClientError, Late
from pelagos.plane.capacity.base import Machine, MachineState, oldest
from pelagos.plane.capacity.errors import QuotaReached, Refused, Unanswered
from pelagos.plane.capacity.servers import failure, machine_of


@pytest.mark.parametrize(
    ("record", "state"),
    [
        ({"status": "BUILD"}, MachineState.MAKING),
        ({"status": "ACTIVE"}, MachineState.RUNNING),
        ({"status": "ACTIVE", "OS-EXT-STS:task_state": "deleting"}, MachineState.REMOVING),
        ({"status": "SHUTOFF"}, MachineState.STOPPED),
        ({"status": "STOPPED"}, MachineState.STOPPED),
        ({"status": "ERROR", "fault": {"message": "No valid host"}}, MachineState.FAILED),
        ({"status": "DELETED"}, MachineState.REMOVING),
        ({"status": "SOMETHING_NEW"}, MachineState.RUNNING),
        ({}, MachineState.RUNNING),
    ],
)
def test_each_word_of_a_cloud_is_one_of_five(record: dict[str, Any], state: MachineState) -> None:
    assert machine_of({"id": 5, "name": "m", **record}).state is state


def test_what_a_server_tells_is_kept() -> None:
    machine = machine_of(
        {
            "id": "k", "name": "m", "status": "ERROR", "created": "2026-01-02T03:04:05Z",
            "fault": {"message": "No valid\nhost"},
            "addresses": {"lan": [{"addr": "10.0.0.5"}, {"x": 1}], "odd": 5},
        }
    )  # fmt: skip
    assert machine.said == "ERROR: No valid host"
    assert machine.addresses == ("10.0.0.5",)
    assert machine.created == 1767323045.0


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (403, '{"forbidden": {"message": "Quota exceeded for instances: 1"}}', QuotaReached),
        (413, '{"overLimit": {"message": "Resource limit exceeded"}}', QuotaReached),
        (403, '{"forbidden": {"message": "Policy does not allow it"}}', Refused),
        (400, '{"badRequest": {"message": "Invalid imageRef"}}', Refused),
        (401, "who?", Refused),
        (429, '{"overLimit": {"message": "limit exceeded"}}', Unanswered),
        (500, "oops", Unanswered),
        (503, "later", Unanswered),
    ],
)
def test_errors_say_whether_something_was_done(status: int, text: str, kind: type) -> None:
    assert type(failure(ClientError(text, status))) is kind


def test_no_answer_may_have_done_it() -> None:
    assert type(failure(Late("it took 60 s"))) is Unanswered


def test_the_oldest_counts_and_one_that_goes_comes_last() -> None:
    young = Machine("m", "2", MachineState.RUNNING, created=2.0)
    old = Machine("m", "1", MachineState.RUNNING, created=1.0)
    going = Machine("m", "0", MachineState.REMOVING, created=0.0)
    assert oldest([young, going, old]) == old
    assert oldest([going]) == going
    assert oldest([]) is None
