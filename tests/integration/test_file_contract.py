"""What lies on the disk of a computer, item by item: recipes and people's tools rely on it."""

from __future__ import annotations

import configparser
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.agent_site import COMPUTER, Site

BODY = """\
[service]
recipe = pelagos:template
output = $${buildout:directory}/etc/service/web
mode = 0750
inline =
  #!/bin/sh
  echo one >> web.starts
  exec sleep 1000

[once]
recipe = pelagos:template
output = $${buildout:directory}/etc/run/once
mode = 0750
inline =
  #!/bin/sh
  env > once.env; umask > once.umask
  echo one >> once.runs

[note]
recipe = pelagos:template
output = $${buildout:directory}/etc/noted.cfg
inline =
  dash = $${slap-connection:requested-state} $${slap-connection:computer-id}
  line = $${slap_connection:requested_state} $${slap_connection:partition_id}
  key = $${slap-connection:key-file}|$${slap-connection:cert-file}
  parts = $${slap-connection:shared-part-list}|$${slap-connection:build-time-part-list}
  storage = $${storage-configuration:storage-home}|
  network = $${network-information:global-ipv4-network}|
  bin = $${buildout:bin-directory} $${buildout:offline}
  url = $${slap-connection:software-release-url} $${slap-connection:server-url}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("contract"))
    try:
        made.start()
        url = made.release("one", "service once note", BODY)
        made.order("a", url)
        made.until("a", lambda s: s.status == "started", within=90.0)
        yield made
    finally:
        made.close()


@pytest.fixture
def folder(site: Site) -> Path:
    return site.partition("a")


def test_the_partition_is_0750_again_after_somebody_changed_it(site: Site, folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750
    folder.chmod(0o777)
    site.request("a", site.service("a").release_url, parameters={"n": "1"})
    site.until("a", lambda s: s.parameters.get("n") == "1" and s.status == "started")
    site.until("a", lambda _: stat.S_IMODE(folder.stat().st_mode) == 0o750)


def test_the_profile_is_the_releases_with_our_sections_behind_it(folder: Path) -> None:
    path = folder / "buildout.cfg"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    text = path.read_text()
    release = folder / "software_release"
    assert release.is_symlink()
    assert text.startswith((release / "instance.cfg").read_text())
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string(text)
    assert parser["buildout"]["offline"] == "true"
    assert parser["buildout"]["bin-directory"] == f"{folder}/sbin"
    dashed, legacy = dict(parser["slap-connection"]), dict(parser["slap_connection"])
    assert {key.replace("-", "_"): value for key, value in dashed.items()} == legacy
    assert set(dashed) == {
        "computer-id",
        "partition-id",
        "server-url",
        "software-release-url",
        "requested-state",
        "key-file",
        "cert-file",
        "authority-file",
        "shared-part-list",
        "build-time-part-list",
    }
    assert "storage-home" in parser["storage-configuration"]
    assert "global-ipv4-network" in parser["network-information"]


def test_recipes_can_read_every_key(folder: Path) -> None:
    noted = (folder / "etc" / "noted.cfg").read_text()
    assert f"dash = started {COMPUTER}" in noted
    assert f"line = started {folder.name}" in noted
    assert "key = |" in noted  # plain HTTP: no certificate is fetched
    assert "parts = |" in noted
    assert "storage = |" in noted
    assert "network = |" in noted
    assert f"bin = {folder}/sbin true" in noted


def test_a_service_is_watched_and_a_run_is_not(site: Site, folder: Path) -> None:
    conf = site.layout.instance / "etc" / "supervisord.conf.d" / f"{folder.name}.conf"
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(conf.read_text())
    web, once = parser[f"program:{folder.name}_web"], parser[f"program:{folder.name}_once"]
    assert (web["process_name"], once["process_name"]) == ("web-on-watch", "once")
    assert (web["autorestart"], once["autorestart"]) == ("true", "false")
    assert (web["stopasgroup"], web["killasgroup"]) == ("true", "true")
    assert web["stdout_logfile"] == str(folder / f".{folder.name}_web.log")
    assert int(web["stdout_logfile_maxbytes"]) * (1 + int(web["stdout_logfile_backups"])) < 4e6


def test_a_dead_service_starts_again_and_a_run_that_ended_does_not(
    site: Site, folder: Path
) -> None:
    runs = (folder / "once.runs").read_text()
    pid = site.pids("a")["web"]
    assert pid
    os.kill(pid, 9)
    site.until("a", lambda _: site.pids("a").get("web") not in {None, pid})
    site.until("a", lambda _: (folder / "web.starts").read_text().count("one") >= 2)
    assert (folder / "once.runs").read_text() == runs


def test_programs_have_the_partition_as_home_and_a_closed_umask(folder: Path) -> None:
    environ = (folder / "once.env").read_text()
    assert f"HOME={folder}\n" in environ
    assert "PYTHONPATH" not in environ
    assert (folder / "once.umask").read_text() == "0027\n"


def test_the_timestamp_is_what_the_master_said(site: Site, folder: Path) -> None:
    site.until("a", lambda _: (folder / ".timestamp").exists())
    assert (folder / ".timestamp").read_text().isdigit()
    assert stat.S_IMODE((folder / ".timestamp").stat().st_mode) == 0o640


def test_a_failed_run_leaves_no_timestamp_and_says_why(site: Site) -> None:
    body = "output = $${buildout:directory}/buildout.cfg/below-a-file\ninline = a\n"
    broken = site.release("broken", "wrong", f"[wrong]\nrecipe = pelagos:template\n{body}")
    site.order("broken", broken)
    site.until("broken", lambda s: s.status == "error", within=60.0)
    folder = site.partition("broken")
    assert not (folder / ".timestamp").exists()
    error_log = folder / f".slapgrid-{folder.name}-error.log"
    assert "FileExistsError" in error_log.read_text()
    assert stat.S_IMODE(error_log.stat().st_mode) == 0o640
    assert (folder / ".slapgrid" / "log" / "instance.log").exists()


def test_the_supervisor_has_its_files_where_slapos_has_them(site: Site) -> None:
    etc = site.layout.instance / "etc"
    assert stat.S_IMODE(etc.stat().st_mode) == 0o700
    conf = configparser.ConfigParser(interpolation=None)
    conf.read_string((etc / "supervisord.conf").read_text())
    assert conf["include"]["files"] == "supervisord.conf.d/*.conf"
    size = conf["supervisord"]["logfile_maxbytes"]
    assert (size, conf["supervisord"]["logfile_backups"]) == ("1MB", "2")


def test_results_of_promises_lie_where_slapos_has_them(site: Site) -> None:
    url = site.release(
        "kept",
        "promise",
        "[promise]\nrecipe = pelagos:template\nmode = 0750\n"
        "output = $${buildout:directory}/etc/promise/good\ninline =\n  #!/bin/sh\n  echo fine\n",
    )
    site.order("kept", url)
    site.until("kept", lambda s: s.status == "started", within=60.0)
    path = site.partition("kept") / ".slapgrid" / "promise" / "result" / "good.status.json"
    site.until("kept", lambda _: path.exists())
    said = json.loads(path.read_text())
    assert said["result"]["failed"] is False
    assert said["result"]["message"] == "fine"


BOOTSTRAP = """\
[buildout]
parts = instance bootstrap

[instance]
recipe = pelagos:template
output = ${{buildout:directory}}/instance.cfg
inline =
  [buildout]
  parts = a
  [a]
  recipe = pelagos:template
  output = $${{buildout:directory}}/made
  inline = x

[bootstrap]
recipe = pelagos:template
mode = 0755
output = ${{buildout:directory}}/bin/bootstrap-own
inline =
  #!/bin/sh
  {what}
"""


def test_the_releases_own_bootstrap_is_used(tmp_path: Path) -> None:
    site = Site(tmp_path)
    try:
        site.start()
        good, bad = tmp_path / "good.cfg", tmp_path / "bad.cfg"
        good.write_text(
            BOOTSTRAP.format(
                what="printf '#!/bin/sh\\npwd > own; touch made\\n' > sbin/buildout; "
                "chmod 750 sbin/buildout"
            )
        )
        bad.write_text(BOOTSTRAP.format(what="exit 0"))
        site.order("good", str(good))
        site.order("bad", str(bad))
        site.until("good", lambda s: s.status == "started", within=90.0)
        assert (site.partition("good") / "own").read_text() == f"{site.partition('good')}\n"
        failed = site.until("bad", lambda s: s.status == "error", within=60.0)
        assert "made no sbin/buildout" in failed.cause.message
    finally:
        site.close()
