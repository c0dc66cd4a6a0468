"""Put uv into a folder of the project, with whatever a bare Python has.

Usage: python3 tools/get_uv.py FOLDER    (leaves FOLDER/bin/uv)

Tries in turn: this Python's pip; the pip that ensurepip carries; the pip wheel of Debian's package
python3-pip-whl, unpacked below FOLDER (a bare Debian has neither of the first two).
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

UV = "uv==0.13.9"


def pip_commands(scratch: Path) -> Iterator[list[str]]:
    """Each way to run a pip, cheapest first."""
    if importlib.util.find_spec("pip"):
        yield [sys.executable, "-m", "pip"]
    if importlib.util.find_spec("ensurepip"):
        made = subprocess.run(
            [sys.executable, "-m", "venv", str(scratch / "venv")], capture_output=True, check=False
        )
        if made.returncode == 0:
            yield [str(scratch / "venv/bin/python"), "-m", "pip"]
    if shutil.which("apt-get") and shutil.which("dpkg-deb"):
        subprocess.run(["apt-get", "download", "python3-pip-whl"], cwd=scratch, check=False)
        for package in scratch.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(package), str(scratch / "deb")], check=True)
        for wheel in (scratch / "deb").rglob("pip-*.whl"):
            yield [sys.executable, str(wheel / "pip")]


def main() -> int:
    """Install uv below the folder named by the first argument."""
    target = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="pelagos-uv-") as scratch:
        for pip in pip_commands(Path(scratch)):
            command = [*pip, "install", "--quiet", "--disable-pip-version-check"]
            command += ["--root-user-action", "ignore"]
            command += ["--upgrade", "--target", str(target), UV]
            done = subprocess.run(command, check=False)
            if done.returncode == 0:
                return 0
    sys.stderr.write(
        "make: cannot install uv: this Python has no working pip.\n"
        "  What to do: install the Debian package python3-venv (or run apt-get update, so that\n"
        "  its pip can be fetched into this folder), see that PyPI can be reached, then repeat.\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
