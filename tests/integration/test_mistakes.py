"""One mistake after another, made in or met by every command: never a traceback, always advice."""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pelagos.cli.argument import Argument, FlagArgument, IntArgument, KeyValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.failures import (
    FAILED,
    INTERRUPTED,
    NOT_ALLOWED,
    NOT_FOUND,
    OK,
    UNREACHABLE,
    USAGE,
)
from pelagos.cli.tree import Node
from pelagos.core.errors import PelagosError
from pelagos.core.http import Request, Response
from pelagos.core.http.errors import (
    HttpProtocolError,
    HttpTimeout,
    HttpTlsError,
    HttpUnreachable,
)
from support.mistakes import COMMANDS, FILE, Answer, Faulty, Place, is_usage_error, usual_line

pytestmark = pytest.mark.integration

#: What runs until it is ended, and what tells in a table what is wrong.
LASTING = {name for name, (_, command) in COMMANDS.items() if command.is_apart} | {"shell"}
DOCTORS = {"doctor", "bus doctor", "config doctor"}
#: What works on this computer, or its terminal, as it is.
HERE = {"config edit", "node unformat", "node format", "computer format", "db copy", "down"}

#: Mistakes of many forms meet these in each form, and every so many-th of the others.
ALWAYS = {"service list", "config list", "server list", "one vm list", "object upload", "lookup"}
PARTS = 8

Each = Callable[[str, Node, type[Command]], list[str] | None]


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)  # between two tries of a request
    monkeypatch.setenv("PELAGOS_DATA", str(tmp_path / "data"))  # where failures are kept


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.furnish()
    return made


def answers(
    place: Place,
    line_of: Each,
    *,
    without: set[str] = LASTING | HERE,
    part: str | None = None,
) -> list[Answer]:
    """What each command says to its line; every answer is as it should be.

    Args:
        part: of a mistake that has many forms, which: each form is met by a part of the commands,
            another one for each.
    """
    found = []
    chosen = zlib.crc32(part.encode()) % PARTS if part else 0
    for number, (name, (node, command)) in enumerate(COMMANDS.items()):
        is_passed = part and name not in ALWAYS and number % PARTS != chosen
        line = None if is_passed or name in without else line_of(name, node, command)
        if line is not None:
            found.append(place.run(line))
    faults = [fault for one in found for fault in one.faults
              if not one.line.endswith(tuple(DOCTORS))]  # fmt: skip
    assert faults == []
    assert len(found) > 10
    return found


def usual(_: str, node: Node, command: type[Command]) -> list[str]:
    return usual_line(node, command)


def with_option(*words: str) -> Each:
    """The usual lines, with these words after those of the command."""

    def line(_: str, node: Node, command: type[Command]) -> list[str]:
        return optioned(node, command, *words)

    return line


def optioned(node: Node, command: type[Command], *words: str) -> list[str]:
    """The usual line of a command with these words after its own."""
    line = usual_line(node, command)
    terms = list(node.terms)
    start = next(at for at in range(len(line)) if line[at : at + len(terms)] == terms)
    start += len(terms)
    return [*line[:start], *words, *line[start:]]


def wrong(found: list[Answer], *expected: int) -> list[str]:
    """The answers that end with another code than these."""
    return [f"{one.line}: {one.code} {one.err}" for one in found if one.code not in expected]


# ---- mistakes in the line


def test_an_option_that_there_is_not(place: Place):
    found = answers(place, with_option("--bogus-thing"), without=set())
    assert wrong(found, USAGE) == []
    assert [one.line for one in found if "--bogus-thing" not in one.err] == []


def test_a_misspelt_option(place: Place):
    found = answers(place, with_option("--verbos"), without=set())
    assert wrong(found, USAGE) == []
    assert [one.err for one in found if "did you mean --verbose?" not in one.err] == []


def test_an_option_without_its_value(place: Place):
    def ending(_: str, node: Node, __: type[Command]) -> list[str]:
        return [*node.terms, "--master-url"]

    found = answers(place, ending, without=set())
    assert wrong(found, USAGE) == []


def test_a_misspelt_command(place: Place):
    def misspelt(_: str, node: Node, __: type[Command]) -> list[str] | None:
        *group, word = node.terms
        return [*group, word[:-1] + "x" + word[-1]] if len(word) > 3 else None

    found = answers(place, misspelt, without=set())
    assert wrong(found, USAGE) == []
    assert [one.err for one in found if "did you mean: pelagos " not in one.err] == []


def test_a_word_too_many(place: Place):
    def more(_: str, node: Node, command: type[Command]) -> list[str] | None:
        operands = list(command.signature())
        is_open = any(is_rest for _, _, is_rest in operands)
        return None if is_open else [*node.terms, *(["7"] * (len(operands) + 1))]

    assert wrong(answers(place, more, without=set()), USAGE) == []


def test_a_word_too_few(place: Place):
    def fewer(_: str, node: Node, command: type[Command]) -> list[str] | None:
        needed = sum(is_needed for _, is_needed, _ in command.signature())
        return [*node.terms, *(["7"] * (needed - 1))] if needed else None

    found = answers(place, fewer, without=set())
    assert wrong(found, USAGE) == []
    assert [one.err for one in found if "usage: pelagos " not in one.err] == []


def test_an_empty_word(place: Place):
    def empty(_: str, node: Node, command: type[Command]) -> list[str] | None:
        needed = sum(is_needed for _, is_needed, _ in command.signature())
        return [*node.terms, *([""] * needed)] if needed else None

    assert wrong(answers(place, empty, without=set()), USAGE) == []


def test_a_word_that_is_no_text(place: Place):
    found = answers(place, lambda *one: [*usual(*one), "\udcff"], without=set())
    assert wrong(found, USAGE) == []


@pytest.mark.parametrize("text", ["x" * 50, "-", "=", "9" * 40, "\x1b[31m", "💥"])
def test_a_value_that_an_option_cannot_use(place: Place, text: str):
    """For every option of every command that refuses this value."""
    refused = 0
    for node, command in COMMANDS.values():
        for argument in command.arguments.values():
            if argument.arity and _refuses(argument, text):
                refused += 1
                answer = place.run(
                    [*node.terms, f"{argument.name}={text}", *_needed(node, command)]
                )
                assert answer.faults == []
                assert answer.code == USAGE, answer
                assert argument.name in answer.err, answer
    assert refused > 20


def _needed(node: Node, command: type[Command]) -> list[str]:
    return _plain(node, command)[len(node.terms) :]


def _refuses(argument: Argument, text: str) -> bool:
    if isinstance(argument, FlagArgument):
        return False
    try:
        argument.parse([text])
    except PelagosError:
        return True
    return False


def test_numbers_and_pairs_are_among_the_options():
    arguments = [one for _, command in COMMANDS.values() for one in command.arguments.values()]
    for kind in (IntArgument, KeyValueArgument):
        assert any(isinstance(one, kind) and _refuses(one, "x") for one in arguments)


# ---- mistakes in the configuration

BROKEN = {
    "no TOML": "[plane\n",
    "an unknown section": "[plan]\nmaster_url = 'x'\n",
    "an unknown key": "[plane]\nmaster_ulr = 'x'\n",
    "a wrong type": "[plane]\ntimeout = 'soon'\n",
    "a number out of bounds": "[master]\nport = 70000\n",
    "a key twice": "[plane]\ntimeout = 1\ntimeout = 2\n",
    "control characters": "[plane]\n\x01 = 2\n",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_configuration(place: Place, text: str):
    (place.folder / "pelagos.toml").write_text(text)
    codes = {one.line: one.code for one in answers(place, usual, part=text)}
    assert codes["service list"] == codes["config list"] == codes["server list"] == USAGE
    assert set(codes.values()) <= {OK, FAILED, USAGE, UNREACHABLE}


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00" * 100], ids=["bytes", "zeros"])
def test_a_configuration_that_is_no_text(place: Place, content: bytes):
    (place.folder / "pelagos.toml").write_bytes(content)
    part = None if content[0] else "zeros"
    codes = {one.line: one.code for one in answers(place, usual, part=part)}
    assert codes["service list"] == codes["config list"] == codes["server list"] == USAGE


def test_a_configuration_that_is_not_there(place: Place):
    def named(*one) -> list[str]:
        return ["--config", "nowhere.toml", *usual(*one)]

    codes = {one.line.split(" ", 2)[2]: one.code for one in answers(place, named, part="nowhere")}
    assert codes["service list"] == codes["config list"] == USAGE


def test_a_folder_in_the_place_of_the_configuration(place: Place):
    (place.folder / "pelagos.toml").unlink()
    (place.folder / "pelagos.toml").mkdir()
    codes = {one.line: one.code for one in answers(place, usual, part="folder")}
    assert codes["service list"] == codes["config list"] == USAGE


# ---- mistakes about who one is

WITHOUT_TOKEN = {
    "no file": ({}, None),
    "an empty file": ({}, b"\n"),
    "bytes in the file": ({}, b"\xff\xfe"),
    "lines in the file": ({}, b"a\nb\nc\n"),
    "a variable of two lines": ({"PELAGOS_TOKEN": "a\nb"}, b"t0ken\n"),
    "a variable that steers": ({"PELAGOS_TOKEN": "\x1b[31m"}, b"t0ken\n"),
}


@pytest.mark.parametrize(("environ", "content"), WITHOUT_TOKEN.values(), ids=WITHOUT_TOKEN)
def test_no_token_that_can_be_used(place: Place, environ: dict[str, str], content: bytes | None):
    place.environ = environ
    place.transport = Faulty(_unreachable)
    token = place.folder / "data" / "token"
    token.unlink() if content is None else token.write_bytes(content)
    part = f"{environ} {content!r}"
    codes = {one.line: one.code for one in answers(place, usual, part=part)}
    assert codes["service list"] == NOT_ALLOWED


def test_no_plane_at_all(place: Place):
    for path in (place.folder / "data").iterdir():
        path.unlink()
    codes = {one.line: one.code for one in answers(place, usual, part="no plane")}
    assert codes["service list"] == UNREACHABLE


@pytest.mark.parametrize("text", ["", "{", "[]", '{"master_url": 5}', '{"master_url": "x y"}'])
def test_what_is_known_of_the_plane_is_damaged(place: Place, text: str):
    place.transport = Faulty(_unreachable)
    (place.folder / "data" / "plane.json").write_text(text)
    codes = {one.line: one.code for one in answers(place, usual, part=f"damaged {text}")}
    assert codes["service list"] in {FAILED, USAGE, UNREACHABLE}


def test_a_file_in_the_place_of_the_data_folder(place: Place):
    for path in (place.folder / "data").iterdir():
        path.unlink()
    (place.folder / "data").rmdir()
    (place.folder / "data").write_text("in the way")
    codes = {one.line: one.code for one in answers(place, usual, part="in the way")}
    assert codes["service list"] == FAILED


def test_no_login_at_an_opennebula(place: Place):
    (place.folder / "one_auth").unlink()
    found = answers(place, usual, without={name for name in COMMANDS if name[:6] != "one vm"})
    assert wrong(found, USAGE) == []


def test_a_cloud_that_is_not_configured(place: Place):
    def elsewhere(_: str, node: Node, command: type[Command]) -> list[str] | None:
        is_asked = "cloud" in command.arguments
        return optioned(node, command, "--cloud", "elsewhere") if is_asked else None

    found = answers(place, elsewhere, without=LASTING | HERE | {"object cat"})
    assert wrong(found, USAGE) == []
    assert any("there are: one" in one.err for one in found)


# ---- what is met on the way


def _unreachable(request: Request) -> Response:
    raise HttpUnreachable(f"nobody answers at {request.url}", url=request.url, retry_after=None)


def _untrusted(request: Request) -> Response:
    raise HttpTlsError(
        f"the certificate of {request.url} is from an authority that is not trusted",
        url=request.url,
        problem="unknown-authority",
        hint="name that authority",
    )


def _slow(request: Request) -> Response:
    raise HttpTimeout(f"{request.url} took too long", url=request.url, retry_after=None)


def _cut(request: Request) -> Response:
    raise HttpProtocolError(f"{request.url} hung up", url=request.url, retry_after=None)


def _said(status: int, body: bytes, **headers: str) -> Callable[[Request], Response]:
    return lambda _: Response(status, {"Content-Type": "application/json", **headers}, body)


_NO = b'{"error": {"code": "x", "message": "no \\u001b[31m", "title": "No"}}'

MET: dict[str, tuple[Callable[[Request], Response], bool, set[int]]] = {
    "an unreachable host": (_unreachable, False, {UNREACHABLE}),
    "a service of the cloud is unreachable": (_unreachable, True, {UNREACHABLE}),
    "a bad certificate": (_untrusted, False, {UNREACHABLE}),
    "an answer that does not come": (_slow, False, {UNREACHABLE}),
    "an answer that is cut": (_cut, True, {FAILED, UNREACHABLE}),
    "a wrong token": (_said(401, _NO), False, {NOT_ALLOWED, UNREACHABLE}),
    "a right that is missing": (_said(403, _NO), True, {NOT_ALLOWED, UNREACHABLE}),
    "nothing of that name": (_said(404, _NO), True, {OK, FAILED, NOT_FOUND, UNREACHABLE}),
    "a conflict": (_said(409, _NO), True, {FAILED, UNREACHABLE}),
    "too much at once": (_said(413, _NO), True, {FAILED, USAGE, UNREACHABLE}),
    "a page that is an error": (
        _said(500, b"<html>\x1b[31moops"),
        True,
        {FAILED, UNREACHABLE},
    ),
    "a service that is busy": (_said(503, b""), True, {FAILED, UNREACHABLE}),
    "another way": (_said(302, b"", Location="http://x.test/"), True, {FAILED, UNREACHABLE}),
    "bad JSON": (_said(200, b'{"a'), True, {OK, FAILED, UNREACHABLE}),
    "a page for people": (_said(200, b"<html>hello"), False, {OK, FAILED, UNREACHABLE}),
    "nothing at all": (_said(200, b""), True, {OK, FAILED, NOT_FOUND, UNREACHABLE}),
    "null": (_said(200, b"null"), True, {OK, FAILED, NOT_FOUND, UNREACHABLE}),
    "a list for a thing": (_said(200, b"[]"), True, {OK, FAILED, NOT_FOUND, UNREACHABLE}),
    "a thing without anything": (_said(200, b"{}"), True, {OK, FAILED, NOT_FOUND, UNREACHABLE}),
    "a number": (_said(200, b"5"), True, {OK, FAILED, NOT_FOUND, UNREACHABLE}),
}


WHOLE = {"an unreachable host", "a thing without anything"}
"""What every command meets."""


@pytest.mark.parametrize(("fault", "lets_in", "codes"), MET.values(), ids=MET)
def test_what_is_met_on_the_way(
    place: Place, request: pytest.FixtureRequest, fault, lets_in: bool, codes: set[int]
):
    place.transport = Faulty(fault, lets_in=lets_in)
    kind = request.node.callspec.id
    part = None if kind in WHOLE else kind
    met = [one for one in answers(place, usual, part=part) if one.asked]
    assert len(met) > (300 if part is None else 30)
    assert wrong(met, *codes) == []


@pytest.mark.parametrize("number", [1, 2])
def test_ctrl_c_in_the_middle(place: Place, number: int):
    """While the first, or the second request of each command is under way."""

    def interrupt(_: Request) -> Response:
        if transport.asked % 2 == number % 2:
            raise KeyboardInterrupt
        return Response(200, {"Content-Type": "application/json"}, b"{}")

    place.transport = transport = Faulty(interrupt, lets_in=True)
    interrupted = 0
    for name, (node, command) in COMMANDS.items():
        if name not in LASTING | HERE and not (number == 2 and _is_alike(name)):
            transport.asked = 0
            answer = place.run(usual_line(node, command))
            assert answer.faults == [] or name in DOCTORS
            interrupted += answer.code == INTERRUPTED
            assert answer.code != INTERRUPTED or "interrupted" in answer.err
    assert interrupted > (300 if number == 1 else 5)


# ---- files


@pytest.mark.parametrize("kind", ["missing", "folder", "bytes", "empty", "loop"])
def test_a_file_that_is_not_as_it_should_be(place: Place, kind: str):
    """The file that an operand or an option names is not there, or not what it should be."""
    place.transport = Faulty(_unreachable, lets_in=True)
    path = place.folder / FILE
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "bytes":
        path.write_bytes(b"\xff\x00\xfe" * 50)
    elif kind == "empty":
        path.touch()
    elif kind == "loop":
        path.symlink_to(path)
    tried = 0
    for name, (node, command) in COMMANDS.items():
        for line in _lines_with_a_file(name, node, command):
            tried += 1
            answer = place.run(line)
            assert answer.faults == [], answer
    assert tried > 50


def _lines_with_a_file(name: str, node: Node, command: type[Command]) -> list[list[str]]:
    if name in HERE | (LASTING - _FILES_OF_LASTING) or _is_alike(name):
        return []
    options = [one for one in command.arguments.values() if one.complete == "file"]
    lines = [[*_plain(node, command), f"{one.name}={FILE}"] for one in options]
    is_operand = any(one.complete == "file" for one in command.operands.values())
    return [*lines, _plain(node, command)] if is_operand else lines


def _is_alike(name: str) -> bool:
    """Whether it is the same command as others, of another kind of things."""
    return name.startswith("one ") and not name.startswith(("one vm", "one template", "one acl"))


_FILES_OF_LASTING = {"object upload", "object sync up", "object append", "object overwrite"}


def _plain(node: Node, command: type[Command]) -> list[str]:
    """A line with nothing but what is needed, so that files are those of the test."""
    return usual_line(node, type("Plain", (command,), {"examples": ()}))


# ---- what is printed


class _Refusing(io.StringIO):
    """A stream that takes nothing."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, _: str) -> int:
        raise self._error

    def flush(self) -> None:
        raise self._error


PRINTED = ("config list", "config path", "completion bash", "cloud list", "service list --help",
           "help", "--version", "history show", "bus asyncapi --help")  # fmt: skip


@pytest.mark.parametrize("line", PRINTED)
def test_a_full_disk_below_the_output(place: Place, line: str):
    place.stdout = _Refusing(OSError(28, "No space left on device"))
    answer = place.run(line.split())
    assert answer.code == FAILED
    assert "No space left on device" in answer.err
    assert "make room there" in answer.err


@pytest.mark.parametrize("line", PRINTED)
def test_a_reader_that_went_away(place: Place, line: str):
    place.stdout = _Refusing(BrokenPipeError(32, "Broken pipe"))
    answer = place.run(line.split())
    assert (answer.code, answer.err) == (OK, "")


def test_the_help_of_every_command_meets_a_full_disk(place: Place):
    place.stdout = _Refusing(OSError(28, "No space left on device"))
    found = answers(place, lambda _, node, __: [*node.terms, "--help"], without=set())
    assert wrong(found, FAILED) == []


def test_a_setting_that_cannot_be_written(place: Place):
    (place.folder / "in the way").touch()
    place.environ["PELAGOS_CONFIG"] = str(place.folder / "in the way" / "pelagos.toml")
    for line in ("config set master.port 5", "cloud use one", "config delete master.port"):
        answer = place.run(line.split())
        assert answer.faults == []
    assert place.run(["config", "set", "master.port", "5"]).code == USAGE


def test_the_samples_are_lines_that_the_parser_takes():
    """Else the tests above would all meet the same refusal."""
    refused = [
        name
        for name, (node, command) in COMMANDS.items()
        if is_usage_error(command, node, usual_line(node, command)[len(node.terms) :])
    ]
    assert len(refused) < 60, refused
