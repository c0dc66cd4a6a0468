"""The documents hang together: links, targets of make, and a way to each page."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PERFORMANCE = ROOT / "docs" / "explanation" / "performance.md"
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


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


def test_every_benchmark_that_a_page_names_takes_its_options():
    for line in re.findall(
        r"^python (?:-m )?(benchmarks.*)$", PERFORMANCE.read_text(), re.MULTILINE
    ):
        words = shlex.split(line, comments=True)
        name = words[1] if words[0] == "benchmarks" else Path(words[0]).stem
        files = [*ROOT.glob(f"benchmarks/{name}.py"), *ROOT.glob(f"benchmarks/{name}/**/*.py")]
        assert files, line
        known = "".join(file.read_text("utf-8") for file in files)
        options = [word for word in words if word.startswith("--")]
        assert [one for one in options if not re.search(rf"\b{one[2:]}\b", known)] == [], line


def test_every_page_is_reached_from_the_first():
    first = ROOT / "docs" / "README.md"
    found, left = {first}, [first]
    while left:
        page = left.pop()
        named = {(page.parent / name).resolve() for name in LINK.findall(page.read_text("utf-8"))}
        new = {one for one in named if one.suffix == ".md" and one.is_file()} - found
        found |= new
        left += new
    missing = {*ROOT.glob("docs/**/*.md")} - found - {ROOT / "docs" / "index.md"}
    assert missing == set()


def test_every_target_of_make_that_a_document_names_exists():
    makefile = (ROOT / "Makefile").read_text()
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"`?\$? ?make ([a-z]+)`", document.read_text()):
            assert f"\n{target}:" in makefile, f"{document.name} names `make {target}`"
