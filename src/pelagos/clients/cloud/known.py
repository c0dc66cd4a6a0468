"""Which clouds are configured, and where.

Looked for in this order; the first that has the name counts:

1. the section `cloud` of Pelagos' own file,
2. `clouds.yaml` of OpenStack's clients,
3. the ancestor's file.

The variables OS_AUTH_URL and so on are a cloud of their own, called "envvars".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Protocol

from pelagos.clients.errors import CloudNotConfigured
from pelagos.clients.login.settings import CloudSettings
from pelagos.core import spelling

ENVIRONMENT = "envvars"


class _File(Protocol):
    place: str
    names: tuple[str, ...]

    def get(self, name: str) -> CloudSettings: ...


class KnownClouds:
    """The clouds of this user.

    Args:
        environ: the environment.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    @cached_property
    def _own(self) -> _File:
        from pelagos.clients.cloud.own_file import OwnFile  # noqa: PLC0415  # only when asked for

        return OwnFile(self._environ)

    @cached_property
    def _yaml(self) -> _File:
        # Reading YAML is dear, and most clouds are found before.
        from pelagos.clients.cloud.clouds_yaml import CloudsYaml  # noqa: PLC0415

        return CloudsYaml(self._environ)

    @cached_property
    def _ancestor(self) -> _File:
        from pelagos.clients.cloud.kamakirc import Kamakirc  # noqa: PLC0415  # only when asked for

        return Kamakirc(self._environ)

    def names(self) -> list[str]:
        """The names of all, in the order in which they are looked for, each once.

        Raises:
            CloudNotConfigured: a file cannot be read.
        """
        found = [*self._own.names, *self._yaml.names, *self._ancestor.names]
        if self._is_in_environment():
            found.append(self._environment_name())
        return list(dict.fromkeys(found))

    def get(self, name: str | None = None) -> CloudSettings:
        """The settings of a cloud.

        Args:
            name: None: the one that is to be taken when nobody says which: `cloud.default`, or
                PELAGOS_CLOUD_DEFAULT; OS_CLOUD; that of the variables; the only one.

        Raises:
            CloudNotConfigured: there is none of that name, or it is not clear which is meant.
        """
        wanted = name or self.default()
        if wanted in self._own.names:
            return self._own.get(wanted)
        if self._is_in_environment() and wanted == self._environment_name():
            from pelagos.clients.cloud import openstack_names  # noqa: PLC0415  # only when needed

            cloud = openstack_names.from_environment(self._environ)
            return openstack_names.settings_of(wanted, cloud, "the environment")
        for file in (self._yaml, self._ancestor):
            if wanted in file.names:
                return file.get(wanted)
        raise self._unknown(wanted)

    def default(self) -> str:
        """The name of the cloud that is taken when nobody says which.

        Raises:
            CloudNotConfigured: none is configured, or several are.
        """
        chosen = getattr(self._own, "default", None) or self._environ.get("OS_CLOUD")
        if chosen:
            return str(chosen)
        if self._is_in_environment():
            return self._environment_name()
        names = self.names()
        chosen = getattr(self._ancestor, "default", None)
        if len(names) == 1 or (chosen and not self._own.names and not self._yaml.names):
            return str(chosen or names[0])
        if names:
            raise CloudNotConfigured(
                f"several clouds are configured: {', '.join(names)}",
                hint="say which: by name, cloud.default, PELAGOS_CLOUD_DEFAULT or OS_CLOUD",
            )
        raise CloudNotConfigured(
            f"no cloud is configured; looked into {self._places()} and the variables OS_*",
            hint=f"write one into {self._own.place}: [cloud.named.NAME] with auth_url and a login",
        )

    def _unknown(self, name: str) -> CloudNotConfigured:
        names = self.names()
        hint = spelling.hint(name, names) or (
            f"there are {', '.join(names)}" if names else f"write it into {self._own.place}"
        )
        return CloudNotConfigured(
            f"no cloud is called {name}; looked into {self._places()}", hint=hint
        )

    def _places(self) -> str:
        return f"{self._own.place}, {self._yaml.place}, {self._ancestor.place}"

    def _is_in_environment(self) -> bool:
        return bool(self._environ.get("OS_AUTH_URL"))

    def _environment_name(self) -> str:
        return self._environ.get("OS_CLOUD_NAME") or ENVIRONMENT
