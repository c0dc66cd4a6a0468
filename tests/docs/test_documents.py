"""The commands of the documents do what the documents say, in the order in which they stand."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.plane import HELLO, Plane

ROOT = Path(__file__).parents[2]
PELAGOS = Path(sys.executable).with_name("pelagos")
BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
PROGRAM = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
#: What a document may show and a test does not repeat: it would run for ever, or run this test.
NOT_RUN = ("git clone", "make ", ".venv/bin/pelagos up")


def commands(document: Path) -> Iterator[tuple[str, int]]:
    """Each `$` line of the console blocks with the exit code that it must have ([exit N] or 0)."""
    for block in BLOCK.findall(document.read_text()):
        lines = block.splitlines()
        for number, line in enumerate(lines):
            if not line.startswith("$ ") or line.removeprefix("$ ").startswith(NOT_RUN):
                continue
            said = re.fullmatch(
                r"\[exit (\d+)\]", lines[number + 1] if number + 1 < len(lines) else ""
            )
            yield line.removeprefix("$ "), int(said[1]) if said else 0


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    """A plane that runs while the document's commands do."""
    plane = Plane(tmp_path)
    plane.environment["PATH"] = f"{PELAGOS.parent}:{os.environ['PATH']}"
    plane.start()
    yield plane
    plane.stop()


@pytest.mark.integration
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["README.md", "docs/tutorial/first-service.md"])
def test_the_commands_of_a_document_work(name: str, plane: Plane):
    ran = 0
    for command, expected in commands(ROOT / name):
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=ROOT,
            env=plane.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expected, f"$ {command}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        ran += 1
    assert ran >= 7


@pytest.mark.integration
@pytest.mark.timeout(120)
def test_the_programs_of_the_library_guide_run(plane: Plane):
    endpoints = plane.data.endpoints()
    secret = f"x:{plane.data.token()}@"
    environment = {
        **plane.environment,
        "MASTER_URL": endpoints.master_url.replace("://", f"://{secret}"),
        "COMPUTER": endpoints.computer_id,
        "RELEASE": str(HELLO),
    }
    programs = PROGRAM.findall((ROOT / "docs/how-to/use-as-a-library.md").read_text())
    said = []
    for program in programs:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert said[0].split()[1] == "started"
    assert said[1].startswith("from-a-program ")


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


@pytest.mark.parametrize(
    "document", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")], ids=lambda p: p.name
)
def test_links_lead_somewhere(document: Path):
    broken = [
        target
        for target in LINK.findall(document.read_text())
        if not (document.parent / target).exists()
    ]
    assert broken == []


def test_every_target_of_make_that_a_document_names_exists():
    makefile = (ROOT / "Makefile").read_text()
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"`?\$? ?make ([a-z]+)`", document.read_text()):
            assert f"\n{target}:" in makefile, f"{document.name} names `make {target}`"
