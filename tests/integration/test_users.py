"""As root each partition runs under its own user, and none can read another's secrets."""

from __future__ import annotations

import json
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.slap.agent.process import read_stat
from pelagos.slap.model import InstanceState
from support.require import Require
from support.user_site import COMPUTER, UserSite, user_site

pytestmark = pytest.mark.needs_root

BODY = """\
[service]
recipe = pelagos:template
output = $${buildout:directory}/etc/service/web
mode = 0750
inline =
  #!/bin/sh
  umask > umask; id -Gn > ids; env > environ
  echo "web begins"
  exec sleep 1000

[once]
recipe = pelagos:template
output = $${buildout:directory}/etc/run/once
mode = 0750
inline =
  #!/bin/sh
  id -un > once.user

[promise]
recipe = pelagos:template
output = $${buildout:directory}/etc/promise/mine
mode = 0750
inline =
  #!/bin/sh
  echo "$USER $HOME"; id -un > promise.user; umask > promise.umask
"""


@pytest.fixture(scope="module")
def site(require: Require) -> Iterator[UserSite]:
    with user_site(require) as made:
        made.pelagos("node", "format")
        made.spawn()
        url = made.release("one", "service once promise", BODY)
        made.order("a", url)
        made.order("b", url)
        made.until("a", lambda s: s.status == "started", within=120.0)
        made.until("b", lambda s: s.status == "started", within=60.0)
        yield made


def test_services_run_as_the_partitions_user_in_its_groups(site: UserSite) -> None:
    folder = site.partition("a")
    user = pwd.getpwuid(folder.stat().st_uid).pw_name
    assert user.startswith(site.prefix)
    [pid] = [pid for pid in [site.pids("a")["web"]] if pid]
    status = Path(f"/proc/{pid}/status").read_text()
    uids = next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))
    assert set(uids) == {str(folder.stat().st_uid)}
    assert set((folder / "ids").read_text().split()) == {user, site.software_user}
    environ = dict(line.split("=", 1) for line in (folder / "environ").read_text().splitlines())
    assert environ["USER"] == environ["LOGNAME"] == user
    assert environ["HOME"] == str(folder)
    assert (folder / "umask").read_text() == "0027\n"
    assert (folder / "once.user").read_text() == f"{user}\n"


def test_promises_run_as_the_partitions_user(site: UserSite) -> None:
    folder = site.partition("a")
    user = pwd.getpwuid(folder.stat().st_uid).pw_name
    assert (folder / "promise.user").read_text() == f"{user}\n"
    assert (folder / "promise.umask").read_text() == "0027\n"


def test_everything_in_a_partition_belongs_to_its_user(site: UserSite) -> None:
    folder = site.partition("a")
    owner = folder.stat()
    strange = [
        path
        for path in folder.rglob("*")
        if (path.lstat().st_uid, path.lstat().st_gid) != (owner.st_uid, owner.st_gid)
    ]
    assert strange == []
    assert stat.S_IMODE(owner.st_mode) == 0o750


def test_releases_are_built_by_the_software_user_and_readable_to_partitions(
    site: UserSite,
) -> None:
    uid = pwd.getpwnam(site.software_user).pw_uid
    folder = site.layout.software
    assert folder.stat().st_uid == uid
    strange = [path for path in folder.rglob("*") if path.lstat().st_uid != uid]
    assert strange == []
    [release] = folder.glob("*/instance.cfg")
    assert site.as_user(0, "cat", str(release)).returncode == 0


@pytest.mark.parametrize(
    "name", ["buildout.cfg", ".slapgrid/token", ".slapgrid/log/instance.log", ".installed.cfg"]
)
def test_another_partitions_user_reads_nothing(site: UserSite, name: str) -> None:
    numbers = {ref: int(site.partition(ref).name.removeprefix("slappart")) for ref in ("a", "b")}
    path = str(site.partition("a") / name)
    assert site.as_user(numbers["a"], "cat", path).returncode == 0
    refused = site.as_user(numbers["b"], "cat", path)
    assert refused.returncode != 0
    assert "ermission denied" in refused.stderr


def test_the_agents_own_files_are_closed_to_partitions(site: UserSite) -> None:
    for path in ("agent-status.json", "format.json", "instance/etc", "instance/sv.sock"):
        place = site.root / path
        command = ("ls", str(place)) if place.is_dir() else ("cat", str(place))
        assert site.as_user(0, *command).returncode != 0, path


def test_a_users_services_log_where_only_the_supervisor_writes(site: UserSite) -> None:
    folder = site.partition("a")
    number = int(folder.name.removeprefix("slappart"))
    link = folder / f".{folder.name}_web.log"
    assert "web begins" in site.as_user(number, "cat", str(link)).stdout
    assert site.as_user(number, "sh", "-c", f"echo x >> {link}").returncode != 0
    other = 1 - number
    assert site.as_user(other, "cat", str(link.resolve())).returncode != 0


def test_the_warm_buildout_runs_as_the_user_not_as_root(site: UserSite) -> None:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                uid = entry.stat().st_uid
            except OSError:
                continue
            script = str(site.layout.software).encode()
            if b"serve" in words and any(word.startswith(script) for word in words):
                found.append(uid)
    assert found
    assert 0 not in found


def test_a_link_in_a_partition_leads_the_agent_nowhere(site: UserSite) -> None:
    """The agent writes `.timestamp`, logs and the profile as the user, never as root."""
    folder = site.partition("b")
    number = int(folder.name.removeprefix("slappart"))
    victim = site.folder / "victim"
    victim.write_text("untouched")
    victim.chmod(0o600)
    log = folder / ".slapgrid" / "log" / "instance.log"
    for path in (log, folder / "buildout.cfg", folder / ".timestamp"):
        site.as_user(number, "ln", "-sf", str(victim), str(path))
    site.request("b", site.service("b").release_url, parameters={"again": "1"})
    site.until("b", lambda s: s.parameters.get("again") == "1" and s.status == "started")
    site.until("b", lambda _: _is_mended(folder / ".timestamp") and not log.is_symlink())
    assert victim.read_text() == "untouched"
    assert victim.stat().st_uid == 0


def _is_mended(path: Path) -> bool:
    return path.exists() and not path.is_symlink()


def test_a_pipe_in_place_of_a_file_does_not_hold_the_agent(site: UserSite) -> None:
    folder = site.partition("b")
    number = int(folder.name.removeprefix("slappart"))
    for name in (".timestamp", ".slapgrid/guid"):
        site.as_user(number, "rm", "-f", str(folder / name))
        site.as_user(number, "mkfifo", str(folder / name))
    site.request("a", site.service("a").release_url, parameters={"other": "1"})
    found = site.until("a", lambda s: s.parameters.get("other") == "1" and s.status == "started")
    assert found.cause.code == "ok"


def test_a_second_format_does_nothing_and_what_was_made_is_noted(site: UserSite) -> None:
    again = site.pelagos("node", "format", "-o", "json")
    assert json.loads(again.stdout) == []
    noted = json.loads((site.root / "format.json").read_text())
    users = {f"{site.prefix}{number}" for number in range(3)}
    assert {site.software_user, *users} <= set(noted["users_made"])


def test_a_format_that_would_lose_an_instance_is_refused(site: UserSite) -> None:
    refused = site.pelagos("node", "format", "--partitions", "1", check=False)
    assert refused.returncode != 0
    assert "slappart1 would no longer be a partition, but holds an instance" in refused.stderr
    undone = site.pelagos("node", "unformat", check=False)
    assert undone.returncode != 0
    assert "still holds an instance" in undone.stderr


def test_a_running_agent_takes_more_partitions_at_once(site: UserSite) -> None:
    site.write_config(partitions=4)
    site.pelagos("node", "format")
    site.until("a", lambda _: site.client.computer(COMPUTER).partition_count == 4, within=30.0)
    assert pwd.getpwnam(f"{site.prefix}3").pw_dir == str(site.root / "instance" / "slappart3")


def test_a_destroyed_instance_leaves_no_process_of_its_user(site: UserSite) -> None:
    site.request("c", site.service("a").release_url)
    site.until("c", lambda s: s.status == "started", within=60.0)
    folder = site.partition("c")
    uid = folder.stat().st_uid
    number = int(folder.name.removeprefix("slappart"))
    site.as_user(number, "sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 </dev/null &")
    site.set_state("c", InstanceState.DESTROYED)
    site.until("a", lambda _: list(folder.iterdir()) == [folder / ".slapos-resource"])
    assert [p for p in Path("/proc").glob("[0-9]*") if _is_alive(p, uid)] == []


def _is_alive(path: Path, uid: int) -> bool:
    try:
        is_theirs = path.stat().st_uid == uid
    except OSError:
        return False
    fields = read_stat(int(path.name))
    return is_theirs and fields is not None and fields[0] != "Z"
