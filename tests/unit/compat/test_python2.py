"""Programs that are still Python 2: file, line and modern form are told, and nothing else is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pelagos.compat.python2 import find, note, told

WAIT = 120.0

#: What does not compile, and a piece of what is said to be written today.
BROKEN = {
    'print "a"': "print(…)",
    "print x, y": "print(…)",
    "if x: print x": "print(…)",
    "exec code": "exec(",
    "exec code in space": "exec(",
    "try: pass\nexcept ValueError, e: pass": "as NAME",
    "try: pass\nexcept (ValueError, a.B), e: pass": "as NAME",
    'raise ValueError, "text"': "ERROR(TEXT)",
    "raise a.B, text, trace": "ERROR(TEXT)",
    "x = `1`": "repr",
    "x = 1 <> 2": "!=",
    "os.chmod(path, 0755)": "0o777",
    "x = ur'abc'": "r'…'",
    'x = UR"abc"': "r'…'",
    "x = 10L": "no L",
    "x = 0xffL": "no L",
    "def f(a, (b, c)): pass": "in the body",
    "f = lambda (a, b): a": "in the body",
    "f(async=True)": "another name",
    "def f(async): pass": "another name",
}

FINE = '''
"""print "this", 0777 and `that` <> 10L are words; except A, b: too"""
import os  # print "x"; `x`
print()
print("x", 0o777, 0, 00, 0.5, 10_000, 1e10, 0xFFL if False else 1) if False else None
text = 'print "x" and ' + r'\\d' + "`"
try:
    pass
except (ValueError, TypeError):
    raise ValueError("print this")
def f(a=(1, 2), *b): return lambda x, y=(1, 2): (x, y)
exec("a = 1")
more = """it's
print x
"""
print(f((1, 2)), text[0:7])
'''.replace("0xFFL if False else 1", "0xFF")


@pytest.mark.parametrize(("source", "now"), BROKEN.items())
def test_what_does_not_compile_is_told_with_its_modern_form(
    source: str, now: str, tmp_path: Path
) -> None:
    program = tmp_path / "old.py"
    program.write_text(f"import sys\n\n{source}\n")
    with pytest.raises(SyntaxError) as caught:
        compile(program.read_text(), str(program), "exec")
    error = told(caught.value)
    assert f"{program}, line {caught.value.lineno}:" in error.message
    assert "is Python 2, and this is Python 3" in error.message
    assert now in (error.hint or "").splitlines()[0]


def test_what_is_right_or_in_texts_is_not_found() -> None:
    compile(FINE, "fine", "exec")
    assert list(find(FINE)) == []


def test_all_places_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    program = tmp_path / "old.py"
    program.write_text("print 1\n" * 10)
    with pytest.raises(SyntaxError) as caught:
        compile(program.read_text(), str(program), "exec")
    hint = told(caught.value).hint or ""
    assert "line 2: the statement print; write print(…)" in hint and "and 4 more" in hint


def test_a_mistake_of_another_kind_is_what_python_says(tmp_path: Path) -> None:
    program = tmp_path / "new.py"
    program.write_text("x = (1,\n")
    with pytest.raises(SyntaxError) as caught:
        compile(program.read_text(), str(program), "exec")
    error = told(caught.value)
    assert "'(' was never closed" in error.message and "Python 2" not in error.message


def test_tabs_and_spaces_are_told(tmp_path: Path) -> None:
    program = tmp_path / "old.py"
    program.write_text("if 1:\n        x = 1\n\ty = 2\n")
    with pytest.raises(TabError) as caught:
        compile(program.read_text(), str(program), "exec")
    assert "a mixture of tabs and spaces" in told(caught.value).message


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{}.has_key(1)", ".has_key is Python 2; write KEY in MAPPING"),
        ("{}.iteritems()", ".iteritems is Python 2; write items"),
        ("unicode('x')", "the name unicode is Python 2; write str"),
        ("import urllib2", "the module urllib2 is Python 2; write import urllib.request"),
        ("import sys\nprint >>sys.stderr, 'x'", "write print(…, file=FILE)"),
    ],
)
def test_what_fails_later_has_a_line_that_says_so(source: str, said: str) -> None:
    code = compile(source, "prog.py", "exec")
    with pytest.raises((AttributeError, NameError, ImportError, TypeError)) as caught:
        exec(code, {})
    note(caught.value)
    last = caught.value.__notes__[-1]
    assert last.startswith(f"prog.py, line {len(source.splitlines())}: ") and said in last


def test_other_errors_get_no_line() -> None:
    with pytest.raises(NameError) as caught:
        exec(compile("misspelt", "prog.py", "exec"), {})
    note(caught.value)
    assert not getattr(caught.value, "__notes__", [])


def run(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pelagos.compat", *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=WAIT, cwd=folder
    )


def test_the_runner_tells_of_the_program_and_of_what_it_imports(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("x = 1\nprint x\n")
    (tmp_path / "main.py").write_text("import old\n")
    for words in (["old.py"], ["main.py"], ["-m", "old"]):
        done = run(*words, folder=tmp_path)
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert "old.py, line 2: the statement print is Python 2" in done.stderr
    (tmp_path / "later.py").write_text("print('x')\n{}.has_key(1)\n")
    done = run("later.py", folder=tmp_path)
    assert done.returncode == 1 and done.stdout == "x\n"
    assert done.stderr.rstrip().endswith("write KEY in MAPPING")


def test_a_line_that_names_no_program_is_a_wrong_line(tmp_path: Path) -> None:
    done = run("none.py", folder=tmp_path)
    assert done.returncode == 2 and "there is no program none.py" in done.stderr
    done = run("--shadw", "pyone", "old.py", folder=tmp_path)
    assert done.returncode == 2 and "unknown option: --shadw" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_runner_shadows_what_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyone.py").write_text("REAL = True\n")
    (tmp_path / "main.py").write_text("import pyone\nprint(hasattr(pyone, 'OneServer'))\n")
    assert run("--shadow", "pyone", "main.py", folder=tmp_path).stdout == "True\n"
    done = run("--shadow", "pyon", "main.py", folder=tmp_path)
    assert done.returncode == 1 and "did you mean pyone" in done.stderr
    assert run("--shadow", folder=tmp_path).returncode == 2
