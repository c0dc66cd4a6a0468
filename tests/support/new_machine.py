"""A computer that a cloud has made, in namespaces of this one: it boots with real cloud-init.

Its files are this computer's with a layer above them, its processes end with the first of them,
and its network is this computer's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Self

from .peer_environment import PROJECT

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: What says where packages come from; all else of this process is not the machine's.
_PASSED = re.compile(r"PIP_|SSL_|REQUESTS_CA|https?_proxy|HTTPS?_PROXY|no_proxy|NO_PROXY")

#: Of cloud-init's own settings just what user data of ours asks for.
_CLOUD_CFG = """
datasource_list: [NoCloud]
network: {config: disabled}
preserve_hostname: true
cloud_init_modules: [write-files]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user]
output: {all: '| tee -a /var/log/cloud-init-output.log'}
"""

_BOOT = """
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/above" "$1/scratch" "$1/whole"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/above,workdir=$1/scratch" "$1/whole"
for folder in dev sys; do mount --rbind /$folder "$1/whole/$folder"; done
mount -t proc proc "$1/whole/proc"
mount -t tmpfs tmpfs "$1/whole/run"
cat /etc/resolv.conf >"$1/resolv.conf"; rm -f "$1/whole/etc/resolv.conf"
cp "$1/resolv.conf" "$1/whole/etc/resolv.conf"
rm -rf "$1/whole/var/lib/cloud" "$1/whole/etc/cloud/cloud.cfg.d"
cp -r "$2/." "$1/whole/"
exec chroot "$1/whole" /bin/sh -c '
  cloud-init init && cloud-init modules --mode=config && cloud-init modules --mode=final
  while :; do sleep 1000; done'
"""

#: In the place of systemd: it reads the unit, and runs its command with no more than it says.
_SYSTEMCTL = """#!/usr/bin/python3
import configparser, os, shlex, subprocess, sys, time
if sys.argv[1:] == ["daemon-reload"]:
    sys.exit()
enable, now, name = sys.argv[1:]
assert (enable, now) == ("enable", "--now")
unit = configparser.RawConfigParser(strict=True)
unit.optionxform = str
unit.read_string(open("/etc/systemd/system/" + name).read())
assert unit["Install"]["WantedBy"] == "multi-user.target"
service = unit["Service"]
words = shlex.split(service["Environment"])
environ = {"PATH": "@PATH@", "LANG": "C.UTF-8", **dict(word.split("=", 1) for word in words)}
log = open("/var/log/unit.log", "ab")
if os.fork() == 0:
    os.setsid()
    while True:
        subprocess.call(
            shlex.split(service["ExecStart"]), cwd="/", env=environ,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )
        time.sleep(float(service["RestartSec"]))
"""


def wheels(folder: Path) -> Path:
    """A folder with Pelagos, built from this project, as a package index would offer it."""
    uv = shutil.which(str(PROJECT / ".uv" / "bin" / "uv")) or shutil.which("uv")
    assert uv is not None, "uv is missing: run 'make setup'"
    build = [uv, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(PROJECT)]
    done = subprocess.run(build, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return folder


class NewMachine:
    """One that boots.

    Args:
        folder: an empty one.
        user_data: as the cloud gives it.
        index: a folder with packages that it can install, besides what the index has.
    """

    def __init__(self, folder: Path, user_data: str, index: Path) -> None:
        self._mount = folder / "machine"
        self._mount.mkdir()
        files = {
            "etc/cloud/cloud.cfg": _CLOUD_CFG,
            "etc/cloud/cloud.cfg.d/none": "",
            "etc/constraints.txt": _constraints(),
            "usr/bin/systemctl": _SYSTEMCTL.replace("@PATH@", SYSTEM_PATH),
            "var/lib/cloud/seed/nocloud/user-data": user_data,
            "var/lib/cloud/seed/nocloud/meta-data": json.dumps({"instance-id": "i-1"}),
        }
        for name, text in files.items():
            (folder / "files" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "files" / name).write_text(text)
        (folder / "files/usr/bin/systemctl").chmod(0o755)
        passed = {name: value for name, value in os.environ.items() if _PASSED.match(name)}
        links = f"{index} {passed.get('PIP_FIND_LINKS', '')}".strip()
        environ = {
            **passed, "PATH": SYSTEM_PATH, "HOME": "/root", "LANG": "C.UTF-8",
            "PIP_FIND_LINKS": links, "PIP_CONSTRAINT": "/etc/constraints.txt",
        }  # fmt: skip
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-eu", "-c", _BOOT]
        self._log = folder / "boot.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*words, "sh", str(self._mount), str(folder / "files")],
                env=environ, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def path(self, name: str) -> Path:
        """A file of it, as seen from here."""
        pid = self._process.pid
        [child] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return Path(f"/proc/{child}/root", name.lstrip("/"))

    def read(self, name: str) -> str:
        """A file of it; empty when it is not there."""
        try:
            return self.path(name).read_text(errors="replace")
        except (OSError, ValueError):
            return ""

    @property
    def said(self) -> str:
        """What it wrote to its screen, and the agent to its log."""
        return self._log.read_text(errors="replace") + self.read("/var/log/unit.log")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(60)


def _constraints() -> str:
    """The versions that the project is locked to."""
    lock = (PROJECT / "requirements.lock").read_text()
    pins = re.findall(r"^([\w.-]+)(?:\[.*\])?(==[^ \\\n]+)", lock, re.MULTILINE)
    return "".join(f"{name}{version}\n" for name, version in pins)
