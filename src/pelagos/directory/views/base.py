"""The contract of a view: how a service is reached."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class BaseViewPlugin(ABC):
    """A view. A class with these methods works without this base, too."""

    @abstractmethod
    def load(self, args: Mapping[str, Any]) -> None:
        """Add routes.

        Args:
            args: `config`, the `views` section of the configuration; `services`, the loaded
                services by name; `http_app`, the Flask application; `rest_api`, its Flask-RESTful
                `Api`. Rules given to `rest_api` work with and without the prefix `/0.1`.
                Resources derive from `pelagos.directory.AuthResource` to be open to holders of a
                token only; others are open to all.
        """

    def unload(self) -> None:  # noqa: B027  # optional, as the contract says
        """Release what `load` took."""
