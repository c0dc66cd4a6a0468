"""Usage reports: TioXML, as SlapOS' agents write it and masters keep it.

A *consumption* is what one partition reports: movements. A *journal* is what a computer sends:
transactions with movements. Pure. Documents come from instances and from agents, so nothing in
them is followed: a document type or an entity is refused, sizes and depths are bounded.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from xml.parsers import expat
from xml.sax.saxutils import escape

from pelagos.core.errors import PelagosError

#: Bytes of one document.
LIMIT = 1024 * 1024
_DEPTH = 8
_ELEMENTS = 50_000
_UNSPEAKABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0
_MOMENT = "%Y-%m-%d at %H:%M:%S"


class TioError(PelagosError):
    """A document is no usage report; the message says where."""


@dataclass(frozen=True, slots=True)
class Movement:
    """So much of one resource.

    Attributes:
        resource: what was used, e.g. "service_module/slapos_netdrive_software".
        reference: whose it is: the partition's id.
    """

    resource: str
    quantity: float
    title: str = ""
    reference: str = ""
    price: float = 0.0
    vat: str = ""
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transaction:
    """What was used in one time.

    Attributes:
        start: Unix seconds; None when it is not told in a way that we know.
        reference: the computer's id.
    """

    movements: tuple[Movement, ...]
    start: float | None
    stop: float | None
    reference: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """A movement as a master tells it.

    Attributes:
        partition_id: None for what is the computer's own.
        service: name of the instance that sat there; None when none did.
        guid: of that instance.
        start: Unix seconds; None when it was not told.
        stop: Unix seconds.
    """

    computer_id: str
    resource: str
    quantity: float
    stop: float
    start: float | None = None
    title: str = ""
    partition_id: str | None = None
    service: str | None = None
    guid: str | None = None


@dataclass(slots=True)
class _Node:
    tag: str
    attributes: dict[str, str]
    children: list[_Node] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces).strip()


# ---- reading ------------------------------------------------------------------------------------


def read_consumption(document: bytes) -> tuple[Movement, ...]:
    """The movements that one partition reports.

    Raises:
        TioError: it is no valid consumption.
    """
    root = _parse(document)
    _expect(root, "consumption")
    if not root.children or any(child.tag != "movement" for child in root.children):
        raise TioError("a consumption has movements, at least one, and nothing else")
    return tuple(_movement(child) for child in root.children)


def read_journal(document: bytes) -> tuple[Transaction, ...]:
    """The transactions that a computer reports; none for an empty journal.

    Raises:
        TioError: it is no valid journal.
    """
    root = _parse(document)
    _expect(root, "journal")
    for child in root.children:
        _expect(child, "transaction")
    return tuple(_transaction(child) for child in root.children)


_TRANSACTION = (
    ("title", 0, 1),
    ("start_date", 1, 1),
    ("stop_date", 1, 1),
    ("reference", 1, 1),
    ("currency", 1, 1),
    ("payment_mode", 1, 1),
    ("category", 0, None),
    ("arrow", 1, None),
    ("movement", 1, None),
)
_MOVEMENT = (
    ("resource", 1, 1),
    ("title", 0, 1),
    ("reference", 0, 1),
    ("quantity", 1, 1),
    ("price", 1, 1),
    ("VAT", 1, 1),
    ("category", 0, None),
)
_ARROW = (("source", 0, 1), ("destination", 0, 1))


def _transaction(node: _Node) -> Transaction:
    if "type" not in node.attributes:
        raise TioError("a transaction needs the attribute type")
    found = _in_order(node, _TRANSACTION)
    for arrow in found["arrow"]:
        if "type" not in arrow.attributes:
            raise TioError("an arrow needs the attribute type")
        _in_order(arrow, _ARROW)
    return Transaction(
        movements=tuple(_movement(child) for child in found["movement"]),
        start=_moment(_text(found, "start_date")),
        stop=_moment(_text(found, "stop_date")),
        reference=_text(found, "reference"),
        title=_text(found, "title"),
    )


def _movement(node: _Node) -> Movement:
    found = _in_order(node, _MOVEMENT)
    return Movement(
        resource=_text(found, "resource"),
        quantity=_number(found, "quantity"),
        title=_text(found, "title"),
        reference=_text(found, "reference"),
        price=_number(found, "price"),
        vat=_text(found, "VAT"),
        categories=tuple(child.text for child in found["category"]),
    )


def _in_order(node: _Node, rules: Sequence[tuple[str, int, int | None]]) -> dict[str, list[_Node]]:
    """The children by name, when they come in this order and number."""
    children, at = node.children, 0
    found: dict[str, list[_Node]] = {}
    for name, least, most in rules:
        begin, end = at, len(children) if most is None else min(at + most, len(children))
        while at < end and children[at].tag == name:
            at += 1
        if at - begin < least:
            seen = f"{children[at].tag[:40]!r}" if at < len(children) else "its end"
            raise TioError(f"in a {node.tag}, {name} is missing where {seen} is")
        found[name] = children[begin:at]
    if at < len(children):
        raise TioError(f"in a {node.tag}, {children[at].tag[:40]!r} is out of place")
    return found


def _text(found: dict[str, list[_Node]], name: str) -> str:
    return found[name][0].text if found[name] else ""


def _number(found: dict[str, list[_Node]], name: str) -> float:
    text = _text(found, name)
    try:
        value = float(text.replace("_", "x"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise TioError(f"{name} is {text[:40]!r}, not a number")
    return value


def _moment(text: str) -> float | None:
    try:
        return dt.datetime.strptime(text, _MOMENT).replace(tzinfo=dt.UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _expect(node: _Node, tag: str) -> None:
    if node.tag != tag:
        raise TioError(f"a {tag} was expected, not {node.tag[:40]!r}")


def _parse(document: bytes) -> _Node:
    if len(document) > LIMIT:
        raise TioError(f"the report has {len(document):,} bytes; at most {LIMIT:,} are taken")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise TioError(f"the report is not well-formed XML: {error}") from error
    assert builder.root is not None  # noqa: S101 - a well-formed document has one
    return builder.root


def _refuse(*_: object) -> None:
    raise TioError("a usage report has no document type and no entities")


class _Builder:
    """Makes the tree."""

    def __init__(self) -> None:
        self.root: _Node | None = None
        self._open: list[_Node] = []
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        node = _Node(tag, attributes)
        self._count += 1
        if len(self._open) >= _DEPTH or self._count > _ELEMENTS:
            raise TioError("the report is too deep or has too many elements")
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def end(self, _tag: str) -> None:
        self._open.pop()

    def data(self, text: str) -> None:
        self._open[-1].pieces.append(text)


# ---- writing ------------------------------------------------------------------------------------


def write_journal(
    computer_id: str, movements: Iterable[Movement], *, start: float, stop: float, title: str = ""
) -> bytes:
    """A computer's journal of one transaction."""
    lines = [
        "<?xml version='1.0' encoding='utf-8'?>",
        '<journal><transaction type="Sale Packing List">',
        _leaf("title", title or "Resource consumptions"),
        _leaf("start_date", _said(start)),
        _leaf("stop_date", _said(stop)),
        _leaf("reference", computer_id),
        "<currency></currency><payment_mode></payment_mode><category></category>",
        '<arrow type="Administration"><source></source><destination></destination></arrow>',
        *(_write_movement(movement) for movement in movements),
        "</transaction></journal>",
    ]
    return "\n".join(lines).encode()


def _write_movement(movement: Movement) -> str:
    return "".join(
        [
            "<movement>",
            _leaf("resource", movement.resource),
            _leaf("title", movement.title),
            _leaf("reference", movement.reference),
            _leaf("quantity", repr(float(movement.quantity))),
            _leaf("price", repr(float(movement.price))),
            _leaf("VAT", movement.vat),
            *(_leaf("category", category) for category in movement.categories),
            "</movement>",
        ]
    )


def _leaf(tag: str, text: str) -> str:
    clean = _UNSPEAKABLE.sub("", text)
    return f"<{tag}>{escape(clean)}</{tag}>"


def _said(moment: float) -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime(_MOMENT)


def belonging_to(movements: Iterable[Movement], partition_id: str) -> tuple[Movement, ...]:
    """The same movements, whoever they say to be, as this partition's."""
    return tuple(replace(movement, reference=partition_id) for movement in movements)
