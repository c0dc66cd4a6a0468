"""Parameters as `<instance><parameter id="…">…`: the XML of HATEOAS documents.

Values are text; an empty one is nothing. An id that occurs twice has both values, with a space
between. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from pelagos.slap.errors import MarshalError
from pelagos.slap.marshal import speakable

_HEAD = "<?xml version='1.0' encoding='utf-8'?>\n"


def parameters_xml(parameters: Mapping[str, Any]) -> str:
    """The document of parameters.

    >>> print(parameters_xml({"b": "<1>", "a": None}), end="")
    <?xml version='1.0' encoding='utf-8'?>
    <instance>
      <parameter id="a"/>
      <parameter id="b">&lt;1&gt;</parameter>
    </instance>
    """
    if not parameters:
        return f"{_HEAD}<instance/>\n"
    parameters = speakable(parameters)
    lines = "".join(
        f"  <parameter id={quoteattr(name)}{_content(parameters[name])}\n"
        for name in sorted(parameters)
    )
    return f"{_HEAD}<instance>\n{lines}</instance>\n"


def xml_parameters(text: str) -> dict[str, str | None]:
    """The parameters in a document; no text has none.

    Raises:
        MarshalError: it cannot be read.
    """
    if not text.strip():
        return {}
    reader = _Reader()
    try:
        reader.parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        raise MarshalError(f"the parameters are no XML: {error}") from error
    return {name: value or None for name, value in reader.found.items()}


class _Reader:
    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._name: str | None = None
        self._text: list[str] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _doctype(self, *_: object) -> None:
        raise MarshalError("the parameters declare a document type")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._text.clear()
        self._name = attributes.get("id") if tag == "parameter" else None

    def _end(self, _tag: str) -> None:
        if self._name is not None:
            text, former = "".join(self._text), self.found.get(self._name)
            self.found[self._name] = text if former is None else f"{former} {text}"
            self._name = None
        self._text.clear()


def _content(value: Any) -> str:
    return "/>" if value in (None, "") else f">{escape(str(value))}</parameter>"
