"""Each recipe, its options and its refusals; no buildout, no socket but a port that is tried."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pelagos.slap.model import Partition
from pelagos.slap.recipes import (
    FreePort,
    Parameters,
    Promise,
    Publish,
    RecipeError,
    Service,
    Template,
)
from pelagos.slap.recipes import master as master_of_recipes


class Sections(dict):
    """A buildout: its sections by name."""


@pytest.fixture
def buildout(tmp_path: Path) -> Sections:
    folder = tmp_path / "slappart0"
    folder.mkdir()
    return Sections(
        {
            "buildout": {"directory": str(folder)},
            "slap-connection": {
                "server-url": "http://x:token@127.0.0.1:1/",
                "computer-id": "COMP",
                "partition-id": "slappart0",
            },
        }
    )


class Master:
    """Answers for one partition."""

    def __init__(self, parameters: Mapping[str, object]) -> None:
        self.parameters = parameters
        self.published: list[object] = []

    def fetch_partition(self, computer_id: str, partition_id: str) -> Partition:
        return Partition(computer_id, partition_id, parameters=dict(self.parameters))

    def publish(self, computer_id: str, partition_id: str, connection: object) -> None:
        self.published.append((computer_id, partition_id, connection))


@pytest.fixture
def master(monkeypatch: pytest.MonkeyPatch) -> Master:
    made = Master({})
    monkeypatch.setattr(master_of_recipes, "client_of", lambda _: made)
    return made


# ---- options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipe", "misspelt", "meant"),
    [
        (Template, "outptu", "output"),
        (Parameters, "default", "defaults"),
        (FreePort, "prot", "port"),
        (Service, "comand", "command"),
        (Promise, "timout", "timeout"),
        (Publish, "conection", "connection"),
    ],
)
def test_a_misspelt_option_is_an_error_that_names_the_right_one(
    buildout: Sections, recipe: type, misspelt: str, meant: str
) -> None:
    with pytest.raises(RecipeError, match=f"Did you mean {meant}"):
        recipe(buildout, "part", {"recipe": "pelagos:x", misspelt: "1"})


def test_a_missing_option_is_named(buildout: Sections) -> None:
    with pytest.raises(RecipeError, match="command"):
        Service(buildout, "web", {})
    with pytest.raises(RecipeError, match="connection"):
        Publish(buildout, "web", {"connection": " "})


# ---- template -----------------------------------------------------------------------------------


def test_a_template_unescapes_what_is_for_the_next_buildout(buildout: Sections) -> None:
    options = {"output": "etc/x.cfg", "inline": "[a]\nb = $${c:d} and $$5\n", "mode": "0600"}
    part = Template(buildout, "t", options)
    assert list(part.install()) == [options["output"]]
    written = Path(options["output"])
    assert written.read_text() == "[a]\nb = ${c:d} and $$5\n"
    assert written.stat().st_mode & 0o777 == 0o600


def test_a_template_from_a_file_is_filled_in(buildout: Sections, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_text("port ${net:port}, later ${:x}, kept $${a:b}")
    buildout["net"] = {"port": "80"}
    buildout["t"] = {"x": "own"}
    part = Template(buildout, "t", {"output": "out", "source": str(source)})
    part.install()
    assert part.output.read_text() == "port 80, later own, kept ${a:b}"


@pytest.mark.parametrize(
    "options",
    [
        {"output": "x"},
        {"output": "x", "inline": "a", "source": "b"},
        {"output": "x", "source": "/nowhere"},
        {"output": "x", "inline": "a", "mode": "rw"},
    ],
)
def test_a_template_needs_one_text_and_a_mode(buildout: Sections, options: dict) -> None:
    with pytest.raises(RecipeError):
        Template(buildout, "t", options)


# ---- parameters ---------------------------------------------------------------------------------


def test_parameters_are_the_defaults_and_what_was_requested(
    buildout: Sections, master: Master
) -> None:
    master.parameters = {"size": 5, "empty": None}
    options = {"defaults": "size = 1\nname = a b\nempty = x"}
    Parameters(buildout, "p", options)
    assert (options["size"], options["name"], options["empty"]) == ("5", "a b", "")


def test_an_unknown_parameter_is_an_error_unless_told_otherwise(
    buildout: Sections, master: Master
) -> None:
    master.parameters = {"siez": "5"}
    with pytest.raises(RecipeError, match=r"no parameter 'siez'. Did you mean size"):
        Parameters(buildout, "p", {"defaults": "size = 1"})
    options = {"defaults": "size = 1", "strict": "false"}
    Parameters(buildout, "p", options)
    assert options["siez"] == "5"


def test_a_parameter_cannot_take_the_place_of_an_option(
    buildout: Sections, master: Master
) -> None:
    with pytest.raises(RecipeError, match="recipe"):
        Parameters(buildout, "p", {"defaults": "recipe = x"})
    master.parameters = {"recipe": "other:thing", "bad name": "x"}
    options = {"recipe": "pelagos:parameters", "strict": "false"}
    Parameters(buildout, "p", options)
    assert options["recipe"] == "pelagos:parameters" and "bad name" not in options


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("${slap-connection:server-url}", "fill in"),
        ("$${a:b}", "fill in"),
        ("calm$", "fill in"),
        ("calm\nLD_PRELOAD = /tmp/x.so", "several lines"),
        ("calm\u2028LD_PRELOAD = /tmp/x.so", "several lines"),
        ("calm\n", "several lines"),
    ],
)
def test_a_requester_cannot_write_into_the_profile(
    buildout: Sections, master: Master, value: str, reason: str
) -> None:
    master.parameters = {"mood": value}
    options = {"defaults": "mood = calm"}
    with pytest.raises(RecipeError, match=f"'mood'.*{reason}"):
        Parameters(buildout, "p", options)
    assert "mood" not in options


def test_a_parameter_may_have_several_lines_where_the_profile_says_so(
    buildout: Sections, master: Master
) -> None:
    master.parameters = {"key": "-----\nabc\n"}
    options = {"defaults": "key =\nmood = $calm", "multiline": "key"}
    Parameters(buildout, "p", options)
    assert (options["key"], options["mood"]) == ("-----\nabc\n", "$calm")
    with pytest.raises(RecipeError, match="multiline: 'kez' is not among the defaults"):
        Parameters(buildout, "p", {"defaults": "key =", "multiline": "kez"})


def test_a_silent_master_is_one_line(buildout: Sections) -> None:
    with pytest.raises(RecipeError, match="master does not answer") as caught:
        Parameters(buildout, "p", {"defaults": "a = 1"})
    assert "token" not in str(caught.value)


# ---- free-port ----------------------------------------------------------------------------------


def test_a_port_is_picked_once_and_kept(buildout: Sections) -> None:
    first: dict[str, str] = {}
    FreePort(buildout, "address", first)
    second = {"port": ""}
    FreePort(buildout, "address", second)
    assert first == second
    assert 10_000 <= int(first["port"]) < 32_000 and first["ip"] == "127.0.0.1"


def test_neighbours_never_get_the_same_port(buildout: Sections, tmp_path: Path) -> None:
    ports = set()
    for number in range(40):
        folder = tmp_path / f"slappart{number}"
        folder.mkdir(exist_ok=True)
        buildout["buildout"]["directory"] = str(folder)
        for name in ("a", "b"):
            options: dict[str, str] = {}
            FreePort(buildout, name, options)
            ports.add(options["port"])
    assert len(ports) == 80


def test_a_wished_port_is_kept_like_a_chosen_one(buildout: Sections) -> None:
    options = {"port": "80"}
    FreePort(buildout, "address", options)
    assert options["port"] == "80"
    again: dict[str, str] = {}
    FreePort(buildout, "address", again)
    assert again["port"] == "80"
    FreePort(buildout, "address", {"port": "81"})
    FreePort(buildout, "address", again := {"port": ""})
    assert again["port"] == "81"
    for wrong in ("0", "65536", "http", "-1", "8 0", "²"):
        with pytest.raises(RecipeError, match="not a port"):
            FreePort(buildout, "address", {"port": wrong})


def test_a_wished_port_that_a_neighbour_keeps_is_refused_by_its_name(
    buildout: Sections, tmp_path: Path
) -> None:
    FreePort(buildout, "address", {"port": "30333"})
    folder = tmp_path / "slappart1"
    folder.mkdir()
    buildout["buildout"]["directory"] = str(folder)
    for options in ({"port": "30333"}, {"port": "30333", "ip": "0.0.0.0"}):
        with pytest.raises(RecipeError, match="port 30333 is taken: the partition slappart0"):
            FreePort(buildout, "address", options)
    assert not (folder / "var").exists()
    FreePort(buildout, "address", elsewhere := {"port": "30333", "ip": "127.0.0.2"})
    assert elsewhere["port"] == "30333"


# ---- service and promise ------------------------------------------------------------------------


def run(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([path], capture_output=True, text=True, check=False)


def test_a_service_is_an_executable_whose_arguments_are_exact(buildout: Sections) -> None:
    command = "/usr/bin/printf\n%s|%s\na b; $(id) `id` 'x' \"y\"\nsecond"
    part = Service(buildout, "web", {"command": command})
    assert list(part.install()) == [str(part.path)]
    assert part.path == Path(buildout["buildout"]["directory"]) / "etc/service/web"
    assert part.path.stat().st_mode & 0o777 == 0o750
    assert run(part.path).stdout == "a b; $(id) `id` 'x' \"y\"|second"


def test_one_line_is_split_as_a_shell_would_and_nothing_more(buildout: Sections) -> None:
    part = Service(buildout, "web", {"command": "/usr/bin/printf %s- 'a b' $HOME ;id"})
    part.install()
    assert run(part.path).stdout == "a b-$HOME-;id-"
    with pytest.raises(RecipeError, match="words"):
        Service(buildout, "web", {"command": "echo 'open"})


def test_a_service_has_its_environment_and_folder(buildout: Sections, tmp_path: Path) -> None:
    options = {
        "command": '/bin/sh\n-c\nprintf \'%s|\' "$GREETING" "$PWD"',
        "environment": "GREETING = it's $5",
        "folder": str(tmp_path),
        "once": "true",
        "name": "once-only",
    }
    part = Service(buildout, "web", options)
    part.install()
    assert part.path.parent.name == "run" and part.path.name == "once-only"
    assert run(part.path).stdout == f"it's $5|{tmp_path}|"


def test_a_service_is_rewritten_only_when_it_changes(buildout: Sections, tmp_path: Path) -> None:
    config = tmp_path / "web.conf"
    config.write_text("one")
    options = {"command": "/bin/true", "restart-on": str(config)}
    part = Service(buildout, "web", options)
    part.install()
    before = part.path.stat().st_ino
    Service(buildout, "web", options).update()
    assert part.path.stat().st_ino == before
    config.write_text("two")
    Service(buildout, "web", options).update()
    assert part.path.stat().st_ino != before


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "", "a b", "x" * 200])
def test_no_file_name_leaves_its_folder(buildout: Sections, name: str) -> None:
    with pytest.raises(RecipeError):
        Service(buildout, name, {"command": "/bin/true"})
    with pytest.raises(RecipeError):
        Promise(buildout, name, {"command": "/bin/true"})


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"url": "http://a/", "address": "a:1"},
        {"url": "ftp://a/"},
        {"url": "http://user:secret@a/"},
        {"url": "http://a:99999/"},
        {"url": "http://a/ b"},
        {"address": "a"},
        {"address": ":80"},
        {"address": "a:x"},
        {"url": "http://a/", "timeout": "soon"},
        {"url": "http://a/", "timeout": "0"},
    ],
)
def test_a_promise_checks_its_options(buildout: Sections, options: dict[str, str]) -> None:
    with pytest.raises(RecipeError):
        Promise(buildout, "p", options)


def test_a_promise_on_a_closed_port_says_so(buildout: Sections) -> None:
    for options in ({"url": "http://127.0.0.1:1/x"}, {"address": "127.0.0.1:1"}):
        part = Promise(buildout, "p", dict(options))
        part.install()
        done = run(part.path)
        assert done.returncode == 1 and "refused" in done.stderr


def test_a_promise_may_be_any_command(buildout: Sections) -> None:
    part = Promise(buildout, "p", {"command": "/bin/sh -c 'echo hm; exit 4'"})
    part.install()
    assert (run(part.path).returncode, run(part.path).stdout) == (4, "hm\n")


# ---- publish ------------------------------------------------------------------------------------


def test_connection_parameters_are_handed_over(buildout: Sections, master: Master) -> None:
    part = Publish(buildout, "p", {"connection": "url = http://a/?x=1\nuser = me"})
    assert list(part.install()) == []
    part.update()
    told = ("COMP", "slappart0", {"url": "http://a/?x=1", "user": "me"})
    assert master.published == [told, told]
    with pytest.raises(RecipeError, match="name = value"):
        Publish(buildout, "p", {"connection": "just words"})


# ---- promise plugins ----------------------------------------------------------------------------


def test_a_plugin_promise_is_written_with_its_configuration(buildout: Sections) -> None:
    folder = Path(buildout["buildout"]["directory"])
    (folder / "check.py").write_text("RunPromise = 1\n")
    options = {"plugin": "check.py", "config": "limit = 7\nquote = it's", "path": "lib"}
    part = Promise(buildout, "mood", options)
    assert part.install() == (str(folder / "etc" / "plugin" / "mood.py"),)
    text = (folder / "etc" / "plugin" / "mood.py").read_text()
    assert text.startswith(f"import sys\nsys.path[0:0] = [{str(folder / 'lib')!r}]\n")
    known: dict[str, object] = {}
    exec(compile(text, "mood.py", "exec"), known)
    sys.path.remove(str(folder / "lib"))
    assert known["RunPromise"] == 1
    assert known["extra_config_dict"] == {"limit": "7", "quote": "it's"}


def test_a_plugin_promise_may_come_from_a_module(buildout: Sections) -> None:
    part = Promise(buildout, "mood", {"plugin": "package.check"})
    part.install()
    assert "from package.check import RunPromise\n" in part.path.read_text()


@pytest.mark.parametrize(
    "options",
    [
        {"plugin": "gone.py"},
        {"plugin": "no module"},
        {"plugin": "a.b", "url": "http://h/"},
        {"command": "/bin/true", "config": "a = b"},
        {"command": "/bin/true", "path": "lib"},
    ],
)
def test_a_plugin_promise_checks_its_options(buildout: Sections, options: dict[str, str]) -> None:
    with pytest.raises(RecipeError):
        Promise(buildout, "p", options)
