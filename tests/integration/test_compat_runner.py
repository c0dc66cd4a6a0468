"""`python -m pelagos.compat PROGRAM` is to a program what `python PROGRAM` is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

WAIT = 120.0

PROGRAM = """
import sys
import beside
import pyone

print(__name__, sys.argv, beside.VALUE, sys.stdin.read())
if __name__ == "__main__":
    sys.exit(int(sys.argv[1]))
"""

#: A class of the program goes to another process, and comes back from it.
POOL = """
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import pyone
from slapos.slap import slap

class Number:
    def __init__(self, value):
        self.value = value

def twice(number):
    assert pyone.VM_STATE(3).name == "ACTIVE" and slap
    return Number(2 * number.value)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        print(pool.submit(twice, Number(21)).result(60).value)
"""

#: A process that the program starts starts one itself.
NESTED = """
import multiprocessing
import sys

import pyone

def tell(depth):
    assert pyone.VM_STATE(3).name == "ACTIVE"
    if depth == 0:
        print("told", flush=True)
    else:
        start(depth - 1)

def start(depth):
    child = multiprocessing.get_context(sys.argv[1]).Process(target=tell, args=(depth,))
    child.start()
    child.join()
    sys.exit(child.exitcode)

if __name__ == "__main__":
    start(2)
"""


def run(*words: str, folder: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pelagos.compat", *words],
        capture_output=True, text=True, check=False, timeout=WAIT, cwd=folder, input=given,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "program.py": PROGRAM,
        "beside.py": "VALUE = 7\n",
        "pool.py": POOL,
        "nested.py": NESTED,
        "package/__init__.py": "",
        "package/__main__.py": "import sys\nfrom . import part\nprint(part.NAME, sys.argv[1:])\n",
        "package/part.py": "NAME = __name__\n",
        "package/lame.py": "import nowhere\n",
        "folder/__main__.py": "import sys, near\nprint(near.VALUE, sys.argv)\n",
        "folder/near.py": "VALUE = 8\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_program_has_its_words_its_input_its_folder_and_its_exit_code(folder: Path) -> None:
    done = run("program.py", "3", "--x", folder=folder, given="told")
    assert done.stdout == "__main__ ['program.py', '3', '--x'] 7 told\n", done.stderr
    assert done.returncode == 3


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
def test_processes_that_a_program_starts_know_the_names(folder: Path, how: str) -> None:
    done = run("pool.py", how, folder=folder)
    assert done.stdout == "42\n", done.stderr[-2000:]


@pytest.mark.parametrize("how", ["spawn", "forkserver"])
def test_processes_that_those_start_know_them_too(folder: Path, how: str) -> None:
    done = run("nested.py", how, folder=folder)
    assert (done.returncode, done.stdout) == (0, "told\n"), done.stderr[-2000:]


def test_packages_and_folders_are_programs(folder: Path) -> None:
    assert run("-m", "package", "a", folder=folder).stdout == "package.part ['a']\n"
    assert run("folder", "a", folder=folder).stdout == "8 ['folder', 'a']\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-m", "nosuch"], "there is no module nosuch"),
        (["-m", "package.nosuch"], "there is no module package.nosuch"),
        (["-m", "nosuch.part"], "there is no module nosuch.part"),
        (["."], "there is no __main__.py in ."),
    ],
)
def test_what_is_no_program_is_a_wrong_line(folder: Path, words: list[str], said: str) -> None:
    done = run(*words, folder=folder)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_a_module_that_imports_what_is_not_there_says_so_itself(folder: Path) -> None:
    done = run("-m", "package.lame", folder=folder)
    assert done.returncode == 1 and "No module named 'nowhere'" in done.stderr


@pytest.mark.parametrize("words", [("failing.py",), ("-m", "failing"), ("stack",)])
def test_a_traceback_begins_in_the_program_itself(folder: Path, words: tuple[str, ...]) -> None:
    failing = "def fall():\n    raise ValueError('own')\n\n\nfall()\n"
    (folder / "failing.py").write_text(failing)
    (folder / "stack").mkdir()
    (folder / "stack" / "__main__.py").write_text(failing)
    done = run(*words, folder=folder)
    assert done.returncode == 1
    assert "in fall" in done.stderr and done.stderr.rstrip().endswith("ValueError: own")
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert "runpy" not in done.stderr and "pelagos" not in done.stderr.replace(str(folder), "")
    assert len(re.findall("^  File ", done.stderr, re.MULTILINE)) == 2


def test_what_a_program_caught_before_is_told_with_it(folder: Path) -> None:
    (folder / "twice.py").write_text(
        "try:\n    {}['a']\nexcept KeyError as error:\n    raise ValueError('b') from error\n"
    )
    done = run("twice.py", folder=folder)
    assert "KeyError: 'a'" in done.stderr and "ValueError: b" in done.stderr
    assert "direct cause" in done.stderr and "runpy" not in done.stderr
