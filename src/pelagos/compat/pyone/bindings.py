"""`pyone.bindings`: the text of an answer as an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelagos.compat.pyone.answers import kind_of
from pelagos.one import results

if TYPE_CHECKING:  # the name of the ancestor's function is enough at run time
    from pelagos.one.results import Element

__all__ = ["parseString"]


def parseString(  # noqa: N802  # its name there
    inString: str | bytes,  # noqa: N803  # and its argument's
    silence: bool = False,
    print_warnings: bool = True,
) -> Element:
    """An XML text as an object; nothing is printed.

    Raises:
        OneAnswerException: it is not well-formed XML.
    """
    del silence, print_warnings
    return results.parse(inString, kind_of)
