"""OAuth 2 at Astakos: a person lets a program know who he is, and the program asks once.

The way with a code (RFC 6749, 4.1): the program sends the person to `/oauth2/auth`, which sends
him back with a code; for the code the program gets a token at `/oauth2/token`, and for the token
the person's name at `/identity/v2.0/tokens/TOKEN`. Codes and tokens are good once, and for
seconds. A real Astakos wants HTTPS for this, and says so; a box does until a program is told to
it, and then takes plain HTTP, as it is asked by tests alone.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from pelagos.box.identity import secret
from pelagos.box.identity.astakos.callers import Callers
from pelagos.box.synnefo import document
from pelagos.box.web import Answer, Request, Router
from pelagos.core.clock import Clock

TOKEN = "/oauth2/token"  # noqa: S105  # a path
_AUTH = "/oauth2/auth"
#: Seconds that a code, and a token for it, can be used.
CODE_LIFE = 60.0
TOKEN_LIFE = 20.0
Kind = Literal["code", "token"]
_FORM_LIMIT = 64 * 1024
_FIELDS_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Program:
    """A program that may ask who somebody is.

    Attributes:
        digest: of its secret.
        addresses: where persons may be sent back to, letter by letter.
    """

    client_id: str
    digest: bytes
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code or a token stands for.

    Attributes:
        address: where the person was sent back to, when the program had said it; "" otherwise.
        expires: seconds since the epoch.
    """

    user_id: str
    client_id: str
    address: str
    scope: str
    expires: float = 0.0


class Programs:
    """The programs of a box, and what they were granted; safe to share between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._programs: dict[str, Program] = {}
        self._granted: dict[tuple[str, bytes], Grant] = {}

    def add(self, client_id: str, password: str, addresses: tuple[str, ...]) -> None:
        """Let a program ask; the one of that name no longer may.

        Raises:
            ValueError: an address is no URL to which a browser can be sent, or there is none.
        """
        for address in addresses:
            parts = urlsplit(address)
            if parts.scheme not in {"http", "https"} or not parts.netloc or parts.fragment:
                raise ValueError(f"{address!r} is no http URL without a fragment")
        if not addresses:
            raise ValueError("say to which address persons are sent back")
        program = Program(client_id, secret.token_hash(password), addresses)
        with self._lock:
            self._programs[client_id] = program

    def get(self, client_id: str) -> Program | None:
        """The program of that name."""
        with self._lock:
            return self._programs.get(client_id)

    @property
    def are_known(self) -> bool:
        """Whether there is any."""
        with self._lock:
            return bool(self._programs)

    def grant(self, kind: Kind, grant: Grant, life: float) -> str:
        """A text that stands for it, for so many seconds."""
        text, now = secret.new_token(), self._clock.time()
        with self._lock:
            self._granted = {k: one for k, one in self._granted.items() if one.expires > now}
            self._granted[kind, secret.token_hash(text)] = replace(grant, expires=now + life)
        return text

    def take(self, kind: Kind, text: str) -> Grant | None:
        """What a text stood for; from now on nothing."""
        with self._lock:
            found = self._granted.pop((kind, secret.token_hash(text)), None)
        return found if found is not None and found.expires > self._clock.time() else None


class OAuth:
    """The resources below /oauth2."""

    def __init__(self, programs: Programs, callers: Callers) -> None:
        self._programs = programs
        self._callers = callers

    def routes(self, router: Router) -> None:
        """Take their places."""
        router.add("GET", _AUTH, self._authorize)
        router.add("POST", TOKEN, self._token)

    def _authorize(self, request: Request) -> Answer:
        if not self._programs.are_known:
            return _insecure()
        asked = request.query
        program = self._programs.get(asked.get("client_id", ""))
        told = asked.get("redirect_uri", "")
        # Nobody is sent to an address that the program has not told before.
        if program is None:
            return _error("invalid_request", "No such client")
        if told not in program.addresses and (told or len(program.addresses) > 1):
            return _error("invalid_request", "The redirect_uri is none of this client's")
        address = told or program.addresses[0]
        state = {"state": asked["state"]} if "state" in asked else {}
        if asked.get("response_type") != "code":
            return _sent(address, {"error": "unsupported_response_type", **state})
        person = self._callers.person(request)
        scope = asked.get("scope", "")
        grant = Grant(person.user_id, program.client_id, told, scope)
        code = self._programs.grant("code", grant, CODE_LIFE)
        return _sent(address, {"code": code, **state})

    def _token(self, request: Request) -> Answer:
        if not self._programs.are_known:
            return _insecure()
        form = _form(request)
        if form is None:
            return _error("invalid_request", "The body is no form")
        program = self._proved(request, form)
        if program is None:
            refused = _error("invalid_client", "Wrong client, or wrong secret", 401)
            refused.headers["WWW-Authenticate"] = 'Basic realm="oauth2"'
            return refused
        if form.get("grant_type") != "authorization_code":
            return _error("unsupported_grant_type", "The grant_type is authorization_code")
        grant = self._programs.take("code", form.get("code", ""))
        wanted = (program.client_id, form.get("redirect_uri", ""))
        if grant is None or (grant.client_id, grant.address) != wanted:
            return _error("invalid_grant", "No such code of this client, for this redirect_uri")
        given = {
            "access_token": self._programs.grant("token", grant, TOKEN_LIFE),
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LIFE),
            **({"scope": grant.scope} if grant.scope else {}),
        }
        return _unkept(document(given))

    def _proved(self, request: Request, form: Mapping[str, str]) -> Program | None:
        """The program that asks, when it shows its secret."""
        client_id, password = form.get("client_id", ""), form.get("client_secret", "")
        kind, _, text = request.header("Authorization").partition(" ")
        if kind.lower() == "basic":
            try:
                pair = base64.b64decode(text, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return None
            client_id, _, password = pair.partition(":")
        program = self._programs.get(client_id)
        if program is None or not hmac.compare_digest(program.digest, secret.token_hash(password)):
            return None
        return program


def _form(request: Request) -> dict[str, str] | None:
    kind = request.header("Content-Type").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return None
    try:
        pairs = parse_qsl(
            request.body(_FORM_LIMIT).decode(),
            keep_blank_values=True,
            max_num_fields=_FIELDS_LIMIT,
        )
    except ValueError:
        return None
    return dict(pairs) if len(dict(pairs)) == len(pairs) else None


def _sent(address: str, told: Mapping[str, str]) -> Answer:
    """The person's browser goes on there."""
    joint = "&" if urlsplit(address).query else "?"
    return _unkept(Answer(302, {"Location": f"{address}{joint}{urlencode(told)}"}))


def _error(name: str, description: str, status: int = 400) -> Answer:
    return _unkept(document({"error": name, "error_description": description}, status))


def _unkept(answer: Answer) -> Answer:
    answer.headers.update({"Cache-Control": "no-store", "Pragma": "no-cache"})
    return answer


def _insecure() -> Answer:
    """What a real server says over plain HTTP."""
    told = {"error": "generic_error", "exception": "Secure request required"}
    answer = document(told, 400)
    answer.headers["Content-Type"] = "text/html; charset=utf-8"
    answer.headers["Vary"] = "Cookie, Accept-Language"
    return answer
