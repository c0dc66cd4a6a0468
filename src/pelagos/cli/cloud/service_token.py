"""Commands that a service of a Synnefo does, not a person: by a token of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pelagos.cli.argument import Argument, ValueArgument
from pelagos.cli.cloud.command import CLOUD, carrier
from pelagos.cli.cloud.identity import IdentityCommand
from pelagos.cli.failures import UsageError

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the clients
    from pelagos.clients.astakos import AstakosClient

VARIABLE = "PELAGOS_SERVICE_TOKEN"

SERVICE_TOKEN = ValueArgument(
    f"file with the token of a service (Synnefo); or the variable {VARIABLE}",
    "--service-token-file",
    metavar="FILE",
    complete="file",
)
SERVICE: Mapping[str, Argument] = {**CLOUD, "service_token": SERVICE_TOKEN}
"""Options of every such command."""


class ServiceCommand(IdentityCommand):
    """A command that a service does; its `arguments` must have `SERVICE`.

    Nobody logs in: a service's token is good for nothing else.
    """

    @cached_property
    def service(self) -> AstakosClient:
        """Astakos, asked as the service.

        Raises:
            CommandError: the cloud is no Synnefo.
            UsageError: no token is given.
        """
        from pelagos.clients.astakos import AstakosClient

        self.only_synnefo("what services do")
        settings = self.cloud.settings
        return AstakosClient(
            settings.auth_url,
            self._token(),
            http=carrier(self.context, settings),
            dialect="synnefo",
            timeout=settings.timeout,
        )

    def has_service_token(self) -> bool:
        """Whether one is given."""
        return bool(self["service_token"] or self.context.environ.get(VARIABLE))

    def _token(self) -> str:
        from pelagos.core.files import check_token

        path = self["service_token"]
        if path:
            text = Path(path).expanduser().read_text("ascii", "surrogateescape")
            return check_token(text, f"the file {path}")
        text = self.context.environ.get(VARIABLE, "")
        if not text.strip():
            raise UsageError(
                "only a service may do this, and no token of one is given",
                hint=f"give --service-token-file FILE, or set {VARIABLE}",
            )
        return check_token(text, VARIABLE)
