"""What joins a plane looks around before its token is used, and leaves nothing when refused."""

import pytest

from pelagos.cli import failures
from pelagos.plane import bringing, membership, up
from pelagos.slap.joining import JoinToken, encode

TOKEN = encode(JoinToken("http://127.0.0.1:1", "secret", kind="computer"))


@pytest.fixture
def started(world, monkeypatch):
    """A machine without a plane, and the settings of each start."""
    (world.data / "token").unlink()
    (world.data / "plane.json").unlink()
    joined, settings = [], []

    def join(folder, text, *_):
        joined.append(text)
        folder.note(master_url="http://127.0.0.1:1", computer_id="box")
        folder.keep_node_token("agents")
        return "box"

    monkeypatch.setattr(membership, "join", join)
    monkeypatch.setattr(up, "run", lambda found, **_: settings.append(found))
    world.joined, world.settings = joined, settings
    return world


@pytest.mark.parametrize(
    "content", ["[node]\nnetwork = 'nonsense'\n", "[node]\npartitions = 'x'\n", "[nod]\n"]
)
def test_a_wrong_configuration_costs_no_token(started, content):
    path = started.folder / "config.toml"
    path.write_text(content)
    ran = started.run("node", "run", TOKEN, "--config", str(path))
    assert ran.code == failures.USAGE, ran.err
    assert not started.joined


def test_the_data_of_a_plane_of_its_own_joins_no_other(started):
    started.plane()
    ran = started.run("node", "run", TOKEN)
    assert ran.code == failures.FAILED
    assert "the data of a plane of its own" in ran.err
    assert not started.joined


def test_the_number_of_partitions_of_the_first_start_is_kept(started):
    assert started.run("node", "run", TOKEN, "--partitions", "3").code == failures.OK
    assert started.run("node", "run").code == failures.OK
    assert started.run("node", "run", "--partitions", "4").code == failures.OK
    path = started.folder / "config.toml"
    path.write_text("[node]\npartitions = 5\n")
    assert started.run("node", "run", "--config", str(path)).code == failures.OK
    assert [one.node.partitions for one in started.settings] == [3, 3, 4, 5]
    assert len(started.joined) == 1


def test_the_same_token_again_simply_runs(started, monkeypatch):
    assert started.run("node", "run", TOKEN).code == failures.OK
    monkeypatch.setattr(membership, "has_used", lambda *_: True)
    ran = started.run("node", "run", TOKEN)
    assert ran.code == failures.OK
    assert "joined with this token already" in ran.err
    assert len(started.settings) == 2
    assert len(started.joined) == 1


@pytest.mark.parametrize("token", ["nonsense", TOKEN])
def test_a_refused_join_leaves_no_file(world, token):
    path = world.folder / "ann" / "config.toml"
    ran = world.run("join", token, "--config", str(path))
    assert ran.code != failures.OK
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize(
    "words", [("person", "remove", "ann"), ("person", "certificate", "ann", "--revoke")]
)
def test_nobody_removes_oneself_by_mistake(world, words):
    world.routes = {
        "GET /v1/identity": world.answer({"kind": "person", "name": "ann"}),
        "POST /v1/people/ann/remove": world.answer({"services": 0}),
        "POST /v1/certificates/revoke": world.answer({"revoked": 1}),
    }
    ran = world.run(*words)
    assert ran.code == failures.USAGE
    assert "ann is you" in ran.err and "pelagos person add ann --again" in ran.err
    assert not [one for one in world.transport.requests if one.method == "POST"]
    assert world.run(*words, "--yes").code == failures.OK


@pytest.mark.parametrize(
    "words",
    [
        (TOKEN, "--certificate", "c.pem", "--key", "c.key"),
        ("--certificate", "c.pem"),
        ("--key", "c.key"),
        ("--authority", "ca.pem"),
        ("--certificate", "c.pem", "--key", "c.key", "--name", "box"),
    ],
)
def test_a_certificate_comes_with_its_key_and_instead_of_a_token(started, words):
    ran = started.run("node", "run", *words)
    assert ran.code == failures.USAGE
    assert "--certificate" in ran.err
    assert not started.joined and not started.settings


def test_a_certificate_is_brought_to_the_master_that_is_named(started, monkeypatch):
    seen = []

    def bring(folder, url, *files):
        seen.append((url, [file and file.name for file in files]))
        folder.note(master_url=url, computer_id="box")
        return "box"

    monkeypatch.setattr(bringing, "bring", bring)
    files = ("--certificate", "c.pem", "--key", "c.key")
    assert started.run("node", "run", *files).code != 0  # nobody says where the master is
    url = "https://far:1"
    ran = started.run("node", "run", *files, "--authority", "ca.pem", "--master-url", url)
    assert ran.code == 0, ran.err
    assert seen == [(url, ["c.pem", "c.key", "ca.pem"])]
    assert len(started.settings) == 1
