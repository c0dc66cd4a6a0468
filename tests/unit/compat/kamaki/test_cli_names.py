"""What programs take from the ancestor's command line: settings, logs, errors, printing."""

from __future__ import annotations

import io
import json
import logging
import stat
from pathlib import Path

import pytest

from pelagos.clients.cloud import KnownClouds
from pelagos.clients.errors import NotFound
from pelagos.compat.kamaki.cli import logger as logs
from pelagos.compat.kamaki.cli.config import Config, InvalidCloudNameError
from pelagos.compat.kamaki.cli.errors import (
    CLIBaseUrlError,
    CLIError,
    CLISyntaxError,
    raiseCLIError,
)
from pelagos.compat.kamaki.cli.utils import (
    ask_user,
    print_dict,
    print_items,
    print_json,
    print_list,
)

FILE = """
[global]
default_cloud = okeanos
[cloud "okeanos"]
url = http://accounts/identity/v2.0
token = T1 T2
[store]
token = former
"""


@pytest.fixture
def rc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "kamakirc"
    path.write_text(FILE)
    monkeypatch.setenv("KAMAKI_CONFIG", str(path))
    return path


def test_a_cloud_is_found_as_programs_look_for_it(rc: Path) -> None:
    config = Config()
    name = config.get_global("default_cloud")
    assert config.path == str(rc)
    assert config.get_cloud(name, "url") == "http://accounts/identity/v2.0"
    assert config.get("cloud", "okeanos") == config.get_cloud("okeanos")
    assert config.get("cloud", "cloud.okeanos.token") == "T1 T2"
    assert config.get("cloud.okeanos", "token") == config.get('cloud "okeanos"', "token")
    assert config.get("store", "token") == "former"
    assert config.get("absent", "x") is None
    assert config.get("global", "file_cli") == "pithos"
    assert Config(str(rc), with_defaults=False).get("global", "file_cli") is None
    assert config.apis() == ["cloud", "store"] and config.has_section("store")
    assert config.items("store") == [("token", "former")]
    with pytest.raises(KeyError):
        config.get_cloud("okeanos", "absent")
    with pytest.raises(KeyError):
        config.get_cloud("absent", "url")


def test_what_is_written_is_read_again_by_all(rc: Path) -> None:
    config = Config()
    config.set_cloud("second", "url", "http://other/identity/v2.0")
    config.set("cloud.second", "token", "ü")
    config.set_global("default_cloud", "second")
    config.override("cloud.second", "token", "not written")
    config.remove_option("store", "token")
    config.remove_from_cloud("okeanos", "token")
    assert config.get_cloud("second", "token") == "not written"
    config.write()
    assert stat.S_IMODE(rc.stat().st_mode) == 0o600
    again = Config()
    assert again.get_cloud("second") == {"url": "http://other/identity/v2.0", "token": "ü"}
    assert again.get("store", "token") is None and again.get_cloud("okeanos").keys() == {"url"}
    known = KnownClouds({"KAMAKI_CONFIG": str(rc)})
    assert known.get("second").auth_url == "http://other/identity/v2.0"
    config.reload()
    assert config.get("global", "default_cloud") == "second"


def test_a_name_that_no_cloud_can_have_is_refused(rc: Path) -> None:
    with pytest.raises(InvalidCloudNameError):
        Config().set_cloud("a b", "url", "x")
    rc.write_text("no section\n")
    with pytest.raises(CLIError, match="no file of sections"):
        Config()
    rc.unlink()
    assert Config().sections() == ["global", "cloud"]


def test_logs_go_to_a_file_of_their_owners(tmp_path: Path) -> None:
    path = tmp_path / "log"
    logs.set_log_filename(str(path))
    try:
        found = logs.add_file_logger("kamaki.test", logging.INFO)
        found.info("heard")
        found.debug("not heard")
        logs.deactivate("kamaki.test")
        found.error("silent")
        logs.activate("kamaki.test")
        assert logs.get_logger("kamaki.test").level == logging.INFO
        assert logs.get_log_filename() == str(path)
        text = path.read_text()
        assert "heard" in text and "silent" not in text and "not heard" not in text
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        logs.set_log_filename("~/.kamaki.log")
        for handler in found.handlers[:]:
            handler.close()
            found.removeHandler(handler)
    assert logs.add_stream_logger("kamaki.other", fmt="%(message)s").handlers
    logging.getLogger("kamaki.other").handlers.clear()


def test_errors_say_how_important_they_are() -> None:
    assert CLIError("x").importance == 0 and str(CLIError("x")) == "x\n"
    assert CLISyntaxError("x", "one").details == ["one"]
    assert CLIBaseUrlError("pithos").importance == 2
    with pytest.raises(CLIError) as caught:
        raiseCLIError(NotFound("404 gone", 404, "d"), "no such server", details=["look"])
    assert str(caught.value) == "(404) no such server\n"
    assert caught.value.importance == 4
    assert caught.value.details == ["look", "d", "404 gone"]


def test_things_are_printed_in_their_order() -> None:
    out = io.StringIO()
    print_dict({"b": 1, "a": {"x": [1, {"y": "z\x1b"}]}, "no": 0}, exclude=["no"], out=out)
    assert out.getvalue() == "b: 1\na:\n    x:\n        1\n            y: z\\x1b\n"
    out = io.StringIO()
    print_items([{"id": 1, "name": "n", "ram": 512}, "bare"], with_enumeration=True, out=out)
    assert out.getvalue() == "1. 1 n\n    ram: 512\n2. bare\n"
    out = io.StringIO()
    print_list(["a", "b"], exclude=["b"], with_enumeration=True, out=out)
    assert out.getvalue() == "1. a\n"
    out = io.StringIO()
    print_json({"a": 1}, out)
    assert json.loads(out.getvalue()) == {"a": 1}


def test_only_yes_means_yes() -> None:
    for said, wanted in (("y\n", True), ("Y\n", True), ("\n", False), ("n\n", False), ("", False)):
        asked = io.StringIO()
        assert ask_user("Go on?", out=asked, user_in=io.StringIO(said)) is wanted
        assert asked.getvalue() == "Go on? [y/N]: "
