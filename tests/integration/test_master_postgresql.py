"""Several masters on one PostgreSQL, and what they survive of it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from conftest import Require
from pelagos.core.errors import ConfigError
from pelagos.slap import master
from pelagos.slap.errors import ResourceNotReady
from pelagos.slap.master.errors import SchemaError, StoreBusy, StoreError
from pelagos.slap.model import InstanceRequest, InstanceState, SupplyState
from support import postgresql
from support.plane import eventually
from support.slap_site import ADMIN, COMPUTER, URL, announcement

pytestmark = pytest.mark.integration

TESTS = Path(__file__).parents[1]
#: No agent calls here.
SETTINGS = master.MasterSettings(silent_after=1e12, busy_timeout=30)


@contextmanager
def masters(
    url: str, count: int, settings: master.MasterSettings = SETTINGS
) -> Iterator[list[master.Master]]:
    made = [master.Master(url, settings=settings) for _ in range(count)]
    try:
        yield made
    finally:
        for one in made:
            one.close()


def furnish(one: master.Master, partitions: int) -> None:
    one.service.register_computer(COMPUTER)
    one.service.format_computer(announcement(partitions), master.computer(COMPUTER))
    one.service.supply(URL, COMPUTER, SupplyState.AVAILABLE, ADMIN)


def kill_backends(url: str, besides: str = "") -> int:
    """End all connections to the database but this one."""
    with psycopg.connect(url, autocommit=True) as own:
        ended = own.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND query NOT LIKE %s",
            (besides or "-",),
        ).fetchone()
    assert ended is not None
    return int(ended[0])


def test_sixteen_requesters_at_two_masters_get_what_is_theirs(postgresql_url: str):
    with masters(postgresql_url, 2) as both:
        furnish(both[0], 60)

        def ask(number: int) -> list[str]:
            told = []
            for turn in range(5):
                wish = InstanceRequest(f"own-{number}-{turn}", URL)
                found = both[(number + turn) % 2].service.request(wish, ADMIN)
                common = InstanceRequest(f"common-{turn}", URL)
                shared = both[number % 2].service.request(common, ADMIN)
                told += [found.partition_id, f"{shared.title} {shared.guid}"]
            return told

        # 60 places for 80 + 5 wishes: some must wait, and nothing may be given twice.
        def ask_or_wait(number: int) -> int:
            try:
                ask(number)
            except ResourceNotReady:
                return 1
            return 0

        with ThreadPoolExecutor(16) as threads:
            refused = sum(threads.map(ask_or_wait, range(16)))
        assert refused
        services = both[0].service.services()
        assert services == both[1].service.services()
    names = [item.reference for item in services]
    places = [item.partition_id for item in services if item.partition_id]
    assert len(names) == len(set(names))
    assert len(places) == len(set(places)) == 60


WORKER = """
    import os, sys, threading
    sys.path.insert(0, sys.argv[2])
    from pelagos.slap import master
    from pelagos.slap.model import InstanceRequest
    from support.slap_site import ADMIN, URL

    plane = master.Master(sys.argv[1], settings=master.MasterSettings(silent_after=1e12))

    def work(mark):
        try:
            ask(mark)
        finally:
            os._exit(1)

    def ask(mark):
        for number in range(10_000):
            found = plane.service.request(InstanceRequest(f"{mark}-{number}", URL), ADMIN)
            os.write(1, f"{found.title} {found.partition_id}\\n".encode())

    for mark in range(4):
        threading.Thread(target=work, args=(mark,), daemon=True).start()
    threading.Event().wait()
"""


def test_kill_9_of_one_master_loses_nothing_and_holds_up_nobody(postgresql_url: str):
    with masters(postgresql_url, 1) as [other]:
        furnish(other, 600)
        words = [sys.executable, "-c", textwrap.dedent(WORKER), postgresql_url, str(TESTS)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(60)]
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
        process.wait()
        process.stdout.close()
        began = time.monotonic()
        assert other.service.request(InstanceRequest("after", URL), ADMIN).title == "after"
        assert time.monotonic() - began < 60
        kept = {item.reference: item.partition_id for item in other.service.services()}
    for line in told:
        if line.endswith("\n"):
            name, place = line.split()
            assert kept[name] == place
    places = list(kept.values())
    assert len(places) == len(set(places))


def test_what_one_master_does_wakes_who_waits_at_another(postgresql_url: str):
    with masters(postgresql_url, 2) as [here, there]:
        furnish(here, 3)
        last = there.service.events(after=-1)[0].id
        found: list[str] = []

        def wait() -> None:
            events = there.service.events(after=last, wait=90)
            found.extend(event.kind for event in events)

        waiter = threading.Thread(target=wait)
        waiter.start()
        time.sleep(0.2)
        began = time.monotonic()
        here.service.request(InstanceRequest("hello", URL), ADMIN)
        waiter.join(90)
        assert found == ["instance.requested", "instance.allocated"]
        assert time.monotonic() - began < 60


def test_a_broken_line_between_masters_mends_itself(postgresql_url: str):
    with masters(postgresql_url, 2) as [here, there]:
        furnish(here, 3)
        assert kill_backends(postgresql_url) >= 2
        time.sleep(0.2)  # the server ends them a moment later
        last = there.service.events(after=-1)[0].id
        found: list[str] = []
        waiter = threading.Thread(
            target=lambda: found.extend(
                event.kind for event in there.service.events(after=last, wait=90)
            )
        )
        waiter.start()
        began = time.monotonic()
        here.service.request(InstanceRequest("hello", URL), ADMIN)
        waiter.join(90)
        assert found
        assert time.monotonic() - began < 60


def test_a_token_withdrawn_at_one_master_is_refused_at_another_at_once(postgresql_url: str):
    with masters(postgresql_url, 2) as [here, there]:
        client = there.app.test_client()

        def status(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return client.get("/v1/identity", headers=headers).status_code

        token = here.service.create_person("admin")
        for _ in range(5):
            assert status(token) == 200
            former, token = token, here.service.create_person("admin")
            assert status(former) == 401


def test_an_agent_may_fetch_at_one_master_and_report_to_another(postgresql_url: str):
    with masters(postgresql_url, 2) as [here, there]:
        furnish(here, 3)
        token = here.service.register_computer(COMPUTER)
        headers = {"Authorization": f"Bearer {token}"}
        fetch = f"/getFullComputerInformation?computer_id={COMPUTER}"
        clients = [one.app.test_client() for one in (here, there)]
        assert clients[1].get(fetch, headers=headers).status_code == 200
        here.service.request(InstanceRequest("hello", URL), ADMIN)
        told = clients[0].get(fetch, headers=headers)
        assert b"hello" in told.data
        time.sleep(0.2)  # what an agent needs to start something
        form = {"computer_id": COMPUTER, "computer_partition_id": "slappart0"}
        for call in ("stoppedComputerPartition", "startedComputerPartition"):
            assert clients[1].post(f"/{call}", data=form, headers=headers).status_code == 200
        assert there.service.service("hello").status == "started"
        assert (
            clients[1].get(fetch, headers=headers).data
            == clients[0].get(fetch, headers=headers).data
        )


def test_a_restarted_server_is_no_error_to_the_next_call(own_postgresql: postgresql.Server):
    with masters(own_postgresql.create_database(), 1) as [one]:
        furnish(one, 5)
        one.service.full_computer(COMPUTER)
        for number, how in enumerate((signal.SIGINT, signal.SIGKILL)):
            own_postgresql.stop(how)
            with pytest.raises(StoreError) as caught:
                one.service.services()
            assert caught.value.retry_after and caught.value.hint
            with pytest.raises(StoreError):
                one.service.request(InstanceRequest("lost", URL), ADMIN)
            own_postgresql.start()
            assert len(one.service.services()) == number
            one.service.request(InstanceRequest(f"hello{number}", URL), ADMIN)
            own_postgresql.stop(how)
            own_postgresql.start()
            one.service.request(InstanceRequest("first call is a change", URL), ADMIN)
            one.service.set_state("first call is a change", InstanceState.DESTROYED, ADMIN)
            where = master.computer(COMPUTER)
            one.service.report_partition(COMPUTER, f"slappart{number + 1}", "destroyed", where)
        assert {item.reference for item in one.service.services()} == {"hello0", "hello1"}


def test_a_connection_that_ends_in_a_change_leaves_nothing_half_done(postgresql_url: str):
    with masters(postgresql_url, 1) as [one]:
        furnish(one, 5)

        def lose() -> None:
            with one._store.change() as writer:
                writer.put_person("half", "operator", 1.0)
                kill_backends(postgresql_url)
                time.sleep(0.2)

        with pytest.raises(StoreError) as caught:
            lose()
        assert caught.value.retry_after
        one.service.create_person("whole")
        with psycopg.connect(postgresql_url) as own:
            assert own.execute("SELECT name FROM people").fetchall() == [("whole",)]


def test_a_writer_that_hangs_is_waited_for_and_then_named(postgresql_url: str):
    settings = master.MasterSettings(silent_after=1e12, busy_timeout=0.1)
    with masters(postgresql_url, 2, settings) as [one, other]:
        furnish(one, 5)
        with one._store.change():
            with pytest.raises(StoreBusy) as caught:
                other.service.request(InstanceRequest("hello", URL), ADMIN)
            assert other.service.services() == []
        assert caught.value.retry_after and caught.value.hint
        assert other.service.request(InstanceRequest("hello", URL), ADMIN)


def test_two_masters_may_begin_on_an_empty_database_at_once(postgresql_url: str):
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: master.Master(postgresql_url), range(4)))
    assert len({one._store.name for one in made}) == 1
    for one in made:
        one.close()


def test_a_newer_schema_is_refused(postgresql_url: str):
    master.Master(postgresql_url).close()
    with psycopg.connect(postgresql_url) as own:
        own.execute("UPDATE facts SET value = '99' WHERE name = 'schema_version'")
    with pytest.raises(SchemaError, match="99"):
        master.Master(postgresql_url)


def test_a_database_of_another_program_is_refused(postgresql_url: str):
    with psycopg.connect(postgresql_url) as own:
        own.execute("CREATE TABLE customers (name TEXT)")
    with pytest.raises(SchemaError, match="customers"):
        master.Master(postgresql_url)


def test_a_database_in_another_encoding_is_refused(postgresql_server: str):
    name = f"latin{os.getpid()}"
    with psycopg.connect(postgresql_server, autocommit=True) as own:
        own.execute(
            f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0".encode()
        )
    url = postgresql_server.rpartition("/")[0] + f"/{name}"
    try:
        with pytest.raises(ConfigError, match="LATIN1") as caught:
            master.Master(url)
        assert caught.value.hint
    finally:
        postgresql.drop_database(url)


def test_no_password_is_told(
    postgresql_url: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    caplog.set_level(logging.DEBUG)
    said = []
    secret = "PASS-of-the-database"
    urls = [
        postgresql_url.replace(postgresql.PASSWORD, secret),
        postgresql_url.replace("127.0.0.1", "127.0.0.1.invalid"),
        postgresql_url.rpartition(":")[0] + ":1/x",
        f"postgresql://x:{secret}@h:port/x",
        f"postgresql+nonsense://x:{secret}@h/x",
        f"oracle://x:{secret}@h/x",
        f"postgresql+psycopg2://x:{secret}@h/x",
    ]
    for url in urls:
        with pytest.raises((ConfigError, StoreError)) as caught:
            master.Master(url)
        assert caught.value.hint
        said += [str(caught.value), repr(caught.value), caught.value.hint or ""]
    out = capsys.readouterr()
    text = "\n".join([*said, caplog.text, out.out, out.err])
    assert secret not in text
    assert postgresql.PASSWORD not in text


def test_a_missing_psycopg_is_named(postgresql_url: str):
    code = """
        import sys
        sys.modules["psycopg"] = None
        from pelagos.slap import master
        try:
            master.Master(sys.argv[1])
        except Exception as error:
            print(type(error).__name__, error.hint)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), postgresql_url],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "ConfigError pip install 'pelagos[postgresql]'\n", done.stderr


def test_what_the_database_cannot_keep_is_a_clear_refusal(postgresql_url: str):
    with masters(postgresql_url, 1) as [one]:
        furnish(one, 3)
        token = one.service.create_person("admin")
        client = one.app.test_client()
        headers = {"Authorization": f"Bearer {token}"}
        for form in (
            {"url": "/nul\0", "computer_id": COMPUTER},
            {"url": "/" + os.urandom(900).hex() + "é" * 100, "computer_id": COMPUTER},
        ):
            answer = client.post("/supplySupply", data=form, headers=headers)
            assert answer.status_code in (200, 400), answer.text
        assert client.get("/v1/health").status_code == 200


def test_a_full_disk_of_the_server_is_said(require: Require, tmp_path: Path):
    unshare = require.program("unshare", package="util-linux")
    own_mounts = [unshare, "--map-root-user", "--mount"]
    if os.geteuid() != 0:
        pytest.skip("needs root: another user runs the server on a small disk")
    if subprocess.run([*own_mounts, "true"], capture_output=True, check=False).returncode:
        require.missing("no small disk can be made")
    disk = Path(tmp_path / "disk")
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        require.missing("no small disk can be mounted")
    server = postgresql.Server(disk / "server", max_wal_size="32MB", min_wal_size="32MB")
    try:
        server.start()
        with masters(server.create_database(), 1) as [one]:
            furnish(one, 3)
            fill(disk / "filler")
            refused: StoreError | None = None
            for number in range(3000):
                try:
                    one.service.supply(
                        f"/{number}" + "x" * 1500, COMPUTER, SupplyState.AVAILABLE, ADMIN
                    )
                except StoreError as error:
                    refused = error
                    break
            assert refused is not None and refused.hint
            (disk / "filler").unlink()
            eventually(lambda: _works(one), within=30)
    finally:
        server.stop(signal.SIGKILL)
        subprocess.run(["umount", str(disk)], check=True)


def fill(file: Path) -> None:
    """Write to it until the disk is full."""
    with closing(file.open("wb", buffering=0)) as filler, suppress(OSError):
        while filler.write(b"x" * 65536):
            pass


def _works(one: master.Master) -> bool:
    try:
        one.service.supply("/after", COMPUTER, SupplyState.AVAILABLE, ADMIN)
    except StoreError:
        return False
    return True
