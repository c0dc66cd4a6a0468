"""The original SlapOS programs: installed once into the project's cache, run apart from us.

`install` gives an environment with slapos.core from PyPI; `Node` is a computer as its command line
knows it; `Proxy` is its stand-alone master. For tests and benchmarks; slapos.core is under the GPL
and runs in processes of its own only.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

from . import peer_environment
from .peer_environment import PROJECT, PeerMissingError
from .ports import free_ports

__all__ = ["Node", "PeerMissingError", "Proxy", "install"]

CONSTRAINTS = PROJECT / "tests" / "interop" / "slapos-constraints.txt"
OVERRIDES = CONSTRAINTS.with_name("slapos-overrides.txt")
PACKAGES = (
    "slapos.core==1.24.1",
    "slapos.libnetworkcache",  # it forgets to name these two
    "setuptools",
    "zc.buildout",
    "netifaces2",  # see the overrides
)


def install() -> Path:
    """The programs' folder in an environment with the original client; built by the first caller.

    Raises:
        PeerMissingError: they cannot be installed here.
    """
    pins = {"--constraints": CONSTRAINTS, "--overrides": OVERRIDES}
    return peer_environment.install("slapos", PACKAGES, pins)


class Node:
    """One configuration of the original command line: a computer, or the desk of a person.

    Args:
        programs: what `install` gave.
        folder: where its files go.
        master_url: with the token as `http://x:TOKEN@host:port`.
        computer_id: the computer that it is.
        partition_count: how many partitions `node format` announces.
    """

    def __init__(
        self,
        programs: Path,
        folder: Path,
        master_url: str,
        computer_id: str = "COMP-1",
        partition_count: int = 3,
    ) -> None:
        self.programs = programs
        self.folder = folder
        self.configuration = folder / "slapos.cfg"
        self.master_url = master_url
        for name in ("software", "instance", "shared", "run", "home"):
            (folder / name).mkdir(parents=True)
        self.configuration.write_text(
            _SLAPOS_CFG.format(self=self, id=computer_id, count=partition_count)
        )
        user = "daemon" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        slots = "".join(
            _PARTITION.format(number=number, user=user) for number in range(partition_count)
        )
        (folder / "definition.cfg").write_text(_COMPUTER.format(user=user) + slots)

    def run(self, *words: str, program: str = "slapos") -> subprocess.CompletedProcess[str]:
        """Run one command to its end; its output is kept, its exit code not judged."""
        return self._run([str(self.programs / program), *words])

    def agent(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one command of the original agent: `slapos node …`.

        It does nothing for root, so root runs it in a user namespace where root is `daemon`.
        """
        command = [str(self.programs / "slapos"), "node", *words]
        if os.geteuid() == 0:
            command = ["unshare", "--user", "--map-user=1", "--map-group=1", *command]
        return self._run(command)

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={
                **{name: value for name, value in os.environ.items() if _is_of_network(name)},
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder / "home"),
                "SLAPOS_CONFIGURATION": str(self.configuration),
                "SLAPOS_CLIENT_CONFIGURATION": str(self.configuration),
                "PYTHONWARNINGS": "ignore",
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def python(self, code: str, *words: str) -> str:
        """What a program prints that runs beside the original library."""
        done = self.run("-c", code, *words, program="python")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def _is_of_network(name: str) -> bool:
    """Whether an environment variable says how to reach a package index."""
    return name.startswith(("PIP_", "SSL_", "REQUESTS_")) or name.lower().endswith("_proxy")


_SLAPOS_CFG = """\
[slapos]
software_root = {self.folder}/software
instance_root = {self.folder}/instance
shared_part_list = {self.folder}/shared
master_url = {self.master_url}
computer_id = {id}
root_check = False
pidfile_software = {self.folder}/run/software.pid
pidfile_instance = {self.folder}/run/instance.pid
pidfile_report = {self.folder}/run/report.pid

[slapformat]
input_definition_file = {self.folder}/definition.cfg
partition_amount = {count}
alter_user = false
alter_network = false
create_tap = false
create_tun = false
computer_xml = {self.folder}/run/slapos.xml
partition_has_ipv6_range = false

[slapconsole]
"""
_COMPUTER = """\
[computer]
address = 127.0.0.1/255.255.255.255
software_user = {user}

"""
_PARTITION = """\
[partition_{number}]
address = 127.0.0.1/255.255.255.255
pathname = slappart{number}
user = {user}
network_interface = lo

"""


class Proxy:
    """The original stand-alone master, in a process of its own with a database of its own.

    Use it as a context; it ends with it.

    Args:
        options: further lines of its section in the configuration.
    """

    def __init__(
        self, programs: Path, folder: Path, computer_id: str = "COMP-1", options: str = ""
    ) -> None:
        self.url = f"http://127.0.0.1:{free_ports(1)[0]}"
        self._programs = programs
        self._folder = folder
        self._computer_id = computer_id
        self._options = options
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "proxy.cfg"
        configuration.write_text(
            f"[slapos]\ncomputer_id = {self._computer_id}\n[slapproxy]\nhost = 127.0.0.1\n"
            f"port = {self.url.rpartition(':')[2]}\ndatabase_uri = {self._folder}/proxy.db\n"
            f"{self._options}"
            "software_product_list =\n    hello /hello-2.cfg\n"
        )
        self.process = subprocess.Popen(
            [str(self._programs / "slapos"), "-q", "proxy", "start", "--cfg", str(configuration)],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._folder),
                "PYTHONWARNINGS": "ignore",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, "the original master ended at once"
            assert time.monotonic() < end, "the original master does not answer"
            time.sleep(0.1)
        return self

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/getRunId", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
