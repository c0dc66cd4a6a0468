"""A directory with every view there is, and a token whose rights a test sets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pelagos.core.errors import PelagosError
from pelagos.directory import Directory

PHONES = (
    "aastra", "cisco", "fanvil", "gigaset", "grandstream", "htek", "polycom", "snom", "thomson",
    "yealink",
)  # fmt: skip
#: A value of each argument of a route.
VALUES = {
    "profile": "default", "xivo_user_uuid": "ann", "directory": "fixed", "contact": "1",
    "contact_id": "c1", "contact_uuid": "c1", "tenant": "sea", "phonebook_id": "1",
    "backend": "sample", "source_uuid": "s1",
}  # fmt: skip
ARGUMENT = re.compile(r"<(?:[^<>]*:)?(\w+)>")


class WholeDirectory:
    """Asked in process, over HTTP's types.

    Attributes:
        rights: of the token; None: the verifier tells none, so all is allowed.
        down: whether tokens cannot be verified.
    """

    def __init__(self, folder: Path, *, expects_all: bool = True, **more: Any) -> None:
        self.rights: list[str] | None = None
        self.down = False
        profile = {"default": {"sources": ["fixed", "mine"], "timeout": 20}}
        config = {
            "db_uri": f"sqlite:///{folder / 'directory.db'}",
            "sources": {"fixed": {"type": "sample"}, "mine": {"type": "personal"}},
            "services": dict.fromkeys(("lookup", "reverse", "favorites"), profile),
            "views": {
                "displays": {
                    "people": [
                        {"title": "Name", "field": "firstname", "type": "name"},
                        {"title": None, "type": "favorite", "field": "fav"},
                        {"field": "nothing", "default": 7},
                    ]
                },
                "profile_to_display": {"default": "people"},
            },
            "enabled_plugins": {"views": {f"{phone}_view": True for phone in PHONES}},
            **more,
        }
        self.directory = Directory(config, verify=self.verify)
        if expects_all:
            assert self.directory.status.failures == ()
        self.http = self.directory.app.test_client()

    def verify(self, token: str) -> Mapping[str, Any] | None:
        if self.down:
            raise PelagosError("nobody answers at https://auth/token/s3cret")
        if token != "ann's":
            return None
        infos = {"token": token, "auth_id": "ann", "xivo_user_uuid": "ann"}
        return infos if self.rights is None else {**infos, "acls": self.rights}

    def call(self, method: str, path: str, token: str | None = "ann's", **more: Any) -> Any:
        headers = {**more.pop("headers", {})}
        if token is not None:
            headers["X-Auth-Token"] = token
        return self.http.open(path, method=method, headers=headers, **more)

    def routes(self) -> Iterator[tuple[str, str, str]]:
        """Method, rule and a path of every route, those outside of the API, too."""
        for rule in self.directory.app.url_map.iter_rules():
            path = ARGUMENT.sub(lambda found: VALUES.get(found[1], "x"), rule.rule)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule.rule, path
