"""The page about desk phones, followed with a real plane."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.core.http import HttpClient
from pelagos.plane.settings import Part
from support import phone
from support.plane import Plane
from support.ports import free_ports

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[2] / "docs/how-to/desk-phones.md"
SOURCES = """
[directory.settings.sources.staff]
type = "csv"
file = "{folder}/staff.csv"
searched_columns = ["who"]
format_columns = {{ name = "{{who}}", phone = "{{tel}}" }}

[directory.settings.sources.own]
type = "personal"
searched_columns = ["firstname"]
format_columns = {{ name = "{{firstname}}", phone_mobile = "{{mobile}}" }}

[directory.settings.services.lookup.phones]
sources = ["staff", "own"]
timeout = 10.0

[directory.settings.views.profile_to_display]
phones = "people"

[directory.settings.views.displays]
people = [{{ title = "Name", field = "name", type = "name" }}]
"""


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def plane(tmp_path: Path, port: int) -> Iterator[Plane]:
    (tmp_path / "staff.csv").write_text("who,tel\nGretel Okafor,2041\n", encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    text = SOURCES.format(folder=tmp_path) + "\n".join(blocks)
    text = text.replace("10.1.0.0/16", "127.0.0.1/32").replace("port = 9498", f"port = {port}")
    file = tmp_path / "pelagos" / "config.toml"
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    found = Plane(tmp_path)
    found.start(Part.MASTER, Part.DIRECTORY)
    yield found
    found.stop()


def _follow(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return bytes(answer.read())


def test_a_phone_finds_what_its_user_keeps_and_nobody_elses(plane: Plane, port: int) -> None:
    token = {"X-Auth-Token": plane.data.token()}
    directory = HttpClient(plane.data.endpoints().directory_url)
    kept = directory.request(
        "POST", "0.1/personal", headers=token, json={"firstname": "Gréta", "mobile": "+44 (0)7 1"}
    )
    assert kept.status == 201, kept.text
    door = HttpClient(f"http://127.0.0.1:{port}")

    def listed(user: str) -> list[phone.Pair]:
        asked = {"xivo_user_uuid": user}
        menu = door.request("GET", "0.1/directories/menu/phones/cisco", params=asked)
        form = _follow(phone.read_menu(menu.body))
        return phone.read_list("cisco", _follow(phone.read_form("cisco", form)("gre"))).entries

    assert listed("admin") == [("Gréta (Mobile)", "004471"), ("Gretel Okafor", "2041")]
    assert listed("ann") == [("Gretel Okafor", "2041")]
    refused = directory.request(
        "GET", "0.1/directories/lookup/phones/admin/snom", params={"term": "gre"}
    )
    assert refused.status == 401  # who is not at the door shows a token
    served = directory.request(
        "GET", "0.1/directories/lookup/phones/admin/snom", params={"term": "gre"}, headers=token
    )
    assert len(phone.read_list("snom", served.body).entries) == 2
    assert plane.data.endpoints().phone_urls == f"http://0.0.0.0:{port}"
    directory.close()
    door.close()


def test_the_section_alone_gives_phones_all_that_they_may_be_shown(
    plane: Plane, port: int, tmp_path: Path
) -> None:
    plane.terminate(Part.MASTER, Part.DIRECTORY)
    file = tmp_path / "pelagos" / "config.toml"
    text = file.read_text(encoding="utf-8").partition("[directory.settings.phones]")[2]
    first = text.partition("[directory.settings.views")[0]
    file.write_text(f"[directory.settings.phones]{first}", encoding="utf-8")
    plane.start(Part.MASTER, Part.DIRECTORY)
    plane.run("phonebook", "add", "clients")
    plane.run("phonebook", "contact", "add", "clients", "name=Nils Holm", "number=5550101")
    found = _follow(f"http://127.0.0.1:{port}/0.1/directories/lookup/phones/yealink?term=nils")
    listed = phone.read_list("yealink", found)
    assert listed.entries == [("Nils Holm", "5550101")]
    assert b"directories" not in found  # none that could not answer
