"""What passes between requester and instance: `pelagos:parameters` and `pelagos:publish`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pelagos.core.spelling import nearest
from pelagos.slap.recipes import master
from pelagos.slap.recipes.base import LABEL, Options, Recipe, Sections


class Parameters(Recipe):
    """Reads the instance's parameters from the master; each becomes an option of this section.

    Options: defaults, lines `name = value`: the parameters that the instance knows, with what
    holds when the requester says nothing. A parameter that is not declared there is an error,
    unless strict = false. multiline: names of those whose value may have several lines.
    """

    allowed = ("defaults", "multiline", "strict")

    def __init__(self, buildout: Sections, name: str, options: Options) -> None:
        super().__init__(buildout, name, options)
        defaults = self.pairs("defaults")
        for reserved in {"recipe", *self.allowed} & defaults.keys():
            raise self.fail(f"a parameter cannot be named {reserved}.")
        multiline = options.get("multiline", "").split()
        for stranger in sorted(set(multiline) - defaults.keys()):
            raise self.fail(f"multiline: {stranger[:80]!r} is not among the defaults.")
        given = _fetch_parameters(buildout)
        if self.flag("strict", default=True):
            self._refuse_unknown(given, defaults)
        taken = {
            key: value
            for key, value in given.items()
            if LABEL.fullmatch(key) and key not in {"recipe", *self.allowed}
        }
        for key, value in taken.items():
            self._refuse_profile(key, value, may_be_multiline=key in multiline)
        for key, value in {**defaults, **taken}.items():
            options[key] = value

    def _refuse_unknown(self, given: Mapping[str, str], defaults: Mapping[str, str]) -> None:
        for unknown in sorted(set(given) - set(defaults)):
            near = nearest(unknown, defaults)
            meant = f" Did you mean {near}?" if near else ""
            known = ", ".join(sorted(defaults)) or "none"
            raise self.fail(
                f"the service has no parameter {unknown[:80]!r}.{meant} It knows: {known}."
            )

    def _refuse_profile(self, key: str, value: str, *, may_be_multiline: bool) -> None:
        """Refuse what would be read as part of the profile.

        zc.buildout fills in what it has just filled in once more, so `${slap-connection:…}` in a
        value would show the partition's token; and a line of a value would become a line of the
        option that it is put into, e.g. one more variable of a service's environment. The values
        of two parameters may be put side by side, so that a reference begins in the first.
        """
        if "${" in value:
            raise self.fail(f"the parameter {key!r} holds '${{', which zc.buildout would fill in.")
        if value.endswith("$"):  # the profile may put what begins with "{" right behind it
            raise self.fail(f"the parameter {key!r} ends in '$', which zc.buildout may fill in.")
        if not may_be_multiline and value.splitlines() not in ([], [value]):
            raise self.fail(
                f"the parameter {key!r} has several lines, and the release takes one "
                "(its profile may allow more: multiline)."
            )


def _fetch_parameters(buildout: Sections) -> Mapping[str, str]:
    told = master.connection_of(buildout)
    partition = master.asked(
        lambda: master.client_of(buildout).fetch_partition(
            told["computer-id"], told["partition-id"]
        )
    )
    return {
        str(key): "" if value is None else str(value)
        for key, value in partition.parameters.items()
    }


class Publish(Recipe):
    """Hands the connection parameters to whoever requested the instance.

    Options: connection, lines `name = value`.
    """

    allowed = ("connection",)
    required = ("connection",)

    def __init__(self, buildout: Sections, name: str, options: Options) -> None:
        super().__init__(buildout, name, options)
        self.connection = self.pairs("connection")

    def install(self) -> Iterable[str]:
        """Send them; a master that knows them already changes nothing."""
        told = master.connection_of(self.buildout)
        client = master.client_of(self.buildout)
        master.asked(
            lambda: client.publish(told["computer-id"], told["partition-id"], self.connection)
        )
        return ()
