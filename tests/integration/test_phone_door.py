"""Phones ask over HTTP and HTTPS; a real directory with files answers, one source of it hangs."""

from __future__ import annotations

import http.client
import logging
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pelagos.core.certificate import Authority, save_pair
from pelagos.core.errors import ConfigError
from pelagos.directory import Directory
from pelagos.directory.views.phones.servers import PhoneServers
from support import phone
from support.directory import BACKENDS, Hung, config, offer

pytestmark = pytest.mark.integration

LOCAL = {"listen": "127.0.0.1", "port": 0}


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, Any]:
    rows = "\n".join(f"Ines {n:02} Œuvre,{n}" for n in range(20))
    (tmp_path / "staff.csv").write_text(f"who,tel\n{rows}\n", encoding="utf-8")
    staff = {
        "type": "csv", "file": str(tmp_path / "staff.csv"), "searched_columns": ["who"],
        "format_columns": {"name": "{who}", "phone": "{tel}"},
    }  # fmt: skip
    asked = config({"staff": staff}, timeout=10.0)
    asked["phones"] = {"http": LOCAL}
    return asked


@pytest.fixture
def directory(whole: dict[str, Any]) -> Iterator[Directory]:
    with Directory(whole, verify=lambda _: None) as directory:
        yield directory


def get(url: str, authority: Path | None = None, **headers: str) -> tuple[int, bytes]:
    """What a phone sends: the URL as it stands in the document."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        trust = ssl.create_default_context(cafile=authority)
        peer = http.client.HTTPSConnection(parts.netloc, timeout=30, context=trust)
    else:
        peer = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        peer.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        answer = peer.getresponse()
        return answer.status, answer.read()
    finally:
        peer.close()


def test_a_phone_walks_from_its_menu_through_two_pages(
    directory: Directory, whole: dict[str, Any]
) -> None:
    with PhoneServers(whole, directory.services["lookup"]) as servers:
        assert servers.alive()
        (root,) = servers.urls
        _, menu = get(f"{root}/0.1/directories/menu/default/cisco")
        _, form = get(phone.read_menu(menu))
        _, first = get(phone.read_form("cisco", form)("œuv"))
        shown = phone.read_list("cisco", first)
        assert len(shown.entries) == 16
        _, second = get(str(shown.next))
        assert phone.read_list("cisco", second).entries == [
            (f"Ines {n:02} Œuvre", str(n)) for n in range(16, 20)
        ]
    assert not servers.alive()
    with pytest.raises(ConnectionRefusedError):
        get(f"{root}/0.1/directories/menu/default/cisco")


def test_a_phone_with_another_alphabet_finds_the_same(
    directory: Directory, whole: dict[str, Any]
) -> None:
    with PhoneServers(whole, directory.services["lookup"]) as servers:
        url = f"{servers.urls[0]}/0.1/directories/lookup/default/snom?term="
        found = {get(url + term)[1] for term in ("%9Cuvre", "%C5%93uvre")}
    entries = [phone.read_list("snom", one).entries for one in found]
    assert all(len(one) == 16 for one in entries)


def test_https_has_its_own_door_and_a_missing_certificate_closes_only_that(
    tmp_path: Path,
    directory: Directory,
    whole: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    pair = {"certificate": str(tmp_path / "s.pem"), "private_key": str(tmp_path / "s.key")}
    whole["phones"]["https"] = {**LOCAL, **pair}
    with PhoneServers(whole, directory.services["lookup"]) as servers:
        assert len(servers.urls) == 1
    assert "phones are not served over HTTPS" in caplog.text and "s.pem" in caplog.text

    authority = Authority.open(tmp_path / "ca", name="site", now=time.time())
    issued = authority.issue_server(["127.0.0.1"], now=time.time(), lifetime=86400.0)
    save_pair(issued, tmp_path / "s.pem", tmp_path / "s.key")
    with PhoneServers(whole, directory.services["lookup"]) as servers:
        secure = servers.urls[1]
        assert secure.startswith("https://")
        url = f"{secure}/0.1/directories/lookup/default/aastra?term=ines"
        _, document = get(url, tmp_path / "ca/ca.pem")
        turned = str(phone.read_list("aastra", document).next)
        assert turned.startswith(secure)
        assert get(turned, tmp_path / "ca/ca.pem")[0] == 200


def test_without_http_and_https_there_is_no_door(
    directory: Directory, whole: dict[str, Any]
) -> None:
    whole["phones"]["http"] = {"enabled": False}
    with pytest.raises(ConfigError, match="neither HTTP nor HTTPS"):
        PhoneServers(whole, directory.services["lookup"])


def test_a_subnet_elsewhere_keeps_this_machine_out_whatever_it_says(
    directory: Directory, whole: dict[str, Any]
) -> None:
    whole["phones"]["authorized_subnets"] = ["10.0.0.0/8"]
    with PhoneServers(whole, directory.services["lookup"]) as servers:
        url = f"{servers.urls[0]}/0.1/directories/lookup/default/snom?term=a"
        assert get(url)[0] == 403
        assert get(url, **{"X-Forwarded-For": "10.0.0.1"})[0] == 403


def test_a_hung_source_is_a_last_line_and_holds_up_no_phone_longer_than_the_deadline(
    monkeypatch: pytest.MonkeyPatch, whole: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    class Hanging(Hung):
        release = threading.Event()

    caplog.set_level(logging.CRITICAL)
    offer(monkeypatch, BACKENDS, hung=Hanging)
    whole["sources"]["crm"] = {"type": "hung"}
    whole["services"]["lookup"]["default"] = {"sources": ["staff", "crm"], "timeout": 2.0}
    with (
        Directory(whole, verify=lambda _: None) as directory,
        PhoneServers(whole, directory.services["lookup"]) as servers,
    ):
        url = f"{servers.urls[0]}/0.1/directories/lookup/default/yealink?term=ines"
        begin = time.monotonic()
        _, document = get(url)
        elapsed = time.monotonic() - begin
        book = f"{servers.urls[0]}/0.1/directories/lookup/default/grandstream/u/phonebook.xml"
        assert get(book)[0] == 503
        Hanging.release.set()
    entries = phone.read_list("yealink", document).entries
    assert entries[-1] == ("1 of 2 directories", "") and len(entries) == 21
    assert elapsed < 2 + 30


def test_a_token_file_that_is_not_there_is_named(
    directory: Directory, whole: dict[str, Any], tmp_path: Path
) -> None:
    whole["phones"]["token_file"] = str(tmp_path / "none")
    with pytest.raises(ConfigError, match="token_file"):
        PhoneServers(whole, directory.services["lookup"])
