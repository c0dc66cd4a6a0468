"""Which names are those of secrets: passwords, tokens, keys, of whatever file, option or answer.

One meaning for all that hide some: the history of the shell, errors about parameters, settings
as they are shown, and what looks after who may read a file.
"""

from __future__ import annotations

import re

#: What may follow such a name at its end: how the secret is written, or which one it is.
_FORM = r"(?:[-_]?(?:b64|base64|data|pem|value|v?\d))*$"
_SECRET = re.compile(
    r"passw|passcode|passphrase|secret|credential"  # wherever in the name
    r"|(?:(?<!com)(?<!by)pass|pwd|tokens?|cookies?|bearer|authorization|(?:^|[^a-z])pin|(?-i:Pin)"
    r"|(?:access|account|api|auth|client|consumer|deploy|encryption|host|hmac|license|master"
    r"|private|root|server|service|session|shared|signing|ssh|ssl|storage|tls)[-_]?keys?)" + _FORM,
    re.IGNORECASE,
)
_KEY = re.compile("keys?" + _FORM, re.IGNORECASE)
#: Behind such a name: where a secret is, whose it is, how long it is good, or how many there are.
_ABOUT = re.compile(
    r"[-_.](?:command|dir|env|file|folder|hour|length|lifetime|name|path|second|timeout|ttl|type"
    r"|url)s?$"
    r"|^(?!.*secret).*[-_.]ids?$"  # a secret_id is what a second password is called
    r"|(?:^|[^a-z])(?:max|min)[-_]?tokens$",
    re.IGNORECASE,
)
_AT_HOME_OR_HERE = ("~/", "./")


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
    return is_secret(name) and not (_KEY.search(name) and _is_path(str(value)))


def _is_path(text: str) -> bool:
    """Whether it is a path, and not a key in base64, which may begin with a slash, too."""
    if text.startswith("/"):
        return "/" in text[1:] and "+" not in text and not text.endswith("=")
    return text.startswith(_AT_HOME_OR_HERE)
