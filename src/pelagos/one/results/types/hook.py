"""What is known of HOOK and HOOK_POOL. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element, Pool
from pelagos.one.results.field import (
    child,
    child_or_none,
    children,
    integer,
    template,
    text,
    text_or_none,
)
from pelagos.one.results.types.shared import Lock


class HookHookLogHookExecutionRecordExecutionResult(Element):
    """HOOK/HOOKLOG/HOOK_EXECUTION_RECORD/EXECUTION_RESULT."""

    COMMAND = text()
    STDOUT = text()
    STDERR = text()
    CODE = text()


class HookHookLogHookExecutionRecord(Element):
    """HOOK/HOOKLOG/HOOK_EXECUTION_RECORD."""

    HOOK_ID = integer()
    EXECUTION_ID = integer()
    TIMESTAMP = integer()
    ARGUMENTS = text()
    EXECUTION_RESULT = child(HookHookLogHookExecutionRecordExecutionResult, "EXECUTION_RESULT")
    REMOTE_HOST = text_or_none()
    RETRY = text_or_none()


class HookHookLog(Element):
    """HOOK/HOOKLOG."""

    HOOK_EXECUTION_RECORD = children(HookHookLogHookExecutionRecord, "HOOK_EXECUTION_RECORD")


class Hook(Element):
    """HOOK."""

    ID = integer()
    NAME = text()
    TYPE = text()
    LOCK = child_or_none(Lock, "LOCK")
    TEMPLATE = template()
    HOOKLOG = child_or_none(HookHookLog, "HOOKLOG")


class HookPool(Pool[Hook]):
    """HOOK_POOL."""

    _member_ = "HOOK"
    HOOK = children(Hook, "HOOK")
