"""Let `import ANCESTOR` in this process mean one of our packages, module by module."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from pelagos.core.errors import PelagosError


def alias(name: str, package: str) -> None:
    """Let a name and all below it mean a package of ours; again is harmless.

    The modules are the same objects under both names, so that a class is one class however a
    program came by it. Nothing is loaded before the program asks for it.

    Args:
        name: of the ancestor, "kamaki".
        package: of ours, "pelagos.compat.kamaki".

    Raises:
        PelagosError: another module of that name has been imported already.
    """
    loaded = sys.modules.get(name)
    if loaded is not None and loaded is not sys.modules.get(package):
        raise already_loaded(name)
    add_finder(_Finder(name, package))


def add_finder(finder: AliasFinder) -> None:
    """Let a finder answer before all others, unless there is one for its name."""
    if not any(isinstance(one, AliasFinder) and one.name == finder.name for one in sys.meta_path):
        sys.meta_path.insert(0, finder)


def is_alias(name: str) -> bool:
    """Whether a name, or one below it, means ours in this process."""
    return any(
        isinstance(one, AliasFinder) and one.name.partition(".")[0] == name.partition(".")[0]
        for one in sys.meta_path
    )


def already_loaded(name: str) -> PelagosError:
    """The error about a name that means something else already."""
    return PelagosError(
        f"another module named {name} is loaded", hint="install before anything imports it"
    )


class AliasFinder(MetaPathFinder):
    """Finds what a name of an ancestor, and all below it, means.

    Attributes:
        name: the ancestor's.
    """

    def __init__(self, name: str) -> None:
        self.name = name


class _Finder(AliasFinder):
    def __init__(self, name: str, package: str) -> None:
        super().__init__(name)
        self._package = package

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname != self.name and not fullname.startswith(f"{self.name}."):
            return None
        own = self._package + fullname.removeprefix(self.name)
        try:
            found = importlib.util.find_spec(own)
        except ModuleNotFoundError:
            return None
        return None if found is None else ModuleSpec(fullname, _Loader(own))


class _Loader(Loader):
    """Gives the module of ours, and leaves it as it was."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        del spec
        module = importlib.import_module(self._own)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec
