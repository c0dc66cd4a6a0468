"""The servers of the door for phones: HTTP, HTTPS, or both."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from pelagos.core.errors import ConfigError, PelagosError
from pelagos.core.web import Server, ServerTls
from pelagos.core.web.watch import CertificateWatch
from pelagos.directory.views.phones.display import displays_on_phones
from pelagos.directory.views.phones.door import PhoneDoor
from pelagos.directory.views.phones.lookup import Lookup
from pelagos.directory.views.phones.settings import Listening, PhonesSettings

log = logging.getLogger(__name__)


class PhoneServers:
    """The door, served from threads of this process until `stop`.

    A certificate that cannot be used switches off HTTPS alone, with a word in the log.

    Args:
        config: the whole configuration of a directory; `phones` and `views` are read.
        service: its service `lookup`.
        token: the token that sources get; without one, that of `phones.token_file`.

    Raises:
        ConfigError: the configuration is wrong, or neither HTTP nor HTTPS can be spoken.
        PelagosError: an address cannot be had.
    """

    def __init__(self, config: Mapping[str, Any], service: Lookup, *, token: str = "") -> None:
        settings = PhonesSettings.from_mapping(config.get("phones") or {})
        door = PhoneDoor(
            service,
            displays_on_phones(config.get("views") or {}),
            subnets=settings.subnets,
            profile=settings.profile,
            public_url=settings.public_url,
            token=token or _read_token(settings.token_file),
        )
        self._ending = ExitStack()
        self._servers: list[Server] = []
        with self._ending:
            for listening in (settings.http, settings.https):
                if listening is not None:
                    self._start(door, listening)
            if not self._servers:
                raise ConfigError(
                    "phones: neither HTTP nor HTTPS can be spoken",
                    hint="switch on phones.http, or name a certificate in phones.https",
                )
            self._ending = self._ending.pop_all()

    def _start(self, door: PhoneDoor, listening: Listening) -> None:
        tls = None
        if listening.certificate is not None and listening.key is not None:
            tls = ServerTls(listening.certificate, listening.key)
        server = Server(door.app, listening.host, listening.port, tls=tls)
        try:
            if tls is not None:
                server.renew_certificate()
        except PelagosError as error:
            log.error("phones are not served over HTTPS: %s", error)  # noqa: TRY400  # its own words
            return
        server.start()
        self._ending.callback(server.stop)
        if tls is not None:
            self._ending.callback(CertificateWatch(server, tls).stop)
        self._servers.append(server)
        log.info("phones ask at %s", server.url)

    @property
    def urls(self) -> tuple[str, ...]:
        """Where phones ask; HTTP first."""
        return tuple(server.url for server in self._servers)

    def alive(self) -> bool:
        """Whether all of them still accept requests."""
        return all(server.alive() for server in self._servers)

    def stop(self) -> None:
        """Let running requests end, and release the ports."""
        self._ending.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _read_token(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"phones.token_file: cannot read {path}: {error}", hint="one token, alone on a line"
        ) from error
