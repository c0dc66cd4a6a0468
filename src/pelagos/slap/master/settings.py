"""The master's settings: one typed value, complete when built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MasterSettings:
    """What a site may tune in a master.

    Attributes:
        silent_after: seconds without a sign of life after which a computer counts as silent.
            60: twelve polls of an agent at its default of 5 s.
        seen_interval: seconds between two writes of a computer's last sign of life. 10: small
            against `silent_after`, and 1,000 polling computers cost one write in 10 s together.
        parameters_limit: bytes of the parameters of one request, or of what one instance
            publishes. 1 MiB: far above real use, far below what hurts an agent.
        body_limit: bytes of one HTTP request. 8 MiB: a format of 5,000 partitions fits.
        log_limit: characters kept of a log that an agent sends with an error; the end is kept.
            32,768: a screenful of buildout with its traceback fits many times.
        wait_limit: seconds that one call may wait for events. 30: below the idle limits of the
            usual proxies.
        waiters_limit: calls that may wait for events at once; others are answered after
            `crowded_wait`. 8: half of the threads of the WSGI server stay free for work.
        crowded_wait: seconds that a call waits when too many wait already. 0.25.
        refuse_invalid_parameters: whether a request is refused whose parameters do not keep to
            the release's own schema. True: a wrong parameter is told at once and where it was
            written; without, the wish is kept and fails when it is built.
        busy_timeout: seconds to wait for a database that another process has locked. 10.
        certificate_lifetime: seconds that a certificate lasts. 90 days: a computer may be off for
            weeks, as agents renew theirs when a third is left.
        certificate_overlap: seconds that a renewed certificate holds on beside its successor. A
            day: enough for all programs of its holder to take the new one.
        invitation_lifetime: seconds that a one-time token to join lasts. A day, as SlapOS has it.
        snapshot_bytes: bytes of prepared getFullComputerInformation answers in memory. 64 MiB: 30
            computers with 1,000 partitions, or 2,000 with 10.
        events_lifetime: seconds that events are kept. 400 days: `why` and an audit reach back a
            year.
        events_kept: newest events that are kept whatever their age. 100,000: a small site keeps
            all of its life in some 50 MB.
        usage_lifetime: seconds that usage reports are kept. 400 days: the same month of the year
            before can still be compared.
        products: name -> URLs of its releases, the best first. Empty: a URL stands for itself.
    """

    silent_after: float = 60.0
    seen_interval: float = 10.0
    parameters_limit: int = 1024 * 1024
    body_limit: int = 8 * 1024 * 1024
    log_limit: int = 32_768
    wait_limit: float = 30.0
    waiters_limit: int = 8
    crowded_wait: float = 0.25
    refuse_invalid_parameters: bool = True
    busy_timeout: float = 10.0
    certificate_lifetime: float = 90 * 86400.0
    certificate_overlap: float = 86400.0
    invitation_lifetime: float = 86400.0
    snapshot_bytes: int = 64 * 1024 * 1024
    events_lifetime: float = 400 * 86400.0
    events_kept: int = 100_000
    usage_lifetime: float = 400 * 86400.0
    products: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
