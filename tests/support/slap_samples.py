"""The recorded SLAP exchanges of tests/data/slap, taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

FOLDER = Path(__file__).parents[1] / "data" / "slap"


@dataclass(frozen=True)
class Sample:
    """One exchange: what was asked with which fields, and what came back."""

    name: str
    method: str
    call: str
    fields: dict[str, str]
    status: int
    body: bytes
    sent: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def sample(number: int) -> Sample:
    """The exchange of that number."""
    (request,) = FOLDER.glob(f"{number:03}_*.request.http")
    answer = request.with_name(request.name.replace(".request.", ".response."))
    head, _, form = request.read_bytes().partition(b"\r\n\r\n")
    method, target, _ = head.decode().split(None, 2)
    query = form.decode() if method == "POST" else urlsplit(target).query
    answer_head, _, body = answer.read_bytes().partition(b"\r\n\r\n")
    return Sample(
        name=request.name.removesuffix(".request.http"),
        method=method,
        call=urlsplit(target).path.removeprefix("/"),
        fields=dict(parse_qsl(query, keep_blank_values=True)),
        status=int(answer_head.split(None, 2)[1]),
        body=body,
        sent=form,
        headers=_headers(head),
    )


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode().split("\r\n")[1:]
    return {
        name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
    }


def samples() -> list[Sample]:
    """Every exchange."""
    return [sample(int(path.name[:3])) for path in sorted(FOLDER.glob("*.request.http"))]


def document(name: str) -> bytes:
    """A document of its own, e.g. `synthetic_reference.xml`."""
    return (FOLDER / name).read_bytes()


def marshalled() -> dict[str, bytes]:
    """Every marshalled document that the real marshaller wrote, by where it was found."""
    found = {path.name: path.read_bytes() for path in FOLDER.glob("*[!y].xml")}
    found = {name: text for name, text in found.items() if text.startswith(b"<marshal")}
    for each in samples():
        for name, value in each.fields.items():
            if value.startswith("<marshal"):
                found[f"{each.name} {name}"] = value.encode()
        if each.body.startswith(b"<marshal"):
            found[f"{each.name} answer"] = each.body
    return found
