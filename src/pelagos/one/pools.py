"""Pools: page by page, whatever happens to them meanwhile; and answers element by element."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from pelagos.core import spelling
from pelagos.one import methods
from pelagos.one.errors import OneCallException
from pelagos.one.resources import Calls

#: Bytes of a page that are read before the first of it is handed out; the rest flows.
_HELD = 8 * 1024 * 1024
_FIRST_PAGE = 200
#: A range that is wider than this has no end: it is the last one.
_WIDEST = 1_000_000
#: All that may be seen; all VMs that are not DONE.
_ALL, _ALIVE = -2, -1


class PoolCalls(Calls):
    """The calls of a pool, and `iter`."""

    def iter(
        self,
        filter_flag: int = _ALL,
        *,
        start: int = 0,
        page: int = _FIRST_PAGE,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[Any]:
        """All members, one by one, in bounded memory.

        They are asked for by ranges of ids, lowest first: none comes twice and none that stays is
        left out, while others come and go. What is made meanwhile comes, too, when its id is
        higher than what was read. Only within a page of more than 8 MiB the order is the
        server's, and so is that of a pool that it gives only as a whole, which is taken apart
        while it comes in.

        Args:
            filter_flag: -4 of my group, -3 mine, -2 all that I may see, -1 mine and my groups',
                from 0 on that user's.
            start: the lowest id.
            page: how many there should be in an answer, about.
            extended: VMs with all that they have (`infoextended`) instead of the short form.
            more: of VMs, `state` (-2 any, -1 all but DONE, 0 to 11) and `query`; of documents,
                `type`.

        Raises:
            OneException: as of any call, and also while it is gone through.
        """
        method = self._method("infoextended" if extended else "info")
        names = [parameter.name for parameter in method.parameters]
        spelling.refuse_unknown(more, names, OneCallException, kind="argument", where=method.name)
        if "start" not in names:
            return self._sender.stream(method.name, **more)  # type: ignore[attr-defined, no-any-return]  # a server has it
        more.setdefault("filter_flag", filter_flag)
        if "state" in names:
            more.setdefault("state", _ALIVE)
        return _pages(self._sender, method, start, page, more)


def _pages(
    sender: Any, method: methods.Method, start: int, page: int, more: dict[str, Any]
) -> Iterator[Any]:
    """Ranges of ids, wider where ids are rare, so that about `page` are in each."""
    width = page
    while True:
        end = -1 if width > _WIDEST else start + width - 1
        count = 0
        stream = functools.partial(sender.stream, method.name, start=start, end=end, **more)
        held, rest = sender.repeated(method.name, functools.partial(_held, stream))
        for member in itertools.chain(held, rest):
            count += 1
            yield member
        if end < 0:
            return
        start = end + 1
        width = width * 4 if count * 4 < page else max(page, width * page // count)


def _held(stream: Callable[[], Iterator[Any]]) -> tuple[list[Any], Iterator[Any]]:
    """What is read ahead, so that the server need not wait for its reader; and the rest.

    A page that was read as a whole is put in order: the server gives the highest id first.
    """
    held, size = [], 0
    members = stream()
    for member in members:
        held.append(member)
        size += member.size
        if size > _HELD:
            return held, members
    held.sort(key=_number)
    return held, members


def _number(member: Any) -> int:
    return int(member.ID)
