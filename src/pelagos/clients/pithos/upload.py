"""A file into Pithos: its hash map first, then only the blocks that the server misses.

Memory is workers times the size of a block. Each block is looked at twice: when it is hashed, and
when the server has said what it stored.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from pelagos.clients.base import Reply
from pelagos.clients.errors import ClientError, WrongAnswer, from_reply
from pelagos.clients.pithos.hashing import block_hash
from pelagos.clients.pithos.hashmap import BlockRule, HashMap, hash_names
from pelagos.clients.storage.local import Source
from pelagos.clients.storage.progress import Callback, Progress
from pelagos.clients.storage.transfer import as_done, in_order
from pelagos.core.backoff import Backoff
from pelagos.core.clock import Clock

log = logging.getLogger(__name__)

#: Rounds in a row in which nothing got better, after which an upload is given up.
ROUNDS = 7

_CONFLICT = 409
_PASSING = frozenset({0, 408, 429, 500, 502, 503, 504})
_BACKOFF = Backoff(first=0.25, factor=2.0, limit=5.0)

#: Asks for an object of these blocks: 201, or 409 with the hashes that are missing.
Put = Callable[[HashMap], Reply]
#: Stores a block.
Post = Callable[[bytes], Reply]


class Upload:
    """One file on its way."""

    def __init__(  # each from somebody else
        self, source: Source, rule: BlockRule, put: Put, post: Post, *, workers: int, clock: Clock
    ) -> None:
        self._source = source
        self._rule = rule
        self._put = put
        self._post = post
        self._workers = workers
        self._clock = clock

    def run(self, hash_cb: Callback | None = None, upload_cb: Callback | None = None) -> Reply:
        """Send what is missing, and return the server's last answer: the object is there.

        Raises:
            ClientError: it is not; what was sent meanwhile need not be sent again.
        """
        hashmap = self._hash(hash_cb)
        progress = Progress(upload_cb, len(hashmap.hashes))
        reply = self._put(hashmap)
        missing = _missing(reply, hashmap)
        progress.advance(len(hashmap.hashes) - len(missing))
        stalled = 0
        while reply.status == _CONFLICT:
            failed = self._send(hashmap, missing, progress)
            if failed:
                is_stalled, missing = len(failed) == len(missing), sorted(failed)
                reason = next(iter(failed.values()))
            else:
                reply = self._put(hashmap)
                again = _missing(reply, hashmap)
                is_stalled, missing = bool(again), again
                reason = WrongAnswer("the server asks again for blocks that it has stored")
            stalled = stalled + 1 if is_stalled else 0
            if stalled >= ROUNDS:
                raise _given_up(hashmap, missing, reason) from reason
            if missing:
                self._clock.sleep(reason.retry_after or _BACKOFF.delay(max(1, stalled)))
        return reply

    def _hash(self, callback: Callback | None) -> HashMap:
        size = self._source.size
        count = self._rule.count(size)
        progress = Progress(callback, count)
        names = []
        for _, name in in_order(self._name, range(count), self._workers):
            names.append(name)
            progress.advance()
        return HashMap(self._rule, size, tuple(names))

    def _name(self, index: int) -> str:
        return block_hash(self._block(index), self._rule.algorithm)

    def _block(self, index: int) -> bytes:
        return self._source.read(*self._rule.place(index, self._source.size))

    def _send(
        self, hashmap: HashMap, missing: list[int], progress: Progress
    ) -> dict[int, ClientError]:
        """Send blocks; those that failed for a reason that may pass, with it."""
        failed: dict[int, ClientError] = {}
        jobs = as_done(lambda index: self._sent(hashmap, index), missing, self._workers)
        for index, error in jobs:
            if error is None:
                progress.advance()
            else:
                failed[index] = error
        if any(error.status in {429, 502, 503} for error in failed.values()):
            self._workers = max(1, self._workers // 2)  # it has too much to do
        return failed

    def _sent(self, hashmap: HashMap, index: int) -> ClientError | None:
        data, name = self._block(index), hashmap.hashes[index]
        try:
            stored = hash_names(self._post(data).json)
        except ClientError as error:
            if error.status not in _PASSING and not isinstance(error, WrongAnswer):
                raise
            log.info("block %d is to be sent again: %s", index, error.message.strip())
            return error
        if stored[:1] == [name]:
            return None
        if block_hash(data, self._rule.algorithm) != name:
            raise ClientError(
                "the file changed while it was being sent",
                hint="send it again when nobody writes to it",
            )
        return WrongAnswer(
            f"the server stored {', '.join(stored) or 'nothing'} where {name} was sent"
        )


def _missing(reply: Reply, hashmap: HashMap) -> list[int]:
    """The blocks that the server wants, by their first places."""
    if reply.status != _CONFLICT:
        return []
    try:
        names = hash_names(reply.json)
    except ClientError:
        names = []
    if not names:
        raise from_reply(reply)  # a conflict of another kind
    return hashmap.first_places(names)


def _given_up(hashmap: HashMap, missing: list[int], reason: ClientError) -> ClientError:
    return ClientError(
        f"{len(missing)} blocks failed to upload: {reason.message.strip()}",
        reason.status,
        [hashmap.hashes[index] for index in missing],
        hint="upload again: what has arrived is not sent again",
        retry_after=reason.retry_after,
    )
