"""The configuration as it may be shown: without passwords, tokens and keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pelagos.core.logs import hide
from pelagos.core.secret_names import holds_secret

MASK = "***"

#: Where the keys of a table are names that people gave to sources, profiles and displays.
_OF_NAMES = frozenset({
    ("sources",), ("services", "lookup"), ("services", "reverse"), ("services", "favorites"),
    ("views", "displays"), ("views", "displays_phone"), ("views", "profile_to_display"),
    ("views", "profile_to_display_phone"), ("auth", "rights"),
})  # fmt: skip
_USERINFO = re.compile(r"(//)[^/?#\s]*@")
# What follows a secret's name in the query of a URL, or in a text of such pairs.
_IN_QUERY = re.compile(
    r"([?&][^=&#\s]*(?:pass|secret|token|key|credential|auth|sig)[^=&#\s]*=)[^&#\s]+",
    re.IGNORECASE,
)
_IN_PAIRS = re.compile(r"\b((?:password|passwd|pwd|secret)\s*=\s*)[^\s;&]+", re.IGNORECASE)


def masked(config: Any) -> Any:
    """A copy, as JSON can carry it, in which whatever looks like a secret is `MASK`.

    So is all that stands below a key that names one.

    >>> masked({"db_uri": "postgresql://joe:pw@db/dird", "ldap_password": "x", "timeout": 1})
    {'db_uri': 'postgresql://***@db/dird', 'ldap_password': '***', 'timeout': 1}
    >>> masked({"secrets": {"crm": "x", "keep": None}})
    {'secrets': {'crm': '***', 'keep': None}}
    """
    return _masked(config, (), is_hidden=False)


def unmasked(config: Any, shown: Any, former: Any) -> Any:
    """A masked copy that came back, with the secrets that it masks.

    Args:
        config: what came; what is new in it stays as it is.
        shown: what `masked` made of `former`.

    >>> former = {"password": "x", "timeout": 1}
    >>> unmasked({"password": "***", "timeout": 2}, masked(former), former)
    {'password': 'x', 'timeout': 2}
    """
    if config == shown:
        return former
    if isinstance(config, Mapping) and isinstance(shown, Mapping):
        return {
            key: unmasked(value, shown[key], former[key]) if key in shown else value
            for key, value in config.items()
        }
    return config


def _masked(config: Any, path: tuple[str, ...], *, is_hidden: bool) -> Any:
    if isinstance(config, Mapping):
        names = path in _OF_NAMES
        return {
            name: _masked(
                value,
                (*path, name),
                is_hidden=is_hidden or (not names and holds_secret(name, value)),
            )
            for name, value in ((str(name), value) for name, value in config.items())
        }
    if isinstance(config, list | tuple):
        return [_masked(value, path, is_hidden=is_hidden) for value in config]
    if config is None or isinstance(config, bool) or config == "":
        return config
    if is_hidden:
        return MASK
    return config if isinstance(config, int | float) else _text(str(config))


def _text(text: str) -> str:
    if "PRIVATE KEY-----" in text:
        return MASK
    for pattern in (_IN_QUERY, _IN_PAIRS):
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return hide(_USERINFO.sub(rf"\g<1>{MASK}@", text))
