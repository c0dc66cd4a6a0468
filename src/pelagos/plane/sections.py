"""The sections of the configuration file: what each program takes, its defaults and its limits.

Data only, and cheap to import: every command reads `PlaneConfig`. A room that wants settings adds
its section to `SECTIONS`; its keys, variables and page of the reference follow from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pelagos.core.section import declared, section

_PORT = {"least": 0, "most": 65535}
_POSITIVE = {"least": 0.001}


@section
class PlaneConfig:
    """Where commands find the plane.

    Attributes:
        master_url: URL of the master. Empty: the plane that was started with the same data
            folder, so that nothing needs to be configured on one machine.
        directory_url: URL of the directory. Empty: as for master_url.
        token_file: file that holds your token, alone on one line. Empty: `token` in the data
            folder, where `pelagos up` writes the administrator's token.
        authority: certificate (PEM) of the authority that the master's own must come from.
            Empty: that of the plane in the data folder, or those that this system trusts.
        timeout: seconds that a command waits for one answer of the plane. 60, because a master
            that allocates for many clients at once may take a while. One that leaves even a short
            question unanswered is given up after about 10.
        pager: program that shows lists which are longer than the terminal. `none`: they are just
            printed, as by --no-pager. Empty: the one of the variable `PAGER`, or less.
        completion_timeout: seconds that completion waits for an answer with names. 0.5: longer
            is worse than none, unless your cloud is far away.
    """

    VARIABLES: ClassVar[str] = "PELAGOS_"  # every command needs them: PELAGOS_MASTER_URL

    master_url: str = ""
    directory_url: str = ""
    token_file: Path | None = None
    authority: Path | None = None
    timeout: float = declared(default=60.0, metadata=_POSITIVE)
    pager: str = ""
    completion_timeout: float = declared(default=0.5, metadata=_POSITIVE)


@section
class MasterConfig:
    """The master that `pelagos up` starts.

    Attributes:
        database: `sqlite:////PATH`, or `postgresql://USER@HOST/DATABASE`, which several masters
            may share. Empty: the file plane.db in the data folder, so that nothing has to be
            set up. Keep a password in ~/.pgpass rather than here.
        host: address to listen on. 127.0.0.1, because the first plane is for its own machine;
            0.0.0.0 lets other computers join.
        port: TCP port. 0: the one of the last start, or a free one, because services keep the
            master's address.
        https: auto, true or false. auto: plain HTTP on a loopback address, where nobody can
            listen in, and HTTPS on any other. false is for a proxy in front that speaks HTTPS.
        names: further names and addresses of the master, apart by spaces; they stand in its
            certificate, and computers that join under one of them trust the plane's own
            authority. Leave out the name of a proxy that has a certificate of its own. Empty:
            those of this machine are enough.
        refuse_invalid_parameters: false keeps requests whose parameters are not what the
            release's own schema says. True: they are refused, and told where they are wrong,
            instead of failing when the service is built.
        usage_days: days that usage reports are kept. 400: the same month of the year before can
            still be compared.
        events_days: days that events are kept. 400: `why` and an audit reach back a year.
        events_kept: newest events that are kept whatever their age. 100000: a small site keeps
            all of its life in some 50 MB.
        public_url: where others reach the master, e.g. https://plane.example.org:8443; one-time
            tokens to join carry it. Where its host is none of the master's own names (`names`),
            a proxy in front is taken to answer there with a certificate that every system
            trusts. Empty: this machine's own address.
        products: table of names that stand for software: for each the URLs of its releases, the
            best first. Programs written for SlapOS ask for them (`product.NAME`). Empty: a
            release is named by its URL.
    """

    database: str = ""
    host: str = "127.0.0.1"
    port: int = declared(default=0, metadata=_PORT)
    https: str = "auto"
    names: str = ""
    refuse_invalid_parameters: bool = True
    usage_days: float = declared(default=400.0, metadata=_POSITIVE)
    events_days: float = declared(default=400.0, metadata=_POSITIVE)
    events_kept: int = declared(default=100_000, metadata={"least": 1, "most": 10**9})
    public_url: str = ""
    products: Mapping[str, Any] = declared(default_factory=dict)


@section
class NodeConfig:
    """This machine as a computer of the plane.

    Attributes:
        computer_id: name of this computer in the plane. Empty: the one of the last start, or
            the host's name.
        partitions: number of instances that fit on this computer. 10, as SLAP's own standalone
            node has.
        poll_interval: seconds between two looks at the master when nothing wakes the agent. 5,
            which costs a master of 100 computers 20 small requests a second.
        root: folder of the partitions and of the built software. Empty: `node` in the data
            folder; with `users` /srv/pelagos, because every user must be able to enter it.
        partition_prefix: how the names of partitions begin; a number follows. slappart, as in
            SlapOS, whose tools know it.
        users: give each partition a user of its own, so that none can read another's files.
            Needs root. false, because the first minute must not need it.
        user_prefix: how the names of these users begin; the partition's number follows.
            slapuser, as in SlapOS.
        software_user: name of the user who builds and owns the software where partitions have
            users. slapsoft, as in SlapOS.
        network: networks apart by spaces, as `10.34.0.0/16 fd00:34::/64`; each partition gets an
            address of its own from each, which is added to `interface`. Needs root. Empty: all
            partitions share 127.0.0.1.
        interface: network interface that carries the partitions' addresses. lo, from which the
            addresses are reachable on this computer and by whatever routes to it.
        capabilities: words apart by spaces; partitions of this computer are kept for requests
            that name one of them. Empty: they are for everybody.
        properties: table of what requests can choose computers by, as `region = "north"`.
            Empty: nothing but the computer's name.
        shared_parts: folders apart by spaces in which recipes that know of them keep parts that
            several releases share. Empty: each release is complete in itself.
        build_time_parts: the same for parts that are needed while building only.
        usage_interval: seconds between two looks at what instances use. 60: some milliseconds of
            processor for 100 processes.
        report_interval: seconds between two usage reports to the master. 3600, as in SlapOS; 0
            reports nothing.
        maximum_periodicity: seconds after which an instance is configured again although nothing
            has changed, unless its release says another number in its file `periodicity`; less
            than a minute counts as a minute, and a negative number as never. 86400, as in SlapOS.
        partition_timeout: seconds after which the configuration of an instance is ended. 300: it
            runs offline, so minutes mean that it hangs.
        promise_timeout: seconds that one promise may take; all of an instance together may take
            three times as long. 20, as in SlapOS.
        build_workers: releases built at the same time. 2: builds fill processors and disks.
        partition_workers: instances configured or checked at the same time; slow ones do not
            count. 8: these mostly wait.
        software_min_free_space: MiB of the disk that must be free before a release is built. 1000,
            as in SlapOS; 0 does not look.
        instance_min_free_space: MiB of the disk that must be free before an instance is
            configured. 100: a configuration is small, and a full disk stops every service.
        allow_logs: let people read the logs of their services on this computer from elsewhere,
            through the master. true: the services are theirs.
        allow_exec: let operators run programs in the place of a service on this computer from
            elsewhere, as its user. false, because who administers this computer decides that.
    """

    computer_id: str = ""
    partitions: int = declared(default=10, metadata={"least": 1, "most": 10000})
    poll_interval: float = declared(default=5.0, metadata=_POSITIVE)
    root: Path | None = None
    partition_prefix: str = "slappart"
    users: bool = False
    user_prefix: str = "slapuser"
    software_user: str = "slapsoft"
    network: str = ""
    interface: str = "lo"
    capabilities: str = ""
    properties: Mapping[str, Any] = declared(default_factory=dict)
    shared_parts: str = ""
    build_time_parts: str = ""
    usage_interval: float = declared(default=60.0, metadata=_POSITIVE)
    report_interval: float = declared(default=3600.0, metadata={"least": 0})
    maximum_periodicity: float = 86_400.0
    partition_timeout: float = declared(default=300.0, metadata=_POSITIVE)
    promise_timeout: float = declared(default=20.0, metadata=_POSITIVE)
    build_workers: int = declared(default=2, metadata={"least": 1, "most": 64})
    partition_workers: int = declared(default=8, metadata={"least": 1, "most": 64})
    software_min_free_space: int = declared(default=1000, metadata={"least": 0, "most": 10**9})
    instance_min_free_space: int = declared(default=100, metadata={"least": 0, "most": 10**9})
    allow_logs: bool = True
    allow_exec: bool = False


@section
class CacheConfig:
    """The binary cache that the master keeps for its computers.

    Attributes:
        enabled: whether it keeps one. false, because it may take much of the disk.
        folder: where. Empty: `cache` in the data folder. Several masters need the same one.
        archive_gib: GiB of one archive at the most. 8: above the largest releases that are known.
        size_gib: GiB of all; what was not asked for longest makes room. 50.
        spare_gib: GiB of the disk that stay free whatever is uploaded. 1: the master's database
            may be on the same disk.
        uploaders: computers that may upload, apart by spaces; * for all of the site's, not those
            of tenants. Empty: operators only, because every computer runs what it fetches.
        certificates: file with the certificates, in PEM, one of which must have signed an entry
            (SHA-256). Empty, with the next one: each is kept, and who fetches it judges.
        old_certificates: the same for signatures with SHA-1, of SlapOS' programs.
    """

    enabled: bool = False
    folder: Path | None = None
    archive_gib: float = declared(default=8.0, metadata=_POSITIVE)
    size_gib: float = declared(default=50.0, metadata=_POSITIVE)
    spare_gib: float = declared(default=1.0, metadata={"least": 0})
    uploaders: str = ""
    certificates: Path | None = None
    old_certificates: Path | None = None


@section
class NodeCacheConfig:
    """The binary cache that this computer fetches built releases from, or adds them to.

    Attributes:
        url: `master` for the one of this plane's master, `cloud:NAME/CONTAINER` for object
            storage of a configured cloud, or the URL of a shacache. Empty: each release is built
            here.
        directory_url: URL of the shadir that belongs to it; not needed for `master` and a cloud.
        token_file: file with the token for both; not needed for `master`.
        certificates: file with the certificates (PEM) of those whose builds are believed, by
            their SHA-256 signature. Empty: nothing is fetched.
        old_certificates: file with RSA certificates of those who are believed by a SHA-1
            signature, too: all that SlapOS' own builders make. Empty: nobody.
        signing_key: file with the private key (PEM) that signs what is uploaded.
        upload: add what was built here. false, because others run it.
        forced: releases whose URL begins with one of these, apart by spaces, are never built
            here. Empty: what cannot be fetched is built.
        blacklist: releases whose URL begins with one of these are neither fetched nor uploaded.
        size_gib: GiB of one release, unpacked, at the most. 20.
        authority: certificate (PEM) of the authority that the store's own must come from. Empty:
            those that this system trusts; for `master` the plane's.
        client_certificate: file with the certificate (PEM) that this computer shows the store.
        client_key: file with its key.
    """

    url: str = ""
    directory_url: str = ""
    token_file: Path | None = None
    certificates: Path | None = None
    old_certificates: Path | None = None
    signing_key: Path | None = None
    upload: bool = False
    forced: str = ""
    blacklist: str = ""
    size_gib: float = declared(default=20.0, metadata=_POSITIVE)
    authority: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None


@section
class DirectoryConfig:
    """The directory that `pelagos up` and `pelagos directory run` start.

    Attributes:
        host: address to listen on. 127.0.0.1, because tokens must not cross a network in plain
            text; another one goes with a certificate, or with a proxy in front that has one.
        port: TCP port. 0: the one of the last start, or a free one.
        certificate: PEM file; the directory speaks HTTPS with it.
        key: PEM file of its key, without a password.
        settings: table with the sources, services and views of the directory. Empty: the
            services and computers of this plane and people's own contacts are its sources.
        exchange: topic exchange of the bus where the directory announces changed favourites, and
            hears of users who were deleted. A telephone exchange has its own, e.g. "xivo".
    """

    host: str = "127.0.0.1"
    port: int = declared(default=0, metadata=_PORT)
    certificate: Path | None = None
    key: Path | None = None
    settings: Mapping[str, Any] = declared(default_factory=dict)
    exchange: str = "pelagos.directory"


@section
class BusConfig:
    """The message bus between master and agents.

    Attributes:
        url: `memory:NAME` inside one process, or `amqp://USER:PASSWORD@HOST:PORT/VHOST` for a
            RabbitMQ that several computers share. memory:plane, because one computer needs no
            broker.
        broker: run a broker of the plane's own in `pelagos up`, for the programs of this machine;
            its URL stands in the file `bus` of the data folder. false, because the parts of one
            process need none. It forgets everything when it ends.
        port: TCP port of the plane's own broker, on 127.0.0.1. 0: the one of the last start, or a
            free one.
    """

    url: str = "memory:plane"
    broker: bool = False
    port: int = declared(default=0, metadata=_PORT)


@section
class CloudConfig:
    """The clouds that this user has.

    Attributes:
        default: name of the cloud that is meant when none is named. Empty: OS_CLOUD, the one of
            the variables OS_*, or the only one.
        named: table of clouds by name, each with auth_url and a way to log in. Empty: those of
            clouds.yaml and of kamaki's file.
    """

    default: str = ""
    named: Mapping[str, Any] = declared(default_factory=dict)


@section
class OneConfig:
    """The OpenNebula that `pelagos one` asks.

    Attributes:
        endpoint: URL of its XML-RPC. Empty: ~/.one/one_endpoint, or this machine. ONE_XMLRPC goes
            before it.
        auth_file: file with USER:PASSWORD. Empty: ~/.one/one_auth. ONE_AUTH goes before it.
    """

    endpoint: str = ""
    auth_file: Path | None = None


@section
class CapacityConfig:
    """The machines that the master makes in clouds for requests that find no computer.

    Attributes:
        named: table of the places where machines may be made, by name, as
            `[capacity.named.north]`; those named first are asked first. Each has `driver`, limits
            and what its driver needs. Empty: no machine is ever made.
        interval: seconds between two looks at what is under way. 5: a cloud needs longer for
            anything.
    """

    named: Mapping[str, Any] = declared(default_factory=dict)
    interval: float = declared(default=5.0, metadata=_POSITIVE)


@section
class ShellConfig:
    """The interactive shell.

    Attributes:
        history: lines that are kept of what was typed, for the next session. 1000: some months
            of daily use. 0: none.
    """

    history: int = declared(default=1000, metadata={"least": 0})


SECTIONS: Mapping[str, type[Any]] = {
    "plane": PlaneConfig,
    "master": MasterConfig,
    "node": NodeConfig,
    "cache": CacheConfig,
    "node_cache": NodeCacheConfig,
    "directory": DirectoryConfig,
    "bus": BusConfig,
    "cloud": CloudConfig,
    "one": OneConfig,
    "capacity": CapacityConfig,
    "shell": ShellConfig,
}
