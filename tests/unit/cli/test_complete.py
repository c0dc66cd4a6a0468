from contextlib import closing
from threading import Event
from typing import Any

import pika
import pytest

from pelagos.cli import complete, plane_names
from pelagos.cli.complete import proposals
from pelagos.cli.context import Context
from pelagos.messaging.broker.server import EmbeddedBroker
from pelagos.messaging.dead.again import DEAD_QUEUE, LETTER, QUEUE


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
    monkeypatch.setattr(plane_names, "within", lambda _seconds, find: list(find()))
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


SHELF = "0.1/tenants/default/phonebooks"
CONTACTS = [{"id": "7b1", "name": "Nils", "number": "5550101"}, {"id": "9c2", "name": ""}]
ANSWERS = {
    "0.1/sources": [{"name": "staff", "backend": "ldap"}],
    f"{SHELF}?limit=200": [{"id": 3, "name": "suppliers"}, {"id": 4, "name": "3"}],
    "0.1/tenants/a%2Fb/phonebooks?limit=200": [{"id": 5, "name": "theirs"}],
    f"{SHELF}/3/contacts?limit=200": CONTACTS,
    "0.1/personal": CONTACTS[:1],
}


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A directory that answers at once; how long each answer might have taken."""
    given = []

    def glance(_context: Context, path: str, timeout: float) -> Any:
        given.append(timeout)
        return {"items": ANSWERS[path]} if path in ANSWERS else None

    monkeypatch.setattr(Context, "glance_directory", glance)
    monkeypatch.setattr(plane_names, "within", lambda _seconds, find: list(find()))
    return given


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("source show s", ["staff"]),
        ("source check ", ["staff"]),
        ("favorite add ", ["staff"]),
        ("phonebook show s", ["suppliers"]),
        ("phonebook show --tenant a/b ", ["theirs"]),
        ("phonebook contact edit suppliers ", ["7b1", "9c2"]),
        ("phonebook contact remove nobody ", []),
        ("contact remove ", ["7b1"]),
    ],
)
def test_names_of_the_directory_are_proposed_with_little_patience(
    directory: list[float], line: str, expected: list[str]
) -> None:
    assert names(*line.split(" ")) == expected
    assert max(directory) <= 0.5


def test_of_two_phonebooks_the_one_of_that_name_goes_before_that_of_that_id(
    directory: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ANSWERS, f"{SHELF}/4/contacts?limit=200", [{"id": "of-four"}])
    assert names("phonebook", "contact", "edit", "3", "") == ["of-four"]
    assert directory


def test_capacities_and_machines_are_proposed(monkeypatch: pytest.MonkeyPatch) -> None:
    overview = {
        "capacities": [{"name": "north", "state": "ready"}],
        "machines": [{"name": "pelagos-north-1", "state": "joined"}],
    }
    monkeypatch.setattr(Context, "glance", lambda *_: overview)
    monkeypatch.setattr(plane_names, "within", lambda _seconds, find: list(find()))
    assert names("capacity", "make", "") == names("capacity", "check", "") == ["north"]
    assert names("capacity", "remove", "p") == ["pelagos-north-1"]


def _bury(url: str, *letters: str) -> None:
    with closing(pika.BlockingConnection(pika.URLParameters(url))) as connection:
        channel = connection.channel()
        channel.queue_declare(DEAD_QUEUE, durable=True)
        for letter in letters:
            properties = pika.BasicProperties(headers={LETTER: letter, QUEUE: "disks"})
            channel.basic_publish("", DEAD_QUEUE, b"{}", properties)


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch, embedded_broker: EmbeddedBroker) -> str:
    """The bus of who types; its names are waited for."""
    monkeypatch.setattr(plane_names, "within", lambda _seconds, find: list(find()))
    monkeypatch.setenv("PELAGOS_COMPLETION_TIMEOUT", "60")
    monkeypatch.setenv("PELAGOS_BUS", embedded_broker.url)
    return embedded_broker.url


def test_few_dead_letters_are_held_while_they_are_proposed(bus: str) -> None:
    letters = [f"letter-{number}" for number in range(30)]
    _bury(bus, *letters)
    assert sorted(names("bus", "dead", "show", "")) == sorted(letters[:20])


def test_dead_letters_and_their_queues_are_proposed(bus: str) -> None:
    assert names("bus", "dead", "show", "") == []
    _bury(bus, "1f3a", "77c0")
    assert names("bus", "dead", "show", "") == ["1f3a", "77c0"]
    assert names("bus", "dead", "drop", "--bus", bus, "77c0", "") == ["1f3a"]
    assert names("bus", "dead", "retry", "--to", "") == ["disks"]
    assert names("bus", "dead", "list", "--dead-letters", "") == ["pelagos.dead"]
    assert names("bus", "dead", "show", "--dead-letters", "none", "") == []


@pytest.mark.parametrize("answer", [None, [], {"items": [{}]}, {"items": 3}, "x", {"x": 1}])
def test_an_odd_answer_is_no_name(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    monkeypatch.setattr(Context, "glance_directory", lambda *_: answer)
    monkeypatch.setattr(Context, "glance", lambda *_: answer)
    for line in ("source show ", "contact show ", "phonebook show ", "capacity make "):
        assert set(names(*line.split(" "))) <= {""}


def test_what_takes_too_long_is_not_waited_for() -> None:
    never = Event()

    def find() -> list[tuple[str, str]]:
        never.wait()
        return [("late", "")]

    assert plane_names.within(0.05, find) == []
    never.set()
    assert plane_names.within(60, find) == [("late", "")]


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
