"""Which module of the ancestor has which names, and what they are here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from pelagos.compat.xivo_dird import rest_api
from pelagos.core.errors import ConfigError
from pelagos.directory import (
    BaseServicePlugin,
    BaseSourcePlugin,
    BaseViewPlugin,
    SourceResult,
    make_result_class,
)


class BaseService(ABC):
    """A service whose one job is to be called."""

    @abstractmethod
    def __call__(self, *args: Any, **kwds: Any) -> Any:
        """Do the job."""


class InvalidConfigError(ConfigError):
    """A value of the configuration cannot be used.

    Attributes:
        location_path: where it is, as "views/displays_phone/name/0".
        msg: what is wrong with it.
    """

    def __init__(self, location_path: str, msg: str) -> None:
        super().__init__(f"{location_path}: {msg}")
        self.location_path = location_path
        self.msg = msg


def _make_result_class_of_backend(
    source_backend: str, *args: Any, **kwds: Any
) -> Callable[..., SourceResult]:
    """`make_result_class` of wazo-dird, which is told the back-end first; our core knows it."""
    del source_backend
    return make_result_class(*args, **kwds)


def modules(package: str) -> dict[str, Mapping[str, Any]]:
    """The modules of `xivo_dird` or `wazo_dird` by their paths, each with its names."""
    make = make_result_class if package == "xivo_dird" else _make_result_class_of_backend
    bases = {
        "BaseServicePlugin": BaseServicePlugin,
        "BaseSourcePlugin": BaseSourcePlugin,
        "BaseViewPlugin": BaseViewPlugin,
    }
    service = {"BaseService": BaseService}
    rest = {
        "AuthResource": rest_api.TokenResource,
        "ErrorCatchingResource": rest_api.OpenResource,
        "LegacyAuthResource": rest_api.TokenResource,
        "LegacyErrorCatchingResource": rest_api.OpenResource,
        "api": rest_api.api,
    }
    auth = {
        "AuthResource": rest_api.TokenResource,
        "client": rest_api.client,
        "required_acl": rest_api.required_acl,
    }
    errors = {"InvalidConfigError": InvalidConfigError}
    below: dict[str, Mapping[str, Any]] = {
        "": {**bases, **service, "make_result_class": make},
        ".auth": auth,
        ".core": {},
        ".core.auth": auth,
        ".core.exception": errors,
        ".core.rest_api": rest,
        ".exception": errors,
        ".http": rest,
        ".plugins": {},
        ".plugins.base_plugins": {**bases, **service},
        ".plugins.source_result": {"make_result_class": make},
        ".rest_api": rest,
    }
    return {package + path: values for path, values in below.items()}
