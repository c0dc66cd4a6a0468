"""A site whose partitions have users of their own: for root, who is left with no user more.

The interpreter of the tests may lie where other users cannot go; the agent then runs with the
system's own, on the same packages.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

import pelagos
from support.agent_site import COMPUTER, Site
from support.require import Require

SOURCES = Path(pelagos.__file__).parents[1]
PACKAGES = Path(msgspec.__file__).parents[1]
TESTS = Path(__file__).parents[1]


def open_python(folder: Path) -> Path | None:
    """An interpreter of this version that every user may run; None when there is none."""
    wanted = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for found in (Path("/usr/bin", wanted), Path("/usr/local/bin", wanted), Path(sys.executable)):
        if found.exists() and _is_open(found.resolve()) and _is_open(PACKAGES / "msgspec"):
            venv = folder / "venv"
            made = subprocess.run(
                [found, "-m", "venv", "--without-pip", venv], capture_output=True, check=False
            )
            if made.returncode:
                continue
            [packages] = (venv / "lib").glob("python*/site-packages")
            (packages / "tested.pth").write_text(f"{SOURCES}\n{PACKAGES}\n")
            return venv / "bin" / "python"
    return None


def _is_open(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.parents)


class UserSite(Site):
    """Master in this process, agent in one of its own as root; `close` removes the users."""

    def __init__(self, folder: Path, python: Path) -> None:
        super().__init__(folder)
        self.python = python
        self.prefix = f"pgt{secrets.token_hex(3)}u"
        self.software_user = f"{self.prefix}soft"
        self.config = folder / "config.toml"
        self.write_config()
        self.environ = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": "/root",
            "PELAGOS_CONFIG": str(self.config),
            "PELAGOS_DATA": str(folder / "data"),
        }

    def write_config(self, **values: object) -> None:
        document = {
            "root": str(self.root),
            "users": True,
            "user_prefix": self.prefix,
            "software_user": self.software_user,
            "partitions": 3,
            **values,
        }
        lines = [f"{k} = {msgspec.json.encode(v).decode()}\n" for k, v in document.items()]
        self.config.write_text("[node]\n" + "".join(lines))

    def pelagos(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command with the interpreter that all may use."""
        return subprocess.run(
            [self.python, "-m", "pelagos", *words],
            env=self.environ,
            capture_output=True,
            text=True,
            check=check,
        )

    def spawn(self, *before: str, **options: object) -> subprocess.Popen[bytes]:
        words = [str(self.python), str(TESTS / "support" / "agent_site.py")]
        document = msgspec.json.encode({**self.options, **options}).decode()
        arguments = [str(self.root), self.server.url, self._token, document]
        self.process = subprocess.Popen(
            [*before, *words, *arguments],
            env={**self.environ, "PYTHONPATH": str(TESTS)},
            start_new_session=True,
        )
        return self.process

    def as_user(self, number: int, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as the user of a partition."""
        entry = pwd.getpwnam(f"{self.prefix}{number}")
        groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
        return subprocess.run(
            command,
            user=entry.pw_uid,
            group=entry.pw_gid,
            extra_groups=groups,
            cwd="/",
            env={},
            capture_output=True,
            text=True,
            check=False,
        )

    def close(self) -> None:
        try:
            super().close()
        finally:
            # By exact name; nobody else's begin with this random prefix.
            ours = [e.pw_name for e in pwd.getpwall() if e.pw_name.startswith(self.prefix)]
            for name in sorted(ours, key=lambda name: name == self.software_user):
                subprocess.run(["userdel", name], capture_output=True, check=True)


@contextlib.contextmanager
def user_site(require: Require) -> Iterator[UserSite]:
    """A site below /tmp, as folders of pytest are closed to other users."""
    require.program("useradd", package="passwd")
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="pelagos-users-", dir="/tmp"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)
        python = open_python(folder)
        if python is None:
            require.missing("no interpreter that other users may run is installed")
        assert python is not None
        site = UserSite(folder, python)
        stack.callback(site.close)
        yield site


__all__ = ["COMPUTER", "UserSite", "signal", "user_site"]
