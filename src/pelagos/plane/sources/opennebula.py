"""Back-ends `one_vms` and `one_hosts`: machines and hosts of an OpenNebula in the directory."""

from __future__ import annotations

import builtins
import os
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pelagos.core.clock import Clock
from pelagos.core.spelling import refuse_unknown
from pelagos.directory.errors import SourceError
from pelagos.directory.settings import COMMON_KEYS, checks
from pelagos.plane.sources.listed import ListedBackend
from pelagos.plane.sources.server_rows import Row

if TYPE_CHECKING:  # a directory without such a source does not pay for the bindings
    from pelagos.one import OneServer

_KEYS = (*COMMON_KEYS, "endpoint", "auth_file", "fresh")
_TIMEOUT = 30.0


class _OpenNebulaBackend(ListedBackend):
    """What the configuration's own login sees of an OpenNebula, whoever asks the directory.

    Args:
        environ: where ONE_AUTH and ONE_XMLRPC are looked for; None: this process' own.
        clock: tells how old the list is.
    """

    def __init__(
        self, environ: Mapping[str, str] | None = None, clock: Clock | None = None
    ) -> None:
        super().__init__(clock)
        self._environ = dict(os.environ if environ is None else environ)
        self._one: OneServer | None = None

    def load(self, args: Mapping[str, Any]) -> None:
        """Read the configuration; OpenNebula is asked later, so it need not answer yet.

        Raises:
            SourceError, ConfigError: there is no login, or a key, a column or a value cannot be
                meant.
        """
        from pelagos.one import OneServer
        from pelagos.one.errors import OneConfigException

        config = args["config"]
        refuse_unknown(config, _KEYS, SourceError)
        timeout = checks.seconds(config.get("timeout", _TIMEOUT), "timeout")
        if file := config.get("auth_file"):
            self._environ["ONE_AUTH"] = checks.text(file, "auth_file")
        endpoint = config.get("endpoint")
        self.keep(config, timeout)
        try:
            self._one = OneServer(
                None if endpoint is None else checks.text(endpoint, "endpoint"),
                timeout=timeout,
                environment=self._environ,
            )
        except OneConfigException as error:
            raise SourceError(error.message, hint=error.hint) from error

    def unload(self) -> None:
        """Close the connections."""
        if self._one is not None:
            self._one.close()

    def rows(self) -> builtins.list[Row]:
        """The whole list.

        Raises:
            SourceError: it does not come.
        """
        from pelagos.one import OneException

        if self._one is None:
            raise SourceError("this source is not loaded")
        try:
            return [self.row(one) for one in self.listed(self._one)]
        except OneException as error:
            raise SourceError(
                " ".join(error.message.split()), hint=error.hint, retry_after=error.retry_after
            ) from error

    def check(self) -> builtins.list[str]:
        """What this source cannot do now, one line each; none when all is well.

        Raises:
            SourceError: OpenNebula does not answer, or does not let the configuration's login in.
        """
        if not self.rows():
            return [f"this login sees none: {self.WHAT} are empty"]
        return []

    @abstractmethod
    def listed(self, one: OneServer) -> Iterable[Any]:
        """All things, as OpenNebula answers them."""

    @abstractmethod
    def row(self, thing: Any) -> Row:
        """One of them with all columns: texts, None, and the list of addresses."""


class OneVmsBackend(_OpenNebulaBackend):
    """The machines that are not done."""

    COLUMNS = (
        "id", "name", "state", "addresses", "ipv4", "user", "group", "host", "cpu", "memory",
        "labels",
    )  # fmt: skip
    NAMED_BY = ("name", "addresses")
    WHAT = "the machines of an OpenNebula"

    def listed(self, one: OneServer) -> Iterable[Any]:
        """All that the login sees."""
        found: Iterable[Any] = one.vmpool.iter()
        return found

    def row(self, thing: Any) -> Row:
        """A machine."""
        from pelagos.one.constants import LCM_STATE, VM_STATE

        state = VM_STATE(thing.STATE)
        nics = thing.TEMPLATE.get_list("NIC")
        addresses = [str(nic["IP"]) for nic in nics if nic.get("IP")]
        records = thing.HISTORY_RECORDS.HISTORY if thing.HISTORY_RECORDS else []
        word = LCM_STATE(thing.LCM_STATE).name if state is VM_STATE.ACTIVE else state.name
        return {
            "id": str(thing.ID),
            "name": thing.NAME,
            "state": word.lower(),
            "addresses": addresses or None,
            "ipv4": addresses[0] if addresses else None,
            "user": thing.UNAME,
            "group": thing.GNAME,
            "host": str(records[-1].HOSTNAME) if records else None,
            "cpu": thing.TEMPLATE.get("CPU"),
            "memory": thing.TEMPLATE.get("MEMORY"),
            "labels": thing.USER_TEMPLATE.get("LABELS"),
        }


class OneHostsBackend(_OpenNebulaBackend):
    """The hosts."""

    COLUMNS = (
        "id", "name", "state", "cluster", "vms", "cpu_total", "cpu_used", "memory_total_mib",
        "memory_used_mib", "labels",
    )  # fmt: skip
    NAMED_BY = ("name",)
    WHAT = "the hosts of an OpenNebula"

    def listed(self, one: OneServer) -> Iterable[Any]:
        """All that the login sees."""
        found: Iterable[Any] = one.hostpool.iter()
        return found

    def row(self, thing: Any) -> Row:
        """A host; a CPU counts 100."""
        from pelagos.one.constants import HOST_STATES

        share = thing.HOST_SHARE
        return {
            "id": str(thing.ID),
            "name": thing.NAME,
            "state": HOST_STATES(thing.STATE).name.lower(),
            "cluster": thing.CLUSTER,
            "vms": str(share.RUNNING_VMS),
            "cpu_total": str(share.MAX_CPU),
            "cpu_used": str(share.CPU_USAGE),
            "memory_total_mib": str(share.MAX_MEM // 1024),
            "memory_used_mib": str(share.MEM_USAGE // 1024),
            "labels": thing.TEMPLATE.get("LABELS"),
        }
