"""All ancestors at once: which there are, and what their names mean in this process."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping

from pelagos.compat.aliases import alias, is_alias
from pelagos.core import spelling
from pelagos.core.errors import PelagosError

_FIRST_MODULES: Mapping[str, str] = {
    "kamaki": "kamaki",
    "postage": "postage",
    "pyone": "pyone",
    "slapos": "slapos.slap",  # others have modules below `slapos`, too
    "xivo_dird": "xivo_dird",
    "wazo_dird": "wazo_dird",
}
#: The names that programs import; xivo-dird has two.
ANCESTORS = tuple(_FIRST_MODULES)


def install(*names: str) -> tuple[str, ...]:
    """Let `import kamaki` and the others in this process mean our names; again is harmless.

    Nothing is loaded before the program imports it, and nothing is shadowed unless it is asked
    for: an ancestor that is installed itself stays what it is, unless it is named.

    Args:
        names: of ancestors; none: all of `ANCESTORS` that are not installed themselves.

    Returns:
        The names that mean ours now.

    Raises:
        PelagosError: there is no such ancestor, or its own modules have been imported already.
    """
    for name in names:
        if name not in ANCESTORS:
            raise PelagosError(
                f"there is no ancestor {name}",
                hint=spelling.hint(name, ANCESTORS) or f"there are {', '.join(ANCESTORS)}",
            )
    for name in names:
        _adopt(name)
    if not names:
        for name in ANCESTORS:
            if is_alias(name) or not is_installed(name):
                _adopt(name)
    return adopted()


def adopted() -> tuple[str, ...]:
    """The names that mean ours in this process."""
    return tuple(name for name in ANCESTORS if is_alias(name))


def is_installed(name: str) -> bool:
    """Whether the ancestor itself can be imported here."""
    if is_alias(name):
        return False
    try:
        return importlib.util.find_spec(_FIRST_MODULES[name]) is not None
    except (
        ModuleNotFoundError,
        ValueError,
    ):  # what it is in; a module that says nothing of itself
        return False


def _adopt(name: str) -> None:
    _WAYS.get(name, _adopt_package)(name)


def _adopt_package(name: str) -> None:
    alias(name, f"{__package__}.{name}")


def _adopt_slapos(_name: str) -> None:
    importlib.import_module(f"{__package__}.slapos").install()


def _adopt_dird(name: str) -> None:
    # Not the package: it has few modules, which are made when a program asks for them.
    from pelagos.compat.xivo_dird import install_names  # noqa: PLC0415  # only when asked for

    install_names(name)


_WAYS: Mapping[str, Callable[[str], None]] = {
    "slapos": _adopt_slapos,
    "xivo_dird": _adopt_dird,
    "wazo_dird": _adopt_dird,
}
