"""`pelagos bus run` with components that cannot be run, and the bus of what they open."""

import os
import socket
import sys

import pytest

from pelagos.cli import failures
from pelagos.core import logs
from pelagos.core.errors import PelagosError
from pelagos.messaging import LoginError, MessageProcessor, runner
from pelagos.messaging.runner.hands import Post
from pelagos.messaging.runner.processes import OVERDUE_CODE

POST = Post(b"", b"", 0, first=True)

MODULE = """
from dataclasses import dataclass
from pelagos.core.errors import PelagosError
from pelagos.messaging import Exchange, GenericProducer, MessageProcessor

@dataclass
class Content:
    size: int = 0

class Closed(MessageProcessor):
    def __init__(self):
        super().__init__()

class Unlucky(MessageProcessor):
    def __init__(self, *args, **options):
        raise OSError("no database")

class Disks(Exchange):
    name = "disks"

class Plain(MessageProcessor):
    eqk = [(Disks, [("plain", "plain")])]

class Deaf(MessageProcessor):
    pass

class Brief(Plain):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.consumer.on_open = lambda _: self.consumer.stop_consuming()

class OddError(PelagosError):
    def __init__(self, one, two):
        super().__init__(f"{one}, {two}")

class Odd(MessageProcessor):
    def __init__(self, *args, **options):
        raise OddError("odd", "and not ours")

class Unwilling(MessageProcessor):
    def __init__(self, *args, **options):
        from pelagos.messaging import MessagingError
        raise MessagingError("it does not want to")

def make():
    return Plain()

def make_deaf():
    return MessageProcessor()

def fail():
    raise OSError("no database")
"""


@pytest.fixture
def module(world, monkeypatch):
    """The name of a module in the folder where the person is."""
    name = f"slips_{world.folder.name}".replace("-", "_")
    (world.folder / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(world.folder)
    monkeypatch.setattr(sys, "path", [str(world.folder), *sys.path])
    monkeypatch.setattr(logs, "configure", lambda *_, **__: None)
    return name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Closed", "cannot be made: TypeError"),
        ("Unlucky", "cannot be made: OSError: no database"),
        ("Unwilling", "it does not want to"),
        ("fail", "cannot be made: OSError: no database"),
    ],
)
def test_a_component_that_cannot_be_made_is_told_in_a_line(world, module, name, said):
    ran = world.run("bus", "run", f"{module}:{name}", "--bus", "memory:slips")
    assert ran.code == failures.FAILED
    assert said in ran.err
    assert "should not have happened" not in ran.err


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        (
            "\nraise OSError('no file')",
            "cannot be loaded: OSError: no file (broken.py, line 2)",
            "mend",
        ),
        ("x = {}.y", "cannot be loaded: AttributeError: 'dict' object has no", "mend that module"),
        (
            "from pelagos.messaging import *\n\nMessageHandler(5)",
            'wants a type and a name: @MessageHandler("command", "resize") (broken.py, line 3)',
            "mend that module",
        ),
        ("def x(:", "cannot be loaded: SyntaxError: invalid syntax (broken.py, line 1)", "mend"),
        (
            "import absent_one",
            "No module named 'absent_one' (broken.py, line 1)",
            "install absent_one",
        ),
    ],
)
@pytest.mark.parametrize("command", ["run", "asyncapi"])
@pytest.mark.usefixtures("module")
def test_a_module_that_cannot_be_loaded_says_where(world, monkeypatch, command, text, said, hint):
    (world.folder / "broken.py").write_text(text)
    monkeypatch.delitem(sys.modules, "broken", raising=False)
    ran = world.run("bus", command, "broken:X")
    assert ran.code == failures.USAGE
    assert said in ran.err and hint in ran.err


@pytest.mark.parametrize("path", ["./parts/disks.py:X", "parts/disks:X", "disks.py:X"])
def test_a_file_is_no_module(world, path):
    ran = world.run("bus", "run", path)
    assert ran.code == failures.USAGE
    assert "is a file, not a module" in ran.err and "disks:X" in ran.err


@pytest.mark.parametrize("words", [(), ("--processes", "1")])
@pytest.mark.parametrize("name", ["Deaf", "make_deaf"])
def test_what_reads_no_queue_is_refused(world, module, embedded_broker, name, words):
    bus = ("--bus", embedded_broker.url)
    ran = world.run("bus", "run", f"{module}:{name}", *bus, *words)
    assert ran.code == failures.USAGE
    assert "reads no queue" in ran.err and "eqk" in ran.err
    assert "runs;" not in ran.err


def test_a_bus_that_nobody_else_is_on_is_told(world, module, caplog):
    assert world.run("bus", "run", f"{module}:Brief", "--bus", "memory:alone").code == 0
    assert "memory:alone, which is inside this process: nobody else is on it" in caplog.text


def test_a_concurrency_without_a_loop_is_refused(world, module):
    ran = world.run("bus", "run", f"{module}:make", "--concurrency", "5")
    assert ran.code == failures.USAGE
    assert "--concurrency is of --asyncio" in ran.err


def test_with_what_a_class_is_called_is_told(world, module):
    ran = world.run("bus", "run", f"{module}:Closed", "--bus", "memory:slips")
    assert "it is called with a fingerprint, bus=, middlewares=" in ran.err
    assert "it is called with nothing" in world.run("bus", "run", f"{module}:fail").err


def test_one_death_cannot_tell_who_killed(world, module):
    ran = world.run("bus", "run", f"{module}:make", "--processes", "1", "--deaths", "1")
    assert ran.code == failures.USAGE
    assert "--deaths is 1" in ran.err and "2 or more, or 0" in ran.err


@pytest.mark.parametrize(
    ("words", "processes", "deaths"),
    [
        ("", 0, 0),
        ("--deaths 0", 0, 0),
        ("--processes 0", 0, 0),
        ("--processes 0 --deaths 0", 0, 0),
        ("--deaths 2", 1, 2),
        ("--processes 4", 4, 3),
        ("--processes 4 --deaths 0", 4, 0),
    ],
)
def test_who_counts_deaths_has_a_worker_process_that_can_die(
    world, module, monkeypatch, words, processes, deaths
):
    crews = []
    monkeypatch.setattr(runner, "run", lambda _make, crew, **_: crews.append(crew) or 0)
    ran = world.run("bus", "run", f"{module}:make", *words.split())
    assert ran.code == 0, ran.err
    assert [(crew.processes, crew.deaths) for crew in crews] == [(processes, deaths)]


def test_deaths_of_no_worker_process_cannot_be_counted(world, module, monkeypatch):
    monkeypatch.setattr(runner, "run", lambda *_, **__: 0)
    ran = world.run("bus", "run", f"{module}:make", "--processes", "0", "--deaths", "3")
    assert ran.code == failures.USAGE
    assert "--processes 0" in ran.err and "--deaths 3" in ran.err


@pytest.mark.parametrize("words", [("Content",), ("make", "--bus", "amq://x")])
def test_what_cannot_run_is_told_before_it_is_said_to_run(world, module, words):
    ran = world.run("bus", "run", f"{module}:{words[0]}", *words[1:])
    assert ran.code == failures.USAGE
    assert "runs;" not in ran.out + ran.err


@pytest.mark.parametrize("before", [None, "amqp://before/"])
def test_what_a_function_makes_is_on_the_bus_that_is_named(world, module, monkeypatch, before):
    seen = []

    def run(make, _crew, **_):
        seen.append(make().consumer.bus.url)
        return 0

    monkeypatch.setattr(runner, "run", run)
    if before is None:
        monkeypatch.delenv("PELAGOS_BUS", raising=False)
    else:
        monkeypatch.setenv("PELAGOS_BUS", before)
    assert world.run("bus", "run", f"{module}:make", "--bus", "amqp://there:1/").code == 0
    assert "there:1" in seen[0]
    assert os.environ.get("PELAGOS_BUS") == before


def test_a_worker_that_may_begin_another_time_is_started_again(caplog):
    def failing(error):
        def make():
            raise error

        return make

    luckless = runner.NotMadeError("m:X cannot be made: OSError: no database")
    hopeless = runner.NotMadeError("m:X cannot be made: TypeError: no such argument")
    hopeless.may_pass = False
    crew = runner.Crew(processes=2)
    assert runner._work(failing(luckless), crew, None, POST) == 1
    assert caplog.text.count("a worker cannot begin") == 1
    for error in (hopeless, PelagosError("no")):
        with pytest.raises(type(error)):
            runner._work(failing(error), crew, None, POST)


def test_a_worker_that_could_not_wait_for_a_handler_says_so(monkeypatch):
    monkeypatch.setattr(runner, "_run_here", lambda *_: runner.Ending.OVERDUE)
    code = runner._work(MessageProcessor, runner.Crew(processes=1), None, POST)
    assert code == OVERDUE_CODE


@pytest.mark.parametrize("words", [(), ("--processes", "2")])
def test_a_login_that_is_refused_ends_the_program_and_says_why(
    world, module, embedded_broker, words
):
    url = embedded_broker.url.replace("guest:guest", "guest:wrong")
    ran = world.run("bus", "run", f"{module}:Plain", "--bus", url, *words)
    assert ran.code == failures.NOT_ALLOWED
    assert "refuses" in ran.err and "check the user" in ran.err
    assert "runs;" not in ran.err


@pytest.mark.parametrize("words", [(), ("--processes", "2")])
def test_what_a_program_says_itself_of_why_it_does_not_begin_is_told(world, module, words):
    ran = world.run("bus", "run", f"{module}:Odd", "--bus", "amqp://h/", *words)
    assert ran.code == failures.FAILED
    assert "odd, and not ours" in ran.err and "runs;" not in ran.err


def test_a_port_for_metrics_that_is_taken_is_told_before_it_is_said_to_run(
    world, module, embedded_broker
):
    pytest.importorskip("prometheus_client")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = ("--metrics", str(taken.getsockname()[1]), "--bus", embedded_broker.url)
        ran = world.run("bus", "run", f"{module}:Plain", *words)
    assert ran.code == failures.FAILED
    assert "cannot serve metrics on" in ran.err and "runs;" not in ran.err


@pytest.mark.parametrize("words", [(), ("--processes", "2")])
def test_it_is_said_to_run_when_it_does(world, module, embedded_broker, words):
    ran = world.run("bus", "run", f"{module}:Brief", "--bus", embedded_broker.url, *words)
    assert (ran.code, ran.err) == (0, f"{module}:Brief runs; Ctrl-C ends it\n")


def test_a_login_that_is_refused_is_logged_with_what_to_do(embedded_broker, caplog):
    processor = MessageProcessor(bus=embedded_broker.url.replace("guest:guest", "guest:wrong"))
    processor.start()
    with pytest.raises(LoginError):
        processor.wait_ready(5)
    processor.stop()
    assert "not consuming from" in caplog.text
    assert "check the user, the password and the virtual host" in caplog.text
