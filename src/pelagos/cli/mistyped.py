"""What a word that is no command was meant to be.

Other programs have other words for the same: whoever comes from them types `service show`, or
`server rm`, and spelling finds nothing near, or something else (`set` for `unset`).
"""

from __future__ import annotations

from collections.abc import Collection

from pelagos.cli.failures import UsageError
from pelagos.cli.tree import CommandTree, Node

SAME = (
    ("info", "show", "describe", "view", "inspect"),
    ("delete", "destroy", "remove", "rm", "del", "unset", "purge"),
    ("list", "ls", "index"),
    ("create", "add", "new", "make", "allocate", "upload", "register"),
    ("rename", "modify", "update", "edit", "change", "set"),
)
"""Words for the same deed."""

_ELSEWHERE = {
    "version": "--version", "init": "up", "serve": "up", "login": "join", "deploy": "request",
    "status": "service list", "ps": "service list", "ls": "service list",
    "instance": "service", "machine": "server", "vm": "server", "node-list": "computer list",
    "disk": "volume", "bucket": "container", "key": "keypair", "ssh-key": "keypair",
    "firewall": "security-group", "secgroup": "security-group", "floating-ip": "ip",
    "tenant": "project", "opennebula": "one", "settings": "config", "search": "lookup",
}  # fmt: skip
"""What is called otherwise at the top."""


def refusal(tree: CommandTree, node: Node, word: str) -> UsageError:
    """The error about a word that `node` has no command of; its hint names what was meant."""
    before = f"{node.line} " if node.terms else ""
    meant = _meant(tree, node, word)
    hint = f"did you mean: pelagos {before}{meant}?" if meant else f"see: pelagos {before}--help"
    return UsageError(f"there is no command {before}{word}", hint=hint)


def _meant(tree: CommandTree, node: Node, word: str) -> str | None:
    from pelagos.core.spelling import nearest

    known = list(node.subcommands)
    if node.terms:
        return _synonym(word, known) or nearest(word, known)
    if word in _ELSEWHERE:
        return _ELSEWHERE[word]
    near = nearest(word, known)
    if near is None:
        # `pelagos list` may mean `pelagos service list`
        near = next((one.line for one in tree.root.walk() if one.name == word), None)
    return near


def _synonym(word: str, known: Collection[str]) -> str | None:
    """The known word for the same.

    >>> _synonym("rm", ["list", "destroy"])
    'destroy'
    """
    same = next((words for words in SAME if word in words), ())
    return next((one for one in same if one in known), None)
