"""The configuration as it may be shown: without passwords, tokens and keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pelagos.core.logs import hide

MASK = "***"

_SECRET = re.compile(
    r"pass(?:word|wd|phrase)?$|secret|token$|credential|(?:api|service|access|auth)_?key$",
    re.IGNORECASE,
)
# What follows a secret's name in the query of a URL.
_IN_QUERY = re.compile(
    r"([?&][^=&#\s]*(?:pass|secret|token|key|credential|auth|sig)[^=&#\s]*=)[^&#\s]+",
    re.IGNORECASE,
)


def masked(config: Any, key: str = "") -> Any:
    """A copy, as JSON can carry it, in which whatever looks like a secret is `MASK`.

    >>> masked({"db_uri": "postgresql://joe:pw@db/dird", "ldap_password": "x", "timeout": 1})
    {'db_uri': 'postgresql://***@db/dird', 'ldap_password': '***', 'timeout': 1}
    """
    if isinstance(config, Mapping):
        return {str(name): masked(value, str(name)) for name, value in config.items()}
    if isinstance(config, list | tuple):
        return [masked(value, key) for value in config]
    if config is None or isinstance(config, bool):
        return config
    if _SECRET.search(key) and config != "":
        return MASK
    if isinstance(config, int | float):
        return config
    return _IN_QUERY.sub(rf"\g<1>{MASK}", hide(str(config)))
