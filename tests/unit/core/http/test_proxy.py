"""Which proxy is taken: the rules that other programs keep, too."""

import pytest

from pelagos.core.http.errors import HttpUnreachable
from pelagos.core.http.proxy import Proxies, shown

PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("environment", "url", "found"),
    [
        ({}, "http://a.example", None),
        ({"http_proxy": PROXY}, "http://a.example", PROXY),
        ({"http_proxy": PROXY}, "https://a.example", None),
        ({"HTTP_PROXY": PROXY}, "http://a.example", PROXY),
        ({"HTTP_PROXY": PROXY, "REQUEST_METHOD": "GET"}, "http://a.example", None),
        ({"http_proxy": "", "HTTP_PROXY": PROXY}, "http://a.example", None),
        ({"https_proxy": "proxy:3128"}, "https://a.example", PROXY),
        ({"all_proxy": PROXY}, "https://a.example", PROXY),
        ({"all_proxy": "http://other", "https_proxy": PROXY}, "https://a.example", PROXY),
        *[
            ({"https_proxy": PROXY, "no_proxy": names}, "https://a.b.example:8443/x", None)
            for names in (
                "*", "b.example", ".b.example", "*.b.example", "x, A.B.Example", "b.example:8443"
            )
        ],
        *[
            ({"https_proxy": PROXY, "no_proxy": names}, "https://a.b.example:8443/x", PROXY)
            for names in ("", ",", "c.example", "ab.example", "b.example:443", "10.0.0.0/8")
        ],
        ({"http_proxy": PROXY, "no_proxy": "10.0.0.0/8"}, "http://10.9.8.7/", None),
        ({"http_proxy": PROXY, "no_proxy": "10.0.0.0/8"}, "http://11.9.8.7/", PROXY),
        ({"http_proxy": PROXY, "no_proxy": "10.0.0.0/nonsense"}, "http://10.9.8.7/", PROXY),
        ({"http_proxy": PROXY, "no_proxy": "fd00::/8"}, "http://[fd00::1]/", None),
        ({"http_proxy": PROXY, "no_proxy": "a.example:80"}, "http://a.example/", None),
        ({"https_proxy": PROXY, "no_proxy": "a.example:80"}, "https://a.example/", PROXY),
        ({"http_proxy": PROXY, "no_proxy": "a.example"}, "http://a.example./", None),
        ({"http_proxy": PROXY, "no_proxy": "[fd00::1]"}, "http://[fd00::1]/", None),
        *[
            ({"http_proxy": PROXY}, f"http://{host}:8000/", None)
            for host in ("localhost", "localhost.", "127.5.5.5", "[::1]", "a.localhost")
        ],
    ],
)  # fmt: skip
def test_a_proxy_is_taken_where_it_is_meant(
    environment: dict[str, str], url: str, found: str | None
) -> None:
    assert Proxies(environment).for_url(url) == found


@pytest.mark.parametrize("address", ["socks5://proxy:1080", "http://", "ftp://u:secret@proxy"])
def test_a_proxy_of_another_kind_is_said(address: str) -> None:
    with pytest.raises(HttpUnreachable, match="neither http nor https") as caught:
        Proxies({"http_proxy": address}).for_url("http://a.example")
    assert "secret" not in str(caught.value) and "no_proxy" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "address",
    [
        "http://u:secret@proxy:port",
        "http://u:secret@[bad",
        "http://u:secret#1@h",
        "http://h:99999",
    ],
)
def test_a_proxy_that_is_no_address_is_said_without_its_password(address: str) -> None:
    with pytest.raises(HttpUnreachable, match="is no address") as caught:
        Proxies({"http_proxy": address}).for_url("http://a.example")
    assert "secret" not in str(caught.value) and "http_proxy" in (caught.value.hint or "")


def test_a_proxy_is_shown_without_its_password() -> None:
    assert shown("http://u:p@proxy:1") == "http://proxy:1"
