import json
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from pelagos.cli import failures
from pelagos.core.http import Request, Response
from pelagos.slap.identity_calls import PersonInfo
from pelagos.slap.model import (
    Cause,
    Event,
    Explanation,
    InstanceState,
    InstanceStatus,
    PartitionSummary,
    ReleaseOnComputer,
    ReleaseStatus,
    SupplyState,
)
from pelagos.slap.tio import UsageRow

WAITING = Cause("release-building", "the release is being built", "wait", since=1.0)
NO_PLACE = Cause(
    "release-not-supplied", "no computer has this release", "pelagos supply URL COMPUTER"
)


def form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((request.body or b"").decode()))


# ---- lists


def test_services_are_listed_with_their_cause(world):
    world.routes["GET /v1/services"] = world.page([world.service()])
    out = world.run("service", "list").out
    head, line = out.splitlines()
    assert head.split() == ["NAME", "WISHED", "STATUS", "COMPUTER", "PARTITION", "CAUSE"]
    assert line.split()[:3] == ["hello", "started", "started"]
    assert line.endswith("runs and all its promises hold")


def test_an_empty_list_says_what_to_do_on_a_table_and_nothing_elsewhere(world):
    world.routes["GET /v1/services"] = world.page([])
    assert "pelagos request" in world.run("service", "list").out
    assert world.run("service", "list", "-o", "value").out == ""
    assert world.run("service", "list", "-o", "json").data == []
    assert world.run("service", "list", "-o", "csv").out.startswith("reference,")


def test_json_has_every_key_of_the_model(world):
    world.routes["GET /v1/services"] = world.page([world.service()])
    [found] = world.run("service", "list", "-o", "json").data
    assert set(found) == set(world.service().__dataclass_fields__)
    assert found["cause"]["code"] == "ok"


def test_columns_choose_and_order(world):
    world.routes["GET /v1/services"] = world.page([world.service()])
    ran = world.run("service", "list", "-o", "value", "--columns", "connection.url,reference")
    assert ran.out == "http://127.0.0.1:8080/\thello\n"
    ran = world.run("service", "list", "-o", "json", "--columns", "reference")
    assert ran.data == [{"reference": "hello"}]


def test_an_unknown_column_is_an_error_that_names_the_nearest(world):
    world.routes["GET /v1/services"] = world.page([world.service()])
    ran = world.run("service", "list", "--columns", "referense")
    assert ran.code == failures.USAGE
    assert "did you mean reference?" in ran.err


def test_computers_are_listed_with_the_last_sign_of_life(world):
    found = [world.computer(), world.computer("NEW", last_seen=None)]
    world.routes["GET /v1/computers"] = world.answer(found)
    lines = world.run("computer", "list").out.splitlines()
    assert "2 s ago" in lines[1]
    assert "never" in lines[2]


def test_a_computer_is_shown_with_who_sits_in_its_partitions(world):
    world.routes["GET /v1/computers/COMP"] = world.answer(world.computer())
    out = world.run("computer", "info", "COMP").out
    assert "1 of 2 partitions" in out
    assert "(free)" in out
    assert world.run("computer", "info", "COMP", "-o", "json").data["free_count"] == 1


def test_a_misspelt_computer_is_answered_with_the_nearest(world):
    world.routes["GET /v1/computers/COMB"] = world.refusal(404, "no")
    world.routes["GET /v1/computers"] = world.answer([world.computer()])
    ran = world.run("computer", "info", "COMB")
    assert ran.code == failures.NOT_FOUND
    assert "did you mean COMP?" in ran.err


def test_software_is_listed(world):
    release = ReleaseOnComputer(
        "http://x/s.cfg", "COMP", SupplyState.AVAILABLE, ReleaseStatus.BUILDING, WAITING
    )
    world.routes["GET /v1/releases"] = world.answer([release])
    assert "building" in world.run("software", "list").out


def test_the_last_events_are_printed_oldest_first(world):
    events = [
        Event(number, 1.0, "instance.started", "g", "hello", None, "master", WAITING)
        for number in (5, 6, 7)
    ]
    world.routes["GET /v1/events"] = world.answer(events)
    ran = world.run("events", "hello", "-n", "3", "-o", "json")
    assert [one["id"] for one in ran.data] == [5, 6, 7]
    [sent] = world.transport.requests
    assert "after=-3" in sent.url and "subject=hello" in sent.url
    assert "instance.started" in world.run("events", "--after", "4").out


def a_log(world, kinds):
    """A master whose log has events of these kinds, the first with the id 1."""
    log = [
        Event(number, 1.0, kind, "g", "hello", None, "master", WAITING)
        for number, kind in enumerate(kinds, start=1)
    ]

    def answered(request):
        query = parse_qs(urlsplit(request.url).query)
        after, limit = int(query["after"][0]), int(query["limit"][0])
        found = log[after:] if after < 0 else [one for one in log if one.id > after]
        return world.answer(found[:limit])

    world.routes["GET /v1/events"] = answered


@pytest.mark.parametrize("count", [20, 2500])
def test_the_number_of_events_counts_what_the_filter_leaves(world, count, tmp_path):
    a_log(world, ["rare", "rare", "rare", *["often"] * count])

    def ids(*words):
        return [one["id"] for one in world.run("events", "-o", "json", *words).data]

    assert ids("--filter", "kind=rare", "-n", "2") == [2, 3]
    assert ids("--filter", "name=hello", "-n", "2") == [count + 2, count + 3]
    assert ids("--filter", "kind=often", "--sort", "-id", "-n", "2") == [count + 3, count + 2]
    assert ids("--filter", "kind=often", "--after", "1", "-n", "2") == [4, 5]
    bookmark = ("--resume", str(tmp_path / "seen"), "--filter", "kind=often", "-n", "3")
    (tmp_path / "seen").write_text("0\n")
    assert ids(*bookmark) == [4, 5, 6]
    assert ids(*bookmark) == [7, 8, 9]
    said = world.run("events", "--filter", "kind=never")
    assert said.out == f"--filter leaves none of {count + 3}\n"


def test_the_number_of_amounts_counts_what_the_filter_leaves(world):
    rows = [UsageRow("COMP", kind, 1.0, 1.0) for kind in ("disk", "disk", "cpu", "cpu", "cpu")]

    def answered(request):
        limit = int(parse_qs(urlsplit(request.url).query)["limit"][0])
        return world.answer(rows[:limit])

    world.routes["GET /v1/usage"] = answered
    ran = world.run("usage", "-n", "2", "--filter", "what=disk", "-o", "json")
    assert [one["resource"] for one in ran.data] == ["disk", "disk"]
    ran = world.run("usage", "-n", "1", "--filter", "what=cpu", "-o", "json")
    assert len(ran.data) == 1


def test_events_of_an_unknown_thing_end_as_why_does(world):
    for path in ("events", "computers", "releases"):
        world.routes[f"GET /v1/{path}"] = world.answer([])
    world.routes["GET /v1/services"] = world.page([])
    world.routes["GET /v1/explain"] = world.refusal(404, "no")
    ran = world.run("events", "nope")
    assert ran.code == failures.NOT_FOUND
    assert "there is no service, computer or software release nope" in ran.err
    assert ran.err == world.run("why", "nope").err


def test_a_known_thing_without_events_has_none(world):
    world.routes["GET /v1/events"] = world.answer([])
    world.routes["GET /v1/explain"] = world.answer(explanation())
    ran = world.run("events", "hello", "--after", "99")
    assert (ran.code, ran.out + ran.err) == (0, "nothing happened yet\n")


# ---- one service


def test_a_service_is_shown_key_by_key(world):
    world.routes["GET /v1/services/hello"] = world.answer(world.service())
    out = world.run("service", "info", "hello").out
    assert "connection.url" in out
    assert "(3 min ago)" in out
    ran = world.run("service", "info", "hello", "-o", "value", "--columns", "connection.url")
    assert ran.out == "http://127.0.0.1:8080/\n"


def test_a_misspelt_service_is_answered_with_the_nearest(world):
    world.routes["GET /v1/services/helo"] = world.refusal(404, "no")
    world.routes["GET /v1/services"] = world.page([world.service()])
    world.routes["GET /v1/services/he"] = world.refusal(404, "no")
    for words in (("info", "helo"), ("logs", "helo"), ("info", "he")):
        ran = world.run("service", *words)
        assert ran.code == failures.NOT_FOUND
        assert "did you mean hello?" in ran.err


def test_a_name_with_slashes_stays_one_name(world):
    world.routes["GET /v1/services/..%2F..%2Fetc"] = world.refusal(404, "no")
    world.routes["GET /v1/services"] = world.page([])
    assert world.run("service", "info", "../../etc").code == failures.NOT_FOUND


@pytest.mark.parametrize(
    ("verb", "state"), [("start", "started"), ("stop", "stopped"), ("destroy", "destroyed")]
)
def test_another_state_is_wished(world, verb, state):
    world.routes["POST /v1/services/hello/state"] = world.answer(
        world.service(requested_state=InstanceState(state))
    )
    ran = world.run("service", verb, "hello")
    assert ran.code == 0
    assert state in ran.out
    [sent] = world.sent("POST", "/state")
    assert json.loads(sent.body) == {"state": state}


# ---- request


def test_a_request_sends_the_wish(world, profile):
    world.routes["POST /requestComputerPartition"] = world.refusal(408, "not yet", cause=NO_PLACE)
    world.routes["GET /v1/services/db"] = world.answer(
        world.service(
            "db",
            requested_state=InstanceState.STOPPED,
            status=InstanceStatus.WAITING,
            cause=NO_PLACE,
        )
    )
    line = ("request", "db", str(profile), "-p", "size=10", "--param", "x=a=b", "--type", "big")
    ran = world.run(*line, "--state", "stopped", "--filter", "computer_guid=COMP")
    assert ran.code == failures.NOT_READY
    assert "next: pelagos supply URL COMPUTER" in ran.err
    [sent] = world.sent("POST", "requestComputerPartition")
    fields = form(sent)
    assert fields["partition_reference"] == "db"
    assert fields["software_release"] == str(profile)
    assert fields["software_type"] == "big"
    assert "a=b" in fields["partition_parameter_xml"]
    assert "stopped" in fields["state"]
    assert "COMP" in fields["filter_xml"]


def test_parameters_of_a_file_lie_below_those_of_the_line(world, profile):
    world.routes["POST /requestComputerPartition"] = world.refusal(408, "not yet", cause=NO_PLACE)
    world.routes["GET /v1/services/db"] = world.answer(world.service("db"))
    (world.folder / "p.json").write_text('{"size": 1, "deep": {"a": [1]}}')
    world.run(
        "request", "db", str(profile), "--param-file", str(world.folder / "p.json"), "-p", "size=2"
    )
    world.stdin = '{"color": "red"}'
    world.run("request", "db", str(profile), "--param-file", "-")
    first, second = (form(sent) for sent in world.sent("POST", "requestComputerPartition"))
    assert "deep" in first["partition_parameter_xml"]
    assert ">2<" in first["partition_parameter_xml"]
    assert "red" in second["partition_parameter_xml"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[1]", "does not hold a JSON object"),
        ('{"a": NaN}', "NaN is not a number of JSON"),
        ('{"a": [-Infinity]}', "-Infinity is not a number of JSON"),
        ('{"a": 1e999}', "1e999 is not a number of JSON"),
        (" " * (8 * 1024 * 1024 + 1), "larger than 8 MiB"),
        ("[" * 100_000, "nested too deep"),
        ("\udcff", "is not UTF-8"),
    ],
)
def test_a_parameter_file_that_cannot_be_used_is_refused_before_anything_is_sent(
    world, profile, content, message
):
    path = world.folder / "p.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    ran = world.run("request", "db", str(profile), "--param-file", str(path))
    assert ran.code == failures.USAGE
    assert message in ran.err
    assert world.transport.requests == []


@pytest.mark.parametrize("text", ["size", "=10", " =1"])
def test_a_malformed_parameter_is_refused(world, profile, text):
    ran = world.run("request", "db", str(profile), "--param", text)
    assert ran.code == failures.USAGE
    assert "KEY=VALUE" in ran.err


def test_a_parameter_that_is_given_twice_is_refused(world, profile):
    ran = world.run("request", "db", str(profile), "-p", "a=1", "-p", "a=2")
    assert "a is given twice" in ran.err


def test_a_parameter_that_the_wire_cannot_carry_is_refused(world, profile):
    ran = world.run("request", "db", str(profile), "-p", "a=\x1b[31mred")
    assert ran.code == failures.USAGE
    assert "U+001B" in ran.err
    assert world.transport.requests == []


def test_an_unknown_state_is_refused(world, profile):
    ran = world.run("request", "db", str(profile), "--state", "startd")
    assert ran.code == failures.USAGE
    assert "did you mean started?" in ran.err


@pytest.mark.parametrize("name", [" ", ".", "..", "a\x00b", "a\nb", "\x1b[1m"])
def test_a_name_that_cannot_be_printed_is_refused(world, profile, name):
    ran = world.run("request", name, str(profile))
    assert ran.code == failures.USAGE
    assert "cannot be the name of a service" in ran.err


def test_what_the_master_refuses_is_told_in_its_words(world, profile):
    world.routes["POST /requestComputerPartition"] = world.refusal(
        400, "the parameters are too large"
    )
    ran = world.run("request", "db", str(profile))
    assert ran.code == failures.USAGE
    assert "the parameters are too large" in ran.err


def test_a_plane_of_one_person_says_how_others_come(world):
    world.routes["GET /v1/people"] = world.answer([])
    assert "pelagos person add NAME" in world.run("person", "list").out


# ---- a name that is almost right


@pytest.mark.parametrize(
    ("line", "refused", "meant"),
    [
        ("person remove anm --yes", "POST /v1/people/anm/remove", "ann"),
        ("person hand-over ann bbo", "POST /v1/people/ann/hand-over", "bob"),
        ("supply http://x/s.cfg COMPP", "POST /supplySupply", "COMP"),
        ("usage helo", "GET /v1/usage", "hello"),
        ("software log http://x/soft.cfg", "GET /v1/nothing", "http://x/software.cfg"),
    ],
)
def test_the_nearest_name_is_told(world, line, refused, meant):
    release = ReleaseOnComputer(
        "http://x/software.cfg", "COMP", SupplyState.AVAILABLE, ReleaseStatus.BUILDING, WAITING
    )
    world.routes |= {
        "GET /v1/people": world.answer(
            [PersonInfo(name, "tenant", 1.0) for name in ("ann", "bob")]
        ),
        "GET /v1/releases": world.answer([release]),
        "GET /v1/services": world.page([world.service()]),
        "GET /v1/computers/COMPP": world.refusal(404, "no"),
        "GET /v1/computers": world.answer([world.computer()]),
        refused: world.refusal(404, "no"),
    }
    ran = world.run(*line.split())
    assert ran.code == failures.NOT_FOUND
    assert f"did you mean {meant}?" in ran.err


# ---- supply


def test_a_release_is_supplied_to_this_computer_by_its_absolute_path(world, profile, monkeypatch):
    monkeypatch.chdir(profile.parent)
    world.routes["POST /supplySupply"] = world.answer(None)
    assert world.run("supply", "./software.cfg").code == 0
    [sent] = world.sent("POST", "supplySupply")
    assert form(sent) == {"url": str(profile), "computer_id": "COMP", "state": "available"}


def test_a_release_that_is_no_longer_there_can_be_removed(world):
    world.routes["POST /supplySupply"] = world.answer(None)
    gone = ReleaseOnComputer(
        "/gone/software.cfg", "COMP", SupplyState.AVAILABLE, ReleaseStatus.ERROR, WAITING
    )
    world.routes["GET /v1/releases"] = world.answer([gone])
    assert world.run("supply", "/gone/software.cfg", "COMP", "--remove").code == 0
    [sent] = world.sent("POST", "supplySupply")
    assert form(sent)["state"] == "destroyed"


RELEASE = "http://x/s.cfg"


def releases(world, *statuses):
    """Answers of a master: after each look the release is at the next status; None: gone."""
    left = list(statuses)

    def said(_request):
        status = left.pop(0) if len(left) > 1 else left[0]
        if status is None:
            return world.answer([])
        cause = NO_PLACE if status is ReleaseStatus.ERROR else WAITING
        row = ReleaseOnComputer(RELEASE, "COMP", SupplyState.AVAILABLE, status, cause)
        return world.answer([row])

    world.routes["POST /supplySupply"] = world.answer(None)
    world.routes["GET /v1/releases"] = said


def test_a_supply_waits_until_the_release_is_there(world):
    releases(world, ReleaseStatus.REQUESTED, ReleaseStatus.ERROR, ReleaseStatus.AVAILABLE)
    ran = world.run("supply", RELEASE, "COMP", "--wait")
    assert ran.code == 0, ran.err
    assert f"{RELEASE} is available on COMP" in ran.err
    assert ran.err.count("next: pelagos supply URL COMPUTER") == 1


def test_a_wait_for_a_release_ends_in_time_and_names_its_state(world):
    releases(world, ReleaseStatus.BUILDING)
    ran = world.run("supply", RELEASE, "COMP", "--wait", "--timeout", "90s")
    assert ran.code == failures.NOT_READY
    assert f"{RELEASE} is not available after 1 min: it is in the state building" in ran.err
    releases(world, ReleaseStatus.ERROR)
    ran = world.run("supply", RELEASE, "COMP", "--wait", "--timeout", "10")
    why = NO_PLACE.message.removesuffix(".")
    assert f"not available after 10 s: it went into the state error: {why}\n" in ran.err
    releases(world, ReleaseStatus.BUILDING, None)
    assert world.run("supply", RELEASE, "COMP", "--wait").code == failures.NOT_FOUND


@pytest.mark.parametrize("words", [("supply", "--remove"), ("software", "remove")])
def test_a_removal_waits_until_the_release_is_gone(world, words):
    releases(world, ReleaseStatus.AVAILABLE, ReleaseStatus.AVAILABLE, None)
    ran = world.run(*words, RELEASE, "COMP", "--wait")
    assert ran.code == 0, ran.err
    assert f"{RELEASE} is removed from COMP" in ran.err


def test_the_computer_must_be_named_when_there_are_several(world, profile):
    world.plane(computer_id="")
    world.routes["GET /v1/computers"] = world.answer([world.computer("A"), world.computer("B")])
    ran = world.run("supply", str(profile))
    assert ran.code == failures.USAGE
    assert "A, B" in ran.err


# ---- why


def explanation(**changes: object) -> Explanation:
    cause = Cause(
        "buildout-failed",
        "the part web failed",
        "mend the profile, then supply it again",
        detail="\n".join(f"line {n}" for n in range(40)),
        since=1_800_000_000.0 - 190,
        seen_by="agent on COMP",
    )
    event = Event(3, 1.0, "release.error", "u", "u", "COMP", "computer:COMP", cause)
    facts = {"kind": "service", "name": "hello", "state": "waiting", "cause": cause}
    return Explanation(**{**facts, "chain": (WAITING,), "events": (event,) * 20, **changes})


def test_why_names_the_cause_in_its_first_line_and_fits_one_screen(world):
    world.routes["GET /v1/explain"] = world.answer(explanation())
    lines = world.run("why", "hello").out.splitlines()
    assert lines[0] == "hello: the part web failed (buildout-failed)"
    assert len(lines) <= 32
    text = "\n".join(lines)
    assert "(3 min ago)" in text
    assert "next      mend the profile" in text
    assert "seen by   agent on COMP" in text
    assert "line 39" in text
    assert "line 2\n" not in text
    assert "the release is being built" in text
    assert "release.error" in text


def test_why_gives_everything_as_json(world):
    world.routes["GET /v1/explain"] = world.answer(explanation())
    found = world.run("why", "hello", "-o", "json").data
    assert found["cause"]["code"] == "buildout-failed"
    assert len(found["cause"]["detail"].splitlines()) == 40
    assert len(found["events"]) == 20


def test_why_of_an_unknown_thing_names_the_nearest(world):
    world.routes["GET /v1/explain"] = world.refusal(404, "no")
    world.routes["GET /v1/services"] = world.page([world.service()])
    world.routes["GET /v1/computers"] = world.answer([])
    world.routes["GET /v1/releases"] = world.answer([])
    ran = world.run("why", "hallo")
    assert ran.code == failures.NOT_FOUND
    assert "did you mean hello?" in ran.err


# ---- logs


def test_the_logs_of_a_service_on_this_computer_are_read(world):
    world.plane(node_root=str(world.folder / "node"))
    folder = world.folder / "node" / "instance" / "slappart0"
    (folder / "var" / "log").mkdir(parents=True)
    (folder / ".slappart0_web.log").write_text("".join(f"line {n}\n" for n in range(100)))
    (folder / "var" / "log" / "access.log").write_bytes(b"\xff\x1b[2Jlast")
    (folder / "var" / "log" / "shadow.log").symlink_to("/etc/hostname")
    world.routes["GET /v1/services/hello"] = world.answer(world.service())
    ran = world.run("service", "logs", "hello", "--lines", "2", "--program", "web")
    assert ran.out == "line 98\nline 99\n"
    out = world.run("service", "logs", "hello").out
    assert "\\xff\\x1b[2Jlast" in out
    assert "shadow" not in out
    ran = world.run("service", "logs", "hello", "--program", "wbe")
    assert ran.code == failures.USAGE
    assert "did you mean web?" in ran.err


def test_the_logs_of_another_computer_are_said_to_be_there(world):
    world.routes["GET /v1/services/hello"] = world.answer(world.service(computer_id="FAR"))
    nobody = world.answer({"error": {"message": "no agent of FAR listens"}}, 503)
    world.routes["POST /v1/services/hello/logs"] = nobody
    ran = world.run("service", "logs", "hello")
    assert ran.code == failures.FAILED
    assert "no agent of FAR listens" in ran.err
    assert "on its computer, FAR" in ran.err


def test_a_partition_that_leads_out_of_its_folder_is_refused(world):
    world.plane(node_root=str(world.folder))
    world.routes["GET /v1/services/hello"] = world.answer(world.service(partition_id="../../etc"))
    assert world.run("service", "logs", "hello").code == failures.FAILED


# ---- config


def test_a_setting_is_written_read_and_removed(world):
    assert world.run("config", "set", "node.partitions", "23").code == 0
    assert world.run("config", "get", "node.partitions").out == "23\n"
    [found] = [one for one in world.run("config", "list", "-o", "json").data if one["value"] == 23]
    assert found["origin"] == "file"
    assert world.run("config", "delete", "node.partitions").code == 0
    assert "[node]" not in Path(world.run("config", "path").out.strip()).read_text()
    assert world.run("config", "get", "node.partitions").out == "10\n"
    assert "was not set" in world.run("config", "delete", "node.partitions").err


def test_a_variable_that_is_stronger_than_the_file_is_named(world):
    world.environ["PELAGOS_NODE_PARTITIONS"] = "7"
    ran = world.run("config", "set", "node.partitions", "23")
    assert "PELAGOS_NODE_PARTITIONS is set here" in ran.err
    assert world.run("config", "get", "node.partitions").out == "7\n"


def test_the_password_of_the_bus_is_not_listed(world):
    world.run("config", "set", "bus.url", "amqp://me:s3cret@host/")
    ran = world.run("config", "list")
    assert "s3cret" not in ran.out
    assert "amqp://***@host/" in ran.out


def test_the_path_of_the_file_is_told(world):
    out = world.run("config", "path").out
    assert out == f"{world.folder}/.config/pelagos/config.toml\n"
    assert world.run("config", "path", "--config", "/x/y.toml").out == "/x/y.toml\n"


# ---- credentials


def test_an_unreadable_token_is_a_matter_of_credentials(world):
    (world.data / "token").unlink()
    (world.data / "token").mkdir()
    ran = world.run("service", "list")
    assert ran.code == failures.NOT_ALLOWED
    assert "cannot read the token file" in ran.err
    ran = world.run("service", "list", "--token-file", str(world.folder / "nope"))
    assert "No such file" in ran.err
    (world.folder / "t").write_bytes(b"\x00\xff")
    assert world.run("service", "list", "--token-file", str(world.folder / "t")).code == 5


def test_the_token_of_the_own_plane_is_not_sent_to_another(world):
    ran = world.run("service", "list", "--master-url", "http://other.test")
    assert ran.code == failures.NOT_ALLOWED
    assert "there is no token for http://other.test" in ran.err
    assert world.transport.requests == []


def test_flags_are_stronger_than_the_environment_and_that_than_the_file(world):
    for name in ("flag", "variable", "file"):
        world.routes["GET /v1/services"] = world.page([])
        (world.folder / name).write_text(f"{name}-token")
    world.run("config", "set", "plane.master_url", "http://file.test")
    world.run("config", "set", "plane.token_file", str(world.folder / "file"))
    world.run("service", "list")
    world.environ |= {
        "PELAGOS_MASTER_URL": "http://variable.test",
        "PELAGOS_TOKEN": "variable-token",
    }
    world.run("service", "list")
    flags = ("--master-url", "http://flag.test", "--token-file", str(world.folder / "flag"))
    world.run("service", "list", *flags)
    sent = [(one.url, one.headers["Authorization"]) for one in world.transport.requests]
    assert sent == [
        (f"http://{name}.test/v1/services", f"Bearer {name}-token")
        for name in ("file", "variable", "flag")
    ]


def test_a_damaged_plane_file_is_named(world):
    (world.data / "plane.json").write_text("{")
    ran = world.run("service", "list")
    assert ran.code == failures.FAILED
    assert "is damaged" in ran.err


def test_a_misspelt_key_of_the_file_stops_every_command(world):
    path = world.folder / "c.toml"
    path.write_text("[plane]\nmaster_ulr = 'x'\n")
    ran = world.run("service", "list", "--config", str(path))
    assert ran.code == failures.USAGE
    assert "did you mean plane.master_url?" in ran.err


# ---- lookup


def answer_of_directory(world, *values: str, **verdicts: str):
    return world.answer(
        {
            "term": "hello",
            "column_headers": ["Name", None],
            "column_types": ["name", None],
            "results": [
                {"column_values": [value, 7], "relations": {}, "source": "s"} for value in values
            ],
            "sources": [
                {"name": name, "verdict": verdict, "ms": 3.5, "error": None}
                for name, verdict in verdicts.items()
            ],
        }
    )


def test_what_the_directory_finds_is_listed(world):
    world.plane(directory_url="http://dir.test")
    url = "GET /0.1/directories/lookup/default"
    world.routes[url] = answer_of_directory(world, "hello", instances="answered")
    ran = world.run("lookup", "hello")
    assert ran.code == 0
    assert ran.out.splitlines() == ["NAME   COLUMN 2", "hello  7"]
    assert ran.err == ""
    [sent] = world.transport.requests
    assert sent.headers["X-Auth-Token"] == "t0ken"


def test_sources_that_did_not_answer_are_named_and_finding_nothing_has_its_code(world):
    world.plane(directory_url="http://dir.test")
    url = "GET /0.1/directories/lookup/default"
    world.routes[url] = answer_of_directory(world, instances="empty", crm="late")
    ran = world.run("lookup", "hello", "-o", "json")
    assert ran.code == failures.NOT_FOUND
    assert ran.data == []
    assert "source crm: late" in ran.err
    assert "instances" not in ran.err


def test_a_directory_that_is_away_or_refuses_has_its_code(world):
    world.plane(directory_url="http://dir.test")
    assert world.run("lookup", "hello").code == failures.UNREACHABLE
    for status, code in ((400, 2), (401, 5), (404, 4)):
        url = "GET /0.1/directories/lookup/nope"
        world.routes[url] = world.answer({"reason": ["because"]}, status)
        ran = world.run("lookup", "hello", "--profile", "nope")
        assert ran.code == code
        assert "because" in ran.err


def test_services_are_printed_as_their_pages_come(world):
    names = [f"s{number:04}" for number in range(1200)]

    def pages(request):
        after = int(request.url.partition("after=")[2] or 0)
        rows = [world.service(name) for name in names[after : after + 500]]
        return world.page(rows, after + 500 if after + 500 < len(names) else None)

    world.routes["GET /v1/services"] = pages
    listed = json.loads(world.run("service", "list", "-o", "json").out)
    assert [one["reference"] for one in listed] == names
    lines = world.run("service", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", *names]
    out = world.run("service", "list", "-o", "csv").out.splitlines()
    assert len(out) == 1201
    out = world.run("service", "list", "-o", "yaml", "--columns", "reference").out
    assert out == "".join(f"- reference: {name}\n" for name in names)
    values = world.run("service", "list", "-o", "value", "--columns", "reference").out
    assert values.split() == names


def test_a_partition_of_another_is_not_shown_as_free(world):
    seats = (PartitionSummary("slappart0", "", ""), PartitionSummary("slappart1"))
    world.routes = {"GET /v1/computers/COMP": world.answer(world.computer(partitions=seats))}
    said = world.run("computer", "info", "COMP").out
    assert "(another's)" in said.split("slappart0")[1].splitlines()[0]
    assert "(free)" in said.split("slappart1")[1].splitlines()[0]


@pytest.mark.parametrize("words", [("supply", "--remove"), ("software", "remove")])
def test_what_was_never_supplied_is_not_said_to_be_removed(world, words):
    one = ReleaseOnComputer(
        "http://x.org/web.cfg", "COMP", SupplyState.AVAILABLE, ReleaseStatus.AVAILABLE, WAITING
    )
    world.routes = {
        "GET /v1/releases": world.answer([one]),
        "GET /v1/computers/COMP": world.answer(world.computer()),
    }
    ran = world.run(*words, "http://x.org/wbe.cfg", "COMP")
    assert ran.code == failures.NOT_FOUND
    assert "never supplied on COMP" in ran.err
    assert "did you mean http://x.org/web.cfg?" in ran.err
    assert not world.sent("POST", "supplySupply")


@pytest.mark.parametrize(
    ("words", "near"), [(("person", "anne"), "ann"), (("computer", "COMQ"), "COMP")]
)
def test_certificates_of_nobody_are_not_found(world, words, near):
    ann = {"name": "ann", "role": "tenant", "created": 1.0}
    world.routes = {
        "GET /v1/certificates": world.answer([]),
        "GET /v1/people": world.answer([ann]),
        "GET /v1/computers": world.answer([world.computer()]),
        "GET /v1/computers/COMQ": world.refusal(404, "there is no computer COMQ"),
    }
    ran = world.run(words[0], "certificate", words[1])
    assert ran.code == failures.NOT_FOUND
    assert f"did you mean {near}?" in ran.err


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("master.https", "maybe"),
        ("bus.url", "foo"),
        ("plane.master_url", "foo"),
        ("master.public_url", "ftp://x"),
    ],
)
def test_a_setting_that_no_start_would_take_is_not_written(world, key, value):
    path = world.folder / "config.toml"
    path.write_text("")
    ran = world.run("config", "set", key, value, "--config", str(path))
    assert ran.code == failures.USAGE, ran.err
    assert path.read_text() == ""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("master.https", "true"),
        ("bus.url", "memory:x"),
        ("bus.url", "amqp://u:p@127.0.0.1:1/v"),
        ("plane.master_url", "https://plane.example.org:8443"),
    ],
)
def test_a_good_setting_is_written(world, key, value):
    path = world.folder / "config.toml"
    path.write_text("")
    assert world.run("config", "set", key, value, "--config", str(path)).code == failures.OK
    assert f'"{value}"' in path.read_text()


@pytest.mark.parametrize("status", [404, 302])
def test_a_server_that_is_no_master_is_said_to_be_none(world, status):
    world.routes = {"GET /v1/services": Response(status, {"Location": "/x"}, b"<html>")}
    ran = world.run("service", "list")
    assert ran.code == failures.UNREACHABLE
    assert "is this the address of a Pelagos master?" in ran.err


@pytest.mark.parametrize("words", [("bus.port=17",), ("bus.port", "17")])
def test_a_setting_is_written_as_two_words_or_as_one(world, words):
    assert world.run("config", "set", *words).code == failures.OK
    assert world.run("config", "get", "bus.port").out == "17\n"


def test_a_value_may_be_empty_or_have_an_equals_sign(world):
    assert world.run("config", "set", "node.capabilities=a=b").code == failures.OK
    assert world.run("config", "get", "node.capabilities").out == "a=b\n"
    assert world.run("config", "set", "node.capabilities=").code == failures.OK
    assert world.run("config", "get", "node.capabilities").out == "\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bus.port",), "its value is missing"),
        (("bus.port=1", "2"), "is given two values"),
        (("bus.prt=1",), "did you mean bus.port?"),
        (("=1",), "unknown setting"),
        (("capacity.named=x",), "pelagos config edit"),
    ],
)
def test_a_setting_that_cannot_be_written_is_told(world, words, said):
    ran = world.run("config", "set", *words)
    assert ran.code == failures.USAGE and said in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("config", "set", "bus.url", "amqp://me:s3cret@host/"),
        ("config", "delete", "node.partitions"),
        ("cloud", "remove", "old"),
    ],
)
def test_a_file_that_is_written_is_private_from_then_on(world, words):
    path = world.folder / ".config/pelagos/config.toml"
    path.parent.mkdir(parents=True)
    path.write_text("[node]\npartitions = 3\n[cloud.named.old]\nauth_url = 'http://a/v3'\n")
    path.chmod(0o644)
    assert world.run(*words).code == failures.OK
    assert path.stat().st_mode & 0o77 == 0
