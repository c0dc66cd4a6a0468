"""A request from the arguments of the ancestor's two signatures. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.slap.errors import BadRequest
from pelagos.slap.model import InstanceRequest, InstanceState

Parameters = Mapping[str, Any]


def request_of_document(
    software_release: str,
    software_type: str | None,
    partition_reference: str,
    shared: bool = False,
    partition_parameter_kw: Parameters | None = None,
    filter_kw: Parameters | None = None,
    state: str | None = None,
    requester: tuple[str, str] | None = None,
) -> InstanceRequest:
    """A request with its arguments in the order of the interface document.

    Raises:
        ValueError: parameters or filters that are not a mapping.
        BadRequest: a state that SLAP does not have.
    """
    for name, value in (
        ("partition_parameter_kw", partition_parameter_kw),
        ("filter_kw", filter_kw),
    ):
        if value is not None and not isinstance(value, Mapping):
            raise ValueError(f"{name} must be a dictionary, not {type(value).__name__}")
    if state is not None and state not in set(InstanceState):
        raise BadRequest(
            f"{state!r} is not a state of an instance", hint="use started, stopped or destroyed"
        )
    return InstanceRequest(
        reference=partition_reference,
        release_url=software_release,
        software_type=software_type or "default",
        parameters=partition_parameter_kw or {},
        filters=filter_kw or {},
        shared=bool(shared),
        state=None if state is None else InstanceState(state),
        requester=requester,
    )


def request_of_library(
    software_release: str,
    partition_reference: str,
    partition_parameter_kw: Parameters | None = None,
    software_type: str | None = None,
    filter_kw: Parameters | None = None,
    state: str | None = None,
    shared: bool = False,
) -> InstanceRequest:
    """A request with its arguments in the order of the ancestor's open order; raises as above."""
    return request_of_document(
        software_release,
        software_type,
        partition_reference,
        shared,
        partition_parameter_kw,
        filter_kw,
        state,
    )
