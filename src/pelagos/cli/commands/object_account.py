"""`pelagos object account`: an account of object storage as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pelagos.cli.argument import KeyValueArgument, Operand, RepeatableArgument
from pelagos.cli.cloud.showing import show_record, size
from pelagos.cli.cloud.storage import STORAGE, StorageCommand
from pelagos.cli.failures import UsageError
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_object_commands = CommandTree("object")

_FIELDS = {
    "containers": "x-account-container-count",
    "objects": "x-account-object-count",
    "bytes": "x-account-bytes-used",
    "limit": "x-account-policy-quota",
    "quota": "x-account-meta-quota-bytes",
}
_META = "x-account-meta-"
_GROUP = "x-account-group-"
_OWN = ("quota-bytes", "temp-url-key", "temp-url-key-2")
"""What is kept beside people's metadata, and is a secret or told elsewhere."""


@command(_object_commands)
class ObjectAccount(StorageCommand):
    """Show an account: how much is in it, its limit, its metadata.

    Of somebody's who shares something with you, what you may know. With --meta and --unset your
    own metadata are changed first.
    """

    shows = True
    arguments = {
        **STORAGE,
        "meta": KeyValueArgument("metadata to set; may be given several times", "--meta"),
        "unset": RepeatableArgument("metadata to remove", "--unset", metavar="KEY"),
    }
    operands = {"user": Operand("whose; the same as --account")}

    def main(self, user: str = "") -> None:
        """Print it."""
        if user and self["account"]:
            raise UsageError("USER and --account say the same; give one of them")
        account = self.account_of(user) if user else self.account
        changes = {**dict.fromkeys(self["unset"], ""), **(self["meta"] or {})}
        if changes:
            self.client.set_account_meta(changes, account=account)
        record = _told(self.client.get_account_info(account=account))
        limit = record["limit"]
        head = {
            **record,
            "bytes": None,
            "size": size(record["bytes"]),
            "limit": size(limit) if limit else "none",
            "groups": ", ".join(sorted(record["groups"])),
            "meta": None,
            **{f"meta {key}": value for key, value in record["meta"].items()},
        }
        show_record(self, record, {key: one for key, one in head.items() if one not in (None, "")})


def _told(info: Mapping[str, str]) -> dict[str, Any]:
    numbers = {name: _number(info.get(field)) for name, field in _FIELDS.items()}
    quota = numbers.pop("quota")
    meta = {key.removeprefix(_META): one for key, one in info.items() if key.startswith(_META)}
    return {
        **numbers,
        "limit": numbers["limit"] or quota,
        "groups": {
            key.removeprefix(_GROUP): one.split(",")
            for key, one in info.items()
            if key.startswith(_GROUP)
        },
        "meta": {key: one for key, one in meta.items() if key not in _OWN},
    }


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
