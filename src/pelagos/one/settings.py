"""Where OpenNebula is and as whom to come: arguments, environment, files, in this order."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from pelagos.one.errors import OneConfigException

_DEFAULT = "http://localhost:2633/RPC2"
_DAEMONS_FILE = Path("/var/lib/one/.one/one_auth")
#: Seconds for a whole answer, unless somebody says otherwise.
DEFAULT_TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address without credentials, and the session, which no text shows.

    Attributes:
        session: "user:password" or "user:token".
        authorization: the header for a web server in between, when the address had credentials.
    """

    uri: str
    session: str = field(repr=False)
    timeout: float = DEFAULT_TIMEOUT
    authorization: str | None = field(default=None, repr=False)

    @property
    def user(self) -> str:
        """The user of the session."""
        return self.session.partition(":")[0]


def find_endpoint(
    uri: str | None,
    session: str | None,
    timeout: float | None,
    environment: Mapping[str, str] | None = None,
) -> Endpoint:
    """What was given, else what the tools of OpenNebula would use.

    The address: `ONE_XMLRPC`, `~/.one/one_endpoint`, this machine. The session: the file that
    `ONE_AUTH` names, `~/.one/one_auth`, `/var/lib/one/.one/one_auth`. The timeout in seconds:
    `ONE_XMLRPC_TIMEOUT`, 120.

    Raises:
        OneConfigException: no session, an unusable address, or a timeout that is no number.
    """
    found = os.environ if environment is None else environment
    home = Path(found.get("HOME") or "~").expanduser()
    address = uri or found.get("ONE_XMLRPC") or _first_line(home / ".one/one_endpoint") or _DEFAULT
    bare, authorization = _without_credentials(address)
    return Endpoint(
        bare,
        _checked(session if session is not None else _session(found, home)),
        _seconds(timeout, found),
        authorization,
    )


def _session(found: Mapping[str, str], home: Path) -> str:
    named = found.get("ONE_AUTH")
    for path in [Path(named)] if named else [home / ".one/one_auth", _DAEMONS_FILE]:
        line = _first_line(path)
        if line:
            return line
    where = f"the file {named} of ONE_AUTH has none" if named else "there is no ~/.one/one_auth"
    raise OneConfigException(
        f"no session was given, and {where}",
        hint='write "user:password" into ~/.one/one_auth, or give session="user:password"',
    )


def _checked(session: str) -> str:
    if ":" not in session.strip():
        raise OneConfigException(
            "the session has no colon between user and password",
            hint='write it as "user:password"; the user\'s name has no colon',
        )
    return session.strip()


def _first_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8").strip().splitlines()
    except OSError:
        return ""
    except UnicodeDecodeError as error:
        raise OneConfigException(f"{path} is not UTF-8") from error
    return lines[0].strip() if lines else ""


def _without_credentials(address: str) -> tuple[str, str | None]:
    try:
        parts = urlsplit(address)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise OneConfigException(
            "the address of OpenNebula cannot be used",
            hint="write it as http://HOST:2633/RPC2",
        )
    userinfo, at, host = parts.netloc.rpartition("@")
    bare = urlunsplit(parts._replace(netloc=host, path=parts.path or "/RPC2"))
    if not at:
        return bare, None
    return bare, "Basic " + base64.b64encode(unquote(userinfo).encode()).decode()


def _seconds(timeout: float | None, found: Mapping[str, str]) -> float:
    if timeout is None:
        text = found.get("ONE_XMLRPC_TIMEOUT", "").strip()
        try:
            timeout = float(text) if text else DEFAULT_TIMEOUT
        except ValueError as error:
            raise OneConfigException(
                f"ONE_XMLRPC_TIMEOUT is {text!r} and not a number of seconds"
            ) from error
    if not timeout > 0:
        raise OneConfigException(
            f"a timeout of {timeout} seconds leaves no time", hint="give more than 0"
        )
    return float(timeout)
