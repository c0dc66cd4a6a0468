"""directory and its door for phones over HTTPS; a renewed certificate needs no restart."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.cli.main import main
from pelagos.clients.cloud import Cloud, KnownClouds
from pelagos.core.certificate import Authority, save_pair
from pelagos.core.http import ClientTls, HttpClient
from pelagos.core.web import Server, ServerTls, watch
from pelagos.core.web.watch import CertificateWatch
from pelagos.plane import up
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.directory import DirectoryProgram
from pelagos.plane.sections import DirectoryConfig
from pelagos.plane.settings import Part, PlaneSettings
from support import nova as novas
from support.nova import Nova, server
from support.plane import eventually

pytestmark = pytest.mark.integration
DAY = 86_400.0


class Pair:
    """A certificate on disk, and how a client sees it."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority.open(folder / "ca", name="site", now=time.time())
        self.trust = ClientTls(folder / "ca/ca.pem")
        self.tls = ServerTls(folder / "s.pem", folder / "s.key")
        self.renew()

    def renew(self) -> None:
        issued = self.authority.issue_server(["127.0.0.1"], now=time.time(), lifetime=DAY)
        save_pair(issued, self.tls.certificate, self.tls.key)

    @property
    def written(self) -> bytes:
        end = "-----END CERTIFICATE-----"  # the authority's follows
        own = self.tls.certificate.read_text().partition(end)[0] + end
        return ssl.PEM_cert_to_DER_cert(own)

    def shown(self, url: str) -> bytes | None:
        """What a new connection to a server gets."""
        context = ssl.create_default_context(cafile=str(self.trust.authority))
        port = int(url.rpartition(":")[2])
        with (
            socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
        ):
            return secure.getpeercert(binary_form=True)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


@pytest.fixture
def nova() -> Iterator[Nova]:
    with novas.serving() as running:
        running.servers = [server("a", "triton", "10.0.0.8")]
        yield running


def test_both_doors_speak_https_and_take_a_renewed_certificate(
    pair: Pair, nova: Nova, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PERIOD", 0.05)
    files = {"certificate": str(pair.tls.certificate), "private_key": str(pair.tls.key)}
    settings = {
        "auth": {"type": "keystone", "url": nova.box.auth_url},
        "sources": {"machines": {"type": "servers", "format_columns": {"name": "{name}"}}},
        "phones": {
            "http": {"enabled": False},
            "https": {"listen": "127.0.0.1", "port": 0, **files},
        },
    }
    environ = nova.environ(tmp_path)
    own = DirectoryConfig(certificate=pair.tls.certificate, key=pair.tls.key, settings=settings)
    plane = PlaneSettings(data=tmp_path / "data", directory=own, environ=environ)
    folder = DataFolder(plane.data)
    folder.create()
    program = DirectoryProgram(plane, folder, "", "")
    try:
        doors = (program.url, *program.phone_urls)
        assert len(doors) == 2 and all(url.startswith("https://") for url in doors)
        token = Cloud("work", settings=KnownClouds(environ).get("work")).access.token
        http = HttpClient(program.url, tls=pair.trust, timeout=20)
        found = http.request(
            "GET",
            "0.1/directories/lookup/default",
            params={"term": "trit"},
            headers={"X-Auth-Token": token},
        ).json()
        assert "results" in found, found
        assert [row["source"] for row in found["results"]] == ["machines"], found["sources"]
        first = pair.shown(program.url)
        assert first == pair.written == pair.shown(program.phone_urls[0])
        pair.renew()
        assert pair.written != first
        for url in doors:
            eventually(lambda url=url: pair.shown(url) == pair.written)
        assert http.request("GET", "0.1/api/api.yml").status == 200
        http.close()
        plain = HttpClient(program.url.replace("https", "http"), timeout=20)
        assert plain.request("GET", "0.1/status").status == 400
        plain.close()
    finally:
        program.stop()


def test_files_that_do_not_fit_leave_the_former_in_use(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    def app(_environ: Any, start: Any) -> list[bytes]:
        start("204 No Content", [])
        return []

    serving = Server(app, tls=pair.tls, threads=2)
    serving.start()
    looking = CertificateWatch(serving, pair.tls, period=3600)
    try:
        former, key = pair.shown(serving.url), pair.tls.key.read_bytes()
        assert looking.look() is False
        pair.renew()
        renewed = pair.tls.key.read_bytes()
        pair.tls.key.write_bytes(key)  # as between the writing of one and of the other
        assert looking.look() is looking.look() is False
        assert pair.shown(serving.url) == former
        assert caplog.text.count("cannot be used") == 1
        pair.tls.key.unlink()
        assert looking.look() is False
        pair.tls.key.write_bytes(renewed)
        assert looking.look() is True
        assert pair.shown(serving.url) == pair.written
    finally:
        looking.stop()
        serving.stop()


@pytest.mark.parametrize("command", [["directory", "run"], ["up", "--part", "directory"]])
def test_the_file_of_config_is_where_clouds_are_looked_for(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[PlaneSettings] = []
    monkeypatch.setattr(up, "run", lambda settings, **_: seen.append(settings))
    file = tmp_path / "other.toml"
    file.write_text("")
    assert main([*command, "--config", str(file), "--data", str(tmp_path / "d")]) == 0
    assert seen[0].environ["PELAGOS_CONFIG"] == str(file)
    assert seen[0].parts == {Part.DIRECTORY}
    assert "PELAGOS_CONFIG" not in repr(seen[0])
