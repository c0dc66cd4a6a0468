"""Which bindings take a routing key. Pure."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split(".") if text else []  # the empty key has no words, not one empty word


def topic_matches(pattern: str, key: str) -> bool:
    """Whether a topic binding takes this routing key.

    Words are separated by dots; `*` is exactly one word (also an empty one) and `#` any number of
    words, none included. The time is at most the product of the two lengths.

    >>> topic_matches("computer.*.wake", "computer.c1.wake")
    True
    >>> topic_matches("computer.#", "computer"), topic_matches("computer.*", "computer")
    (True, False)
    """
    wanted, given = _words(pattern), _words(key)
    at, position, retry_at, retry_position = 0, 0, -1, 0
    while position < len(given):
        if at < len(wanted) and wanted[at] == "#":
            retry_at, retry_position = at, position
            at += 1
        elif at < len(wanted) and wanted[at] in ("*", given[position]):
            at, position = at + 1, position + 1
        elif retry_at >= 0:
            retry_position += 1
            at, position = retry_at + 1, retry_position
        else:
            return False
    return all(word == "#" for word in wanted[at:])


def matches(exchange_type: str, pattern: str, key: str) -> bool:
    """Whether a binding of an exchange of this type takes the key."""
    if exchange_type == "fanout":
        return True
    if exchange_type == "topic":
        return topic_matches(pattern, key)
    return pattern == key
