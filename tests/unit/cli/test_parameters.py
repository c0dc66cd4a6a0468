"""Parameters checked before they are sent, and promises shown."""

import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from pelagos.cli import failures
from pelagos.slap import marshal
from pelagos.slap.agent import promise_record
from pelagos.slap.agent.promise_record import Change, PromiseRecord
from pelagos.slap.parameter_schema import Bundle, KnownSchemas

SCHEMA = {
    "type": "object",
    "properties": {
        "size": {"type": "integer"},
        "name": {"type": "string"},
        "on": {"type": "boolean"},
        "l": {"oneOf": [{"type": "array"}, {"type": "null"}]},
    },
}
URL = "http://releases.invalid/software.cfg"


@pytest.fixture
def release(world):
    """A profile with a schema beside it; the master knows neither."""
    path = world.folder / "software.cfg"
    path.write_text("[buildout]\nparts =\n")
    types = {"serialisation": "xml", "software-type": {"default": {"request": "input.json"}}}
    path.with_name("software.cfg.json").write_text(json.dumps(types))
    path.with_name("input.json").write_text(json.dumps(SCHEMA))
    world.routes["POST /requestComputerPartition"] = world.refusal(408, "not yet")
    world.routes["GET /v1/services/db"] = world.answer(world.service("db"))
    return path


def known(world, *, how="xml", refuses=True):
    """Let the master know a release's schema."""
    types = {"serialisation": how, "software-type": {"default": {"request": "input.json"}}}
    bundle = Bundle(URL + ".json", types, {"http://releases.invalid/input.json": SCHEMA})
    answer = world.answer(KnownSchemas(bundle, refuses))
    world.routes["GET /v1/parameter-schema"] = answer


def test_a_wrong_parameter_is_refused_before_the_master_hears_of_it(world, release):
    world.routes["GET /v1/parameter-schema"] = world.answer(KnownSchemas())
    ran = world.run("request", "db", str(release), "-p", "size=ten")
    assert ran.code == failures.USAGE
    assert "parameters.size is 'ten'" in ran.err and "it must be a whole number" in ran.err
    assert not world.sent("POST", "requestComputerPartition")


def test_a_right_one_costs_no_further_question(world, release):
    world.run("request", "db", str(release), "-p", "size=10")
    assert len(world.sent("POST", "requestComputerPartition")) == 1
    assert not world.sent("GET", "v1/parameter-schema")


def test_a_master_that_refuses_nothing_is_sent_it_all_the_same(world, release):
    world.routes["GET /v1/parameter-schema"] = world.answer(KnownSchemas(refuses=False))
    ran = world.run("request", "db", str(release), "-p", "size=ten")
    assert "parameters.size is 'ten': the master takes it all the same" in ran.err
    assert len(world.sent("POST", "requestComputerPartition")) == 1


def test_a_schema_that_is_no_use_is_told_and_refuses_nothing(world, release):
    release.with_name("input.json").write_text('{"type": "nothing"}')
    ran = world.run("request", "db", str(release), "-p", "size=ten")
    assert "the parameters are not checked" in ran.err
    assert len(world.sent("POST", "requestComputerPartition")) == 1


@pytest.mark.usefixtures("release")
def test_what_the_master_knows_of_an_address_is_used(world):
    known(world)
    ran = world.run("request", "db", URL, "-p", "size=ten")
    assert "parameters.size is 'ten'" in ran.err
    assert not world.sent("POST", "requestComputerPartition")


@pytest.mark.usefixtures("release")
def test_parameters_are_packed_as_the_release_reads_them(world, tmp_path: Path):
    known(world, how="json-in-xml")
    file = tmp_path / "parameters.json"
    file.write_text('{"size": 3, "deep": {"list": [1]}}')
    world.run("request", "db", URL, "--param-file", str(file))
    [sent] = world.sent("POST", "requestComputerPartition")
    body = sent.body if isinstance(sent.body, str) else (sent.body or b"").decode()
    assert "%3Cstring%3E_%3C%2Fstring%3E" in body and "deep" in body


@pytest.mark.usefixtures("release")
def test_texts_become_what_the_schema_of_json_wants(world):
    known(world, how="json-in-xml")
    ran = world.run(
        "request", "db", URL, "-p", "size=5", "-p", "name=7", "-p", "on=true", "-p", "l=[1]"
    )
    assert ran.code != failures.USAGE, ran.err
    [sent] = world.sent("POST", "requestComputerPartition")
    assert packed(sent) == {"size": 5, "name": "7", "on": True, "l": [1]}
    ran = world.run("request", "db", URL, "-p", "size=five")
    assert ran.code == failures.USAGE
    assert "'five'" in ran.err and "-p n=5 is a number" in ran.err


@pytest.mark.usefixtures("release")
def test_texts_of_a_file_stay_texts(world, tmp_path: Path):
    known(world, how="json-in-xml")
    file = tmp_path / "parameters.json"
    file.write_text('{"size": "5"}')
    assert world.run("request", "db", URL, "--param-file", str(file)).code == failures.USAGE


@pytest.mark.usefixtures("release")
def test_the_parameters_of_an_end_are_packed_as_any(world):
    known(world, how="json-in-xml")
    world.run("request", "db", URL, "-p", "size=5", "--state", "destroyed")
    [sent] = world.sent("POST", "requestComputerPartition")
    assert packed(sent) == {"size": 5}


def packed(sent):
    """The parameters in the one that is named _."""
    body = sent.body if isinstance(sent.body, str) else (sent.body or b"").decode()
    found = marshal.loads(dict(parse_qsl(body))["partition_parameter_xml"].encode())
    return json.loads(found["_"])


def test_promises_are_shown_with_those_that_do_not_hold_first(world):
    node = world.folder / "node"
    folder = node / "instance" / "slappart0"
    folder.mkdir(parents=True)
    world.plane(node_root=str(node))
    world.routes = {"GET /v1/services/hello": world.answer(world.service())}
    now = world.clock.time() if getattr(world, "clock", None) else 1_800_000_000.0
    promise_record.prepare(folder)
    for name, is_held in (("a", True), ("b", False)):
        record = PromiseRecord(
            name, "executable", is_held, now - 60, f"says {name}\nmore", now - 2, now + 3, 5.0,
            history=(Change(not is_held, now - 60, f"says {name}"),),
        )  # fmt: skip
        promise_record.write(folder, name, Path("/x") / name, record, "Test Result")
    unready = folder / "etc" / "promise" / "readme"
    unready.parent.mkdir(parents=True)
    unready.write_text("")
    ran = world.run("service", "promises", "hello")
    rows = [line.split()[:2] for line in ran.out.splitlines()[1:]]
    assert rows == [["b", "no"], ["a", "yes"]] and "says b" in ran.out
    assert "not executable" in ran.err
    whole = json.loads(world.run("service", "promises", "hello", "-o", "json").out)
    assert whole[0]["history"][0]["failed"] is True and whole[0]["is_held"] is False


def test_promises_of_another_computer_are_shown_there(world):
    world.plane(node_root=str(world.folder))
    elsewhere = world.service(computer_id="FAR", partition_id="slappart3")
    world.routes = {"GET /v1/services/hello": world.answer(elsewhere)}
    ran = world.run("service", "promises", "hello")
    assert ran.code and "FAR" in ran.err and "pelagos service promises hello" in ran.err
