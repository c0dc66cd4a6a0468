"""What the web page of Astakos tells programs: the services that people see, and its menu."""

from __future__ import annotations

from typing import Any

from pelagos.box.synnefo import document
from pelagos.box.web import Answer, Request, Router

#: Name, what it is called, what it is for; in the order of the page.
_SERVICES = (
    ("astakos", "Astakos", "You, your projects and what you may use."),
    ("pithos", "Pithos", "Your files."),
    ("cyclades", "Cyclades", "Your servers and their networks."),
)


class Pages:
    """The resources below /ui; they need no token."""

    def routes(self, router: Router) -> None:
        """Take their places."""
        router.add("GET", "/ui/get_services", self._services)
        router.add("GET", "/ui/get_menu", self._menu)

    @staticmethod
    def _services(request: Request) -> Answer:
        found: list[dict[str, Any]] = [
            {
                "name": name,
                "verbose_name": called,
                "url": f"{request.host}/{name}/ui",
                "order": order,
                "cloudbar": {"show": name != "astakos", "title": name},
                "dashboard": {"show": True, "order": order, "description": text},
            }
            for order, (name, called, text) in enumerate(_SERVICES, 1)
        ]
        return document(found)

    @staticmethod
    def _menu(request: Request) -> Answer:
        return document([{"url": f"{request.host}/astakos/ui/", "name": "Sign in"}])
