"""Somebody who asks a box's Nova and Glance by hand."""

from __future__ import annotations

from typing import Any

from pelagos.box import Box, Person
from pelagos.core.clock import ManualClock
from support.box_site import Reply, ask

#: More seconds than any task takes.
LONG = 10.0


class Desk:
    """Requests of one person; the clock is the box's."""

    def __init__(self, box: Box, clock: ManualClock, person: Person) -> None:
        self.box, self.clock, self.person = box, clock, person
        self.token = person.token()

    def nova(self, method: str, path: str, body: Any = None, *, version: str = "2.1") -> Reply:
        named = {"OpenStack_API_Version": f"compute {version}"}
        return ask(self.box.url, method, f"/compute/v2.1{path}", body, token=self.token, **named)

    def glance(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        return ask(self.box.url, method, f"/image/v2{path}", body, token=self.token, **headers)

    def image(self) -> str:
        """The id of the image that the box began with."""
        found = self.glance("GET", "/images?name=box-linux").json["images"]
        return str(found[0]["id"])

    def make(self, name: str = "web", *, version: str = "2.1", **more: Any) -> Reply:
        told = {"name": name, "flavorRef": "1", "imageRef": self.image(), **more}
        return self.nova("POST", "/servers", {"server": told}, version=version)

    def server(self, name: str = "web", *, version: str = "2.1", **more: Any) -> str:
        """The id of a server that is ACTIVE."""
        reply = self.make(name, version=version, **more)
        assert reply.status == 202, reply
        self.clock.advance(LONG)
        return str(reply.json["server"]["id"])

    def show(self, server_id: str, *, version: str = "2.96") -> dict[str, Any]:
        reply = self.nova("GET", f"/servers/{server_id}", version=version)
        assert reply.status == 200, reply
        shown: dict[str, Any] = reply.json["server"]
        return shown

    def act(self, server_id: str, action: str, told: Any = None, *, version: str = "2.1") -> Reply:
        path = f"/servers/{server_id}/action"
        return self.nova("POST", path, {action: told}, version=version)

    def status(self, server_id: str) -> tuple[str, str | None]:
        shown = self.show(server_id)
        return shown["status"], shown["OS-EXT-STS:task_state"]

    def clear(self) -> None:
        """Let the person have no servers."""
        for one in self.nova("GET", "/servers").json["servers"]:
            self.act(one["id"], "unlock")
            assert self.nova("DELETE", f"/servers/{one['id']}").status == 204
        self.clock.advance(LONG)
