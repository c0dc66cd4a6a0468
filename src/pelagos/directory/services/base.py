"""The contract of a service: what views call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from pelagos.directory.settings import ServiceProfile, service_profiles


class BaseServicePlugin(ABC):
    """A service. A class with these methods works without this base, too."""

    @abstractmethod
    def load(self, args: Mapping[str, Any]) -> Any:
        """Start, and return the object that views get under the plugin's name.

        Args:
            args: `config`, the whole configuration; `sources`, the loaded sources by name;
                `failures`, the reason of each source that could not be loaded, by name;
                `asking`, a `pelagos.directory.asking.Asking` through which all services ask them;
                `roster`, a `pelagos.directory.roster.Roster` in which the sources change.
        """

    def unload(self) -> None:  # noqa: B027  # optional, as the contract says
        """Release what `load` took."""


def needed(args: Mapping[str, Any], *keys: str) -> tuple[Any, ...]:
    """The values of these keys of a plugin's `args`.

    Raises:
        ValueError: one is missing; says which, and which are there.
    """
    missing = [key for key in keys if key not in args]
    if missing:
        raise ValueError(f"args lacks {', '.join(missing)}; it has {', '.join(sorted(args))}")
    return tuple(args[key] for key in keys)


def profiles_of(args: Mapping[str, Any], service: str) -> Mapping[str, ServiceProfile]:
    """The profiles of a service, which change while the directory serves.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type.
        ValueError: `args` lacks `config`.
    """
    roster = args.get("roster")
    if roster is None:
        return service_profiles(needed(args, "config")[0], service)
    found: Mapping[str, ServiceProfile] = roster.profiles(service)
    return found
