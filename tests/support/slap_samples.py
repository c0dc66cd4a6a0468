"""The recorded SLAP exchanges of tests/data/slap, taken apart."""

from __future__ import annotations

from dataclasses import dataclass
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
    )


def samples() -> list[Sample]:
    """Every exchange."""
    return [sample(int(path.name[:3])) for path in sorted(FOLDER.glob("*.request.http"))]


def document(name: str) -> bytes:
    """A document of its own, e.g. `synthetic_reference.xml`."""
    return (FOLDER / name).read_bytes()


def marshalled() -> dict[str, bytes]:
    """Every marshalled document that the real marshaller wrote, by where it was found."""
    found = {path.name: path.read_bytes() for path in FOLDER.glob("*[!y].xml")}
    for each in samples():
        for field, value in each.fields.items():
            if value.startswith("<marshal"):
                found[f"{each.name} {field}"] = value.encode()
        if each.body.startswith(b"<marshal"):
            found[f"{each.name} answer"] = each.body
    return found
