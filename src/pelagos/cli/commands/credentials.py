"""What `person` and `computer` share: one-time tokens and certificates. No command of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pelagos.cli.argument import Argument, FlagArgument, IntArgument, ValueArgument
from pelagos.cli.failures import NOT_FOUND, USAGE, CommandError, UsageError
from pelagos.cli.moment import ago
from pelagos.cli.output import Column

if TYPE_CHECKING:  # not for a cycle: a command pays for it when it is run
    from pelagos.cli.command_base import Command
    from pelagos.cli.context import Context

INVITATION_ARGUMENTS: dict[str, Argument] = {
    "again": FlagArgument(
        "for one that is known already, e.g. whose certificate ended while it was off; its former "
        "credentials are void when it joins",
        "--again",
    ),
    "hours": IntArgument("hours that the token lasts", "--hours", least=1, most=720),
}
CERTIFICATE_ARGUMENTS: dict[str, Argument] = {
    "revoke": FlagArgument(
        "lock it out at once: token, certificates, one-time tokens", "--revoke"
    ),
    "yes": FlagArgument("with --revoke: even when it is you", "--yes"),
    "serial": ValueArgument("with --revoke: only the certificate of this number", "--serial"),
    "issue": ValueArgument(
        "issue one, and write NAME.pem and NAME.key to this folder",
        "--issue",
        metavar="DIR",
        complete="file",
    ),
}
_HOUR = 3600.0


def invite(command: Command, kind: str, name: str, there: str, *, role: str | None = None) -> None:
    """Get a one-time token and print the command that uses it."""
    from urllib.parse import urlsplit

    from pelagos.core.loopback import is_loopback
    from pelagos.slap import joining

    context = command.context
    hours = command["hours"]
    found = context.master.invite(
        kind,
        name,
        role=role,
        lifetime=hours * _HOUR if hours else None,
        again=command["again"],
    )
    url = joining.decode(found.token).url
    line = f"{there} {found.token}"
    left = round((found.expires - context.clock.time()) / _HOUR)
    if context.output.is_table and not context.options.get("columns"):
        context.say(f"within {left} hours run this once, as {name}:")
        context.output.line(line)
    else:
        told = {"name": name, "command": line, "token": found.token, "expires": found.expires}
        context.output.show_one(told)
    if is_loopback(urlsplit(url).hostname or ""):
        context.say(
            f"the master listens on this machine only ({url}); so that others reach it: pelagos "
            "config set master.host 0.0.0.0, and start the plane again"
        )


def see_to_certificates(command: Command, kind: str, name: str) -> None:
    """List, issue or revoke, as the options say."""
    master = command.context.master
    if command["revoke"] and command["issue"]:
        raise UsageError("revoke and issue one after the other")
    if command["serial"] and not command["revoke"]:
        raise UsageError("--serial goes with --revoke")
    if command["revoke"]:
        if kind == "person" and not command["serial"] and not command["yes"]:
            refuse_oneself(command.context, name, "locked out")
        count = master.revoke_certificate(kind, name, serial=command["serial"])
        if command["serial"]:
            command.context.say(f"the certificate {command['serial']} is revoked")
        else:
            command.context.say(
                f"{name} is locked out (credentials void: {count}); to let it in again: pelagos "
                f"{kind} add {name} --again"
            )
    elif command["issue"]:
        _issue(command, kind, name, Path(command["issue"]).expanduser())
    else:
        _list(command, kind, name)


def _issue(command: Command, kind: str, name: str, folder: Path) -> None:
    from pelagos.core.files import write_atomic

    stem = name.replace("/", "-")
    certificate, key = folder / f"{stem}.pem", folder / f"{stem}.key"
    if not folder.is_dir():
        raise CommandError(f"there is no folder {folder}", hint="make it, or give another one")
    from pelagos.core.certificate import make_request

    # Made here, so that it never goes over the network.
    private, request = make_request(name[:64])
    # On the disk before the certificate is asked for: one without its key would be lost.
    pending = folder / f"{stem}.key.new"
    write_atomic(pending, private, mode=0o600)
    try:
        issued = command.context.master.issue_certificate(kind, name, request)
    except BaseException:
        pending.unlink(missing_ok=True)
        raise
    pending.replace(key)
    write_atomic(certificate, issued.certificate, mode=0o644)
    command.context.say(f"written: {certificate} and {key}")


def refuse_oneself(context: Context, name: str, what: str) -> None:
    """Pass, unless the name is that of whoever asks.

    Raises:
        CommandError: it is; says how to come back.
    """
    if context.master.identity() == {"kind": "person", "name": name}:
        raise CommandError(
            f"{name} is you: you would be {what} at once",
            hint="with --yes it is done; another operator lets you in again: pelagos person add "
            f"{name} --again",
            code=USAGE,
        )


def _left(seconds: float) -> str:
    days = round(seconds / 86400)
    return f"{days} day" if days == 1 else f"{days} days"


def check_known(command: Command, kind: str, name: str) -> None:
    """Pass, when there is such a person or computer, as far as the caller may know.

    Raises:
        CommandError: there is none; names the nearest.
    """
    from pelagos.core.spelling import nearest

    if kind == "computer":
        from pelagos.cli.commands.computer import find

        find(command.context, name)
        return
    names = [one.name for one in command.context.master.people()]
    if name not in names:
        near = nearest(name, names)
        raise CommandError(
            f"there is no person {name}",
            hint=f"did you mean {near}?" if near else "see: pelagos person list",
            code=NOT_FOUND,
        )


def _list(command: Command, kind: str, name: str) -> None:
    now = command.context.clock.time()
    check_known(command, kind, name)
    found = [
        one
        for one in command.context.master.certificates()
        if (one.kind, one.name) == (kind, name)
    ]
    columns = (
        Column("serial"),
        Column("created", "issued", lambda at: ago(at, now)),
        Column("expires", "ends in", lambda at: _left(at - now)),
        Column("revoked", show=lambda at: ago(at, now) if at else "no"),
    )
    command.context.output.show_list(found, columns, empty=f"{name} has no certificate")
