"""A company's xivo-dird moves: its files are imported, the directory runs, clients find all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.packages import lay_out
from support.plane import eventually
from support.wazo_auth import WazoAuth

pytestmark = pytest.mark.integration

PELAGOS = str(Path(sys.executable).with_name("pelagos"))
EXAMPLE = Path(__file__).parents[2] / "examples" / "dird_plugins"
RIGHTS = {"auth_id": "ada", "xivo_user_uuid": "u-ada", "acl": ["dird.#"]}
PEOPLE = "id|first|last|tel|cell|note\n1|Céline|Dupont|2041||\n2|Bob|Boss|2042|0612|x\n"

MAIN = """
debug: true
source_config_dir: /etc/xivo-dird/sources.elsewhere
auth: {host: 127.0.0.1, port: AUTH_PORT, https: false}
enabled_plugins:
  backends: [csv, raising, my_backend, not_enabled_by_anybody]
  services: [lookup, reverse, config, my_service, broken_service, nobody_knows_it]
  views: [default_json, headers_view, config_view, my_view, broken_view]
services:
  lookup:
    default: {sources: [from, main], timeout: 20}
    other: {sources: [staff], timeout: 20}
views:
  displays:
    people:
      - {title: Name, type: name, field: name}
      - {title: null, type: null, field: phone}
      - {type: status}
      - {field: note, default: none}
      - {default: always}
    short: [{title: Last, field: last}, {title: Gone, field: gone, default: d}]
    broken: {title: x}
  profile_to_display: {default: people, other: short, half: broken, dummies: people}
"""
GENERATED = """
services:
  lookup:
    default:
      sources: {staff: true, by_last: true, no_id: false, dies: true, half: true, odd: true}
    dummies: {sources: [dummies], timeout: 20}
  reverse:
    default: {sources: [dies, staff], timeout: 20}
sources:
  staff: {name: staff, type: csv, file: PEOPLE_FILE, separator: "|", searched_columns: [nothing]}
"""
SOURCES = {
    "staff": """
name: staff
unique_column: id
searched_columns: [first]
first_matched_columns: [tel, cell]
format_columns: {name: "{first} {last}", phone: "{tel}", reverse: "{first}"}
""",
    "by_last": """
{name: by_last, type: csv, file: PEOPLE_FILE, separator: "|", searched_columns: [last],
 format_columns: {name: "{last}"}}
""",
    "dies": "{name: dies, type: raising, searched_columns: [first]}",
    "dummies": "{name: dummies, type: my_backend, format_columns: {name: '{Firstname}'}}",
    "half": "{name: half, type: csv}",
    "odd": "{name: odd, type: nobody_offers_it}",
    "nameless": "type: csv",
}
RAISING = """
class Raising:
    def load(self, args): pass
    def search(self, term, args): raise RuntimeError('down')
    def first_match(self, exten, args): raise RuntimeError('down')
    def list(self, uids, args): raise RuntimeError('down')
class Broken:
    def load(self, args): raise RuntimeError('broken plugin')
"""


@dataclass(frozen=True)
class Site:
    """The running directory."""

    url: str
    log: Path
    said: str  # by the import
    env: Mapping[str, str]

    def run(self, *words: str) -> str:
        """What a command prints to a person with a token."""
        done = subprocess.run(
            [PELAGOS, *words],
            env={**self.env, "PELAGOS_TOKEN": "t"},
            capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, path: str, token: str = "t", **params: str) -> tuple[int, Any]:
        query = "?" + urllib.parse.urlencode(params) if params else ""
        request = urllib.request.Request(
            f"{self.url}/0.1{path}{query}", headers={"X-Auth-Token": token} if token else {}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


def environment(folder: Path, *packages: Path) -> dict[str, str]:
    return {
        **os.environ,
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "PELAGOS_DATA": str(folder / "data"),
        "PYTHONPATH": os.pathsep.join(str(package) for package in packages),
    }


def write_tree(folder: Path, auth: WazoAuth) -> Path:
    people = folder / "people.csv"
    people.write_text(PEOPLE)
    port = str(urllib.parse.urlsplit(auth.url).port)
    files = {
        "config.yml": MAIN,
        "conf.d/010-generated.yml": GENERATED,
        **{f"sources.elsewhere/{name}.yml": text for name, text in SOURCES.items()},
    }
    tree = folder / "xivo-dird"
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("AUTH_PORT", port).replace("PEOPLE_FILE", str(people)))
    return tree


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("dird")
    example = lay_out(
        folder / "example",
        "dird-plugins-sample",
        {"dummy.py": (EXAMPLE / "dummy.py").read_text()},
        {
            "xivo_dird.backends": {"my_backend": "dummy:DummyBackendPlugin"},
            "xivo_dird.services": {"my_service": "dummy:DummyServicePlugin"},
            "xivo_dird.views": {"my_view": "dummy:PingViewPlugin"},
        },
    )
    broken = lay_out(
        folder / "broken",
        "broken",
        {"raising.py": RAISING},
        {
            "xivo_dird.backends": {"raising": "raising:Raising"},
            "xivo_dird.services": {"broken_service": "raising:Broken"},
            "xivo_dird.views": {"broken_view": "raising:Missing"},
        },
    )
    env = environment(folder, example, broken)
    with WazoAuth({"t": RIGHTS}, tells_rights=True) as auth:
        tree = write_tree(folder, auth)
        done = subprocess.run(
            [PELAGOS, "config", "import", "xivo-dird", str(tree)],
            env=env, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        log = folder / "log"
        with (
            log.open("wb") as stderr,
            subprocess.Popen(
                [PELAGOS, "directory", "run", "--port", "0"],
                env=env, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True,
            ) as process,
        ):  # fmt: skip
            try:
                yield Site(_url(process, folder / "data", log), log, done.stderr, env)
            finally:
                process.terminate()
                assert process.wait(60) == 0
    shutil.rmtree(folder)


def _url(process: subprocess.Popen[bytes], data: Path, log: Path) -> str:
    def known() -> str:
        assert process.poll() is None, log.read_text()
        noted = data / "plane.json"
        is_up = "the directory runs" in log.read_text()
        return str(json.loads(noted.read_text())["directory_url"]) if is_up else ""

    eventually(lambda: bool(known()))
    return known()


def rows(body: Mapping[str, Any]) -> list[list[Any]]:
    return [result["column_values"] for result in body["results"]]


def verdicts(body: Mapping[str, Any]) -> dict[str, str]:
    return {source["name"]: source["verdict"] for source in body["sources"]}


def test_headers_keep_nulls_in_their_place(site: Site) -> None:
    status, body = site.get("/directories/lookup/default/headers")
    assert status == 200 and body == {
        "column_headers": ["Name", None, None, None, None],
        "column_types": ["name", None, "status", None, None],
    }


def test_columns_with_one_key_and_defaults_for_what_is_absent_alone(site: Site) -> None:
    _, body = site.get("/directories/lookup/default", term="celine")
    assert rows(body) == [["Céline Dupont", "2041", None, None, "always"]]
    _, body = site.get("/directories/lookup/other", term="celine")
    assert rows(body) == [["Dupont", "d"]]  # another display over the same file


def test_each_source_searches_its_own_columns_and_broken_ones_take_nothing(site: Site) -> None:
    _, body = site.get("/directories/lookup/default", term="bo")
    assert [row[0] for row in rows(body)] == ["Bob Boss", "Boss"]
    assert verdicts(body) == {
        "staff": "answered", "by_last": "answered", "dies": "failed", "half": "failed",
        "odd": "failed",
    }  # fmt: skip
    errors = {source["name"]: source.get("error", "") for source in body["sources"]}
    assert "RuntimeError: down" in errors["dies"] and "`file` is needed" in errors["half"]
    log = site.log.read_text()
    assert "Failed to load back-end csv for source half" in log
    assert "nameless.yml: it has no name" in site.said
    assert "sources.odd: left out: its back-end nobody_offers_it was not enabled" in site.said


def test_a_row_with_an_id_has_it_as_text_and_one_without_has_six_nulls(site: Site) -> None:
    _, body = site.get("/directories/lookup/default", term="bo")
    nulls = dict.fromkeys(
        ("xivo_id", "agent_id", "user_id", "user_uuid", "endpoint_id", "source_entry_id")
    )
    assert body["results"][0]["relations"] == {**nulls, "source_entry_id": "2"}
    assert body["results"][1]["relations"] == nulls


def test_a_broken_display_is_that_profiles_own_affair(site: Site) -> None:
    assert "views.displays.broken: left out" in site.said
    status, body = site.get("/directories/lookup/half/headers")
    assert (status, body) == (200, {"column_headers": [], "column_types": []})
    assert site.get("/directories/lookup/default/headers")[0] == 200
    status, body = site.get("/directories/lookup/nobody", term="x")
    assert status == 404 and "profile" in body["reason"][0] and "nobody" in body["reason"][0]


def test_who_calls_is_found_on_the_second_column_beside_a_broken_source(site: Site) -> None:
    status, body = site.get("/directories/reverse/default/u-1", exten="0612")
    assert status == 200 and (body["display"], body["source"]) == ("Bob", "staff")
    status, body = site.get("/directories/reverse/default/u-1", exten="0")
    assert status == 200
    assert {key: body[key] for key in ("display", "exten", "source", "fields")} == {
        "display": None, "exten": "0", "source": None, "fields": {},
    }  # fmt: skip


def test_the_commands_work_without_a_plane(site: Site) -> None:
    assert "Céline Dupont" in site.run("lookup", "celine")
    assert "Bob" in site.run("reverse", "0612", "--user", "u-1")
    assert "staff" in site.run("source", "list")
    assert "a source of type csv" in site.run("why", "staff")


def test_plugins_of_strangers_work_beside_broken_and_unknown_ones(site: Site) -> None:
    assert site.get("/directories/ping", token="") == (200, {"message": "pong"})
    _, body = site.get("/directories/lookup/dummies", term="x")
    assert verdicts(body) == {"dummies": "answered"} and rows(body)
    log = site.log.read_text()
    assert "broken plugin" in log and "nobody_knows_it" in log and "broken_view" in log
    failed = {one["name"] for one in site.get("/status")[1]["plugins"]["failures"]}
    assert failed == {"broken_service", "nobody_knows_it", "broken_view"}


def test_the_merged_configuration_is_shown(site: Site) -> None:
    status, body = site.get("/config")
    assert status == 200
    assert body["services"]["lookup"]["default"]["timeout"] == 20  # of the main file
    assert "by_last" in body["services"]["lookup"]["default"]["sources"]  # of conf.d
    staff = body["sources"]["staff"]
    assert staff["searched_columns"] == ["first"] and staff["separator"] == "|"  # of both


@pytest.mark.parametrize(
    ("settings", "own", "reason"),
    [
        ("[directory.settings.enabled_plugins]\nviews = []", "", "views: none is enabled"),
        ("[directory.settings.enabled_plugins]\nservices = []", "", "services: none is enabled"),
        ("[directory.settings.enabled_plugins]\nbackends = []", "", "backends: none is enabled"),
        ("", 'certificate = "/nowhere/c"\nkey = "/nowhere/k"', "No such file or directory"),
    ],
)  # fmt: skip
def test_a_directory_that_could_serve_nothing_ends_and_says_why(
    tmp_path: Path, settings: str, own: str, reason: str
) -> None:
    auth = '[directory.settings.auth]\ntype = "wazo"'
    (tmp_path / "c.toml").write_text(f"[directory]\n{own}\n{auth}\n{settings}\n")
    done = subprocess.run(
        [PELAGOS, "directory", "run", "--config", str(tmp_path / "c.toml")],
        env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode != 0 and reason in done.stderr and "Traceback" not in done.stderr
