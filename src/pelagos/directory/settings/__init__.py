"""What a directory is configured to be, read and checked.

Admission rule: one module per section of the configuration, each reads plain mappings (TOML, or
YAML of the ancestor) into frozen values and knows no plugin, thread or network.

A key that is not known is an error that names the nearest known one; a name that refers to nothing
(a source in a profile, a display) is a warning and a verdict, because the rest can be served.
"""

from pelagos.directory.settings.directory import DirectorySettings
from pelagos.directory.settings.display import display_of, displays, profile_displays
from pelagos.directory.settings.enabled import DEFAULT_SERVICES, DEFAULT_VIEWS
from pelagos.directory.settings.phone import (
    PhoneDisplay,
    PhoneNumber,
    phone_displays,
    profile_phone_displays,
)
from pelagos.directory.settings.service import (
    DEFAULT_TIMEOUT,
    PROFILE_SERVICES,
    ServiceProfile,
    service_profiles,
)
from pelagos.directory.settings.source import COMMON_KEYS, SourceSettings

__all__ = [
    "COMMON_KEYS",
    "DEFAULT_SERVICES",
    "DEFAULT_TIMEOUT",
    "DEFAULT_VIEWS",
    "PROFILE_SERVICES",
    "DirectorySettings",
    "PhoneDisplay",
    "PhoneNumber",
    "ServiceProfile",
    "SourceSettings",
    "display_of",
    "displays",
    "phone_displays",
    "profile_displays",
    "profile_phone_displays",
    "service_profiles",
]
