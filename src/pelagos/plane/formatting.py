"""Cut this computer into partitions as the configuration, or a definition file, wishes."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pelagos.core.errors import ConfigError, PelagosError
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.sections import NodeConfig
from pelagos.slap.agent.definition import read_definition
from pelagos.slap.agent.files import locked
from pelagos.slap.agent.format import (
    Format,
    FormatPlan,
    FormatRefused,
    FormatWish,
    Network,
    cut,
    make_format_plan,
)
from pelagos.slap.agent.formatter import carry_out, look, read_format, undo
from pelagos.slap.agent.layout import Layout

#: Where partitions with users of their own are, unless the configuration says.
SHARED_ROOT = Path("/srv/pelagos")


def node_root(config: NodeConfig, folder: DataFolder) -> Path:
    """The folder of the partitions and the software; absolute."""
    if config.root is not None:
        return config.root.absolute()
    return SHARED_ROOT if config.users else folder.node


def format_node(
    config: NodeConfig, root: Path, *, definition: Path | None = None, is_trial: bool = False
) -> FormatPlan:
    """Make this computer's partitions what is wished; nothing happens when they are.

    Without a definition file the last one that was used still counts, if there was one.

    Args:
        config: the wish.
        root: see `node_root`.
        definition: file with the partitions, instead of those of the configuration.
        is_trial: only say what would be done.

    Raises:
        FormatRefused: it must not be done, or another one is doing it.
        FormatFailed: a step did not work.
    """
    layout = Layout(root)
    with _alone(root, is_trial=is_trial):
        former = read_format(layout)
        if definition is not None:
            wish, source = _defined(definition), str(definition.absolute())
        elif former is not None and former.source:
            wish, source = _again(former), former.source
        else:
            wish, source = wish_of(config), ""
        wish = _with_software_user(replace(wish, properties=_properties(config)), config)
        plan = make_format_plan(wish, look(wish, layout), layout)
        plan = replace(plan, result=replace(plan.result, source=source))
        if not is_trial and (plan.steps or plan.result != former):
            carry_out(plan, layout)
    return plan


def unformat_node(root: Path) -> tuple[str, ...]:
    """Remove the users and addresses that formatting made; see `formatter.undo`."""
    with _alone(root, is_trial=False):
        return undo(Layout(root))


def wish_of(config: NodeConfig) -> FormatWish:
    """What the configuration wishes.

    Raises:
        ConfigError: a network cannot be read.
    """
    return FormatWish(
        slots=cut(
            config.partitions,
            prefix=config.partition_prefix,
            user_prefix=config.user_prefix if config.users else "",
            capabilities=tuple(config.capabilities.split()),
        ),
        software_user=config.software_user if config.users else "",
        networks=tuple(_networks(config.network)),
        interface=config.interface,
    )


def _networks(text: str) -> Iterator[Network]:
    for word in text.replace(",", " ").split():
        try:
            yield ipaddress.ip_network(word)
        except ValueError as error:
            raise ConfigError(
                f"node.network: {error}", hint="write networks as 10.34.0.0/16 or fd00:34::/64"
            ) from error


def _properties(config: NodeConfig) -> dict[str, str]:
    for key, value in config.properties.items():
        if not isinstance(value, str):
            raise ConfigError(
                f"node.properties: {key} must be text", hint=f'write {key} = "{value}"'
            )
    return dict(config.properties)


def _defined(path: Path) -> FormatWish:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise FormatRefused(
            f"{path} cannot be read: {reason}", hint="name another file"
        ) from error
    return read_definition(text, str(path))


def _with_software_user(wish: FormatWish, config: NodeConfig) -> FormatWish:
    """Where partitions have users, the software has one, too: nothing is built as root."""
    has_users = any(slot.user for slot in wish.slots)
    if wish.software_user or not has_users or os.geteuid() != 0:
        return wish
    return replace(wish, software_user=config.software_user or NodeConfig().software_user)


def _again(former: Format) -> FormatWish:
    return FormatWish(former.slots, former.software_user, address=former.address)


@contextlib.contextmanager
def _alone(root: Path, *, is_trial: bool) -> Iterator[None]:
    if is_trial:
        yield
        return
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(root / ".format.lock"):
            yield
    except BlockingIOError:
        raise FormatRefused(
            f"{root} is being formatted by another process", hint="wait for that one"
        ) from None
    except PermissionError as error:
        raise PelagosError(
            f"cannot use {root}: {error.strerror}",
            hint="run this as root, or name another folder with `root` in [node]",
        ) from error
