"""What is known of CALL_INFO. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import (
    child_or_none,
    children,
    integer,
    template,
    template_or_none,
    text,
)


class CallInfoParametersParameter(Element):
    """CALL_INFO/PARAMETERS/PARAMETER."""

    POSITION = integer()
    TYPE = text()
    VALUE = template()


class CallInfoParameters(Element):
    """CALL_INFO/PARAMETERS."""

    PARAMETER = children(CallInfoParametersParameter, "PARAMETER")


class CallInfo(Element):
    """CALL_INFO."""

    RESULT = integer()
    PARAMETERS = child_or_none(CallInfoParameters, "PARAMETERS")
    EXTRA = template_or_none()
