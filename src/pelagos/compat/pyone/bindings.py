"""`pyone.bindings`: the text of an answer as an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelagos.compat.pyone.answers import kind_of
from pelagos.one import results

if TYPE_CHECKING:  # the name of the ancestor's function is enough at run time
    from pelagos.one.results import Element

__all__ = ["parseString"]


def parseString(inString: str | bytes, silence: bool = True) -> Element:  # noqa: N802, N803
    """An XML text as an object; `silence` has no meaning here.

    Raises:
        OneAnswerException: it is not well-formed XML.
    """
    del silence
    return results.parse(inString, kind_of)
