"""A page of the documents, and its blocks of code.

A comment before a block says what a test cannot see:

    <!-- not run: it needs root -->   why not; its commands must be ones that the program takes
    <!-- goes on -->                  the block belongs to the program of the one before
    <!-- at: ann -->                  typed by ann, or at a computer of that name
    <!-- by itself -->                settings that are not those of the blocks before
    <!-- no output: a stream -->      text that no block before says
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
_COMMENT = re.compile(
    r"<!--\s*(not run|goes on|at|by itself|no output)(?::\s*(.*?))?\s*-->", re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """One block of code.

    Attributes:
        page: where it stands, below the root of the project.
        line: on which line it begins.
        language: its language; empty for one that says none, or that is only indented.
        name: the file that it is, or empty.
        text: what stands in it.
        not_run: why it is not run, or empty.
        goes_on: it belongs to the program of the block before.
        at: who types it, or where; empty for whoever reads the page.
        by_itself: settings that do not go with those of the blocks before.
        no_output: what text is that no block before says, or empty.
    """

    page: str
    line: int
    language: str
    name: str
    text: str
    not_run: str = ""
    goes_on: bool = False
    at: str = ""
    by_itself: bool = False
    no_output: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """Every page of the documents, and those beside the README."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def blocks(page: str) -> list[Block]:
    """The blocks of a page, without the directives of Sphinx."""
    found = []
    said: dict[str, str] = {}
    for token in MarkdownIt().parse((ROOT / page).read_text(encoding="utf-8")):
        if token.type == "html_block":
            said = {key: text or "yes" for key, text in _COMMENT.findall(token.content)}
        elif token.type in ("fence", "code_block"):
            language, _, name = token.info.strip().partition(" ")
            if not language.startswith("{"):
                assert token.map is not None
                found.append(
                    Block(
                        page, token.map[0] + 1, language, name, token.content,
                        not_run=said.get("not run", ""), goes_on="goes on" in said,
                        at=said.get("at", ""), by_itself="by itself" in said,
                        no_output=said.get("no output", ""),
                    )
                )  # fmt: skip
            said = {}
        elif token.type.endswith("_open"):
            said = {}
    return found


def command_lines(block: Block) -> list[tuple[str, list[str]]]:
    """Each command of a block for a shell, with the lines that stand below it.

    In `console` a command begins with `$ `, and the lines below are what it says; in `sh` all
    lines are commands. A line that ends with a backslash or a bar goes on in the next one.
    """
    found: list[tuple[str, list[str]]] = []
    is_whole = True
    for line in block.text.splitlines():
        if not is_whole:
            command, below = found[-1]
            found[-1] = (f"{command}\n{line}", below)
        elif block.language == "sh":
            if line.strip() and not line.startswith("#"):
                found.append((line, []))
        elif line.startswith("$ "):
            found.append((line.removeprefix("$ "), []))
        else:
            found[-1][1].append(line)
            continue
        is_whole = not line.rstrip().endswith(("\\", "|"))
    return found
