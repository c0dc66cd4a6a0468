"""A real Swift: installed once into the cache, run apart from us, with Keystone for its tokens.

A proxy and one server each for accounts, containers and objects, one copy of everything in a
plain folder, a memcached as every installation has one, and two storage policies.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

from . import peer_environment
from .keystone import PASSWORD, KeystoneApi
from .peer_environment import PROJECT, PeerMissingError
from .ports import free_ports
from .rabbitmq import _end

CONSTRAINTS = PROJECT / "tests" / "interop" / "swift-constraints.txt"
PACKAGES = ("swift", "keystonemiddleware", "python-memcached")
SECONDS = 300

_POLICIES = """
[swift-hash]
swift_hash_path_suffix = pelagos
swift_hash_path_prefix = pelagos
[storage-policy:0]
name = gold
default = yes
[storage-policy:1]
name = silver
"""

_SERVER = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {folder}
devices = {folder}/node
recon_cache_path = {folder}
mount_check = false
workers = 0
# On a busy machine a listing must not lag behind, nor a server be taken for a dead one.
conn_timeout = 30
node_timeout = 60
container_update_timeout = 60
log_level = WARNING
[pipeline:main]
pipeline = {pipeline}
[filter:healthcheck]
use = egg:swift#healthcheck
[container-updater]
interval = 1
concurrency = 1
[app:{kind}-server]
use = egg:swift#{kind}
"""

_PLAIN_FILTERS = (
    "catch_errors", "gatekeeper", "listing_formats", "bulk", "tempurl", "formpost", "staticweb",
    "copy", "container_quotas", "account_quotas", "slo", "dlo", "symlink",
)  # fmt: skip
_PROXY_PIPELINE = (
    "catch_errors gatekeeper healthcheck cache listing_formats bulk tempurl formpost authtoken"
    " keystoneauth staticweb copy container_quotas account_quotas slo dlo versioned_writes"
    " symlink proxy-server"
)

_PROXY = """
allow_account_management = true
account_autocreate = true
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcached}
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin, member
reseller_admin_role = ResellerAdmin
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true
cache = swift.cache
auth_url = {keystone}
www_authenticate_uri = {keystone}
auth_type = password
project_domain_id = default
user_domain_id = default
project_name = service
username = swift
password = {password}
interface = public
service_token_roles_required = true
""" + "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in _PLAIN_FILTERS)


class Swift:
    """One that runs, and stands in Keystone's catalogue.

    Args:
        folder: where its files go; its filesystem must keep extended attributes.
        keystone: which knows its users.

    Raises:
        PeerMissingError: it cannot be installed here, or memcached is missing.
    """

    def __init__(self, folder: Path, keystone: KeystoneApi) -> None:
        self._folder = folder
        pins = {"--constraints": CONSTRAINTS}
        self._programs = peer_environment.install("swift", PACKAGES, pins)
        self._memcached = shutil.which("memcached")
        if self._memcached is None:
            raise PeerMissingError("the program memcached is missing: apt-get install memcached")
        names = ("account", "container", "object", "proxy", "memcached")
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.url = f"http://127.0.0.1:{self._ports['proxy']}"
        self.leaders: list[int] = []
        self._write(keystone)
        _enter(keystone, f"{self.url}/v1/AUTH_%(project_id)s")
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _write(self, keystone: KeystoneApi) -> None:
        (self._folder / "node" / "d1").mkdir(parents=True)
        try:
            os.setxattr(self._folder, "user.pelagos", b"")
        except OSError as error:
            raise PeerMissingError(f"no extended attributes in {self._folder}: {error}") from error
        (self._folder / "swift.conf").write_text(_POLICIES)
        (self._folder / "ports.json").write_text(json.dumps(self._ports))
        common = {
            "folder": self._folder,
            "user": "root" if os.getuid() == 0 else getpass.getuser(),
        }
        for kind in ("account", "container", "object", "proxy"):
            pipeline = _PROXY_PIPELINE if kind == "proxy" else f"healthcheck {kind}-server"
            text = _SERVER.format(kind=kind, pipeline=pipeline, port=self._ports[kind], **common)
            if kind == "proxy":
                text += _PROXY.format(
                    keystone=keystone.url, password=PASSWORD, memcached=self._ports["memcached"]
                )
            (self._folder / f"{kind}.conf").write_text(text)

    def _start(self) -> None:
        self._spawn(
            str(self._memcached), "-l", "127.0.0.1", "-U", "0",
            "-p", str(self._ports["memcached"]), *(("-u", "root") if os.getuid() == 0 else ()),
        )  # fmt: skip
        script = Path(__file__).with_name("swift_servers.py")
        leader = self._spawn(str(self._programs / "python"), "-P", str(script), str(self._folder))
        deadline = time.monotonic() + SECONDS
        for name in ("account", "container", "object", "proxy"):
            while not _answers(f"http://127.0.0.1:{self._ports[name]}/healthcheck"):
                gone, _ = os.waitpid(leader, os.WNOHANG)
                if gone or time.monotonic() > deadline:
                    raise RuntimeError(f"Swift did not start: {self.log[-3000:]}")
                time.sleep(0.05)

    def _spawn(self, *words: str) -> int:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "PYTHONWARNINGS": "ignore",
        }
        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(
                words, cwd=self._folder, env=environ, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True,
            )  # fmt: skip
        process.returncode = 0  # whoever ends it may be another process
        self.leaders.append(process.pid)
        return process.pid

    @property
    def log(self) -> str:
        """What its servers wrote."""
        return (self._folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        """End it at once."""
        while self.leaders:
            _end(self.leaders.pop(), signal.SIGKILL)


def _enter(keystone: KeystoneApi, url: str) -> None:
    """Make Swift's own user, and name Swift in the catalogue."""
    user = keystone.add("user", name="swift", password=PASSWORD, domain_id="default")
    project = keystone.add("project", name="service", domain_id="default")
    roles = {one["name"]: one["id"] for one in keystone.call("GET", "roles")["roles"]}
    keystone.call("PUT", f"projects/{project}/users/{user}/roles/{roles['admin']}")
    service = keystone.add("service", name="swift", type="object-store")
    keystone.add(
        "endpoint", service_id=service, interface="public", region_id="RegionOne", url=url
    )


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        urllib.request.urlopen(url, timeout=10).close()
        return True
    return False
