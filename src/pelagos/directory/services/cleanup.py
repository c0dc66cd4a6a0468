"""Service `cleanup`: what a person kept goes when the person does."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pelagos.core import spelling
from pelagos.core.errors import ConfigError, PelagosError
from pelagos.directory.services.base import BaseServicePlugin, needed
from pelagos.directory.services.person import store_of
from pelagos.directory.store import DirectoryStore

log = logging.getLogger(__name__)

#: What is announced when a telephone exchange has removed a user.
USER_DELETED = "config.user.deleted"

_IDS = ("uuid", "user_uuid")


class CleanupService:
    """Forgets persons; safe to share between threads."""

    def __init__(self, store: DirectoryStore) -> None:
        self._store = store

    def forget(self, person: str) -> None:
        """Remove a person's contacts and favourites; again is harmless.

        Raises:
            StoreError: the database cannot be used.
        """
        self._store.forget_person(person)
        log.info("what person %s kept is removed", person)

    def heard(self, message: Mapping[str, Any]) -> None:
        """An announcement that a user is no more; one that names nobody is logged.

        Raises:
            StoreError: the database cannot be used, so the message is to be heard again.
        """
        person = _named(message)
        if person is None:
            log.warning("an announcement of a removed user names none; nothing was done")
            return
        try:
            self.forget(person)
        except PelagosError:
            log.exception("what person %s kept is still there", person)
            raise


def _named(message: Any) -> str | None:
    """Whom an announcement is about: an id in it, or in its `data`."""
    if not isinstance(message, Mapping):
        return None
    for place in (message.get("data"), message):
        if isinstance(place, Mapping):
            for key in _IDS:
                if isinstance(found := place.get(key), str) and found:
                    return found
    return None


class CleanupPlugin(BaseServicePlugin):
    """The plugin `cleanup` of `pelagos.directory.services`; without a bus it hears nothing."""

    def load(self, args: Mapping[str, Any]) -> CleanupService:
        """The service; `services.cleanup.routing_keys` are heard.

        Raises:
            ConfigError: a key that is not known.
            DirectoryError: there is no store.
        """
        (config,) = needed(args, "config")
        service = CleanupService(store_of(args))
        keys = _routing_keys(config)
        bus = args.get("bus")
        if bus is not None:
            for key in keys:
                bus.subscribe(key, service.heard)
        return service


def _routing_keys(config: Mapping[str, Any]) -> list[str]:
    section = (config.get("services") or {}).get("cleanup") or {}
    spelling.refuse_unknown(section, ("routing_keys",), ConfigError, where="services.cleanup")
    keys = section.get("routing_keys", [USER_DELETED])
    if not isinstance(keys, list | tuple) or not all(isinstance(k, str) and k for k in keys):
        raise ConfigError("services.cleanup.routing_keys: a list of routing keys is needed")
    return list(keys)
