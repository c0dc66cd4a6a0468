"""Which names are those of secrets: passwords, tokens, keys, of whatever file, option or answer.

One meaning for all that hide some: the history of the shell, errors about parameters, settings
as they are shown, and what looks after who may read a file.
"""

from __future__ import annotations

import re

_SECRET = re.compile(
    r"passw|passcode|passphrase|secret|credential"  # wherever in the name
    r"|(?:pass|pwd|tokens?|cookies?|bearer|authorization)$"
    r"|(?:^|[^a-z])pin$"
    r"|(?:access|account|api|auth|client|encryption|host|hmac|master|private|server|service|session"
    r"|signing|ssh|ssl|tls)[-_]?keys?$",
    re.IGNORECASE,
)
_KEY = re.compile(r"keys?$", re.IGNORECASE)
#: Behind such a name: where a secret is, whose it is, or how long it is good.
_ABOUT = re.compile(
    r"[-_.](?:dir|file|folder|hours|id|lifetime|name|path|seconds|timeout|ttl|type|url)s?$",
    re.IGNORECASE,
)


def is_secret(name: str) -> bool:
    """Whether what has this name is a secret itself, and not where one is, or what kind.

    >>> [is_secret(name) for name in ("--token", "auth.Password", "apiKey")]
    [True, True, True]
    >>> [is_secret(name) for name in ("--token-file", "credential_id", "key", "compass_rose")]
    [False, False, False, False]
    """
    return bool(_SECRET.search(name)) and not _ABOUT.search(name)


def holds_secret(name: str, value: object) -> bool:
    """Whether this is a secret of that name, and not the path of the file with a key.

    >>> holds_secret("client_key", "/etc/ssl/key.pem"), holds_secret("password", "/x")
    (False, True)
    """
    is_path = str(value).startswith(("/", "~/", "./")) and _KEY.search(name) is not None
    return is_secret(name) and not is_path
