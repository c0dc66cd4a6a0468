"""The settings of one agent, each with its unit, default and reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pelagos.slap.agent.cache_use import CacheUse


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """How one agent runs its computer.

    Attributes:
        computer_id: the name under which the master knows this computer.
        root: folder that holds everything of this computer; absolute. Below it: `software/`,
            `instance/`, `log/`.
        partition_count: slots that are announced to the master. 10: enough for a first machine,
            and an empty slot costs one folder.
        address: the address that instances may listen on. The loopback: nothing is reachable from
            outside before somebody decides so.
        poll_interval: seconds between two questions to the master when no message arrives. 5:
            bearable to wait for without a bus, and an unchanged answer costs the master next to
            nothing.
        observe_interval: seconds between two looks at this computer's own processes. 1: a crash
            is known within a second; one look is one call on a local socket.
        build_workers: releases built at the same time. 2: builds fill processors and disks.
        partition_workers: partitions configured or checked at the same time. 8: these mostly
            wait, and a few that hang leave the others a place.
        build_timeout: seconds after which a build is ended. 4 hours: some releases compile a
            database.
        partition_timeout: seconds after which the configuration of one partition is ended. 300:
            it runs offline, so minutes mean that it hangs.
        profile_timeout: seconds for reading the profile of a release before it is built. 20.
        promise_timeout: seconds that one promise may take before it counts as failed. 20, as in
            SlapOS.
        promise_grace: seconds after a start in which a promise that does not hold yet is no
            failure. 10: most services listen within that.
        promise_interval: seconds between two checks of the promises of a well instance. 5: a
            person who broke something sees it while still looking, at about 1 % of a processor for
            10 instances; the death of a process is seen faster, by the supervisor.
        rerun_first: seconds after which an instance whose promises do not hold is configured
            again, because what it waits for may be there now; then after twice as long, and so
            on. 30: soon enough for a tree that comes up, and its services go on running.
        rerun_limit: seconds between two such runs at most. 1800: what has been red for hours is
            hardly mended by another run.
        retry_first: seconds before the first retry of a failed build or configuration. 5.
        retry_limit: seconds between two retries at most. 300: a mended cause heals within minutes.
        warm_limit: warm buildouts kept at the same time, about 30 MB each. 4.
        warm_idle: seconds without work after which a warm buildout ends. 1800.
        log_limit: bytes of one log file of a service before it is rotated; one old file is kept.
            1 MiB.
        stop_timeout: seconds that a clean stop waits for running steps after ending them. 10.
        shared_parts: folders of parts that several releases share; recipes that know of them put
            what they compile there, once. None: each release is complete in itself.
        build_time_parts: the same for what is needed while building only.
        cache: the binary cache that this computer uses; None: everything is built here.
        usage_interval: seconds between two samples of what instances use. 60: `pelagos usage` is
            a minute old at most, at a few milliseconds of processor for 100 processes.
        report_interval: seconds between two usage reports to the master. 3600, as in SlapOS.
        authority: file of the authority (PEM) that the master's certificate comes from; each
            instance gets a copy. None: those that this system trusts will do.
        hook_timeout: seconds that all scripts of an instance's `etc/report` together may take, and
            `sbin/destroy`. 300.
        maximum_periodicity: seconds after which an instance is configured again although nothing
            has changed, unless its release says another number in its file `periodicity`; less
            than a minute counts as a minute, and a negative number as never. 86400, as in SlapOS.
        software_min_free_space: bytes that must be free before a release is built. 0: not looked
            at.
        instance_min_free_space: the same before an instance is configured.
    """

    computer_id: str
    root: Path
    partition_count: int = 10
    address: str = "127.0.0.1"
    poll_interval: float = 5.0
    observe_interval: float = 1.0
    build_workers: int = 2
    partition_workers: int = 8
    build_timeout: float = 14_400.0
    partition_timeout: float = 300.0
    profile_timeout: float = 20.0
    promise_timeout: float = 20.0
    promise_grace: float = 10.0
    promise_interval: float = 5.0
    rerun_first: float = 30.0
    rerun_limit: float = 1800.0
    retry_first: float = 5.0
    retry_limit: float = 300.0
    warm_limit: int = 4
    warm_idle: float = 1800.0
    log_limit: int = 1 << 20
    stop_timeout: float = 10.0
    shared_parts: tuple[Path, ...] = ()
    build_time_parts: tuple[Path, ...] = ()
    cache: CacheUse | None = None
    usage_interval: float = 60.0
    report_interval: float = 3600.0
    authority: Path | None = None
    hook_timeout: float = 300.0
    maximum_periodicity: float = 86_400.0
    software_min_free_space: int = 0
    instance_min_free_space: int = 0
