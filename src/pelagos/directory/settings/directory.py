"""The whole configuration of a directory, checked before anything starts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pelagos.directory.model import Display
from pelagos.directory.settings import checks
from pelagos.directory.settings.display import profile_displays, warn_of_displays
from pelagos.directory.settings.enabled import enabled_plugins
from pelagos.directory.settings.service import check_services
from pelagos.directory.settings.source import SourceSettings, read_source

#: The sections that others read: what `auth`, `rest_api` and `phones` may hold is checked by the
#: parts of the directory that use it.
_SECTIONS = ("sources", "services", "views", "enabled_plugins", "auth", "rest_api", "phones")
_TEXTS = ("db_uri", "region")
_VIEW_KEYS = ("displays", "profile_to_display", "displays_phone", "profile_to_display_phone")


@dataclass(frozen=True, slots=True)
class DirectorySettings:
    """The configuration, read and checked.

    Attributes:
        raw: the mapping as given; services get it whole, views get its `views`.
        backends: names of the enabled back-end plugins.
        services: names of the enabled service plugins.
        views: names of the enabled view plugins.
        displays: the display of each profile that has one.
        db_uri: where favorites, personal contacts and phonebooks are kept; None: nowhere.
        region: country whose national numbers people write, as "FR"; None: numbers are compared
            as they are.
    """

    raw: Mapping[str, Any]
    sources: Mapping[str, SourceSettings]
    backends: Collection[str]
    services: tuple[str, ...]
    views: tuple[str, ...]
    displays: Mapping[str, Display]
    db_uri: str | None = None
    region: str | None = None

    @classmethod
    def from_mapping(
        cls, config: Mapping[str, Any], *, has_store: bool = False
    ) -> DirectorySettings:
        """Read a configuration.

        Args:
            has_store: whether there will be a store although `db_uri` names none.

        Raises:
            ConfigError: an unknown key, or a value of the wrong type; names its place.
        """
        checks.known(config, (*_SECTIONS, *_TEXTS), "")
        for name in _SECTIONS:
            checks.section(config, name)
        checks.known(checks.section(config, "rest_api"), ("cors",), "rest_api")
        texts = {
            key: None if config.get(key) is None else checks.text(config[key], key)
            for key in _TEXTS
        }
        sources = {
            name: read_source(name, checks.mapping(value, f"sources.{name}"))
            for name, value in checks.section(config, "sources").items()
        }
        used = {source.backend for source in sources.values()} - {""}
        enabled = enabled_plugins(config, used, has_store=has_store or texts["db_uri"] is not None)
        check_services(config, enabled["services"], sources)
        views = checks.section(config, "views")
        checks.known(views, (*_VIEW_KEYS, *enabled["views"]), "views")
        warn_of_displays(views)
        return cls(
            raw=config,
            sources=sources,
            backends=enabled["backends"],
            services=enabled["services"],
            views=enabled["views"],
            displays=profile_displays(views),
            **texts,
        )
