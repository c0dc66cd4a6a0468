"""Logins kept between processes, in files that only the user can read."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pelagos.clients.login.access import Access
from pelagos.clients.login.catalogue import Catalogue, Endpoint
from pelagos.clients.login.settings import CloudSettings
from pelagos.core import plain_json
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.files import open_plain, write_atomic

log = logging.getLogger(__name__)

#: What makes one login another; a secret is none of it, because it need not be known to anybody.
_WHO = (
    "auth_url", "username", "user_id", "user_domain_name", "user_domain_id", "project_name",
    "project_id", "project_domain_name", "project_domain_id", "domain_name", "domain_id",
    "system_scope", "application_credential_id", "application_credential_name",
)  # fmt: skip
_SHORTEST = 60.0


class KeptLogins:
    """The logins of this user, one file each.

    Args:
        folder: made when the first is kept, with mode 0700.
        clock: tells when a token ends.
    """

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self._folder = folder
        self._clock = clock or SystemClock()

    def path(self, settings: CloudSettings) -> Path:
        """Where the login of a cloud is kept."""
        said = plain_json.encode([getattr(settings, name) for name in _WHO])
        return self._folder / f"{hashlib.sha256(said).hexdigest()[:32]}.json"

    def find(self, settings: CloudSettings) -> Access | None:
        """The login that was kept, when its token is good for a while.

        A file that others could have written or read is not believed.
        """
        path = self.path(settings)
        try:
            stream = open_plain(path)
            if stream is None:
                return None
            with stream:
                seen = os.fstat(stream.fileno())
                if seen.st_uid != os.geteuid() or stat.S_IMODE(seen.st_mode) & 0o077:
                    log.warning("%s is not believed: others can read or write it", path)
                    return None
                kept = plain_json.decode(stream.read())
            return self._read(kept)
        except (OSError, plain_json.WireError, KeyError, TypeError, ValueError):
            return None

    def _read(self, kept: Mapping[str, Any]) -> Access | None:
        left = float(kept["end"]) - self._clock.time()
        if left < _SHORTEST:
            return None
        said = dict(kept["access"])
        said["catalogue"] = Catalogue(tuple(Endpoint(**one) for one in kept["endpoints"]))
        said["roles"] = tuple(said["roles"])
        if not isinstance(said["token"], str):
            return None
        return replace(Access(**said), lifetime=left)

    def keep(self, settings: CloudSettings, access: Access) -> None:
        """Keep a login, if its token ends and is one that this login made."""
        if access.lifetime is None or not access.token:
            return
        endpoints = [asdict(one) for one in access.catalogue.endpoints]
        fields = {name: getattr(access, name) for name in Access.__slots__ if name != "catalogue"}
        kept = {
            "end": self._clock.time() + access.lifetime,
            "access": fields,
            "endpoints": endpoints,
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self.path(settings)
            write_atomic(path, plain_json.encode(kept), mode=0o600, durable=False)
        except OSError as error:
            log.warning("the login at %s cannot be kept: %s", settings.auth_url, error)

    def forget(self, settings: CloudSettings) -> None:
        """Forget the login of a cloud, if there is one."""
        self.path(settings).unlink(missing_ok=True)


def login_folder(environ: Mapping[str, str]) -> Path:
    """Where a user's logins are kept: below XDG_CACHE_HOME, or ~/.cache."""
    cache = environ.get("XDG_CACHE_HOME")
    home = Path(cache) if cache else Path(environ.get("HOME") or "~").expanduser() / ".cache"
    return home / "pelagos" / "logins"
