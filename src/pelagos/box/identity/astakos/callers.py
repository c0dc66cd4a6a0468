"""Who asks Astakos: persons and services."""

from __future__ import annotations

from pelagos.box.errors import Refused
from pelagos.box.identity import secret
from pelagos.box.identity.identity import Identity
from pelagos.box.identity.tokens import Token
from pelagos.box.web import Request

_WRONG = "Invalid X-Auth-Token"


class Callers:
    """Knows persons and services by their tokens."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._database = identity.database

    def person(self, request: Request) -> Token:
        """The person who asks.

        Raises:
            Refused: 401, nobody that is known.
        """
        token = self._identity.tokens.known(request.header("X-Auth-Token"))
        if token is None:
            raise Refused(401, _WRONG)
        return token

    def service(self, request: Request) -> str:
        """The service that asks.

        Raises:
            Refused: 401, none.
        """
        row = (
            self._database.read()
            .execute(
                "SELECT service FROM service_tokens WHERE hash = ?",
                (secret.token_hash(request.header("X-Auth-Token")),),
            )
            .fetchone()
        )
        if row is None:
            raise Refused(401, _WRONG)
        return str(row["service"])

    def give(self, service: str) -> str:
        """A new token for a service."""
        text = secret.new_token()
        with self._database.change() as connection:
            connection.execute(
                "INSERT INTO service_tokens VALUES (?, ?)", (secret.token_hash(text), service)
            )
        return text
