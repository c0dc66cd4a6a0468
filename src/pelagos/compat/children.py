"""Processes that a program starts by `multiprocessing`: the names mean ours in them, too.

A process that is forked knows them anyway. One that begins anew (`spawn`, `forkserver`) imports
the program again, and first reads what its parent tells it: there it learns of the names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from pelagos.compat.ancestors import adopted, install


class _Names:
    """Names of ancestors: whoever reads them from a pickle has them installed."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, ...]]:
        return _learn, adopted()


def _learn(*names: str) -> None:
    install(*names)
    tell()  # those that this process starts


def tell() -> None:
    """Let processes that begin anew know which names mean ours in this one."""
    from multiprocessing import spawn  # noqa: PLC0415  # only programs that are run pay for it

    told = spawn.get_preparation_data

    def told_more(name: str) -> dict[str, Any]:
        sys.modules["__mp_main__"] = sys.modules["__main__"]  # that of the program
        return {**told(name), __name__: _Names()}

    spawn.get_preparation_data = told_more
