"""The original command line at our master: every command that talks to one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.slap.master import Kind
from pelagos.slap.model import InstanceRequest, InstanceState, SupplyState
from support import slapos_peer
from support.slapos_peer import Node, PeerMissingError
from support.slapos_place import ADMIN, COMPUTER, Place, done, library, our_place

pytestmark = [pytest.mark.interop, pytest.mark.timeout(400)]

RELEASE = "http://example.invalid/software.cfg"


@pytest.fixture(scope="module")
def programs(require: Any) -> Path:
    try:
        return slapos_peer.install()
    except PeerMissingError as error:
        require.missing(str(error))
        raise


@pytest.fixture(scope="module")
def place(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One for all tests here: each uses names of its own."""
    with our_place(programs, tmp_path_factory.mktemp("place")) as made:
        made.announce(12)
        made.client.supply(RELEASE, COMPUTER)
        yield made


def test_supply_and_remove(place: Place):
    done(place.person, "supply", "/supplied.cfg", COMPUTER)
    done(place.person, "supply", "product.hello", COMPUTER)
    done(place.person, "remove", "/supplied.cfg", COMPUTER)
    wished = {
        release.url: release.requested_state
        for release in place.client.fetch_computer(COMPUTER).releases
    }
    assert wished["/supplied.cfg"] is SupplyState.DESTROYED
    assert wished["/hello-2.cfg"] is SupplyState.AVAILABLE


def test_request_prints_what_was_published_and_ends_with_2_while_it_waits(place: Place):
    words = ["request", "req", RELEASE, "--node", f"computer_guid={COMPUTER}"]
    done(place.person, *words, "--parameters", "greeting=hëllo <&>")
    service = place.client.service("req")
    assert service.parameters == {"greeting": "hëllo <&>"}
    place.client.publish(COMPUTER, service.partition_id or "", {"url": "http://x/?a=1&b=é"})
    said = done(place.person, *words, "--parameters", "greeting=hëllo <&>")
    assert "http://x/?a=1&b=é" in said.stderr
    done(place.person, *words, "--state", "stopped")
    assert place.client.service("req").requested_state is InstanceState.STOPPED
    done(place.person, "request", "req-waits", "/nobody-has.cfg", code=2)


def test_request_takes_structured_parameters_from_a_file(place: Place, tmp_path: Path):
    release = tmp_path / "software.cfg"
    release.write_text("[buildout]\nparts =\n")
    schema = {"name": "t", "description": "t", "serialisation": "json-in-xml", "software-type": {}}
    Path(f"{release}.json").write_text(json.dumps(schema))
    (tmp_path / "parameters.json").write_text('{"a": {"b": [1, 2]}}')
    place.client.supply(str(release), COMPUTER)
    words = "request", "req-file", str(release), "--parameters-file"
    done(place.person, *words, str(tmp_path / "parameters.json"))
    stored = place.client.service("req-file").parameters
    assert json.loads(stored["_"]) == {"a": {"b": [1, 2]}}
    shown = json.loads(done(place.person, "service", "info", "req-file").stdout)
    assert shown["instance-parameters"]["_"] == {"a": {"b": [1, 2]}}


def test_request_of_a_shared_instance(place: Place):
    done(place.person, "request", "host", RELEASE, "--type", "serves")
    done(place.person, "request", "served", RELEASE, "--type", "serves", "--slave")
    shown = json.loads(done(place.person, "service", "info", "served").stdout)
    assert shown["shared"] is True
    guid = place.client.service("served").guid
    host = place.client.service("host")
    place.client.publish(COMPUTER, host.partition_id or "", {"site": "http://s"}, guid)
    shown = json.loads(done(place.person, "service", "info", "served").stdout)
    assert shown["connection-parameters"] == {"site": "http://s"}


def test_services_are_listed_and_shown(place: Place):
    place.client.request(InstanceRequest("shown", RELEASE, parameters={"a": "<&>é"}))
    slot = place.client.service("shown").partition_id or ""
    listed = json.loads(done(place.person, "service", "list").stdout)
    assert listed["shown"] == RELEASE
    info = "service", "info", "shown"
    shown = json.loads(done(place.person, *info).stdout)
    assert shown == {
        "software-url": RELEASE,
        "software-type": "default",
        "shared": False,
        "requested-state": "started",
        "instance-parameters": {"a": "<&>é"},
        "connection-parameters": {},
        "status": "none",
    }
    place.client.fetch_computer(COMPUTER)  # an agent reports on what it was told
    place.client.report_partition(COMPUTER, slot, "started")
    assert json.loads(done(place.person, *info).stdout)["status"] == "green"
    place.client.report_partition_error(COMPUTER, slot, "it broke")
    red = json.loads(done(place.person, *info, "--news").stdout)
    assert red["status"] == "red"
    assert "it broke" in red["news"][0]["text"]
    done(place.person, "service", "info", "nosuch", code=2)


def test_computers_are_listed_and_shown_and_tokens_given(place: Place):
    assert f"{COMPUTER} {COMPUTER}" in done(place.person, "computer", "list").stdout
    shown = done(place.person, "computer", "info", COMPUTER).stdout
    assert f"Computer Reference: {COMPUTER}" in shown
    done(place.person, "computer", "info", "NOSUCH", code=2)
    said = done(place.person, "computer", "token").stdout
    assert said.startswith("Computer token: ")


def test_the_console_runs_a_script(place: Place, tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(
        f"supply('/console.cfg', '{COMPUTER}')\n"
        f"made = request('{RELEASE}', 'console', partition_parameter_kw={{'a': '1'}})\n"
        "print(made.getId(), made.getState())\n"
        "print(getInformation('console')._parameter_dict)\n"
        "print(product.hello, sorted(slap.getOpenOrderDict())[0] != '')\n"
    )
    shown = done(place.person, "console", str(script)).stdout.splitlines()
    slot = place.client.service("console").partition_id
    assert shown == [f"{slot} started", "{'a': '1'}", "/hello-2.cfg True"]


def test_a_node_formats_and_bangs(programs: Path, tmp_path: Path):
    with our_place(programs, tmp_path) as place:
        done(place.computer, "node", "format", "--now")
        place.client.supply(RELEASE, COMPUTER)
        place.client.request(InstanceRequest("banged", RELEASE))
        before = place.client.fetch_partition(COMPUTER, "slappart0").timestamp
        done(place.computer, "node", "bang", "-m", "look again")
        assert place.client.fetch_partition(COMPUTER, "slappart0").timestamp != before


def test_certificates_say_who_asks(place: Place):
    place.client.request(InstanceRequest("by-token", RELEASE))
    person = place.certified(Kind.PERSON, "admin")
    words = "request", "by-token", RELEASE, "--parameters", "a=certified"
    done(person, *words)
    assert place.client.service("by-token").parameters == {"a": "certified"}
    assert "by-token" in json.loads(done(person, "service", "list").stdout)
    assert COMPUTER in done(person, "computer", "list").stdout
    agent = place.certified(Kind.COMPUTER, COMPUTER)
    files = agent.folder / "key.pem", agent.folder / "cert.pem"
    shown = library(
        agent,
        f"""
        computer = plane.registerComputer("{COMPUTER}")
        slot = computer.getComputerPartitionList()[0]
        pair = slot.getCertificate()
        show([len(computer.getComputerPartitionList()), sorted(pair),
              error_of(lambda: plane.registerOpenOrder().request("{RELEASE}", "x"))])
        """,
        agent.master_url,
        *map(str, files),
    )
    assert shown == [12, ["certificate", "key"], "HTTPError"]
    place.client.revoke_computer_certificate(COMPUTER)
    refused = library(
        agent,
        f"""
        show(error_of(plane.registerComputer("{COMPUTER}").getComputerPartitionList))
        """,
        agent.master_url,
        *map(str, files),
    )
    assert refused == "HTTPError"


def test_configure_client_fetches_a_persons_certificate(place: Place, tmp_path: Path):
    token, _ = place.master.service.invite(Kind.PERSON, ADMIN, name="bob")
    node = Node(place.programs, tmp_path / "bob", place.secure_url)
    addresses = "--master-url", place.secure_url, "--master-url-web", place.secure_url
    file = tmp_path / "new" / "client.cfg"
    done(node, "configure", "client", *addresses, "--token", token, "--cfg", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    bob = Node(place.programs, tmp_path / "bob2", place.secure_url)
    bob.configuration.write_text(file.read_text())
    assert done(bob, "service", "list").stdout.startswith("{")
    file.unlink()
    for made in ("client.crt", "client.key"):
        file.with_name(made).unlink()
    again = done(
        node, "configure", "client", *addresses, "--token", token, "--cfg", str(file), code=1
    )
    assert "Access denied" in again.stderr


def test_node_registers_with_a_token(place: Place, tmp_path: Path):
    """The HTTP part: the command itself writes below /etc/opt and wants to be root."""
    said = done(place.person, "computer", "token").stdout
    token = said.partition(": ")[2].strip()
    node = Node(place.programs, tmp_path / "node", place.secure_url)
    code = f"""
        import logging
        from slapos.cli.register import get_certificate_key_pair, get_computer_name
        def register():
            return get_certificate_key_pair(
                logging.getLogger(), {place.secure_url!r}, "my node", token={token!r})
        certificate, key = register()
        refused = None
        try:
            register()
        except SystemExit as error:
            refused = error.code
        show([get_computer_name(certificate), certificate.count("BEGIN CERTIFICATE"),
              "PRIVATE KEY" in key, refused])
        """
    name, certificates, has_key, refused = library(node, code, place.person.master_url)
    assert (certificates, has_key, refused) == (1, True, 1)
    assert name.startswith("COMP-")
    assert name in {each.computer_id for each in place.client.computers()}
    assert f"{name} my node" in done(place.person, "computer", "list").stdout
