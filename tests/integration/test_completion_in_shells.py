"""Completion in bash, zsh and fish, as a person types: words, options, files and live names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from support.box_site import openstack_environ
from support.require import Require
from support.screen import Screen

PROGRAMS = str(Path(sys.executable).parent)

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The desk of a person with a cloud, an OpenNebula and two containers."""
    home = tmp_path_factory.mktemp("home")
    (home / "notes.txt").write_text("x")
    with Box() as box:
        made = {
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PELAGOS_COMPLETION_TIMEOUT": "30",
            "ZDOTDIR": str(home),
            "ONE_XMLRPC": box.one_url,
            "ONE_AUTH": str(box.one.one_auth),
            **openstack_environ(box, box.person("demo")),
        }
        for words in (("photos",), ("plans",)):
            subprocess.run(["pelagos", "container", "create", *words], env=made, check=True)
        for place in ("photos/2026/sea.jpg", "photos/list.txt"):
            upload = ["pelagos", "object", "upload", "notes.txt", place]
            subprocess.run(upload, env=made, cwd=home, check=True)
        yield made


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(pelagos completion bash)"'),
    "zsh": (
        ["zsh", "-f", "-i"],
        'autoload -U compinit; compinit -u -D; eval "$(pelagos completion zsh)"',
    ),
}

#: What is typed before the tabulator, and the line after it.
WHOLE = [
    ("pelagos request x y --param-f", "pelagos request x y --param-file"),
    ("pelagos service list --output js", "pelagos service list --output json"),
    ("pelagos service list --output=js", "pelagos service list --output=json"),
    ("pelagos image info box-l", "pelagos image info box-linux"),
    ("pelagos image delete box-linux box-l", "pelagos image delete box-linux box-l"),
    ("pelagos container info ph", "pelagos container info photos"),
    ("pelagos object info photos/l", "pelagos object info photos/list.txt"),
    ("pelagos object list pho", "pelagos object list photos/"),
    ("pelagos one template show ti", "pelagos one template show tiny"),
    ("pelagos config get master.ho", "pelagos config get master.host"),
    ("pelagos object upload not", "pelagos object upload notes.txt"),
    ("pelagos service info x", "pelagos service info x"),
]
#: What is typed, and what is offered for it.
OFFERED = [
    ("pelagos serv", ("service", "server")),
    ("pelagos container info p", ("photos", "plans")),
    ("pelagos object list photos/", ("photos/2026/", "photos/list.txt")),
]


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_typed_is_completed(environ: dict[str, str], require: Require, shell: str) -> None:
    require.program(shell, package=shell)
    line, script = SHELLS[shell]
    with Screen(line, environ, cwd=environ["HOME"]) as screen:
        screen.type(f"{script}; echo LOADED $((40 + 2))\n")
        screen.until("LOADED 42")
        for typed, whole in WHOLE:
            before = len(screen.shown)
            screen.type(f"{typed}\t")
            screen.type("\x01echo RESULT \r")
            assert screen.until(f"RESULT {whole}\r\n", before)
        for typed, offered in OFFERED:
            before = len(screen.shown)
            screen.type(f"{typed}\t\t")
            for one in offered:
                screen.until(one, before)
            screen.type("\x15\r")
        screen.type("exit\n")
        screen.ended()


def test_fish_completes_it(environ: dict[str, str], require: Require) -> None:
    require.program("fish", package="fish")
    lines = [typed for typed, _ in (*WHOLE, *OFFERED)]
    asked = "; ".join(f"complete -C '{line}'; echo ==" for line in lines)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"pelagos completion fish | source; {asked}"],
        env=environ, cwd=environ["HOME"], capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip
    assert done.stderr == ""
    answers = done.stdout.split("==\n")
    for (typed, whole), answer in zip(WHOLE, answers, strict=False):
        offered = [line.partition("\t")[0] for line in answer.splitlines()]
        assert offered == ([] if typed == whole else [whole.split()[-1]]), typed
    for (typed, expected), answer in zip(OFFERED, answers[len(WHOLE) :], strict=False):
        offered = [line.partition("\t")[0] for line in answer.splitlines()]
        assert set(expected) <= set(offered), typed


#: A `pelagos` that knows names with signs of their own.
_ODD = r"""#!/bin/sh
if [ "$1" = completion ]; then exec PROGRAM "$@"; fi
for last; do :; done
for name in 'dev\ops' 'east:1' 'w\x:y\\z'; do
    case $name in "$last"*) printf '%s\tabout\n' "$name" ;; esac
done
"""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("typed", ["dev", "eas", "w"])
def test_a_name_with_signs_is_completed_whole(
    tmp_path: Path, require: Require, shell: str, typed: str
) -> None:
    require.program(shell, package=shell)
    whole = {"dev": "dev\\ops", "eas": "east:1", "w": "w\\x:y\\\\z"}[typed]
    stub = tmp_path / "bin" / "pelagos"
    stub.parent.mkdir()
    stub.write_text(_ODD.replace("PROGRAM", f"{PROGRAMS}/pelagos"))
    stub.chmod(0o755)
    show = tmp_path / "bin" / "show"
    show.write_text("#!/bin/sh\nprintf 'RESULT <%s>\\n' \"$4\"\n")
    show.chmod(0o755)
    environ = {
        "PATH": f"{stub.parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "ZDOTDIR": str(tmp_path),
        "LANG": "C.UTF-8",
    }
    line, script = SHELLS[shell]
    with Screen(line, environ, cwd=str(tmp_path)) as screen:
        screen.type(f"{script}; echo LOADED $((40 + 2))\n")
        screen.until("LOADED 42")
        screen.type(f"pelagos service info {typed}\t")
        screen.type("\x01show \r")
        assert screen.until(f"RESULT <{whole}>")
        screen.type("exit\n")
        screen.ended()
