"""A person's terminals: the commands of a page are typed here, each in its order.

What the page takes for granted (an empty home, the ports that it names, `/srv` and the like) is
made for it below one folder; what it lets run for long runs until the end of the page.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.page import ROOT

PROGRAMS = Path(sys.executable).parent
#: Folders of a real machine that a page may name; here they are below the folder of the desk.
PLACES = re.compile(
    r"(?<![\w/.])/(srv|tmp|home/ada|etc/(pelagos|ssl|xivo-dird)|var/lib/pelagos)(?=/|\b)"
)
#: What runs until it is ended; it is of use when it says that Ctrl-C ends it.
LASTING = (
    "pelagos up",
    "pelagos box up",
    "pelagos bus broker",
    "pelagos bus run",
    "pelagos node run",
    "pelagos directory run",
    "pelagos one vm list --watch",
)
_LONGEST = 200


@dataclass
class Desk:
    """Terminals in one folder, which is the home of who sits there.

    Attributes:
        folder: home and working folder.
        replaced: patterns of what a page writes, and what stands for it here.
        filled: what a page writes, and the pattern that finds in former output what is meant.
        typed: how a command begins, and what is typed into it.
        ready: how a command that lasts begins, and the command that works once it is of use.
        environment: the variables.
    """

    folder: Path
    replaced: Mapping[str, str] = field(default_factory=dict)
    filled: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    ready: Mapping[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    said: str = ""

    def __post_init__(self) -> None:
        for name in ("srv", "tmp", "etc/pelagos", "etc/ssl"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name in ("examples", "benchmarks"):
            (self.folder / name).symlink_to(ROOT / name)
        (self.folder / ".venv").symlink_to(PROGRAMS.parent)
        self._site = self.folder / "site"
        self._lasting: list[tuple[str, subprocess.Popen[bytes]]] = []
        kept = ("LANG", "LC_ALL", "CI", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "UV_SYSTEM_CERTS")
        self.environment = {
            **{name: os.environ[name] for name in kept if name in os.environ},
            **{name: text for name, text in os.environ.items() if name.lower().endswith("_proxy")},
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "PYTHONPATH": str(self._site),
            **self.environment,
        }

    # ---- what stands for what

    def here(self, text: str) -> str:
        """What a text of the page means at this desk."""
        for written, meant in self.replaced.items():
            text = re.sub(written, meant, text)
        for written, pattern in self.filled.items():
            if written in text:
                found = re.findall(pattern, self.said)
                assert found, f"nothing said so far is {pattern}: {self.said}"
                text = text.replace(written, found[-1])
        home = str(self.folder)
        # What is below the desk or the checkout is meant as it is, wherever these two are.
        parts = re.split(f"({re.escape(home)}|{re.escape(str(ROOT))})", text)
        parts[::2] = [PLACES.sub(lambda place: home + place[0], one) for one in parts[::2]]
        return "".join(parts)

    def write(self, name: str, text: str) -> Path:
        """Write a file that the page shows."""
        path = self.folder / self.here(name.replace("~", str(self.folder)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.here(text), encoding="utf-8")
        path.chmod(0o600)  # as those that hold a secret must be
        return path

    def install(self, groups: Mapping[str, Mapping[str, str]]) -> None:
        """Have a package of the folder's modules installed that offers these entry points."""
        info = self._site / "page-1.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: page\nVersion: 1\n")
        lines = [
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
            for group, points in groups.items()
        ]
        (info / "entry_points.txt").write_text("\n".join(lines))
        for module in self.folder.glob("*.py"):
            (self._site / module.name).symlink_to(module)

    # ---- commands

    def type(self, line: str) -> tuple[int, str, str]:
        """Type a command and wait for its end, or, of one that lasts, until it is of use.

        Returns:
            Its exit code, and what it said on stdout and stderr.
        """
        begin = next((one for one in (*LASTING, *self.ready) if _bare(line).startswith(one)), None)
        if begin is not None:
            self._begin(begin, line)
            return 0, self.said, ""
        done = self._run(self.here(line), self._input(line))
        self.said += done.stdout + done.stderr
        return done.returncode, done.stdout, done.stderr

    def program(self, text: str) -> tuple[int, str, str]:
        """Run a program in Python; warnings are errors."""
        path = self.folder / ".program.py"
        path.write_text(self.here(text), encoding="utf-8")
        done = self._run(f"{sys.executable} -W error {path}", "")
        self.said += done.stdout
        return done.returncode, done.stdout, done.stderr

    def _input(self, line: str) -> str:
        return next((text for how, text in self.typed.items() if line.startswith(how)), "")

    def _run(self, line: str, given: str) -> subprocess.CompletedProcess[str]:
        """In a shell of its own, to which the variables of the former ones are known."""
        state = self.folder / ".variables"
        before = f". {state}\n" if state.exists() else ""
        script = f"{before}{line}\nended=$?\nexport -p > {state}\nexit $ended"
        return subprocess.run(
            ["/bin/sh", "-c", script],
            cwd=self.folder, env=self.environment, input=given, start_new_session=True,
            capture_output=True, text=True, timeout=_LONGEST, check=False,
        )  # fmt: skip

    def _begin(self, begin: str, line: str) -> None:
        part = " ".join(re.findall(r"--part \w+", line))
        self.end(f"{begin} {part}")  # who starts it again has ended it
        state = self.folder / ".variables"
        before = f". {state}; " if state.exists() else ""
        log = self.folder / f"log-{len(self._lasting)}"
        with log.open("wb") as file:
            process = subprocess.Popen(
                ["/bin/sh", "-c", f"{before}exec {self.here(line)}"],
                cwd=self.folder, env=self.environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            )  # fmt: skip
        self._lasting.append((f"{begin} {part}", process))
        wanted = self.here(self.ready.get(begin, f"grep -q 'Ctrl-C ends it' {log}"))
        end = time.monotonic() + 60
        while (done := self._run(wanted, "")).returncode:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, f"{wanted}: {done.stderr}{log.read_text()}"
            time.sleep(0.1)
        self.said += log.read_text()

    def end(self, begin: str = "") -> None:
        """End what lasts: what was begun with these words, or everything."""
        for one, process in reversed(self._lasting):
            if one.startswith(begin):
                process.send_signal(signal.SIGTERM)
                process.wait(60)
        self._lasting = [pair for pair in self._lasting if not pair[0].startswith(begin)]
        if not begin:
            for data in self.folder.rglob("plane.json"):
                self._run(f"pelagos down --stop-services --data {data.parent}", "")


def _bare(line: str) -> str:
    """A command without the path of its program and without variables before it."""
    return re.sub(r"^((\w+=\S+ )*)(\S*/)?(?=pelagos )", "", line)
