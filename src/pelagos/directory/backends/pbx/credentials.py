"""As whom a telephone system is asked: a token of its own, or a user name (RFC 7616, 7617)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pelagos.core import wire
from pelagos.core.clock import Clock
from pelagos.core.http import HttpClient, Response
from pelagos.directory.backends.pbx.settings import PbxServer
from pelagos.directory.errors import SourceError

#: Seconds for which a token is asked for, and after which a new one is.
_LIFETIME = 3600
_RENEWED_AFTER = 0.8 * _LIFETIME
_OK = 200
_PAIR = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}


class UserName:
    """Answers the challenge of a server with a user name, as `Digest` or else as `Basic`.

    Safe to share between threads.
    """

    def __init__(self, server: PbxServer) -> None:
        self._server = server
        self._challenge = ""

    def headers(self, method: str, url: str) -> dict[str, str]:
        """What goes with a request."""
        if self._server.username is None or not self._challenge:
            return {}
        kind, _, rest = self._challenge.partition(" ")
        name, password = self._server.username, self._server.password or ""
        if kind.lower() == "digest":
            return {"Authorization": digest(rest, name, password, method, url)}
        plain = base64.b64encode(f"{name}:{password}".encode()).decode()
        return {"Authorization": f"Basic {plain}"}

    def refused(self, answer: Response) -> bool:
        """Learn from a refusal; whether asking again may help."""
        if self._server.username is None:
            return False
        challenge = answer.headers.get("www-authenticate", "").strip()
        kind = challenge.partition(" ")[0].lower()
        if kind not in {"digest", "basic"}:
            return False
        is_new = challenge != self._challenge
        self._challenge = challenge
        return is_new


class Token:
    """A token that the telephone system gives to a service; safe to share between threads.

    Args:
        http: asks the server that gives it.
    """

    def __init__(self, server: PbxServer, http: HttpClient, clock: Clock) -> None:
        self._server = server
        self._http = http
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._until = 0.0

    def headers(self, method: str, url: str) -> dict[str, str]:
        """What goes with a request.

        Raises:
            SourceError: there is no token to be had.
            HttpError: the server cannot be asked.
        """
        del method, url
        with self._lock:
            if self._token is None or self._clock.monotonic() >= self._until:
                self._token = self._fetched()
                self._until = self._clock.monotonic() + _RENEWED_AFTER
            return {"X-Auth-Token": self._token}

    def refused(self, answer: Response) -> bool:
        """Forget a token that is not accepted any more; whether asking again may help."""
        with self._lock:
            is_known = self._token is not None
            self._token = None
        return is_known and answer.status == 401  # noqa: PLR2004  # unauthorized

    def _fetched(self) -> str:
        name, password = self._name_and_password()
        plain = base64.b64encode(f"{name}:{password}".encode()).decode()
        answer = self._http.request(
            "POST",
            "token",
            json={"expiration": _LIFETIME},
            headers={"Authorization": f"Basic {plain}"},
            timeout=self._server.timeout,
        )
        if answer.status != _OK:
            raise SourceError(
                f"{self._server.url} gives no token to {name} (status {answer.status})",
                hint="check user name and password of `auth` in this source",
            )
        try:
            token = answer.json()["data"]["token"]
        except (wire.WireError, KeyError, TypeError):
            token = None
        if not isinstance(token, str) or not token.isprintable() or not token.isascii():
            raise SourceError(f"{self._server.url} answers with no token", hint="check `auth`")
        return token

    def _name_and_password(self) -> tuple[str, str]:
        if self._server.key_file is None:
            return self._server.username or "", self._server.password or ""
        found = _read_keys(self._server.key_file)
        try:
            return found["service_id"], found["service_key"]
        except KeyError as error:
            raise SourceError(
                f"{self._server.key_file} has no {error.args[0]}",
                hint="it needs the lines service_id: … and service_key: …",
            ) from error


def _read_keys(path: Path) -> Mapping[str, str]:
    try:
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror or error}") from error
    lines = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name.strip(): value.strip().strip("\"'") for name, _, value in lines}


def digest(challenge: str, name: str, password: str, method: str, url: str) -> str:
    """The answer to a Digest challenge (RFC 7616), quality `auth` or none.

    Raises:
        SourceError: the server wants something that we do not speak.
    """
    asked = {k.lower(): quoted or bare for k, quoted, bare in _PAIR.findall(challenge)}
    algorithm = asked.get("algorithm", "MD5").upper()
    kind = _HASHES.get(algorithm)
    qualities = [quality.strip() for quality in asked.get("qop", "").split(",") if quality.strip()]
    if kind is None or (qualities and "auth" not in qualities):
        raise SourceError(f"the server wants a kind of digest that is not spoken: {algorithm}")

    def hashed(*parts: str) -> str:
        return hashlib.new(kind, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    parts = urlsplit(url)
    uri = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    realm, nonce = asked.get("realm", ""), asked.get("nonce", "")
    who, what = hashed(name, realm, password), hashed(method, uri)
    said = {"username": name, "realm": realm, "nonce": nonce, "uri": uri}
    if qualities:
        own, count = secrets.token_hex(8), "00000001"
        said["response"] = hashed(who, nonce, count, own, "auth", what)
        said["cnonce"] = own
    else:
        said["response"] = hashed(who, nonce, what)
    if "opaque" in asked:
        said["opaque"] = asked["opaque"]
    quoted = [f'{key}="{_quoted(value)}"' for key, value in said.items()]
    if qualities:
        quoted += ["qop=auth", f"nc={count}"]
    return "Digest " + ", ".join([*quoted, f"algorithm={algorithm}"])


def _quoted(text: str) -> str:
    clean = "".join(c for c in text if c.isprintable())
    return clean.replace("\\", "\\\\").replace('"', '\\"').encode().decode("latin-1")
