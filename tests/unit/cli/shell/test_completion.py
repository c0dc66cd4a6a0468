import pytest

from pelagos.cli.context import Context
from pelagos.cli.shell.completion import Completion, replacements
from pelagos.cli.shell.options import SessionOptions


@pytest.fixture
def seen(monkeypatch):
    """A plane that answers at once; the options it was asked with."""
    asked = []

    def glance(context, _path, _timeout):
        asked.append(dict(context.options))
        names = ("hello", "web one", "web two", "it's")
        return {"services": [{"reference": name, "status": "started"} for name in names]}

    monkeypatch.setattr(Context, "glance", glance)
    return asked


def offered(line: str, *place: str, options: SessionOptions | None = None) -> list[str]:
    completion = Completion(options or SessionOptions({}, {}))
    completion.place = place
    return replacements(line, completion.offers(line))


def test_commands_and_groups_of_the_place_are_offered():
    assert offered("serv") == ["service", "server"]
    assert offered("tre", "service") == ["tree "]
    assert offered("service tre") == ["tree "]
    assert offered("/compu", "service") == ["/computer "]
    assert offered("/computer li", "service") == ["list "]
    assert offered("pelagos computer li", "service") == ["list "]
    assert offered("help tre", "service") == ["tree "]
    assert offered("?tre", "service") == ["?tree "]


def test_the_words_of_the_shell_are_offered_first_alone():
    assert offered("qui") == ["quit "]
    assert offered("service qui") == []


def test_options_and_their_values_are_offered():
    assert offered("service list --colu") == ["--columns "]
    assert offered("list -o js", "service") == ["json "]
    assert offered("list --output=js", "service") == ["--output=json "]


@pytest.mark.usefixtures("seen")
def test_names_with_blanks_are_quoted_as_they_were_begun():
    assert offered("info he", "service") == ["hello "]
    assert offered("service info web") == ["'web one'", "'web two'"]
    assert offered("service info 'web o") == ["one' "]
    assert offered('service info "web o') == ['one" ']
    assert offered("service info web\\ o") == ["one "]
    assert offered("service info it") == ["'it'\"'\"'s' "]


def test_live_names_are_asked_with_the_options_of_the_session(seen):
    options = SessionOptions({"data": "/srv/p", "verbose": 1}, {})
    assert offered("service info he", options=options) == ["hello "]
    assert seen[0]["data"] == "/srv/p"


def test_files_are_offered(tmp_path, monkeypatch):
    (tmp_path / "a b.cfg").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / ".hidden").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert offered("!cat fo") == ["folder/"]
    assert offered("request db a") == ["'a b.cfg' "]
    assert offered("service list --config .h") == [".hidden "]
    assert offered("service list --config ~/fo") == ["~/folder/"]
    assert offered("!cat nothing/x") == []


def test_a_command_without_an_offer_shows_how_it_is_written(monkeypatch):
    monkeypatch.setattr(Context, "glance", lambda *_: None)
    completion = Completion(SessionOptions({}, {}))
    assert completion.offers("service info ") == []
    assert completion.usage("service info ") == "usage: service info SERVICE"
    assert completion.usage("") == completion.usage("service ") == ""


@pytest.mark.parametrize("line", ["", "'", "service 'a", "/", "//", "? ", "!", "nope ", "-", "= "])
def test_no_line_ends_the_typing(line):
    assert isinstance(offered(line), list)
    assert isinstance(Completion(SessionOptions({}, {})).usage(line), str)


def test_a_failure_is_no_offer(monkeypatch):
    def fail(*_):
        raise OSError("x")

    monkeypatch.setattr(Context, "glance", fail)
    assert offered("service info ") == []
