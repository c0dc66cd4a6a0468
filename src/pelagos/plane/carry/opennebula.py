"""The login of OpenNebula's tools: the file that ONE_AUTH names, with one_endpoint beside it."""

from __future__ import annotations

from pathlib import Path

from pelagos.core.errors import ConfigError
from pelagos.directory.migration import Remark
from pelagos.one.errors import OneConfigException
from pelagos.one.settings import find_endpoint
from pelagos.plane.carry.base import Carried


def from_one(file: Path) -> Carried:
    """What `~/.one/one_auth`, or another file of that kind, says.

    Raises:
        ConfigError: it cannot be read, or holds something else.
    """
    if not file.is_file():
        raise ConfigError(
            f"there is no file {file}", hint="give the path of the file that ONE_AUTH names"
        )
    beside = file.with_name("one_endpoint")
    environ = {"ONE_AUTH": str(file), "HOME": str(file.parent)}
    try:
        address = beside.read_text("utf-8").strip() if beside.is_file() else ""
        found = find_endpoint(address or None, None, None, environ)
    except (OneConfigException, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}", hint=getattr(error, "hint", None)) from error
    values = {"one.endpoint": address} if address else {}
    remarks = () if address else (Remark("one_endpoint", f"not there: {found.uri} is asked"),)
    return Carried(values, {("one.auth_file", "one.auth"): f"{found.session}\n"}, remarks=remarks)
