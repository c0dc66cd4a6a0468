"""A box whose servers are only said to run, and a plane that makes machines there."""

from __future__ import annotations

import base64
import signal
import subprocess
from pathlib import Path
from typing import Any

from pelagos.box import Box
from pelagos.clients.cloud import Cloud, CloudSettings

from .capacity_site import token_of
from .plane import PELAGOS, Plane


class Land:
    """A box whose servers are only said to run, and a plane that makes machines there."""

    def __init__(self, folder: Path, box: Box, **driver: str) -> None:
        self.box = box
        self.folder = folder
        person = box.person("demo")
        self.plane = Plane(folder, poll_interval=0.3)
        self.plane.configure(
            master={"https": "true"},
            **{
                "cloud.named.box": {
                    "auth_url": box.auth_url, "username": person.name,
                    "password": person.password, "project_name": person.project,
                },
                "capacity": {"interval": 0.3},
                "capacity.named.north": {
                    "releases": "*", "patience": 0.1, "idle": 1.0, "partitions": 2, **driver,
                },
            },
        )  # fmt: skip
        (folder / "pelagos" / "config.toml").chmod(0o600)
        self.admin = Cloud(settings=CloudSettings(box.auth_url, token=box.admin.token()))
        self.agent: subprocess.Popen[bytes] | None = None

    def servers(self) -> list[dict[str, Any]]:
        answer = self.admin.compute.get(
            ("servers", "detail"),
            params={"all_tenants": "1"},
            headers={"X-OpenStack-Nova-API-Version": "2.3"},
        )
        return [
            one for one in answer.json["servers"] if one["OS-EXT-STS:task_state"] != "deleting"
        ]

    def start_agent(self, user_data: str) -> None:
        """What cloud-init would do on the machine, here: the agent with the token."""
        data = base64.b64decode(user_data).decode()
        config = self.folder / "machine.toml"
        config.write_text("[node]\npartitions = 2\npoll_interval = 0.3\n")
        words = [PELAGOS, "node", "run", "-", "--data", str(self.folder / "machine")]
        environ = {**self.plane.environment, "PELAGOS_CONFIG": str(config)}
        with (self.folder / "machine.log").open("wb") as log:
            self.agent = subprocess.Popen(
                words, env=environ, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        assert self.agent.stdin is not None
        self.agent.stdin.write(token_of(data).encode())
        self.agent.stdin.close()

    def close(self) -> None:
        if self.agent is not None:
            self.agent.send_signal(signal.SIGTERM)
            self.agent.wait(40.0)
            self.plane.run("down", "--stop-services", "--data", str(self.folder / "machine"))
        self.plane.stop()
