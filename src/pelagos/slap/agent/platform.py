"""What built software may rely on here: processor, C library, distribution. Needs no compiler."""

from __future__ import annotations

import os
import platform

from pelagos.slap.binary_cache import Platform

#: Processor as the kernel names it -> what a compiler of Debian calls its target.
_TARGETS = {
    "aarch64": "aarch64-linux-gnu",
    "armv7l": "arm-linux-gnueabihf",
    "i686": "i686-linux-gnu",
    "ppc64le": "powerpc64le-linux-gnu",
    "riscv64": "riscv64-linux-gnu",
    "s390x": "s390x-linux-gnu",
    "x86_64": "x86_64-linux-gnu",
}


def this_platform() -> Platform:
    """This computer's."""
    machine = os.uname().machine
    target = _TARGETS.get(machine, f"{machine}-linux-gnu")
    if not _has_glibc():
        target = f"{machine}-linux-musl"
    return Platform(target, _distribution())


def _has_glibc() -> bool:
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except ValueError:
        return False


def _distribution() -> tuple[str, str, str]:
    """Id, version and codename, as os-release has them; empty where it says nothing."""
    try:
        known = platform.freedesktop_os_release()
    except OSError:
        return "linux", "", ""
    return known.get("ID", "linux"), known.get("VERSION_ID", ""), known.get("VERSION_CODENAME", "")
