"""Look at the computer for `format`, and carry out what that decided."""

from __future__ import annotations

import contextlib
import grp
import logging
import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pelagos.core import wire
from pelagos.core.errors import PelagosError
from pelagos.slap.agent.account import account_of, acting_as, owner_of
from pelagos.slap.agent.files import read_text, write_atomic
from pelagos.slap.agent.format import (
    FolderSeen,
    Format,
    FormatPlan,
    FormatRefused,
    FormatSeen,
    FormatStep,
    FormatWish,
    UserSeen,
)
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.partition import RESOURCE, STATE, TIMESTAMP

log = logging.getLogger(__name__)

_TIMEOUT = 30.0


class FormatFailed(PelagosError):
    """A step did not work; those before it stay, and formatting again goes on from there."""


def read_format(layout: Layout) -> Format | None:
    """What formatting noted last; None before the first time.

    Raises:
        FormatFailed: the note is damaged.
    """
    text = read_text(layout.format_file, 1 << 24)
    if text is None:
        return None
    try:
        return wire.decode(text.encode(), Format)
    except wire.WireError as error:
        raise FormatFailed(
            f"{layout.format_file} cannot be read: {error}",
            hint="remove it and format again; users and addresses that exist are adopted",
        ) from error


# ---- looking ------------------------------------------------------------------------------------


def look(wish: FormatWish, layout: Layout) -> FormatSeen:
    """The computer, as far as the wish and the former format concern it."""
    former = read_format(layout)
    slots = {slot.name: slot for slot in (*(former.slots if former else ()), *wish.slots)}
    names = [*slots, *layout.partition_ids, *_holders(layout)]
    users = {slot.user for slot in slots.values()} | {wish.software_user}
    folders = (layout.root, layout.software, layout.instance)
    needs_addresses = bool(wish.networks or (former and former.addresses_made))
    return FormatSeen(
        me=_name_of(os.geteuid()),
        former=former,
        users={user: known for user in users - {""} if (known := _user(user)) is not None},
        folders=dict(_folders((*folders, *(layout.instance / name for name in slots)))),
        addresses=_addresses() if needs_addresses else frozenset(),
        busy=frozenset(n for n in names if (layout.instance / n / STATE / "guid").exists()),
        resources={
            name: text
            for name in slots
            if (text := read_text(layout.instance / name / RESOURCE)) is not None
        },
        closed=tuple(_closed(layout.root)) if wish.software_user else (),
    )


def _holders(layout: Layout) -> list[str]:
    """The folders that hold an instance, also such as no format knows any more."""
    return [path.parent.parent.name for path in layout.instance.glob(f"*/{STATE}/guid")]


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _user(name: str) -> UserSeen | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    groups = frozenset(
        grp.getgrgid(gid).gr_name for gid in os.getgrouplist(name, entry.pw_gid) if _has(gid)
    )
    return UserSeen(entry.pw_uid, entry.pw_dir, groups)


def _has(gid: int) -> bool:
    try:
        return bool(grp.getgrgid(gid))
    except KeyError:
        return False


def _folders(paths: Iterable[Path]) -> Iterator[tuple[Path, FolderSeen]]:
    for path in paths:
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        if not stat.S_ISDIR(found.st_mode):
            raise FormatRefused(
                f"{path} is not a folder, but a link or a file in its place", hint="remove it"
            )
        yield path, FolderSeen(_name_of(found.st_uid), stat.S_IMODE(found.st_mode))


def _closed(root: Path) -> Iterator[Path]:
    """The folders above the root, the interpreter and this package that others may not enter."""
    places = (root, Path(sys.executable), Path(sys.executable).resolve(), Path(__file__))
    for folder in dict.fromkeys(parent for place in places for parent in place.parents):
        with contextlib.suppress(FileNotFoundError):
            if not folder.stat().st_mode & stat.S_IXOTH:
                yield folder


def _addresses() -> frozenset[tuple[str, str]]:
    known: Any = wire.decode(_run("ip", "-json", "addr", "show").encode() or b"[]")
    return frozenset(
        (link["ifname"], one["local"])
        for link in known
        for one in link.get("addr_info", ())
        if "local" in one
    )


# ---- carrying out -------------------------------------------------------------------------------


def carry_out(plan: FormatPlan, layout: Layout) -> None:
    """Do the steps and note the result.

    Raises:
        FormatFailed: a step did not work; says which and why.
    """
    for step in plan.steps:
        log.info("%s %s %s", step.kind, step.subject, step.owner)
        try:
            _STEPS[step.kind](step)
        except (OSError, KeyError) as error:
            if step.kind == "write-resource":  # a full partition must not stop all the others
                log.warning("%s has no description of its resources: %s", step.subject, error)
                continue
            raise FormatFailed(
                f"{step.kind} {step.subject} did not work: {error}",
                hint="mend that and format again; what was done before it stays",
            ) from error
        if step.kind in {"make-user", "add-address"}:  # so that a later run knows whose it is
            _note_made(step, layout)
    with _note(layout):
        write_atomic(layout.format_file, wire.encode(plan.result), mode=0o640)


@contextlib.contextmanager
def _note(layout: Layout) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FormatFailed(
            f"{layout.format_file} cannot be written: {error.strerror}",
            hint="see that the disk has room, then format again",
        ) from error


def _note_made(step: FormatStep, layout: Layout) -> None:
    """Note at once what was made of the system, in case a later step fails."""
    former = read_format(layout) or Format(())
    document = wire.to_builtins(former)
    if step.kind == "make-user":
        document["users_made"] = sorted({*former.users_made, step.subject})
    else:
        address, _, interface = step.subject.partition(" ")
        made = {"interface": interface, "address": address, "netmask": ""}
        document["addresses_made"] = [*document["addresses_made"], made]
    if layout.root.is_dir():
        with _note(layout):
            write_atomic(layout.format_file, wire.encode(document), mode=0o640)


def _make_user(step: FormatStep) -> None:
    _run(
        "useradd",
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        step.value,
        "--shell",
        "/bin/sh",
        step.subject,
    )
    account_of.cache_clear()


def _join_group(step: FormatStep) -> None:
    _run("usermod", "--append", "--groups", step.value, step.subject)
    account_of.cache_clear()


def _make_folder(step: FormatStep) -> None:
    path, mode = Path(step.subject), int(step.value, 8)
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    if step.owner and os.geteuid() == 0:
        entry = pwd.getpwnam(step.owner)
        os.chown(path, entry.pw_uid, entry.pw_gid)
    path.chmod(mode)


def _hand_over(step: FormatStep) -> None:
    """Give a folder and everything in it to a user; links are given, never followed."""
    entry = pwd.getpwnam(step.owner)
    os.lchown(step.subject, entry.pw_uid, entry.pw_gid)
    for folder, folders, files, handle in os.fwalk(step.subject, follow_symlinks=False):
        del folder
        for name in (*folders, *files):
            os.chown(name, entry.pw_uid, entry.pw_gid, dir_fd=handle, follow_symlinks=False)
    Path(step.subject, TIMESTAMP).unlink(missing_ok=True)  # its services start anew as that user


def _set_mode(step: FormatStep) -> None:
    Path(step.subject).chmod(int(step.value, 8))


def _change_address(step: FormatStep) -> None:
    address, _, interface = step.subject.partition(" ")
    length = 128 if ":" in address else 32
    verb = "add" if step.kind == "add-address" else "del"
    _run("ip", "addr", verb, f"{address}/{length}", "dev", interface)


def _write_resource(step: FormatStep) -> None:
    folder = Path(step.subject)
    with acting_as(owner_of(folder)):
        write_atomic(folder / RESOURCE, step.value, mode=0o644)


def _remove_folder(step: FormatStep) -> None:
    """Remove the folder of a partition that is none any more; it holds no instance."""
    folder = Path(step.subject)
    with acting_as(owner_of(folder)):
        (folder / RESOURCE).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # somebody's files: left to them
        folder.rmdir()


_STEPS = {
    "make-user": _make_user,
    "join-group": _join_group,
    "make-folder": _make_folder,
    "hand-over": _hand_over,
    "set-mode": _set_mode,
    "add-address": _change_address,
    "drop-address": _change_address,
    "write-resource": _write_resource,
    "remove-folder": _remove_folder,
}


def _run(program: str, *arguments: str) -> str:
    """The output of a program of the system.

    Raises:
        FormatFailed: there is no such program, or it failed; in its own words.
    """
    path = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if path is None:
        raise FormatFailed(
            f"the program {program} is missing",
            hint="install it (packages passwd and iproute2), or do without users and addresses",
        )
    try:
        done = subprocess.run(  # noqa: S603 - a program of the system, no shell
            [path, *arguments], capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise FormatFailed(
            f"{program} did not end within {_TIMEOUT:g} s", hint="find out what it waits for"
        ) from error
    if done.returncode and "File exists" not in done.stderr:  # an address that is there already
        said = done.stderr.strip().splitlines()
        raise FormatFailed(
            f"{program} {' '.join(arguments)} failed: {said[-1] if said else done.returncode}",
            hint="mend that and format again; what was done before it stays",
        )
    return done.stdout


# ---- undoing ------------------------------------------------------------------------------------


def undo(layout: Layout) -> tuple[str, ...]:
    """Remove the users and addresses that formatting made, and give the files to who runs this.

    Returns:
        what was removed.

    Raises:
        FormatRefused: an instance is still there.
        FormatFailed: a step did not work.
    """
    former = read_format(layout)
    if former is None:
        return ()
    busy = _holders(layout)
    if busy:
        raise FormatRefused(
            f"{', '.join(sorted(busy))} still holds an instance",
            hint="destroy those instances first; pelagos computer info shows them",
        )
    removed = [*_undo_addresses(former)]
    me = _name_of(os.geteuid())
    for path in (layout.software, *(layout.instance / slot.name for slot in former.slots)):
        if os.geteuid() == 0 and path.is_dir() and owner_of(path) is not None:
            _hand_over(FormatStep("hand-over", str(path), me))
    # Other users are in the group of the one who owns the software.
    for user in sorted(former.users_made, key=lambda name: name == former.software_user):
        if _user(user) is not None:
            _run("userdel", user)
            removed.append(user)
    account_of.cache_clear()
    layout.format_file.unlink(missing_ok=True)
    return tuple(removed)


def _undo_addresses(former: Format) -> Iterator[str]:
    there = _addresses() if former.addresses_made else frozenset()
    for address in former.addresses_made:
        if (address.interface, address.address) in there:
            _change_address(FormatStep("drop-address", f"{address.address} {address.interface}"))
            yield address.address
