"""Every block of code of every page does what the page says.

The blocks of a page are run in their order, as a reader would: commands are typed, programs run,
files written, settings given to the programs that read them. `support.scenes` says what a page
takes for granted, `support.page` how a block says that it is not run, and why.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.cli.command_base import parse
from pelagos.cli.launch import load
from pelagos.cli.main import resolve
from pelagos.cli.tree import pelagos_tree
from support.block_runner import Runner
from support.page import ROOT, Block, blocks, command_lines, pages
from support.scenes import Scene, scene_of

#: Made from the commands' own examples, which tests/unit/cli types.
GENERATED = "docs/reference/cli.md"
PAGES = [page for page in pages() if page != GENERATED]
#: Programs of the system that pages use; each is in the Debian package of its name.
PROGRAMS = ("curl", "openssl", "sqlite3")
SHOWN = [page for page in PAGES if any(not block.not_run for block in blocks(page))]


@pytest.fixture
def runner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runner]:
    """What runs the blocks of a page, with all that the page takes for granted."""
    page = request.getfixturevalue("page")
    typed = "".join(block.text for block in blocks(page) if block.language in ("console", "sh"))
    for program in PROGRAMS:
        if re.search(rf"\b{program} ", typed):
            request.getfixturevalue("require").program(program, package=program)
    scene: Scene = scene_of(page)
    made = Runner(scene.opened(tmp_path, request))
    try:
        for line in scene.before:
            code, said, told = made.desk().type(line)
            assert code == 0, f"{line}\n{said}{told}"
        yield made
    finally:
        made.close()


@pytest.mark.integration
@pytest.mark.parametrize("page", SHOWN)
def test_the_blocks_of_a_page_do_what_it_says(page: str, runner: Runner) -> None:
    run = [block for block in blocks(page) if not block.not_run]
    for block, following in zip(run, [*run[1:], None], strict=True):
        runner.run(block, goes_on=following is not None and following.goes_on)
    assert runner.done == run


@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_its_language(page: str) -> None:
    assert [str(block) for block in blocks(page) if not block.language] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_program_takes_every_command_line_of_a_page(page: str) -> None:
    refused = []
    for line in lines_of_pelagos(page):
        try:
            take(line)
        except Exception as error:  # noqa: BLE001  # whatever it is, the page is wrong
            refused.append(f"{line}: {error}")
    assert refused == []


def lines_of_pelagos(page: str) -> list[str]:
    """The command lines of `pelagos` in the blocks and in the sentences of a page."""
    found = []
    for block in blocks(page):
        if block.language in ("console", "sh"):
            found += [line for line, _ in command_lines(block)]
    found += re.findall(r"`(pelagos [a-z][^`…]*)`", (ROOT / page).read_text("utf-8"))
    own = _own_groups(page)
    return [
        line
        for line in found
        if (words := re.match(r"(?:\S*/)?pelagos ([a-z-]+)", line)) and words[1] not in own
    ]


def _own_groups(page: str) -> set[str]:
    """The groups of commands that a page makes itself; that they work, its blocks show."""
    text = (ROOT / page).read_text("utf-8")
    return {
        *re.findall(r"config set (\w+)\.cli", text),
        *re.findall(r'^"?([\w-]+)\.\w+"? = "\w+:', text, re.MULTILINE),
    }


def take(line: str) -> None:
    """Have the parser take a line.

    Raises:
        PelagosError: it does not.
        ValueError: no such command.
    """
    one = re.sub(
        r"(\w)(\|\w+)+", r"\1", line.replace("\\\n", " ")
    )  # show|clean: the first of them
    words = shlex.split(re.split(r" [|>]+ ", one)[0], comments=True)[1:]
    if words[:1] == ["help"]:
        words = [word for word in words[1:] if word != "COMMAND"]  # which stands for any
    node, options, operands = resolve(pelagos_tree(), words)
    if not node.can_run:
        if operands:
            raise ValueError("no such command")
        return
    parse(load(node), node.line, options + operands)


def test_a_block_that_is_not_run_says_why() -> None:
    assert [str(one) for page in PAGES for one in not_run(page) if len(one.not_run) < 15] == []


def not_run(page: str) -> list[Block]:
    """The blocks of a page that are not run."""
    return [block for block in blocks(page) if block.not_run]
