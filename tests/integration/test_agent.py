"""The real agent, a real master, real buildouts and real processes; faults by doing."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest

from pelagos.slap.agent import AgentError
from pelagos.slap.model import InstanceState, SupplyState
from support.agent_site import QUICK, Site

pytestmark = pytest.mark.integration

HELLO = str(Path(__file__).parents[2] / "examples" / "hello" / "software.cfg")

SLEEPER = """\
[web]
recipe = pelagos:service
command = /bin/sleep 1000
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    try:
        yield made
    finally:
        made.close()


def eventually(look: Callable[[], object], within: float = 60.0) -> None:
    end = time.monotonic() + within
    while not look():
        assert time.monotonic() < end
        time.sleep(0.05)


def polled(site: Site, times: int) -> None:
    """Wait until the agent has had so many more answers of its master and acted on them."""
    agent = site.agent
    assert agent is not None
    for _ in range(times + 1):  # the answer after the last shows that it was acted on
        last = agent.status().last_contact
        eventually(lambda last=last: agent.status().last_contact != last)


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


# ---- the journey --------------------------------------------------------------------------------


def test_the_example_release_serves_its_page_and_comes_back_when_killed(site: Site) -> None:
    site.start()
    site.order("hello", HELLO, parameters={"greeting": "good morning"})
    url = str(site.until_started("hello").connection["url"])
    assert read(url).startswith("good morning")

    site.request("hello", HELLO, parameters={"greeting": "good night"})
    eventually(lambda: _said(url).startswith("good night"))
    site.until_started("hello")
    assert site.service("hello").connection["url"] == url

    before = site.pids("hello")["hello"]
    assert before is not None
    os.kill(before, signal.SIGKILL)
    eventually(lambda: site.pids("hello")["hello"] not in {None, before})
    eventually(lambda: _said(url).startswith("good night"))


def _said(url: str) -> str:
    with contextlib.suppress(OSError, HTTPException):  # it may end while it answers
        return read(url)
    return ""


def test_stop_start_and_destroy_do_what_they_say(site: Site) -> None:
    url = site.release("sleeper", "web", SLEEPER)
    site.start()
    site.order("s", url)
    site.until_started("s")
    folder = site.partition("s")
    assert folder.stat().st_mode & 0o777 == 0o750
    eventually((folder / ".timestamp").exists)  # written when the master has heard of it
    assert (folder / "software_release").resolve() == site.layout.release(url)
    assert site.pids("s")["web"]

    site.set_state("s", InstanceState.STOPPED)
    site.until("s", lambda s: s.status == "stopped")
    assert site.pids("s") == {}
    assert "requested-state = stopped" in (folder / "buildout.cfg").read_text()

    site.set_state("s", InstanceState.STARTED)
    site.until_started("s")

    site.set_state("s", InstanceState.DESTROYED)
    eventually(lambda: not list(folder.iterdir()))
    eventually(lambda: all(s.partition_id is None for s in site.client.services()))


def test_a_removed_release_leaves_no_folder(site: Site) -> None:
    url = site.release("sleeper", "web", SLEEPER)
    site.start()
    site.supply(url)
    site.until_release(url, "ok")
    site.supply(url, SupplyState.DESTROYED)
    eventually(lambda: not [r for r in site.client.releases() if r.url == url])
    assert not site.layout.release(url).exists()


# ---- faults of a release ------------------------------------------------------------------------


def test_a_release_that_is_not_there_is_unreachable(site: Site) -> None:
    site.start()
    site.supply("/nowhere/software.cfg")
    cause = site.until_release("/nowhere/software.cfg", "release-unreachable").cause
    assert "/nowhere/software.cfg" in cause.message and cause.hint


def test_a_page_is_not_a_profile(site: Site, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text("<html>hello</html>")
    site.start()
    site.supply(str(page))
    cause = site.until_release(str(page), "release-not-a-profile").cause
    assert str(page) in cause.message and "<html>" not in cause.message  # it may be a secret


def test_a_failed_build_names_the_part_and_the_line_and_heals(site: Site, tmp_path: Path) -> None:
    profile = tmp_path / "broken.cfg"
    profile.write_text("[buildout]\nparts = web\n\n[web]\nrecipe = pelagos:template\n")
    site.start()
    site.order("b", str(profile))
    cause = site.until_release(str(profile), "buildout-failed").cause
    assert "part web" in cause.message and "output" in cause.message
    log = site.layout.release_log(str(profile))
    number = int(cause.message.rpartition("(line ")[2].split()[0])
    assert log.read_text().splitlines()[number - 1].startswith("Error:")
    assert not (site.layout.release(str(profile)) / ".completed").exists()

    site.release("broken", "web", SLEEPER)  # writes the same file, mended
    site.until_started("b")


def test_a_failed_release_that_is_supplied_anew_is_built_at_once_and_told_again(
    site: Site, tmp_path: Path
) -> None:
    profile = tmp_path / "broken.cfg"
    profile.write_text("[buildout]\nparts = web\n\n[web]\nrecipe = pelagos:template\n")
    url = str(profile)
    site.start(retry_first=300.0)
    site.supply(url)
    first = site.until_release(url, "buildout-failed").cause
    site.supply(url, SupplyState.DESTROYED)
    site.supply(url)
    eventually(lambda: site.release_state(url).cause.since > first.since)
    assert site.until_release(url, "buildout-failed").cause.since > first.since


def test_a_hung_build_holds_up_nobody_and_ends_with_the_agent(site: Site, tmp_path: Path) -> None:
    fifo = tmp_path / "never"
    os.mkfifo(fifo)
    hung = tmp_path / "hung.cfg"
    hung.write_text(
        f"[buildout]\nparts = a\n[a]\nrecipe = pelagos:template\nsource = {fifo}\noutput = x\n"
    )
    site.start()
    site.supply(str(hung))
    site.until_release(str(hung), "release-building")
    url = site.release("sleeper", "web", SLEEPER)
    site.order("s", url)
    site.until_started("s")
    assert site.release_state(str(hung)).cause.code == "release-building"
    began = time.monotonic()
    site.stop()
    assert time.monotonic() - began < 60
    assert not _processes_with(str(site.layout.release(str(hung))))


def test_removing_a_release_ends_its_build(site: Site, tmp_path: Path) -> None:
    fifo = tmp_path / "never"
    os.mkfifo(fifo)
    hung = tmp_path / "hung.cfg"
    hung.write_text(
        f"[buildout]\nparts = a\n[a]\nrecipe = pelagos:template\nsource = {fifo}\noutput = x\n"
    )
    site.start(retry_first=300.0)
    site.supply(str(hung))
    folder = site.layout.release(str(hung))
    eventually(lambda: (folder / "bin" / "buildout").exists() and _processes_with(str(folder)))
    site.supply(str(hung), SupplyState.DESTROYED)
    eventually(lambda: not [r for r in site.client.releases() if r.url == str(hung)], within=60)
    assert not folder.exists() and not _processes_with(str(folder))
    site.supply(str(hung))
    eventually(lambda: _processes_with(str(folder)), within=60)


def test_a_build_that_takes_too_long_is_ended(site: Site, tmp_path: Path) -> None:
    fifo = tmp_path / "never"
    os.mkfifo(fifo)
    hung = tmp_path / "hung.cfg"
    hung.write_text(
        f"[buildout]\nparts = a\n[a]\nrecipe = pelagos:template\nsource = {fifo}\noutput = x\n"
    )
    site.start(build_timeout=3.0)
    site.supply(str(hung))
    cause = site.until_release(str(hung), "buildout-failed").cause
    assert "after 3 s" in cause.message


def _processes_with(text: str) -> list[int]:
    wanted = os.fsencode(text)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (entry / "cmdline").read_bytes() and is_running(int(entry.name)):
                    found.append(int(entry.name))
    return found


def _descends(pid: int, elders: list[int]) -> bool:
    try:
        return any(parent.pid in elders for parent in psutil.Process(pid).parents())
    except psutil.NoSuchProcess:  # it was a short one
        return True


def test_an_agent_killed_while_it_builds_leaves_no_half_built_release(
    site: Site, tmp_path: Path
) -> None:
    fifo = tmp_path / "gate"
    os.mkfifo(fifo)
    profile = Path(site.release("sleeper", "web", SLEEPER))
    text = profile.read_text().replace("parts = instance", "parts = gate instance", 1)
    profile.write_text(
        f"{text}\n[gate]\nrecipe = pelagos:template\nsource = {fifo}\noutput = gate.txt\n"
    )
    url = str(profile)
    site.spawn()
    site.order("s", url)
    site.until_release(url, "release-building")
    folder = site.layout.release(url)
    eventually(lambda: (folder / "bin" / "buildout").exists() and _processes_with(str(folder)))
    site.kill()
    assert not (folder / ".completed").exists()
    orphans = _processes_with(f"{folder}/.pelagos-built")
    assert orphans  # the build goes on and holds its lock

    site.start()
    polled(site, 2)
    later = set(_processes_with(f"{folder}/.pelagos-built")) - set(orphans)
    assert not [pid for pid in later if not _descends(pid, orphans)]  # and no second one
    fifo.write_text("open\n")
    site.until_started("s")
    assert (folder / ".completed").exists()


# ---- faults of an instance ----------------------------------------------------------------------


def test_a_service_that_crashes_on_start_is_named_with_its_last_words(site: Site) -> None:
    body = """\
[web]
recipe = pelagos:service
command =
  /bin/sh
  -c
  echo cannot read my configuration; exit 3
"""
    url = site.release("crash", "web", body)
    site.start()
    site.order("c", url)
    cause = site.until_cause("c", "service-crashed").cause
    assert "web" in cause.message and "exit status 3" in cause.message
    assert "cannot read my configuration" in cause.message
    assert str(site.partition("c")) in cause.detail


PROMISED = """\
[web]
recipe = pelagos:service
command = /bin/sleep 1000

[mood]
recipe = pelagos:promise
command =
  /bin/sh
  -c
  {script}
"""


def test_a_promise_turns_red_and_green_again(site: Site, tmp_path: Path) -> None:
    mark = tmp_path / "well"
    script = f"test -e {mark} && echo fine || {{ echo the mark is missing; exit 1; }}"
    url = site.release("moody", "web mood", PROMISED.format(script=script))
    site.start()
    site.order("m", url)
    cause = site.until_cause("m", "promise-failed").cause
    assert "mood" in cause.message and "the mark is missing" in cause.message
    assert not (site.partition("m") / ".timestamp").exists()
    mark.touch()
    site.until_started("m")
    timestamp = site.partition("m") / ".timestamp"
    eventually(timestamp.exists)
    mark.unlink()
    site.until_cause("m", "promise-failed")
    result = site.partition("m") / ".slapgrid" / "promise" / "result" / "mood.status.json"
    assert '"failed":true' in result.read_text()


def test_a_hung_promise_fails_and_its_processes_end(site: Site) -> None:
    url = site.release("hang", "web mood", PROMISED.format(script="sleep 987 & sleep 987"))
    site.start(promise_timeout=1.0)
    site.order("h", url)
    cause = site.until_cause("h", "promise-failed").cause
    assert "no answer within 1 s" in cause.message
    other = site.release("sleeper", "web", SLEEPER)
    site.order("s", other)
    site.until_started("s")
    site.stop()
    assert not _processes_with("sleep\x00987")


def test_a_taken_port_is_named(site: Site) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        site.start()
        site.order("hello", HELLO, parameters={"port": str(port)})
        cause = site.until_cause("hello", "port-taken").cause
        assert str(port) in cause.message and f":{port}" in cause.hint
    site.until_started("hello")  # the port is free now; the service is started again by itself


def test_a_service_on_the_port_of_another_is_never_called_started(site: Site) -> None:
    site.start()
    site.order("hello", HELLO)
    url = str(site.until_started("hello").connection["url"])
    port = url.rstrip("/").rpartition(":")[2]
    site.request("hello2", HELLO, parameters={"port": port})
    seen = set()
    taken = site.until("hello2", lambda s: seen.add(s.status) or s.cause.code == "port-taken")
    assert "started" not in seen
    assert port in taken.cause.message and "slappart0" in taken.cause.message


def test_a_service_on_the_port_of_a_stranger_is_never_called_started(site: Site) -> None:
    with HTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        thread = threading.Thread(target=stranger.serve_forever)
        thread.start()
        try:
            site.start()
            site.order("hello", HELLO, parameters={"port": str(stranger.server_port)})
            site.until_cause("hello", "port-taken")
        finally:
            stranger.shutdown()
            thread.join()
    states = [e.kind for e in site.client.events(limit=500) if e.kind.startswith("instance.")]
    assert "instance.started" not in states, states


class Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_an_unknown_parameter_is_an_error_that_names_the_nearest(site: Site) -> None:
    site.start()
    site.order("hello", HELLO, parameters={"greting": "hi"})
    service = site.until("hello", lambda s: "[parameters]" in s.cause.detail)
    cause = service.cause
    assert cause.code == "parameters-invalid" and cause.message.startswith("parameters.greting")
    assert "greeting" in cause.hint and "greeting" in cause.detail


def test_one_bad_partition_stops_no_other(site: Site) -> None:
    bad = site.release("bad", "web", "[web]\nrecipe = pelagos:service\ncommand = ''unbalanced'\n")
    good = site.release("sleeper", "web", SLEEPER)
    site.start()
    site.order("bad", bad)
    site.order("good", good)
    site.until_started("good")
    assert "part web" in site.until_cause("bad", "buildout-failed").cause.message


def test_a_hung_configuration_is_ended_and_holds_up_nobody(site: Site, tmp_path: Path) -> None:
    fifo = tmp_path / "never"
    os.mkfifo(fifo)
    body = f"[web]\nrecipe = pelagos:template\nsource = {fifo}\noutput = x\n"
    hung = site.release("hung", "web", body)
    good = site.release("sleeper", "web", SLEEPER)
    site.start(partition_timeout=3.0)
    site.order("hung", hung)
    site.order("good", good)
    site.until_started("good")
    assert "after 3 s" in site.until_cause("hung", "buildout-failed").cause.message


def test_a_hung_configuration_of_a_killed_agent_is_ended_by_the_next(
    site: Site, tmp_path: Path
) -> None:
    fifo = tmp_path / "gate"
    os.mkfifo(fifo)
    body = f"[web]\nrecipe = pelagos:template\nsource = {fifo}\noutput = x\n"
    url = site.release("hung", "web", body)
    site.spawn(warm_limit=0)
    site.order("h", url)
    profile = str(site.layout.partition("slappart0") / "buildout.cfg")
    eventually(lambda: _processes_with(profile))
    orphans = _processes_with(profile)
    site.kill()
    Path(site.release("hung", "web", SLEEPER))
    instance = site.layout.release(url) / "instance.cfg"
    instance.write_text(instance.read_text().replace(str(fifo), "/dev/null"))
    site.start()
    site.until_started("h")
    assert not any(is_running(pid) for pid in orphans)


def test_a_full_disk_is_named_and_heals(site: Site, require) -> None:
    if subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        require.missing("unshare -rm is not allowed here: it needs user namespaces")
    url = site.release("sleeper", "web", SLEEPER)
    disk = site.root / "instance" / "slappart0"
    disk.mkdir(parents=True)
    script = (
        'mount -t tmpfs -o size=256k,mode=0750 tmpfs "$0" && '
        'head -c 262144 /dev/zero > "$0/filler"; shift 0; exec "$@"'
    )
    site.spawn("unshare", "-rm", "sh", "-c", script, str(disk))
    site.order("s", url)
    cause = site.until_cause("s", "disk-full").cause
    assert "slappart0" in cause.message or str(site.root) in cause.message
    assert site.process is not None
    inside = Path(f"/proc/{site.process.pid}/root{disk}")
    (inside / "filler").unlink()
    site.until_started("s")


# ---- faults of agent and master -----------------------------------------------------------------


def test_services_run_on_untouched_while_the_agent_is_away(site: Site) -> None:
    url = site.release("sleeper", "web", SLEEPER)
    site.start()
    site.order("s", url)
    site.until_started("s")
    before = site.pids("s")
    events = site.client.events(limit=500)
    site.stop()
    assert site.pids("s") == before
    site.start()
    polled(site, 2)
    assert site.pids("s") == before
    assert site.service("s").status == "started"
    told = [e for e in site.client.events(after=events[-1].id) if e.kind.startswith("instance.")]
    assert told == []


def test_a_killed_agent_leaves_services_running_and_its_successor_takes_over(site: Site) -> None:
    url = site.release("sleeper", "web", SLEEPER)
    site.spawn()
    site.order("s", url)
    site.until_started("s")
    before = site.pids("s")
    site.kill()
    assert site.pids("s") == before
    site.request("t", url)
    site.start()
    site.until_started("t")
    assert site.pids("s") == before


def test_a_killed_supervisor_is_started_again_with_its_services(site: Site) -> None:
    url = site.release("sleeper", "web", SLEEPER)
    site.start()
    site.order("s", url)
    site.until_started("s")
    before = site.pids("s")["web"]
    conf = str(site.layout.instance / "etc" / "supervisord.conf")
    (supervisord,) = _processes_with(conf)
    (site.layout.instance / "etc" / "supervisord.conf.d" / "slappart0.conf").unlink()
    os.kill(supervisord, signal.SIGKILL)
    eventually(lambda: _processes_with(conf) not in ([], [supervisord]))
    eventually(lambda: site.pids("s").get("web") not in {None, before})
    assert before is not None and not is_running(before)


def test_a_vanished_master_stops_nothing_and_reports_wait(tmp_path: Path) -> None:
    site = Site(tmp_path)
    url = site.release("sleeper", "web", SLEEPER)
    try:
        site.start()
        site.order("s", url)
        site.until_started("s")
        agent = site.agent
        assert agent is not None
        port = site.server.port
        site.server.stop()
        eventually(lambda: agent.status().cause.code == "master-unreachable")
        pid = site.pids_of("slappart0")["web"]
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: site.pids_of("slappart0")["web"] not in {None, pid})
        site.serve(port)
        eventually(lambda: agent.status().cause.code == "ok", within=40)
        assert site.service("s").status == "started"
    finally:
        site.close()


def test_a_second_agent_on_the_same_folder_is_refused(site: Site) -> None:
    site.start()
    eventually(lambda: site.agent and site.agent.status().last_contact)
    with pytest.raises(AgentError, match="Another agent"):
        site.another().run(site.never())


def test_a_clean_stop_without_services_leaves_no_process(site: Site) -> None:
    site.start()
    eventually(lambda: site.agent and site.agent.status().last_contact)
    eventually(lambda: _processes_with(str(site.layout.instance / "etc" / "supervisord.conf")))
    site.stop()
    assert not _processes_with(str(site.root))


def test_the_status_file_says_what_the_agent_does(site: Site) -> None:
    site.start()
    eventually(lambda: site.agent and site.agent.status().cause.code == "ok")
    path = site.layout.status_file
    eventually(lambda: '"code":"ok"' in path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600
    assert QUICK["partition_count"] == 3
