"""The client of Keystone v3."""

from __future__ import annotations

from typing import Any, cast

from pelagos.clients.base import Client
from pelagos.clients.identity.people import People
from pelagos.clients.identity.places import Places
from pelagos.clients.identity.roles import Roles
from pelagos.clients.identity.types import Token


class IdentityClient(People, Places, Roles, Client):
    """Users, groups, projects, domains, roles, credentials and the catalogue of an OpenStack.

    Most of it is for administrators; everybody may see himself, his projects and his
    application credentials.

    Args:
        endpoint_url: of Keystone's v3; `/v3` is added where no version is.
        token: of the asker.
        more: as `Client` takes it.
    """

    def get_token_info(self, token: str | None = None) -> Token:
        """What Keystone knows of a token; of the client's own unless told.

        Raises:
            NotFound: it is unknown or has ended.
        """
        subject = token or self.token
        reply = self.get(("auth", "tokens"), headers={"X-Subject-Token": subject})
        return cast(Token, reply.member("token"))

    def revoke_token(self, token: str | None = None) -> None:
        """End a token; the client's own unless told."""
        subject = token or self.token
        self.delete(("auth", "tokens"), headers={"X-Subject-Token": subject}, success=(200, 204))

    def get_catalog(self) -> list[dict[str, Any]]:
        """The catalogue for the asker's project, as Keystone has it."""
        return cast("list[dict[str, Any]]", self.get(("auth", "catalog")).member("catalog"))
