"""`slapos.grid.promise.generic`: the base of promises and their results."""

from __future__ import annotations

from pelagos.compat.slapos.grid.promise.interface import provided_by
from pelagos.slap.promise import (
    AnomalyResult,
    BaseResult,
    EmptyResult,
    GenericPromise,
    PromiseQueueResult,
    TestResult,
)

__all__ = [
    "AnomalyResult",
    "BaseResult",
    "EmptyResult",
    "GenericPromise",
    "PromiseQueueResult",
    "TestResult",
]

provided_by(GenericPromise)
