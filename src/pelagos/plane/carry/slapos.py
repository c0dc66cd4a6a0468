"""slapos.cfg and slapos-client.cfg: a computer of a SlapOS, or a person's way to its master."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from configparser import Error, RawConfigParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pelagos.core.errors import ConfigError
from pelagos.core.loopback import is_loopback
from pelagos.directory.migration import Remark
from pelagos.plane.carry.base import Carried

_TRUE = frozenset({"1", "true", "yes", "on"})
_UNITS = {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SPACE = re.compile(r"(\d+(?:\.\d+)?)\s*([BKMGT]?)(?:i?B)?\Z", re.IGNORECASE)


def _words(text: str) -> str:
    return " ".join(text.split())


def _number(text: str) -> float:
    return float(text)


def _whole(text: str) -> int:
    return int(text)


def _truth(text: str) -> bool:
    return text.strip().lower() in _TRUE


def _mib(text: str) -> int:
    """MiB of a space as it is written there: "1000M"; a bare number counts bytes."""
    found = _SPACE.match(text.strip())
    if found is None:
        raise ValueError(text)
    return math.ceil(float(found[1]) * _UNITS[found[2].upper()] / (1 << 20))


#: Our setting, and what makes its value of their text, by section and option.
_SAME: Mapping[tuple[str, str], tuple[str, Callable[[str], Any]]] = {
    ("slapos", "computer_id"): ("node.computer_id", str),
    ("slapos", "shared_part_list"): ("node.shared_parts", _words),
    ("slapos", "build_time_part_list"): ("node.build_time_parts", _words),
    ("slapos", "maximum_periodicity"): ("node.maximum_periodicity", _number),
    ("slapos", "partition_timeout"): ("node.partition_timeout", _number),
    ("slapos", "promise_timeout"): ("node.promise_timeout", _number),
    ("slapos", "software_min_free_space"): ("node.software_min_free_space", _mib),
    ("slapos", "instance_min_free_space"): ("node.instance_min_free_space", _mib),
    ("slapformat", "partition_amount"): ("node.partitions", _whole),
    ("slapformat", "partition_base_name"): ("node.partition_prefix", str),
    ("slapformat", "user_base_name"): ("node.user_prefix", str),
    ("slapformat", "software_user"): ("node.software_user", str),
    ("slapformat", "alter_user"): ("node.users", _truth),
    ("networkcache", "download-binary-cache-url"): ("node_cache.url", str),
    ("networkcache", "download-binary-dir-url"): ("node_cache.directory_url", str),
    ("networkcache", "signature-private-key-file"): ("node_cache.signing_key", str),
    ("networkcache", "download-binary-cache-force-url-list"): ("node_cache.forced", _words),
    ("networkcache", "download-from-binary-cache-url-blacklist"): ("node_cache.blacklist", _words),
    ("networkcache", "shacache-cert-file"): ("node_cache.client_certificate", str),
    ("networkcache", "shacache-key-file"): ("node_cache.client_key", str),
    ("networkcache", "shacache-ca-file"): ("node_cache.authority", str),
}

_CERTIFICATE = (
    "not carried over: here a token says who comes",
    "ask the master's administrator for one: pelagos person add, or pelagos computer add",
)
_FOLDERS = (
    "not carried over: partitions and releases are made anew, in folders of our own",
    "set node.root, where they shall not be in the data folder",
)
_NOT_NEEDED = ("not needed", "")
#: What becomes of options that no setting of ours stands for.
_OTHERWISE: Mapping[tuple[str, str], tuple[str, str]] = {
    ("slapos", "key_file"): _CERTIFICATE,
    ("slapos", "cert_file"): _CERTIFICATE,
    ("slapos", "certificate_repository_path"): _CERTIFICATE,
    ("slapconsole", "key_file"): _CERTIFICATE,
    ("slapconsole", "cert_file"): _CERTIFICATE,
    ("slapos", "instance_root"): _FOLDERS,
    ("slapos", "software_root"): _FOLDERS,
    ("slapos", "master_rest_url"): ("not needed: the master names it", ""),
    ("slapos", "buildout"): ("not needed: buildout comes with the agent", ""),
    ("slapos", "root_check"): ("not needed: partitions have users with node.users only", ""),
    ("slapos", "pidfile_software"): _NOT_NEEDED,
    ("slapos", "pidfile_instance"): _NOT_NEEDED,
    ("slapos", "pidfile_report"): _NOT_NEEDED,
    ("slapos", "maximal_delay"): ("not needed: the agent is woken when there is work", ""),
    ("slapformat", "interface_name"): (
        "not carried over alone",
        "set node.interface and node.network, when each partition is to have an address",
    ),
    ("slapformat", "ipv4_local_network"): (
        "not carried over: the agent would add these addresses at once",
        "set node.network to it, and node.interface",
    ),
}
_SECTIONS: Mapping[str, tuple[str, str]] = {
    "slapproxy": ("the master of one machine", "pelagos up is ours; it needs no settings"),
    "firewall": ("has no meaning here", "keep your firewall as it is"),
    "collect": ("not needed: usage is looked at by the agent", ""),
}


def from_slapos(file: Path) -> Carried:
    """What a slapos.cfg, or a slapos-client.cfg, says.

    Raises:
        ConfigError: it cannot be read, or is no such file.
    """
    return _Carrying(_parsed(file)).carried()


class _Carrying:
    def __init__(self, said: Mapping[tuple[str, str], str]) -> None:
        self._said = said
        self._values: dict[str, Any] = {}
        self._files: dict[tuple[str, str], str] = {}
        self._remarks: list[Remark] = []

    def carried(self) -> Carried:
        self._carry_master()
        for (section, option), text in self._said.items():
            if (section, option) in _SAME:
                self._carry(section, option, text)
            elif (section, option) not in _BY_HAND:
                self._tell(section, option)
        self._carry_cache()
        self._carry_products()
        return Carried(self._values, self._files, remarks=tuple(dict.fromkeys(self._remarks)))

    def _carry(self, section: str, option: str, text: str) -> None:
        key, make = _SAME[section, option]
        try:
            self._values[key] = make(text)
        except ValueError:
            self._remark(f"[{section}] {option}", f"{text!r} could not be read", f"set {key}")

    def _carry_master(self) -> None:
        url = self._said.get(("slapos", "master_url"), "")
        place = "[slapos] master_url"
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            host = ""
        if url and not host:
            self._remark(place, f"{url!r} is no address", "set plane.master_url")
        elif is_loopback(host):
            self._remark(
                place,
                f"{url} is the master of this machine alone",
                "start ours: pelagos up; services are requested anew",
            )
        elif url:
            self._values["plane.master_url"] = url

    def _carry_cache(self) -> None:
        text = self._said.get(("networkcache", "signature-certificate-list"), "")
        if "BEGIN CERTIFICATE" in text:
            lines = "\n".join(line.strip() for line in text.strip().splitlines())
            name = "slapos-signers.pem"
            # Their builders sign with SHA-1; ours are believed by the other list.
            self._files["node_cache.old_certificates", name] = f"{lines}\n"
        if self._said.get(("networkcache", "upload-cache-url")):
            self._remark(
                "[networkcache] upload-cache-url",
                "not carried over: nothing is uploaded unasked",
                "set node_cache.upload to true",
            )

    def _carry_products(self) -> None:
        text = self._said.get(("slapproxy", "software_product_list"), "")
        found = dict(line.split(None, 1) for line in text.splitlines() if len(line.split()) > 1)
        if found:
            self._values["master.products"] = {name: [url] for name, url in found.items()}

    def _tell(self, section: str, option: str) -> None:
        kind = section.partition("/")[0].partition(":")[0]
        if kind in _SECTIONS:
            self._remark(f"[{section}]", *_SECTIONS[kind])
        elif (section, option) in _OTHERWISE:
            self._remark(f"[{section}] {option}", *_OTHERWISE[section, option])
        elif kind == "multimaster":
            self._remark(f"[{section}]", "has no meaning here", "name that master: --master-url")
        else:
            self._remark(f"[{section}] {option}", "has no meaning here")

    def _remark(self, place: str, what: str, hint: str = "") -> None:
        self._remarks.append(Remark(place, what, hint))


_BY_HAND = frozenset(
    {
        ("slapos", "master_url"),
        ("networkcache", "signature-certificate-list"),
        ("networkcache", "upload-cache-url"),
        ("slapproxy", "software_product_list"),
    }
)


def _parsed(file: Path) -> dict[tuple[str, str], str]:
    parser = RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(file.read_text("utf-8"), str(file))
    except OSError as error:
        raise ConfigError(
            f"cannot read {file}: {error.strerror}", hint="give the path of the file"
        ) from error
    except (Error, ValueError):  # its text quotes the line
        raise ConfigError(
            f"{file} is no file of sections", hint="mend it with an editor"
        ) from None
    if not parser.has_section("slapos"):
        raise ConfigError(
            f"{file} has no section [slapos]", hint="give a slapos.cfg or slapos-client.cfg"
        )
    return {
        (section, option): (value or "").replace("%%", "%")
        for section in parser.sections()
        for option, value in parser[section].items()
    }
