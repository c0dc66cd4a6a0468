import pytest

from pelagos.cli import complete
from pelagos.cli.complete import proposals
from pelagos.cli.context import Context
from pelagos.directory.client.answers import SourceState


@pytest.fixture
def plane(monkeypatch):
    """A plane that answers at once; what was asked for."""
    asked = []

    def glance(_context, path, timeout):
        asked.append((path, timeout))
        return {
            "v1/services": {
                "services": [{"reference": "hello", "status": "started"}, {"reference": "x\x1b"}],
                "next": None,
            },
            "v1/computers": [{"computer_id": "COMP"}],
            "v1/people": [{"name": "ann", "role": "tenant"}],
            "v1/releases": [{"url": "http://r/", "computer_id": "COMP"}],
        }[path]

    monkeypatch.setattr(Context, "glance", glance)
    return asked


def names(*words: str) -> list[str]:
    *before, current = words
    return [name for name, _ in proposals(before, current) if name.startswith(current)]


def test_groups_and_commands_are_proposed():
    assert names("serv") == ["service", "server"]
    assert names("service", "st") == ["start", "stop"]
    assert "request" in names("")


def test_options_of_the_command_are_proposed():
    assert names("service", "list", "--col") == ["--columns"]
    assert names("request", "db", "u", "--para") == ["--param", "--param-file"]


def test_values_of_options_are_proposed(plane):
    assert names("service", "list", "--output", "j") == ["json"]
    assert names("request", "x", "y", "--state", "") == ["started", "stopped", "destroyed"]
    assert names("why", "--kind", "s") == ["service", "source"]
    assert plane == []


def test_live_names_are_proposed_with_little_patience(plane):
    assert names("service", "info", "h") == ["hello"]
    assert names("computer", "info", "") == ["COMP"]
    assert names("person", "hand-over", "bob", "a") == ["ann"]
    assert plane[0][1] <= 0.5


def test_the_plane_is_asked_as_the_line_says(monkeypatch, tmp_path):
    asked = []

    def glance(context, _path, timeout):
        asked.append((context.master_url, context.token, timeout))

    monkeypatch.setattr(Context, "glance", glance)
    (tmp_path / "token").write_text("a-token-of-mine\n")
    (tmp_path / "c.toml").write_text("[plane]\ncompletion_timeout = 0.1\n")
    options = (f"--token-file={tmp_path}/token", "--config", f"{tmp_path}/c.toml")
    assert names("service", "info", *options, "--master-url=http://far.test", "") == []
    assert asked == [("http://far.test", "a-token-of-mine", 0.1)]


def test_sources_of_the_directory_are_proposed_with_little_patience(monkeypatch):
    class Directory:
        def sources(self):
            return (SourceState("staff", "ldap", is_loaded=True),)

    def opened(context):
        asked.append(context.plane.timeout)
        return Directory()

    asked = []
    monkeypatch.setattr(Context, "directory", property(opened))
    assert names("source", "show", "s") == ["staff"]
    assert names("source", "check", "") == ["staff"]
    assert max(asked) <= 0.5


@pytest.mark.usefixtures("plane")
def test_an_operand_that_is_there_is_not_proposed_again():
    assert names("service", "info", "hello", "") == []


@pytest.mark.usefixtures("plane")
def test_the_second_operand_is_proposed_after_the_first():
    assert names("supply", "software.cfg", "C") == ["COMP"]
    assert names("supply", "--remove", "software.cfg", "C") == ["COMP"]


@pytest.mark.usefixtures("plane")
def test_files_are_left_to_the_shell_when_no_name_fits(capsys):
    assert [name for name, _ in proposals(["supply"], "")] == [":file"]
    complete.complete(["why", "he"])
    complete.complete(["why", "./he"])
    assert capsys.readouterr().out == "hello\tstarted\n:file\n"
    assert [name for name, _ in proposals(["request", "db"], "")] == ["http://r/", ":file"]
    assert [name for name, _ in proposals(["--data"], "")] == [":file"]
    assert [name for name, _ in proposals(["service", "list", "--config"], "")] == [":file"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["service", "list", "--output=js"], "--output=json\n"),
        (["service", "list", "--output", "=", "js"], "json\n"),
        (["service", "list", "--output", "="], "table\njson\nyaml\ncsv\nvalue\n"),
    ],
)
def test_a_value_after_an_equals_sign_is_proposed(words, expected, capsys):
    complete.complete(words)
    assert capsys.readouterr().out == expected


def test_settings_and_shells_are_proposed():
    assert names("config", "get", "master.po") == ["master.port"]
    assert names("completion", "z") == ["zsh"]


@pytest.mark.usefixtures("plane")
@pytest.mark.parametrize("line", [["nope", ""], ["service", "nope", ""], ["why", "--nope", ""]])
def test_a_wrong_line_gets_no_proposal(line):
    assert names(*line) == []


@pytest.mark.usefixtures("plane")
def test_control_characters_never_reach_the_shell(capsys):
    assert complete.complete(["service", "info", "x"]) == 0
    assert capsys.readouterr().out == "x\\x1b\n"


def test_without_a_plane_there_is_no_name_and_no_noise(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PELAGOS_DATA", str(tmp_path))
    monkeypatch.setenv("PELAGOS_CONFIG", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert complete.complete(["service", "info", ""]) == 0
    said = capsys.readouterr()
    assert said.out == said.err == ""
