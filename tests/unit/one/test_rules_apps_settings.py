"""Access rules in words, apps of a marketplace, and where a server is looked for."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core.http import Request
from pelagos.one import acl, errors
from pelagos.one.settings import find_endpoint
from support.one_answers import sample, server, text_answer, value_answer

SUBJECTS = st.one_of(
    st.just("*"), st.builds(lambda n: f"#{n}", st.integers(0, 2**32 - 1)), st.just("@100")
)
RULES = st.builds(
    lambda whom, what, which, rights, zone: f"{whom} {what}/{which} {rights} {zone}",
    SUBJECTS,
    st.sets(st.sampled_from(list(acl.RESOURCES)), min_size=1).map(
        lambda names: "+".join(name for name in acl.RESOURCES if name in names)
    ),
    SUBJECTS | st.just("%7"),
    st.sets(st.sampled_from(list(acl.RIGHTS)), min_size=1).map(
        lambda names: "+".join(name for name in acl.RIGHTS if name in names)
    ),
    st.sampled_from(["*", "#0", "#17"]),
)


@given(RULES)
def test_a_rule_survives_its_numbers(text: str) -> None:
    assert acl.describe_rule(*acl.encode_rule(text)) == text


def test_rules_of_the_daemon_are_said_as_it_says_them() -> None:
    one, _ = server(text_answer(sample("acl.xml")))
    for rule in one.acl.info():
        said = acl.describe_rule(rule.USER, rule.RESOURCE, rule.RIGHTS, rule.ZONE)
        assert sorted(re.split(r"\W", said)) == sorted(re.split(r"\W", rule.STRING))


def test_a_name_twice_is_that_name() -> None:
    assert acl.encode_resources("VM+VM/*") == acl.encode_resources("vm/*") == "0x1400000000"
    assert acl.encode_rule("  #3   VM/*  USE ") == ("0x100000003", "0x1400000000", "0x1")


@pytest.mark.parametrize(
    "text",
    ["", "* VM USE", "* VM/* USE * *", "x VM/* USE", "%1 VM/* USE", "* VN/* USE", "* VM/* X"],
)
def test_a_rule_that_is_none(text: str) -> None:
    with pytest.raises(errors.OneValueException, match="in an access rule"):
        acl.encode_rule(text)


class Market:
    """A daemon with one app."""

    def __init__(self, state: int = 1, kind: str = "1", *, has_template: bool = True) -> None:
        template = "<VMTEMPLATE64>" + base64.b64encode(b'CPU="1"').decode() + "</VMTEMPLATE64>"
        self.app = (
            f"<MARKETPLACEAPP><ID>5</ID><NAME>deb</NAME><STATE>{state}</STATE><TYPE>{kind}</TYPE>"
            f"<TEMPLATE><APPTEMPLATE64>{base64.b64encode(b'DEV=vd').decode()}</APPTEMPLATE64>"
            f"{template * has_template}</TEMPLATE></MARKETPLACEAPP>"
        )
        self.calls: list[str] = []
        self.bodies: list[bytes] = []
        self.refuses_templates = False

    def __call__(self, request: Request) -> bytes:
        assert isinstance(request.body, bytes)
        self.bodies.append(request.body)
        self.calls.append(request.body.split(b"methodName>")[1][4:-2].decode())
        match self.calls[-1]:
            case "marketapp.info":
                return text_answer(self.app)
            case "datastorepool.info":
                return text_answer(sample("datastorepool.xml"))
            case "template.allocate" if self.refuses_templates:
                return value_answer(False, "[one.template.allocate] no", 0x2000, -1)
        return value_answer(
            True, {"image.allocate": 31, "template.allocate": 32}.get(self.calls[-1], 0)
        )


def test_an_app_becomes_an_image_and_a_template() -> None:
    market = Market()
    one, _ = server(market)
    assert one.marketapp.export(5, name='a"b') == {"image": 31, "vmtemplate": 32}
    assert market.calls == [
        "marketapp.info",
        "datastorepool.info",
        "image.allocate",
        "template.allocate",
    ]
    assert b'DEV=vd\nNAME="a\\"b"\nFROM_APP="5"' in market.bodies[2]
    assert b'CPU="1"\n' in market.bodies[3] and b'DISK=[IMAGE_ID="31"]' in market.bodies[3]


def test_the_datastore_0_is_one() -> None:
    market = Market(has_template=False)
    one, _ = server(market)
    assert one.marketapp.export(5, 0) == {"image": 31, "vmtemplate": -1}
    assert (
        market.calls == ["marketapp.info", "image.allocate"] and b"<i4>0</i4>" in market.bodies[1]
    )


def test_an_image_without_its_template_is_removed_again() -> None:
    market = Market()
    market.refuses_templates = True
    one, _ = server(market)
    with pytest.raises(errors.OneHelperException, match="was removed again"):
        one.marketapp.export(5)
    assert market.calls[-1] == "image.delete"


@pytest.mark.parametrize("market", [Market(state=2), Market(kind="2")])
def test_an_app_that_cannot_be_exported(market: Market) -> None:
    one, _ = server(market)
    with pytest.raises(errors.OneHelperException, match="the app 5 is"):
        one.marketapp.export(5)
    assert market.calls == ["marketapp.info"]


def look(environment: dict[str, str], *given_: Any) -> Any:
    return find_endpoint(*(given_ or (None, None, None)), environment)


def test_a_server_is_found_where_the_tools_look(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".one").mkdir(parents=True)
    (home / ".one/one_auth").write_text("ann:pass:word\n")
    found = look({"HOME": str(home)})
    assert (found.uri, found.session, found.user) == (
        "http://localhost:2633/RPC2",
        "ann:pass:word",
        "ann",
    )
    assert found.timeout == 120 and "pass" not in repr(found)
    (home / ".one/one_endpoint").write_text("http://e/RPC2\n")
    other = tmp_path / "auth"
    other.write_text("bob:x")
    found = look({"HOME": str(home), "ONE_AUTH": str(other), "ONE_XMLRPC_TIMEOUT": "7"})
    assert (found.uri, found.user, found.timeout) == ("http://e/RPC2", "bob", 7)
    found = look({"HOME": str(home), "ONE_XMLRPC": "https://u:p%40@one"}, None, "a:b", 3)
    assert (found.uri, found.timeout) == ("https://one/RPC2", 3)
    assert base64.b64decode(found.authorization.split()[1]) == b"u:p@"


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ((None, None, None), "no session was given"),
        ((None, "nobody", None), "no colon"),
        (("ftp://x", "a:b", None), "cannot be used"),
        (("http://x:99999/RPC2", "a:b", None), "cannot be used"),
        (("x", "a:b", None), "cannot be used"),
        ((None, "a:b", 0), "leaves no time"),
        ((None, "a:b", float("nan")), "leaves no time"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, given_: Any, says: str) -> None:
    with pytest.raises(errors.OneConfigException, match=says):
        look({"HOME": str(tmp_path), "ONE_AUTH": str(tmp_path / "none")}, *given_)


def test_a_timeout_of_the_environment_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(errors.OneConfigException, match="ONE_XMLRPC_TIMEOUT"):
        look({"HOME": str(tmp_path), "ONE_XMLRPC_TIMEOUT": "soon"}, None, "a:b", None)
