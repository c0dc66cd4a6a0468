"""How a call of OpenNebula fails.

BoxError
├── Failure   the daemon understood the call and answers with a code
└── Fault     the call never reached a handler: XML-RPC's own error
"""

from __future__ import annotations

from enum import IntEnum

from pelagos.box.errors import BoxError


class Code(IntEnum):
    """The third element of an answer."""

    SUCCESS = 0
    AUTHENTICATION = 0x0100
    AUTHORIZATION = 0x0200
    NO_EXISTS = 0x0400
    ACTION = 0x0800
    RPC_API = 0x1000
    INTERNAL = 0x2000
    ALLOCATE = 0x4000


class Failure(BoxError):
    """A call that is answered with an error.

    Attributes:
        code: what kind it is.
        object_id: of what is missing; -1: nothing is said of it.
    """

    def __init__(self, code: Code, message: str, object_id: int = -1) -> None:
        super().__init__(message)
        self.code = code
        self.object_id = object_id


class Fault(BoxError):
    """A call that XML-RPC refuses.

    Attributes:
        number: -501 a parameter, -503 no proper call, -506 no such method.
    """

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


PARAMETER, MALFORMED, UNKNOWN = -501, -503, -506
