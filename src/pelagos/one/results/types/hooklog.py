"""What is known of HOOKLOG. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import child, children, integer, text, text_or_none


class HookLogHookExecutionRecordExecutionResult(Element):
    """HOOKLOG/HOOK_EXECUTION_RECORD/EXECUTION_RESULT."""

    COMMAND = text()
    STDIN = text_or_none()
    STDOUT = text()
    STDERR = text()
    CODE = text()


class HookLogHookExecutionRecord(Element):
    """HOOKLOG/HOOK_EXECUTION_RECORD."""

    HOOK_ID = integer()
    EXECUTION_ID = integer()
    TIMESTAMP = integer()
    ARGUMENTS = text()
    EXECUTION_RESULT = child(HookLogHookExecutionRecordExecutionResult, "EXECUTION_RESULT")
    REMOTE_HOST = text_or_none()
    RETRY = text_or_none()


class HookLog(Element):
    """HOOKLOG."""

    HOOK_EXECUTION_RECORD = children(HookLogHookExecutionRecord, "HOOK_EXECUTION_RECORD")
