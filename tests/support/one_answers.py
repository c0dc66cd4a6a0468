"""An OpenNebula that answers what a test says, without a socket."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from pelagos.core.clock import Clock, ManualClock
from pelagos.core.http import FakeTransport, Request, Response
from pelagos.one import OneServer
from pelagos.one.xmlrpc.request import encode_call

DATA = Path(__file__).parents[1] / "data" / "opennebula"
SESSION = "oneadmin:s3cret-word"
URI = "http://one.example:2633/RPC2"

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\r\n<methodResponse>\r\n<params>\r\n'
    "<param><value><array><data>\r\n<value><boolean>1</boolean></value>\r\n<value><string>"
)
_TAIL = (
    "</string></value>\r\n<value><i4>0</i4></value>\r\n</data></array></value></param>\r\n"
    "</params>\r\n</methodResponse>\r\n"
)


def text_answer(text: str) -> bytes:
    """A successful answer with a text, byte for byte as the daemon writes it."""
    return (_HEAD + escape(text) + _TAIL).encode()


def value_answer(*values: Any) -> bytes:
    """Any other answer."""
    body = encode_call("m", [list(values)]).decode()
    inside = body[body.index("<param>") : body.index("</params>")]
    return (
        f'<?xml version="1.0"?><methodResponse><params>{inside}</params></methodResponse>'.encode()
    )


def fault_answer(code: int, message: str) -> bytes:
    """A fault."""
    body = encode_call("m", [{"faultCode": code, "faultString": message}]).decode()
    inside = body[body.index("<value>") : body.index("</param>")]
    return (
        f"<?xml version='1.0'?><methodResponse><fault>{inside}</fault></methodResponse>".encode()
    )


def sample(name: str) -> str:
    """A recorded text."""
    return (DATA / "samples" / name).read_text(encoding="utf-8")


def samples() -> list[Path]:
    """All recorded texts."""
    return sorted((DATA / "samples").glob("*.xml"))


def server(
    answer: bytes | Callable[[Request], bytes], *, clock: Clock | None = None, **how: Any
) -> tuple[OneServer, FakeTransport]:
    """A server that gives this answer, and what was sent to it."""

    def respond(request: Request) -> Response:
        return Response(200, {}, answer(request) if callable(answer) else answer)

    transport = FakeTransport({"POST /RPC2": respond})
    one = OneServer(
        URI, SESSION, transport=transport, clock=clock or ManualClock(), environment={}, **how
    )
    return one, transport
