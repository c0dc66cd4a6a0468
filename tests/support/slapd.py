"""Starts a real OpenLDAP server that has nothing in common with any other on this machine.

Own port on loopback, own configuration and database in a folder; ended by the id of its process.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.ports import free_ports
from support.rabbitmq import _is_stopped
from support.require import Require

_HOST = "127.0.0.1"
_START_TIMEOUT = 60.0

#: Who may read everything; nobody else may, unless a test says so.
ADMIN = "cn=admin"
PASSWORD = "a-password-that-nobody-may-see"

_CONFIG = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.3.6.1.4.1.55555.1 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.55555.2 NAME 'guided' SUP top AUXILIARY MAY objectGUID )
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
threads 4
sizelimit {size_limit}
{tls}
database mdb
maxsize 104857600
dbnosync
suffix "{base}"
rootdn "{admin},{base}"
rootpw {password}
directory {folder}/data
index objectClass eq
access to *
  by anonymous {anonymous}
  by * read
"""

Attributes = Mapping[str, str | bytes | Sequence[str | bytes]]


@dataclass(frozen=True)
class Tls:
    """The files of a server's TLS."""

    certificate: Path
    key: Path
    authority: Path


class Slapd:
    """One server; it keeps its port and its data while it is stopped.

    Args:
        base: the suffix; may be non-ASCII.
        anonymous: what those without a name may do: `read`, or only `auth`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        base: str = "dc=example,dc=org",
        anonymous: str = "read",
        size_limit: str = "unlimited",
        tls: Tls | None = None,
    ) -> None:
        self.folder = folder
        self.base = base
        self.admin = f"{ADMIN},{base}"
        self.port, self.tls_port = free_ports(2)
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "data").mkdir(parents=True)
        lines = ""
        if tls is not None:
            lines = (
                f"TLSCertificateFile {tls.certificate}\nTLSCertificateKeyFile {tls.key}\n"
                f"TLSCACertificateFile {tls.authority}\n"
            )
        self.config = folder / "slapd.conf"
        self.config.write_text(
            _CONFIG.format(
                folder=folder,
                base=base,
                admin=ADMIN,
                password=PASSWORD,
                anonymous=anonymous,
                size_limit=size_limit,
                tls=lines,
            ),
            encoding="utf-8",
        )

    @property
    def uri(self) -> str:
        return f"ldap://{_HOST}:{self.port}"

    @property
    def tls_uri(self) -> str:
        return f"ldaps://{_HOST}:{self.tls_port}"

    def fill(self, entries: Iterable[tuple[str, Attributes]]) -> None:
        """Write entries, while it does not run: (DN relative to the base or empty, attributes)."""
        text = "\n".join(_ldif(f"{dn},{self.base}" if dn else self.base, a) for dn, a in entries)
        path = self.folder / "entries.ldif"
        path.write_text(text, encoding="utf-8")
        done = subprocess.run(
            ["/usr/sbin/slapadd", "-q", "-f", str(self.config), "-l", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"slapadd failed: {done.stderr[-2000:]}")

    def start(self) -> None:
        """Start and wait until it accepts connections."""
        urls = self.uri + (f" {self.tls_uri}" if self._tls else "")
        with (self.folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                ["/usr/sbin/slapd", "-d", "0", "-f", str(self.config), "-h", urls],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_TIMEOUT
        while not self._accepts():
            if time.monotonic() > deadline or self._process.poll() is not None:
                log = (self.folder / "log").read_text()
                raise RuntimeError(f"slapd did not start: {log[-2000:]}")
            time.sleep(0.02)

    def _accepts(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((_HOST, self.port), 1):
            return True
        return False

    def freeze(self) -> None:
        """It stays connected and says nothing any more, from the moment that this returns."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        deadline = time.monotonic() + 60
        while not _is_stopped(self._process.pid):
            if time.monotonic() > deadline:
                raise RuntimeError("slapd does not stop")
            time.sleep(0.005)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it; SIGKILL as a power cut would."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)


def _ldif(dn: str, attributes: Attributes) -> str:
    lines = [_line("dn", dn)]
    for name, value in attributes.items():
        values = [value] if isinstance(value, str | bytes) else value
        lines += [_line(name, one) for one in values]
    return "\n".join(lines) + "\n"


def _line(name: str, value: str | bytes) -> str:
    data = value.encode() if isinstance(value, str) else value
    return f"{name}:: {base64.b64encode(data).decode()}"


def person(
    uid: str, name: str, **more: str | bytes | Sequence[str | bytes]
) -> tuple[str, Attributes]:
    """An entry of a person, directly below the base."""
    attributes: dict[str, str | bytes | Sequence[str | bytes]] = {
        "objectClass": ["inetOrgPerson", *(["guided"] if "objectGUID" in more else [])],
        "uid": uid,
        "cn": name,
        "sn": name.rpartition(" ")[2],
        **more,
    }
    return f"uid={uid}", attributes


def organization(name: str = "Example") -> tuple[str, Attributes]:
    """The entry of a base that begins with dc=."""
    return "", {"objectClass": ["dcObject", "organization"], "dc": "example", "o": name}


def require_all(require: Require) -> None:
    """What the ldap back-end and its tests need; else the test ends."""
    require.program("slapd", package="slapd")
    require_library(require)


def require_library(require: Require) -> None:
    """What the ldap back-end alone needs to be loaded; else the test ends."""
    if importlib.util.find_spec("bonsai") is None:
        require.missing("the library bonsai is missing: install libldap-dev and make test again")
