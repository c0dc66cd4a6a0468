"""What the page about desk phones says, a phone can do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from pelagos.directory import Directory
from pelagos.directory.views.phones.display import displays_on_phones
from pelagos.directory.views.phones.door import PhoneDoor
from pelagos.directory.views.phones.labels import LABELS
from pelagos.directory.views.phones.settings import PhonesSettings
from pelagos.directory.views.phones.vendors import VENDORS
from support import phone
from support.directory import BACKENDS, Rows, config, offer

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/desk-phones.md").read_text(encoding="utf-8")
USER = "0e44d6f6-1c32-4b4b-8e3a-6e9d0f6f8a11"
ADDRESSES = dict(re.findall(r"^\| `(\w+)` \| `(/[^`]+)`", PAGE, re.MULTILINE))


def _settings() -> dict[str, Any]:
    blocks = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    settings: dict[str, Any] = tomllib.loads("\n".join(blocks))["directory"]["settings"]
    return settings


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    offer(monkeypatch, BACKENDS, rows=Rows)
    rows = [{"name": "Gretel Okafor", "phone": "", "phone1": "2041", "phone_mobile": "+44 (0)7 1"}]
    said = _settings()
    whole = config({"staff": {"type": "rows", "rows": rows}})
    whole["views"] |= said["views"]
    whole["enabled_plugins"] = said["enabled_plugins"]
    with Directory(whole, verify=lambda _: None) as directory:
        assert directory.status.failures == ()
        settings = PhonesSettings.from_mapping(said["phones"])
        displays = displays_on_phones(whole["views"])
        door = PhoneDoor(directory.services["lookup"], displays, subnets=settings.subnets)
        yield Client(door.app)


def test_every_vendor_stands_on_the_page_with_an_address_that_leads_to_a_list(
    client: Client,
) -> None:
    assert set(ADDRESSES) == {vendor.name for vendor in VENDORS}
    for vendor in VENDORS:
        address = ADDRESSES[vendor.name].replace("PROFILE", "default").replace("USER", USER)
        address = f"/0.1/directories{address}".replace("#SEARCH", "Gre")
        document = _get(client, address + "/phonebook.xml" * (vendor.name == "grandstream"))
        if address.startswith("/0.1/directories/menu"):
            document = _get(client, phone.read_menu(document))
        if "/lookup/" not in address:
            document = _get(client, phone.read_form(vendor.name, document)("Gre"))
        assert phone.read_list(vendor.name, document).entries == [
            ("Gretel Okafor", "2041"),
            ("Gretel Okafor (Mobile)", "004471"),
        ]


def _get(client: Client, url: str) -> bytes:
    path = url.removeprefix("http://localhost")
    answer = client.get(path, environ_overrides={"REMOTE_ADDR": "10.1.2.3"})
    assert answer.status_code == 200, answer.text
    return answer.data


def test_every_key_of_the_page_is_one_and_none_is_missing() -> None:
    table = PAGE.partition("| key | meaning |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    keys = {key for cell in cells for key in re.findall(r"`([\w.]+)`", cell)}
    assert keys == {
        "authorized_subnets", "default_profile", "public_url", "token_file",
        "http.enabled", "http.listen", "http.port", "https.enabled", "https.listen", "https.port",
        "https.certificate", "https.private_key",
    }  # fmt: skip
    values: dict[str, Any] = {
        "enabled": True,
        "public_url": "http://x",
        "port": 1,
        "authorized_subnets": ["10.0.0.0/8"],
    }
    section: dict[str, Any] = {}
    for key in keys:
        place, _, name = key.rpartition(".")
        target = section.setdefault(place, {}) if place else section
        target[name] = values.get(name, "127.0.0.1")
    settings = PhonesSettings.from_mapping(section)
    assert settings.http is not None and settings.https is not None
    assert len(LABELS) > 30
