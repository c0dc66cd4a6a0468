"""What a master survives: kill -9, a full disk, a database in other hands, another version."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from conftest import Require
from pelagos.core.errors import ConfigError
from pelagos.slap import master
from pelagos.slap.errors import ResourceNotReady
from pelagos.slap.master.errors import SchemaError, StoreBusy, StoreError
from pelagos.slap.model import InstanceRequest, InstanceState, SupplyState
from support.slap_site import ADMIN, COMPUTER, URL, Site, announcement

pytestmark = pytest.mark.integration

TESTS = Path(__file__).parents[1]

# For each mark that it is told it forks a master in which four threads ask, and say what was
# acknowledged, until the test kills it. One import of everything serves all of them.
WORKER = """
    import os, sys, threading
    sys.path.insert(0, sys.argv[2])
    from pelagos.slap import master
    from pelagos.slap.errors import ResourceNotReady
    from pelagos.slap.model import InstanceRequest, InstanceState
    from support.slap_site import ADMIN, URL

    def say(line):
        os.write(1, (line + chr(10)).encode())  # a line is written whole or not at all

    def ask(plane, mark):
        for number in range(10_000):
            name = f"{mark}-{number}"
            try:
                found = plane.service.request(InstanceRequest(name, URL), ADMIN)
            except ResourceNotReady:
                say(f"kept {name}")
                continue
            say(f"kept {name}")
            where = (found.computer_id, found.partition_id)
            identity = master.partition(*where)
            plane.service.publish(*where, {"name": name}, identity)
            say(f"published {name}")
            plane.service.set_state(name, InstanceState.DESTROYED, ADMIN)
            say(f"doomed {name}")
            plane.service.report_partition(*where, "destroyed", master.computer(where[0]))
            say(f"gone {name}")

    def work(mark):
        settings = master.MasterSettings(silent_after=1e12)  # no agent calls here
        plane = master.Master("sqlite:///" + sys.argv[1], settings=settings)
        for thread in range(4):
            threading.Thread(target=ask, args=(plane, f"{mark}-{thread}"), daemon=True).start()
        threading.Event().wait()

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            work(line.strip())
        say(f"child {child}")
        os.waitpid(child, 0)
        say("ended")
"""


class Killer:
    """Starts masters that work, and kills each after so many acknowledgements."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WORKER), str(path), str(TESTS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def one(self, mark: str, lines: int) -> list[str]:
        """All that one master acknowledged before it was killed."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(mark + "\n")
        stdin.flush()
        said: list[str] = []
        child = 0
        while len(said) < lines or not child:
            line = stdout.readline().strip()
            assert line and line != "ended", "the master ended by itself"
            if line.startswith("child "):
                child = int(line.removeprefix("child "))
            else:
                said.append(line)
        os.kill(child, signal.SIGKILL)
        while (line := stdout.readline().strip()) != "ended":
            assert line
            said.append(line)
        return said

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def check_consistency(path: Path) -> None:
    """What must hold in the database whatever happened."""
    connection = sqlite3.connect(path)
    ask = connection.execute
    assert ask("PRAGMA integrity_check").fetchone() == ("ok",)
    assert ask("PRAGMA foreign_key_check").fetchall() == []
    seated = "SELECT count(partition_key), count(DISTINCT partition_key) FROM instances"
    both = ask(seated).fetchone()
    assert both[0] == both[1]
    for kind, condition in (
        ("instance.requested", "1"),
        ("instance.destroying", "wished_state = 'destroyed'"),
        ("instance.destroyed", "ended IS NOT NULL"),
    ):
        missing = ask(
            f"SELECT title FROM instances WHERE {condition} AND guid NOT IN"
            " (SELECT subject FROM events WHERE kind = ?)",
            (kind,),
        ).fetchall()
        assert missing == [], kind
    connection.close()


def test_nothing_acknowledged_is_lost_by_kill_9_at_twenty_points(tmp_path: Path):
    site = Site(tmp_path, partitions=8)
    site.supply()
    site.close()
    chance = random.Random(20)
    told: list[str] = []
    with closing(Killer(site.path)) as killer:
        for round_number in range(20):
            told += killer.one(f"r{round_number}", chance.randrange(1, 60))
    check_consistency(site.path)
    connection = sqlite3.connect(site.path)
    rows = {
        title: (wished, connection_text, ended)
        for title, wished, connection_text, ended in connection.execute(
            "SELECT title, wished_state, connection, ended FROM instances"
        )
    }
    connection.close()
    assert len(told) > 200
    for line in told:
        verb, name = line.split()
        wished, published, ended = rows[name]
        assert verb != "published" or name in published or ended is not None
        assert verb != "doomed" or wished == "destroyed"
        assert verb != "gone" or ended is not None


def test_a_master_carries_on_after_kill_9(tmp_path: Path):
    site = Site(tmp_path, partitions=8)
    site.supply()
    site.close()
    with closing(Killer(site.path)) as killer:
        killer.one("r", 30)
    settings = master.MasterSettings(silent_after=1e12)
    again = master.Master(f"sqlite:///{site.path}", settings=settings)
    try:
        for service in again.service.services():
            again.service.set_state(service.guid, InstanceState.DESTROYED, ADMIN)
            if service.computer_id and service.partition_id:
                where = (service.computer_id, service.partition_id)
                again.service.report_partition(*where, "destroyed", master.computer(COMPUTER))
        assert again.service.computer(COMPUTER).free_count == 8
        assert again.service.request(InstanceRequest("new", URL), ADMIN).computer_id == COMPUTER
    finally:
        again.close()


# ---- a full disk --------------------------------------------------------------------------------

FILLED = """
    import os, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from pelagos.slap.errors import ResourceNotReady
    from support.slap_site import COMPUTER, Site

    folder = Path(sys.argv[1])
    site = Site(folder)
    site.supply()
    site.request("first")
    client = site.master.app.test_client()
    headers = {"Authorization": "Bearer " + site.person_token}
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while stream.write(b"x" * 4096) == 4096:
                pass
        except OSError:
            pass

    def supply(url):
        form = {"url": url, "computer_id": COMPUTER, "state": "available"}
        return client.post("/supplySupply", data=form, headers=headers)

    refused = None
    for number in range(200):
        answer = supply(f"/{number}" + "x" * 1000)
        if answer.status_code != 200:
            refused = answer
            break
    assert refused is not None, "the disk never was full"
    assert refused.status_code == 507, (refused.status_code, refused.text)
    assert refused.json["error"]["code"] == "storage-full", refused.text
    assert refused.json["error"]["hint"]
    kept = len(client.get("/v1/releases", headers=headers).json)
    assert kept == 1 + number, (kept, number)
    assert client.get("/v1/services/first", headers=headers).json["reference"] == "first"
    fetched = client.get(
        f"/getFullComputerInformation?computer_id={COMPUTER}",
        headers={"Authorization": "Bearer " + site.computer_token},
    )
    assert fetched.status_code == 200, fetched.text
    site.clock.advance(30)  # time to write the sign of life: it must not cost the read its answer
    assert client.get("/v1/health").status_code == 200
    fetched = client.get(
        f"/getFullComputerInformation?computer_id={COMPUTER}",
        headers={"Authorization": "Bearer " + site.computer_token},
    )
    assert fetched.status_code == 200, fetched.text
    filler.unlink()
    assert supply("/after").status_code == 200
    assert len(client.get("/v1/releases", headers=headers).json) == kept + 1
    site.close()
    print("held")
"""


def test_a_full_disk_refuses_writes_serves_reads_and_loses_nothing(
    tmp_path: Path, require: Require
):
    unshare = require.program("unshare", package="util-linux")
    own_mounts = [unshare, "--map-root-user", "--mount"]
    if subprocess.run([*own_mounts, "true"], capture_output=True, check=False).returncode:
        require.missing("this machine forbids user namespaces, so no small disk can be made")
    disk = tmp_path / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=1200k tmpfs "$1" && exec "$2" -c "$3" "$1" "$4"'
    done = subprocess.run(
        [
            *own_mounts,
            *("sh", "-c", script, "sh", disk, sys.executable, textwrap.dedent(FILLED), TESTS),
        ],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert done.stdout == "held\n", done.stderr


# ---- other hands --------------------------------------------------------------------------------


def test_a_locked_database_serves_reads_and_refuses_writes_clearly(tmp_path: Path):
    site = Site(tmp_path, settings=master.MasterSettings(busy_timeout=0.05))
    site.supply()
    site.request("first")
    other = sqlite3.connect(site.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy) as caught:
        site.request("second")
    assert caught.value.status == 500
    assert caught.value.hint
    assert site.service.services()[0].reference == "first"
    site.clock.advance(30)
    site.service.seen(COMPUTER)
    assert site.service.full_computer(COMPUTER).body
    other.execute("ROLLBACK")
    other.close()
    assert site.request("second").partition_id == "slappart1"
    site.close()


def test_a_newer_schema_is_refused_with_both_numbers(tmp_path: Path):
    site = Site(tmp_path)
    site.close()
    connection = sqlite3.connect(site.path)
    connection.execute("UPDATE facts SET value = '99' WHERE name = 'schema_version'")
    connection.commit()
    connection.close()
    with pytest.raises(SchemaError, match=r"schema 99.*up to \d+") as caught:
        master.Master(f"sqlite:///{site.path}")
    assert caught.value.hint


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, " * 100)
    before = path.read_bytes()
    with pytest.raises(SchemaError):
        master.Master(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_refused(tmp_path: Path):
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE customers (name TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(SchemaError, match="customers"):
        master.Master(f"sqlite:///{path}")


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "x:///y"])
def test_an_impossible_database_url_is_a_clear_error(url: str):
    with pytest.raises(ConfigError) as caught:
        master.Master(url)
    assert caught.value.hint


def test_a_folder_that_is_missing_is_a_clear_error(tmp_path: Path):
    with pytest.raises(StoreError) as caught:
        master.Master(f"sqlite:///{tmp_path}/none/master.db")
    assert caught.value.hint


def test_two_masters_on_one_database_never_allocate_twice(tmp_path: Path):
    site = Site(tmp_path, partitions=2)
    site.supply()
    other = master.Master(f"sqlite:///{site.path}", clock=site.clock)
    first = site.request("a")
    assert other.service.request(InstanceRequest("a", URL), ADMIN) == first
    assert other.service.request(InstanceRequest("b", URL), ADMIN).partition_id == "slappart1"
    with pytest.raises(ResourceNotReady):
        site.request("c")
    other.service.format_computer(announcement(3), master.computer(COMPUTER))
    assert site.request("c").partition_id == "slappart2"
    other.service.supply("/b.cfg", COMPUTER, SupplyState.AVAILABLE, ADMIN)
    assert b"/b.cfg" in site.service.full_computer(COMPUTER).body
    other.close()
    site.close()


def test_a_damaged_database_is_named(tmp_path: Path):
    file = tmp_path / "plane.db"
    file.write_bytes(b"no database at all" * 1000)
    with pytest.raises(SchemaError, match="is not a sound SQLite database") as caught:
        master.Master(f"sqlite:///{file}")
    assert str(file) in caught.value.message
    assert "backup" in (caught.value.hint or "")
