"""When the master speaks HTTPS, under which names, and when its certificate is made anew."""

from __future__ import annotations

import pytest

from pelagos.core.certificate import Authority, describe
from pelagos.core.clock import ManualClock
from pelagos.core.errors import ConfigError
from pelagos.plane import https
from pelagos.plane.data_folder import DataFolder


@pytest.mark.parametrize(
    ("host", "wish", "expected"),
    [
        ("127.0.0.1", "auto", False),
        ("::1", "auto", False),
        ("localhost", "Auto", False),
        ("0.0.0.0", "auto", True),
        ("::", "auto", True),
        ("plane.example.org", "auto", True),
        ("127.0.0.1", "true", True),
        ("0.0.0.0", "false", False),
    ],
)
def test_plain_http_is_spoken_where_nobody_can_listen_in(host, wish, expected):
    assert https.speaks_https(host, wish) is expected


def test_another_wish_is_refused():
    with pytest.raises(ConfigError) as caught:
        https.speaks_https("127.0.0.1", "yes")
    assert caught.value.hint


def test_plain_http_on_a_network_is_risky():
    assert https.plain_http_is_risky("10.0.0.5", https=False)
    assert not https.plain_http_is_risky("10.0.0.5", https=True)
    assert not https.plain_http_is_risky("127.0.0.1", https=False)


def test_the_names_of_the_configuration_come_first_and_once():
    names = https.server_names("10.0.0.5", "plane.example.org 10.0.0.5")
    assert names[:2] == ("plane.example.org", "10.0.0.5")
    assert {"localhost", "127.0.0.1", "::1"} <= set(names)
    assert len(set(names)) == len(names)
    assert "0.0.0.0" not in https.server_names("0.0.0.0", "")
    assert https.server_names("127.0.0.1", "") == ("127.0.0.1", "localhost", "::1")


def test_the_certificate_is_made_anew_when_a_third_of_its_time_is_left(tmp_path):
    folder, clock = DataFolder(tmp_path), ManualClock()
    folder.create()
    authority = Authority.open(folder.ca, name="plane", now=clock.time())

    def see_to(*names: str) -> tuple[bool, str]:
        certificate = https.ServerCertificate(folder, authority, names, clock)
        done = certificate.see_to()
        return done, describe(certificate.tls.certificate.read_text()).serial

    done, first = see_to("localhost")
    assert done
    assert see_to("localhost") == (False, first)
    assert (folder.ca / "server.key").stat().st_mode & 0o777 == 0o600
    clock.advance(https.LIFETIME * 0.6)
    assert see_to("localhost") == (False, first)
    clock.advance(https.LIFETIME * 0.1)
    done, second = see_to("localhost")
    assert done
    assert second != first
    assert see_to("localhost", "127.0.0.1")[0]  # another name
    (folder.ca / "server.pem").write_text("damaged")
    assert see_to("localhost", "127.0.0.1")[0]
