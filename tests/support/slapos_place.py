"""Our master, over http and https, with the original programs of those who talk to it."""

from __future__ import annotations

import contextlib
import json
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import urlsplit

from pelagos.core.certificate import Authority
from pelagos.core.web import Server, ServerTls
from pelagos.slap.client import SlapClient
from pelagos.slap.master import Kind, Master, MasterSettings, person
from pelagos.slap.model import Address, ComputerFormat, PartitionFormat
from support.slapos_peer import Node

COMPUTER = "COMP-1"
ADMIN = person("admin")
DAY = 86400.0

#: Before a program that runs beside the original library: `plane` is connected.
LIBRARY = """
import json, sys
from slapos.slap import slap, NotFoundError, ResourceNotReady, ServerError, ConnectionError
from requests.exceptions import HTTPError
plane = slap()
plane.initializeConnection(sys.argv[1], *sys.argv[2:], timeout=20)
def show(value):
    print(json.dumps(value, default=str, sort_keys=True))
def error_of(call):
    try:
        call()
    except Exception as error:
        return type(error).__name__
"""


@dataclass
class Place:
    """Our master, and those who talk to it with the original programs."""

    master: Master
    folder: Path
    programs: Path
    url: str
    secure_url: str
    person: Node
    computer: Node
    client: SlapClient

    def announce(self, count: int, computer_id: str = COMPUTER) -> None:
        """Give the computer that many partitions."""
        slots = tuple(
            PartitionFormat(f"slappart{number}", (Address("lo", "127.0.0.1"),))
            for number in range(count)
        )
        self.client.format_computer(ComputerFormat(computer_id, slots))

    def certified(self, kind: Kind, name: str) -> Node:
        """Somebody who shows a certificate instead of a token."""
        issued = self.master.service.generate_certificate(kind, name, ADMIN)
        folder = self.folder / f"certified-{kind}-{name}"
        node = Node(self.programs, folder, self.secure_url)
        for file, text in (("cert.pem", issued.certificate), ("key.pem", issued.key or "")):
            (folder / file).write_text(text)
        files = f"[slapos]\nkey_file = {folder}/key.pem\ncert_file = {folder}/cert.pem\n"
        written = node.configuration.read_text().replace("[slapos]\n", files, 1)
        node.configuration.write_text(written)
        return node


@contextlib.contextmanager
def our_place(programs: Path, folder: Path, partitions: int = 3) -> Iterator[Place]:
    """A master of ours until the end of the context."""
    authority = Authority.open(folder / "authority", name="test", now=time.time())
    issued = authority.issue_server(["127.0.0.1"], now=time.time(), lifetime=DAY)
    (folder / "server.pem").write_text(issued.certificate)
    (folder / "server.key").write_text(issued.key or "")
    tls = ServerTls(folder / "server.pem", folder / "server.key", folder / "authority" / "ca.pem")
    settings = MasterSettings(products={"hello": ("/hello-2.cfg",)})
    with contextlib.ExitStack() as undoing:
        master = Master(f"sqlite:///{folder}/plane.db", authority=authority, settings=settings)
        undoing.callback(master.close)
        plain, secure = Server(master.app), Server(master.app, tls=tls)
        for server in (plain, secure):
            server.start()
            undoing.callback(server.stop)
        person_token = master.service.create_person("admin")
        computer_token = master.service.register_computer(COMPUTER)
        netloc = urlsplit(plain.url).netloc
        yield Place(
            master=master,
            folder=folder,
            programs=programs,
            url=plain.url,
            secure_url=secure.url,
            person=Node(programs, folder / "person", f"http://x:{person_token}@{netloc}"),
            computer=Node(
                programs,
                folder / "computer",
                f"http://x:{computer_token}@{netloc}",
                partition_count=partitions,
            ),
            client=SlapClient(plain.url, token=person_token),
        )


def done(node: Node, *words: str, code: int = 0) -> CompletedProcess[str]:
    """A command that ends with this code, and without a traceback."""
    result = node.run(*words)
    assert result.returncode == code, f"{words}: {result.stdout}{result.stderr}"
    assert "Traceback" not in result.stdout + result.stderr
    return result


def library(node: Node, code: str, *connection: str) -> Any:
    """What a program with the original library shows."""
    out = node.python(LIBRARY + textwrap.dedent(code), *(connection or (node.master_url,)))
    return json.loads(out.strip().splitlines()[-1])
