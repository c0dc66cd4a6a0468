"""A whole answer as values, by a real parser: for all that is not a large text. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from pelagos.one.errors import OneAnswerException

#: Levels of elements in an answer; those of a fault or of a batch are fewer than twenty.
_DEPTH = 64
_ENCODINGS = ("utf-8", "us-ascii", "iso-8859-1", "utf-16")


@dataclass(frozen=True, slots=True)
class Fault:
    """The server's refusal to look at a call."""

    code: int
    message: str


def decode_answer(body: bytes) -> Any:
    """The value that was answered, or a `Fault`. Arrays are lists, structures dictionaries.

    Raises:
        OneAnswerException: it is not XML-RPC, has a document type, or is nested without end.
    """
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text.append
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.XmlDeclHandler = _check_encoding
    try:
        parser.Parse(body, True)  # this is all
    except expat.ExpatError as error:
        raise not_xml(error) from error
    except (ValueError, IndexError) as error:
        raise OneAnswerException(f"the answer is not XML-RPC: {error}") from error
    return reader.result()


def _check_encoding(_version: str, encoding: str | None, _alone: int) -> None:
    """Leave those out that only Python knows; some of them are no encodings of texts."""
    if (encoding or "utf-8").lower() not in _ENCODINGS:
        raise OneAnswerException(
            f"the answer is in the encoding {encoding!r}, which is not read here",
            hint=f"it should be one of {', '.join(_ENCODINGS)}; OpenNebula writes UTF-8",
        )


def refuse_doctype(*_: object) -> None:
    """Handler of expat for the beginning of a document type."""
    raise OneAnswerException(
        "the answer declares a document type, which OpenNebula never does",
        hint="check that the address is that of an OpenNebula server",
    )


def not_xml(error: Exception) -> OneAnswerException:
    """What is said of an answer that a parser does not take."""
    return OneAnswerException(
        f"the answer is not well-formed XML: {error}",
        hint="check that the address is that of an OpenNebula server (…:2633/RPC2)",
        retry_after=None,
    )


class _Reader:
    """What expat's handlers fill."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self._path: list[str] = []
        self._bags: list[list[Any]] = [[]]
        self._is_fault = False

    def start(self, name: str, _attributes: object) -> None:
        self._path.append(name)
        if len(self._path) == 1 and name != "methodResponse":
            raise OneAnswerException(
                f"the answer is a <{name}> and not XML-RPC",
                hint="check that the address is that of an OpenNebula server (…:2633/RPC2)",
            )
        if len(self._path) > _DEPTH:
            raise OneAnswerException(f"the answer is nested deeper than {_DEPTH} elements")
        self._is_fault |= name == "fault"
        self.text.clear()
        if name in {"value", "data", "struct", "member"}:
            self._bags.append([])

    def end(self, name: str) -> None:
        self._path.pop()
        text = "".join(self.text)
        self.text.clear()
        if name == "value":
            bag = self._bags.pop()
            self._bags[-1].append(bag[0] if bag else text)
        elif name == "name":
            self._bags[-1].append(text)
        elif name in {"data", "struct", "member"}:
            bag = self._bags.pop()
            self._bags[-1].append(_gathered(name, bag))
        elif name in _SCALARS:
            self._bags[-1].append(_SCALARS[name](text))

    def result(self) -> Any:
        values = self._bags[0]
        if len(values) != 1:
            raise OneAnswerException(f"the answer has {len(values)} values instead of one")
        if not self._is_fault:
            return values[0]
        facts = values[0] if isinstance(values[0], dict) else {}
        code = facts.get("faultCode", 0)
        return Fault(code if isinstance(code, int) else 0, str(facts.get("faultString", "")))


def _gathered(name: str, bag: list[Any]) -> Any:
    if name == "data":
        return bag
    if name == "struct":
        return dict(bag)
    key, value = bag
    return key, value


def _boolean(text: str) -> bool:
    if text.strip() not in {"0", "1"}:
        raise ValueError(f"{text[:20]!r} is not a boolean")
    return text.strip() == "1"


_SCALARS: dict[str, Callable[[str], Any]] = {
    "boolean": _boolean,
    "double": float,
    "i4": int,
    "i8": int,
    "int": int,
    "nil": lambda _: None,
    "string": str,
}
