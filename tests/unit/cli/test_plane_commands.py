"""up, down and doctor: what they hand to the plane, and how they word what it answers."""

import json

import pytest

from pelagos.cli import failures
from pelagos.plane import doctor, down, up
from pelagos.plane.data_folder import AlreadyRunning
from pelagos.plane.doctor import Check, Grade
from pelagos.plane.down import Ended
from pelagos.plane.endpoints import Endpoints
from pelagos.plane.settings import Part


@pytest.fixture
def started(monkeypatch):
    """The settings of each `up`."""
    seen = []

    def run(settings, *, on_ready):
        seen.append(settings)
        on_ready(
            Endpoints(master_url="http://m:1", directory_url="http://d:2", computer_id="COMP")
        )

    monkeypatch.setattr(up, "run", run)
    return seen


def test_up_takes_the_defaults_and_says_where_everything_is(world, started):
    ran = world.run("up")
    assert ran.code == 0
    [settings] = started
    assert settings.data == world.data
    assert settings.parts == frozenset(Part)
    assert (settings.master.port, settings.node.partitions) == (0, 10)
    assert settings.node.computer_id == ""
    assert settings.bus.url == "memory:plane"
    assert "http://m:1" in ran.err and "http://d:2" in ran.err and "COMP" in ran.err


@pytest.mark.parametrize(("words", "said"), [((), True), (("--part", "agent"), False)])
@pytest.mark.usefixtures("started")
def test_up_says_where_the_url_of_its_own_broker_is(world, words, said):
    assert "  bus " not in world.run("up").err
    world.run("config", "set", "bus.broker", "true")
    assert (str(world.data / "bus") in world.run("up", *words).err) is said


def test_options_of_up_are_above_the_configuration(world, started):
    for key, value in (
        ("master.port", "8000"),
        ("directory.port", "8001"),
        ("node.partitions", "3"),
        ("node.computer_id", "FILE"),
        ("bus.url", "memory:file"),
    ):
        world.run("config", "set", key, value)
    world.run("up")
    world.run(
        *("up", "--master-port", "9000", "--partitions", "4", "--computer-id", "FLAG"),
        *("--bus", "memory:flag", "--directory-port", "0"),
    )
    of_file, of_flags = started
    assert (of_file.master.port, of_file.node.partitions) == (8000, 3)
    assert of_file.node.computer_id == "FILE"
    assert (of_file.directory.port, of_file.bus.url) == (8001, "memory:file")
    assert (of_flags.master.port, of_flags.node.partitions) == (9000, 4)
    assert of_flags.node.computer_id == "FLAG"
    assert (of_flags.directory.port, of_flags.bus.url) == (0, "memory:flag")


def test_a_part_alone_is_told_where_the_master_is(world, started):
    world.run("up", "--part", "agent", "--part", "directory", "--master-url", "http://far:3")
    world.run("up", "--part", "master", "--master-url", "http://far:3")
    assert started[0].parts == {Part.AGENT, Part.DIRECTORY}
    assert started[0].master_url == "http://far:3"
    assert started[1].master_url is None  # it is the master


def test_a_plane_that_runs_already_is_told(world, monkeypatch):
    def run(settings, *, on_ready):  # noqa: ARG001  # the names are the contract
        raise AlreadyRunning(Part.MASTER, settings.data, 7, "http://m:1")

    monkeypatch.setattr(up, "run", run)
    ran = world.run("up")
    assert ran.code == failures.FAILED
    assert "already runs (process 7 at http://m:1)" in ran.err


@pytest.mark.parametrize(
    ("ended", "words", "said"),
    [
        (Ended((7,), services_stopped=False), (), "has ended"),
        (Ended((), services_stopped=False), (), "no plane runs on"),
        (Ended((7,), services_stopped=True), ("--stop-services",), "its services are stopped"),
        (Ended((7,), services_stopped=True), ("--stop-services",), "the next `pelagos up`"),
    ],
)
def test_down_says_what_it_did(world, monkeypatch, ended, words, said):
    def run(folder, *, stop_services, timeout):
        assert folder.path == world.data
        assert (stop_services, timeout) == (bool(words), 5.0)
        return ended

    monkeypatch.setattr(down, "run", run)
    ran = world.run("down", "--timeout", "5s", *words)
    assert ran.code == 0
    assert said in ran.err


@pytest.fixture
def checked(monkeypatch):
    """What the plane's doctor was given; it finds one fault."""
    seen = []

    def run(folder, url, token, **_how):
        seen.append((folder.path, url, token))
        return [
            Check("python", Grade.OK, "3.11"),
            Check("agent", Grade.FAIL, "it is silent", "start it"),
        ]

    monkeypatch.setattr(doctor, "run", run)
    return seen


def test_doctor_prints_each_check_with_its_mend_and_fails_when_one_does(world, checked):
    ran = world.run("doctor")
    assert ran.code == failures.FAILED
    assert checked == [(world.data, "http://master.test:1", "t0ken")]
    lines = ran.out.splitlines()
    assert lines[0].startswith("ok    configuration")
    assert lines[-2].split() == ["fail", "agent", "it", "is", "silent"]
    assert lines[-1].strip() == "mend: start it"
    found = world.run("doctor", "-o", "json").data
    assert found[-1] == {
        "name": "agent",
        "grade": "fail",
        "message": "it is silent",
        "mend": "start it",
    }


def test_doctor_goes_on_without_a_plane(world, checked):
    (world.data / "plane.json").unlink()
    world.run("doctor")
    assert checked == [(world.data, "", "t0ken")]


def test_doctor_names_what_it_cannot_read(world, checked):
    (world.data / "plane.json").write_text("{")
    ran = world.run("doctor", "-o", "json")
    assert [one["name"] for one in ran.data if one["grade"] == "fail"] == ["address", "agent"]
    (world.folder / "c.toml").write_text("[maste]")
    ran = world.run("doctor", "-o", "json", "--config", str(world.folder / "c.toml"))
    assert ran.code == failures.FAILED
    [fault] = ran.data
    assert fault["name"] == "configuration"
    assert "did you mean master?" in fault["mend"]
    assert len(checked) == 1


def test_doctor_colours_grades_on_a_terminal_only(world, checked):
    assert checked == []
    world.is_terminal = True
    assert "\x1b[31mfail\x1b[0m" in world.run("doctor").out


def test_everything_that_shows_takes_every_format(world, checked):
    assert checked == []
    for form in ("json", "yaml", "csv", "value"):
        assert "it is silent" in world.run("doctor", "-o", form).out
        assert "node.partitions" in world.run("config", "list", "-o", form).out
    assert json.loads(world.run("config", "list", "-o", "json").out)
