"""Real OpenStack services beside a Keystone and a Swift: Glance, Placement, Neutron, Nova, Cinder.

Nova's computers, Neutron's wires and Cinder's disks are the services' own fakes; all else is as
in an installation. One RabbitMQ, one memcached and databases of SQLite are their own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import openstack_databases, openstack_settings, peer_environment
from .keystone import PASSWORD, KeystoneApi
from .openstack_settings import PEER, REGION, SERVED, USER, Site
from .peer_environment import PROJECT, PeerMissingError
from .ports import free_ports
from .rabbitmq import Broker, _end

__all__ = ["PeerMissingError", "WholeOpenStack"]

CONSTRAINTS = PROJECT / "tests" / "interop" / "openstack-services-constraints.txt"
PACKAGES = (
    "cinder", "glance", "gunicorn", "neutron", "nova", "openstack-placement", "python-memcached",
)  # fmt: skip
#: To start one of them, and for one of its answers, on a machine that is slow and busy.
SECONDS = 600
ANSWER_SECONDS = 300
_APPLICATIONS = {
    "glance": "glance.wsgi.api",
    "placement": "placement.wsgi.api",
    "neutron": "neutron.wsgi.api",
    "nova": "nova.wsgi.osapi_compute",
    "cinder": "cinder.wsgi.api",
}


class WholeOpenStack:
    """Services that run, and stand in Keystone's catalogue.

    Args:
        folder: where their files go.
        keystone: which knows their users.

    Raises:
        PeerMissingError: they cannot be installed here, or a server of Debian's is missing.
    """

    def __init__(self, folder: Path, keystone: KeystoneApi) -> None:
        for program, package in (
            ("memcached", "memcached"),
            ("rabbitmq-server", "rabbitmq-server"),
        ):
            if shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin") is None:
                raise PeerMissingError(f"{program} is missing: apt-get install {package}")
        pins = {"--constraints": CONSTRAINTS}
        self._programs = peer_environment.install("openstack-services", PACKAGES, pins)
        names = (*SERVED, "memcached")
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._broker = Broker(folder / "broker")
        etc = self._programs.parent / "etc"
        self._site = Site(folder, etc, keystone.url, self._broker.url, ports)
        self._keystone = keystone
        self.leaders: list[int] = []
        self._pids: dict[str, int] = {}
        for name in ("images", "staging", "tasks", "lock", "nova", "neutron", "cinder"):
            (folder / name).mkdir()
        openstack_settings.write(self._site)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    # ---- start

    def _start(self) -> None:
        with ThreadPoolExecutor(3) as work:
            broker = work.submit(self._broker.start)
            work.submit(self._enter).result()
            openstack_databases.fetch(self._programs, self._site, self._run)
            broker.result()
        self.leaders += self._broker.leaders
        memcached = str(shutil.which("memcached"))
        port = str(self._site.ports["memcached"])
        user = ("-u", "root") if os.getuid() == 0 else ()
        self._spawn("memcached", memcached, "-l", "127.0.0.1", "-U", "0", "-p", port, *user)
        self._daemon("nova", "nova-conductor")
        for name, application in _APPLICATIONS.items():
            words = () if name != "cinder" else ("--config-file", str(self._site.file("cinder")))
            self._python(name, "serve.py", application, str(self._site.ports[name]), *words)
        self._daemon("nova", "nova-scheduler")
        for name in ("cinder-scheduler", "cinder-volume"):
            self._daemon("cinder", name)
        self._wait(
            "nova-conductor", lambda: "Starting conductor node" in self._log("nova-conductor")
        )
        config = ("--config-file", str(self._site.file("nova")))
        self._python("nova-compute", "run_compute.py", *config)
        for name in SERVED:
            self._wait(
                name, lambda name=name: _answers(f"http://127.0.0.1:{self._site.ports[name]}")
            )  # type: ignore[misc]  # bound now
        ready = "update_resources thread pool"
        self._wait("nova-compute", lambda: ready in self._log("nova-compute"))
        token = self._keystone.token()
        self._wait("cinder-volume", lambda: self._has_disks(token))
        self._fill()

    def _has_disks(self, token: str) -> bool:
        """Whether Cinder's scheduler has heard of disks: before, each volume ends in error."""
        url = f"{self._site.url('cinder')}/scheduler-stats/get_pools"
        request = urllib.request.Request(url, headers={"X-Auth-Token": token})
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
                return bool(json.loads(answer.read())["pools"])
        except OSError:
            return False

    def _log(self, name: str) -> str:
        return (self._site.folder / f"{name}.log").read_text(errors="replace")

    def _environ(self) -> dict[str, str]:
        folder = self._site.folder
        return {
            "PATH": f"{self._programs}:{os.environ['PATH']}", "HOME": str(folder),
            "PYTHONPATH": str(PEER), "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore",
            "PYTHONDONTWRITEBYTECODE": "", "MALLOC_ARENA_MAX": "2", "LC_ALL": "C.UTF-8",
            "OS_GLANCE_CONFIG_DIR": str(folder),
            "OS_PLACEMENT_CONFIG_DIR": str(folder),
            "OS_NEUTRON_CONFIG_DIR": str(folder), "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
            "OS_NOVA_CONFIG_DIR": str(folder), "OS_NOVA_CONFIG_FILES": "nova-paste.ini;nova.conf",
        }  # fmt: skip

    def _python(self, name: str, script: str, *words: str) -> None:
        self._spawn(name, str(self._programs / "python"), "-P", str(PEER / script), *words)

    def _daemon(self, service: str, name: str) -> None:
        config = str(self._site.file(service))
        self._spawn(name, str(self._programs / name), "--config-file", config)

    def _spawn(self, name: str, *words: str) -> None:
        with (self._site.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                words, cwd=self._site.folder, env=self._environ(), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        process.returncode = 0  # whoever ends it may be another process
        self.leaders.append(process.pid)
        self._pids[name] = process.pid

    def _run(self, *words: str) -> None:
        with (self._site.folder / "prepare.log").open("ab") as log:
            done = subprocess.run(
                [str(self._programs / words[0]), *words[1:]], cwd=self._site.folder,
                env=self._environ(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                timeout=SECONDS, check=False,
            )  # fmt: skip
        assert done.returncode == 0, f"{words}: {self._log('prepare')[-3000:]}"

    def _wait(self, name: str, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not is_there():
            gone, _ = os.waitpid(self._pids[name], os.WNOHANG)
            if gone or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not start: {self._log(name)[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End everything at once."""
        self._broker.close()
        while self.leaders:
            _end(self.leaders.pop(), signal.SIGKILL)

    # ---- what is in them from the start

    def _enter(self) -> None:
        """Make the services' user, and name the services in the catalogue."""
        keystone, token = self._keystone, self._keystone.token()

        def call(method: str, path: str, body: Any = None) -> Any:
            return keystone.call(method, path, body, token=token)

        def add(kind: str, **what: Any) -> str:
            return str(call("POST", f"{kind}s", {kind: what})[kind]["id"])

        [project] = call("GET", "projects?name=service")["projects"]
        user = add("user", name=USER, password=PASSWORD, domain_id="default")
        roles = {one["name"]: one["id"] for one in call("GET", "roles")["roles"]}
        for role in ("admin", "service"):
            call("PUT", f"projects/{project['id']}/users/{user}/roles/{roles[role]}")
        for name, (kind, _) in SERVED.items():
            service = add("service", name=name, type=kind)
            url = self._site.url(name)
            add("endpoint", service_id=service, interface="public", region_id=REGION, url=url)

    def _fill(self) -> None:
        """Flavours, an image, a network to the outside, a type of volumes: as on a box."""
        token = self._keystone.token()

        def post(service: str, path: str, body: Any) -> Any:
            return _post(f"{self._site.url(service)}/{path}", body, token)

        for number, (name, ram, cores, disk) in enumerate(_FLAVORS, 1):
            flavor = {"id": str(number), "name": name, "ram": ram, "vcpus": cores, "disk": disk}
            post("nova", "flavors", {"flavor": flavor})
        image = {
            "name": "box-linux", "disk_format": "raw", "container_format": "bare",
            "visibility": "public",
        }  # fmt: skip
        made = post("glance", "v2/images", image)
        _post(
            f"{self._site.url('glance')}/v2/images/{made['id']}/file", b"disk" * 256, token, "PUT"
        )
        outside = {"name": "public", "router:external": True, "provider:network_type": "flat",
                   "provider:physical_network": "outside"}  # fmt: skip
        network = post("neutron", "v2.0/networks", {"network": outside})["network"]["id"]
        subnet = {"network_id": network, "ip_version": 4, "cidr": "203.0.113.0/24"}
        post("neutron", "v2.0/subnets", {"subnet": {**subnet, "enable_dhcp": False}})
        kind = post("cinder", "types", {"volume_type": {"name": "fake"}})["volume_type"]["id"]
        specs = {"extra_specs": {"volume_backend_name": "fake"}}
        post("cinder", f"types/{kind}/extra_specs", specs)


_FLAVORS = (("m1.tiny", 512, 1, 1), ("m1.small", 2048, 1, 20), ("m1.medium", 4096, 2, 40))


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=30).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
    return True


def _post(url: str, body: Any, token: str, method: str = "POST") -> Any:
    is_json = not isinstance(body, bytes)
    kind = "application/json" if is_json else "application/octet-stream"
    headers = {"X-Auth-Token": token, "Content-Type": kind}
    data = json.dumps(body).encode() if is_json else body
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")
        raise AssertionError(f"{method} {url}: {error.code} {said}") from error
