"""Desk phones, as far as a directory meets them: each reads its vendor's documents strictly."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlencode

from hypothesis import strategies as st

Pair = tuple[str, str]
_XHTML = "{http://www.w3.org/1999/xhtml}"

NAMES = ("term", "limit", "offset", "xivo_user_uuid", "set_first", "count", "first", "é")
#: Query strings with the parameters of phones and hostile values, and such as are none at all.
QUERIES = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.binary(max_size=20).map(quote)
        | st.text(max_size=20).map(lambda text: quote(text, errors="replace"))
        | st.integers(-5, 10**12).map(str),
    ),
    max_size=6,
).map(lambda pairs: "&".join(f"{quote(k)}={v}" for k, v in pairs)) | st.binary(max_size=60).map(
    lambda raw: quote(raw, safe="=&%+")
)


@dataclass(frozen=True)
class Shown:
    """A list as its phone shows it.

    Attributes:
        entries: name and what is dialled; the latter is empty on a line that only says something.
        previous: URL behind the key or line that turns back.
    """

    entries: list[Pair]
    previous: str | None = None
    next: str | None = None


def parse(document: str | bytes) -> ET.Element:
    """The root of a document that must be well-formed and declare UTF-8."""
    raw = document.encode() if isinstance(document, str) else document
    assert raw.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    return ET.fromstring(raw)


def read_menu(document: str | bytes) -> str:
    """Where a Cisco phone goes from its menu."""
    root = parse(document)
    assert root.tag == "CiscoIPPhoneMenu"
    return _of(root, "MenuItem/URL")


def read_form(vendor: str, document: str | bytes) -> Callable[[str], str]:
    """What makes the URL to which a phone sends a term."""
    root = parse(document)
    if vendor == "polycom":
        return _polycom_form(root)
    if vendor == "snom_menu":
        token = _of(root, "InputItem/InputToken")
        return lambda term: _of(root, "Url").replace(token, quote(term))
    roots = {
        "aastra": ("AastraIPPhoneInputScreen", "Parameter"),
        "cisco": ("CiscoIPPhoneInput", "InputItem/QueryStringParam"),
        "snom": ("SnomIPPhoneInput", "InputItem/QueryStringParam"),
        "fanvil": ("FanvilIPPhoneInputScreen", "InputField/Parameter"),
    }
    tag, parameter = roots[vendor]
    assert root.tag == tag
    return lambda term: f"{_of(root, 'URL')}&{_of(root, parameter)}={quote(term)}"


def _polycom_form(root: ET.Element) -> Callable[[str], str]:
    form = root.find(f".//{_XHTML}form")
    assert form is not None and form.get("method") == "get"
    fields = {
        field.get("name"): field.get("value", "")
        for field in form.iter(f"{_XHTML}input")
        if field.get("name")
    }
    assert "term" in fields
    return lambda term: f"{form.get('action')}?{urlencode({**fields, 'term': term})}"


def read_list(vendor: str, document: str | bytes) -> Shown:
    """The entries of a document and where its pages turn."""
    return _LISTS[vendor](parse(document))


def _aastra(root: ET.Element) -> Shown:
    assert root.tag == "AastraIPPhoneTextMenu"
    items = [(_of(item, "Prompt"), _of(item, "URI")) for item in root.iter("MenuItem")]
    previous = items.pop(0)[1] if items and items[0][1].startswith("http") else None
    turns = items.pop()[1] if items and items[-1][1].startswith("http") else None
    return Shown([(name, _without("Dial:", uri)) for name, uri in items], previous, turns)


def _cisco(root: ET.Element) -> Shown:
    assert root.tag == "CiscoIPPhoneDirectory"
    keys = {_of(key, "Position"): _of(key, "URL") for key in root.iter("SoftKeyItem")}
    assert not keys or (keys["1"], keys["3"]) == ("SoftKey:Dial", "SoftKey:Exit")
    return Shown(_entries(root), keys.get("2"), keys.get("4"))


def _snom(root: ET.Element) -> Shown:
    assert root.tag == "SnomIPPhoneDirectory"
    keys = {_of(key, "Name"): _of(key, "URL") for key in root.iter("SoftKeyItem")}
    return Shown(_entries(root), keys.get("F2"), keys.get("F4"))


def _snom_menu(root: ET.Element) -> Shown:
    assert root.tag == "SnomIPPhoneMenu"
    keys = {_of(key, "Name"): _of(key, "Url") for key in root.iter("SoftKeyItem")}
    entries = [
        (item.get("name", ""), unquote(item.findtext("Url", "").partition("numberdial=")[2]))
        for item in root.iter("MenuItem")
    ]
    return Shown(entries, keys.get("F2"), keys.get("F4"))


def _polycom(root: ET.Element) -> Shown:
    assert root.tag == f"{_XHTML}html"
    entries, turns = [], {}
    for item in root.iter(f"{_XHTML}li"):
        anchor = item.find(f"{_XHTML}a")
        name = (item if anchor is None else anchor).text or ""
        dialled = "" if anchor is None else unquote(_without("tel://", anchor.get("href", "")))
        entries.append((name, dialled))
    for line in root.iter(f"{_XHTML}p"):
        anchor = line.find(f"{_XHTML}a")
        if anchor is not None:
            turns[anchor.text] = anchor.get("href")
        elif line.text:
            entries.append((line.text, ""))
    return Shown(entries, turns.get("Previous"), turns.get("Next"))


def _fanvil(root: ET.Element) -> Shown:
    assert root.tag == "FanvilIPPhoneDirectory"
    keys = {_of(key, "Name"): _of(key, "URI") for key in root.iter("SoftKey")}
    entries = [(_of(item, "Prompt"), _of(item, "URI")) for item in root.iter("MenuItem")]
    return Shown(entries, keys.get("Previous"), keys.get("Next"))


def _gigaset(root: ET.Element) -> Shown:
    assert (root.tag, root.get("response"), root.get("type")) == ("list", "get_list", "pr")
    assert int(root.get("last", "")) - int(root.get("first", "")) + 1 == len(root) or not len(root)
    return Shown(
        [(f"{_of(e, 'fn')} {_of(e, 'ln')}".strip(), _of(e, "hm")) for e in root.iter("entry")]
    )


def _grandstream(root: ET.Element) -> Shown:
    assert root.tag == "AddressBook" and _of(root, "pbgroup/id") == "1"
    contacts = root.findall("Contact")
    return Shown(
        [
            (f"{_of(c, 'FirstName')} {_of(c, 'LastName')}".strip(), _of(c, "Phone/phonenumber"))
            for c in contacts
        ]
    )


def _plain(tag: str, dial: str = "") -> Callable[[ET.Element], Shown]:
    def read(root: ET.Element) -> Shown:
        assert root.tag == tag
        return Shown([(name, _without(dial, number)) for name, number in _entries(root)])

    return read


def _entries(root: ET.Element) -> list[Pair]:
    return [(_of(e, "Name"), _of(e, "Telephone")) for e in root.iter("DirectoryEntry")]


def _of(root: ET.Element, path: str) -> str:
    found = root.find(path)
    assert found is not None, f"no {path} in {root.tag}"
    return found.text or ""


def _without(prefix: str, text: str) -> str:
    assert not text or text.startswith(prefix)
    return text.removeprefix(prefix)


_LISTS: dict[str, Callable[[ET.Element], Shown]] = {
    "aastra": _aastra,
    "cisco": _cisco,
    "fanvil": _fanvil,
    "fanvil_phonebook": _plain("PhoneBook"),
    "gigaset": _gigaset,
    "grandstream": _grandstream,
    "htek": _plain("PhoneDirectory"),
    "polycom": _polycom,
    "snom": _snom,
    "snom_menu": _snom_menu,
    "thomson": _plain("ThomsonPhoneBook", "Dial:"),
    "yealink": _plain("YealinkIPPhoneDirectory"),
}
