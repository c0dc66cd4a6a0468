"""`pelagos bus run`, `broker` and `asyncapi`: programs on the bus, and what they say of it."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pelagos.cli.argument import (
    FlagArgument,
    IntArgument,
    Operand,
    RepeatableArgument,
    SecondsArgument,
    ValueArgument,
)
from pelagos.cli.bus import BUS, BusArgument, bus_url, shared_bus
from pelagos.cli.command_base import Command
from pelagos.cli.commands.bus_watch import Watch
from pelagos.cli.failures import USAGE, CommandError, UsageError
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

if TYPE_CHECKING:  # not for a cycle: the help does not pay for messaging
    from collections.abc import Iterator

_bus_commands = CommandTree("bus")

_AT_ONCE = 100
_DEATHS = 3
_PORTS = 65_535
_COMPONENT = Operand("MODULE:CLASS, or MODULE:FUNCTION that makes one")


@command(_bus_commands)
class BusRun(Command):
    """Run a processor until Ctrl-C or SIGTERM.

    The message in hand is finished then; a second signal ends the program at once. A worker
    process that dies is started again, and a message that several died of is put to the dead
    letters. Without --processes or --deaths the program is its own worker: a message that kills it
    comes again at each start. Logs name the trace of each message. With --processes, each process
    serves its metrics at a port of its own, from --metrics PORT upwards.

    A broker that is away is waited for; one that refuses the login at the start ends the program,
    unless --keep-trying is given.

    A class is called with a fingerprint and with bus= and middlewares=, a function with nothing.
    Whatever either opens without naming a bus is on this one.
    """

    is_apart = True

    arguments = {
        "bus": BUS,
        "processes": IntArgument(
            "worker processes; default: this one alone, or 1 with --deaths", "--processes"
        ),
        "threads": IntArgument(
            "workers in each process; default 1", "--threads", least=1, default=1
        ),
        "asyncio": FlagArgument("handle many messages at once, in an event loop", "--asyncio"),
        "concurrency": IntArgument(
            "that many, with --asyncio; default 100", "--concurrency", least=1
        ),
        "metrics": IntArgument(
            "serve metrics for Prometheus on this port of 127.0.0.1",
            "--metrics",
            metavar="PORT",
            least=1,
            most=_PORTS,
        ),
        "grace": SecondsArgument(
            "time to finish after the first signal; default 15 s", "--grace", default=15.0
        ),
        "deaths": IntArgument(
            "a message in hand when N worker processes died is dead, too; 2 or more; default 3 "
            "with --processes; 0: never",
            "--deaths",
            metavar="N",
        ),
        "keeps_trying": FlagArgument(
            "wait for a login that is refused at the start, too", "--keep-trying"
        ),
    }
    operands = {"component": _COMPONENT}
    examples = (
        "pelagos bus run disks.resizer:Resizer --processes 4",
        "pelagos bus run disks.watcher:Watcher --asyncio --metrics 9100",
    )

    def main(self, component: str) -> int:
        """Run it."""
        from pelagos.core import logs
        from pelagos.messaging.observation.tracing import log_suffix
        from pelagos.messaging.runner import Crew, Target, run

        if self["concurrency"] and not self["asyncio"]:
            raise UsageError("--concurrency is of --asyncio", hint="add --asyncio, or take it out")
        processes, deaths = self._processes()
        watch = Watch(self["metrics"] or 0, max(processes, 1))
        url = self._bus()
        target = Target(component, url, watch=watch)
        found = _found(target)
        _check(component, found, url)
        if self["metrics"]:
            self._check_metrics(found)
        level = logging.WARNING if not self["verbose"] else logging.INFO
        if self["verbose"] > 1:
            level = logging.DEBUG
        logs.configure(level, suffix=log_suffix)
        crew = Crew(
            processes=processes,
            threads=self["threads"],
            concurrency=(self["concurrency"] or _AT_ONCE) if self["asyncio"] else 0,
            grace=self["grace"],
            deaths=deaths,
            keeps_trying=self["keeps_trying"],
        )
        with _default_bus(url):
            return run(
                target,
                crew,
                prepare=functools.partial(_prepare, level),
                on_begin=lambda: self.context.say(f"{component} runs; Ctrl-C ends it"),
            )

    def _processes(self) -> tuple[int, int]:
        """How many worker processes there are, and how many may die of a message."""
        from pelagos.messaging.runner import DEATHS_HINT

        processes, deaths = self["processes"], self["deaths"]
        if deaths == 1:
            raise UsageError("--deaths is 1", hint=DEATHS_HINT)
        if deaths and processes == 0:
            raise UsageError(
                f"--deaths {deaths} counts worker processes, and --processes 0 asks for none",
                hint="leave --processes out, or make it 1 or more",
            )
        if processes is None:  # who counts deaths needs somebody who can die
            processes = 1 if deaths else 0
        if deaths is None:
            deaths = _DEATHS if processes else 0
        return processes, deaths

    def _bus(self) -> str | None:
        """The URL that a person gave; None lets the class itself say."""
        url = bus_url(self)
        return None if url.startswith("memory:") and not self["bus"] else url

    def _check_metrics(self, found: Any) -> None:
        if not isinstance(found, type):
            raise UsageError(
                "--metrics needs a class: a function makes its processors itself",
                hint="let it pass middlewares=[PrometheusMetrics()], and serve them",
            )
        from pelagos.messaging.observation.metrics import PrometheusMetrics

        PrometheusMetrics()  # says what is missing before anything runs


@command(_bus_commands)
class BusBroker(Command):
    """Run a small message broker for this computer; Ctrl-C ends it.

    It speaks AMQP 0-9-1 and keeps messages in memory: for one computer and for tests. What has to
    outlive it, and several computers, need a RabbitMQ.
    """

    is_apart = True

    arguments = {
        "port": IntArgument(
            "port; 0 for any free one; default 5672", "--port", most=_PORTS, default=5672
        ),
        "host": ValueArgument(
            "address; only of this computer, unless forced", "--host", default="127.0.0.1"
        ),
        "users": ValueArgument(
            "file with a line NAME:PASSWORD for each user; default: guest with password guest",
            "--users",
            metavar="FILE",
            complete="file",
        ),
        "vhost": RepeatableArgument(
            "a virtual host; may be repeated; default: /",
            "--vhost",
            metavar="NAME",
            default=("/",),
        ),
        "force": FlagArgument(
            "listen on an address that others reach, too; needs --users", "--force"
        ),
    }
    examples = ("pelagos bus broker", "pelagos bus broker --port 0 --vhost sea")

    def main(self) -> None:
        """Run it."""
        import signal
        import threading

        from pelagos.core import logs
        from pelagos.messaging import BrokerUnreachableError, MessagingError
        from pelagos.messaging.broker.server import EmbeddedBroker

        if self["force"] and not self["users"]:
            raise UsageError("--force needs --users: everybody knows the password of guest")
        if not all(self["vhost"]):
            raise UsageError("--vhost is empty", hint="leave it out, or name a virtual host")
        if not self["verbose"]:
            logs.configure(logging.WARNING)
        try:
            broker = EmbeddedBroker(
                self["host"],
                self["port"],
                users=_users(self["users"]) if self["users"] else None,
                vhosts=self["vhost"],
                force=self["force"],
            ).start()
        except BrokerUnreachableError as error:  # it is not that a broker cannot be reached
            raise CommandError(error.message, hint=error.hint) from error
        except MessagingError as error:
            hint = "listen on 127.0.0.1, or give --force with --users FILE"
            raise UsageError(error.message, hint=hint) from error
        ended = threading.Event()
        before = signal.signal(signal.SIGTERM, lambda *_: ended.set())
        try:
            self.context.say("the broker runs, in memory alone; Ctrl-C ends it. Its bus:")
            self.context.output.line(_shown(broker.url) if self["users"] else broker.url)
            self.context.stdout.flush()
            ended.wait()
        except KeyboardInterrupt:
            pass  # that is how it ends
        finally:
            signal.signal(signal.SIGTERM, before)
            broker.stop()


@command(_bus_commands)
class BusAsyncapi(Command):
    """Print the AsyncAPI 3.0 document of a component: as JSON, or with `-o yaml`.

    It tells the queues and exchanges that the class declares, and each message that it handles or
    sends with the type of its content.
    """

    shows = True
    arguments = {
        "title": ValueArgument("name of the application; default: of the class", "--title"),
        "release": ValueArgument("its version; default 1.0.0", "--release", default="1.0.0"),
        "bus": BusArgument("URL of its broker; the password is left out", "--bus"),
    }
    operands = {"component": Operand("MODULE:CLASS of a processor, consumer or producer")}
    examples = ("pelagos bus asyncapi disks.resizer:Resizer > asyncapi.json",)

    def main(self, component: str) -> None:
        """Print it."""
        from pelagos.cli.output import Output
        from pelagos.messaging import MessagingError
        from pelagos.messaging.asyncapi import describe
        from pelagos.messaging.runner import Target

        found = _found(Target(component))
        bus = shared_bus(self["bus"]).url if self["bus"] else ""
        try:
            document = describe(found, title=self["title"] or "", version=self["release"], bus=bus)
        except MessagingError as error:
            raise CommandError(error.message, hint=error.hint, code=USAGE) from error
        output = self.context.output
        if output.is_table:  # nobody wants such a document as a table
            output = Output(self.context.stdout, "json", columns=self["columns"])
        output.show_one(document)


def _users(file: str) -> dict[str, str]:
    """The passwords in a file, by name.

    Raises:
        UsageError: it cannot be read, or a line has another form.
    """
    try:
        lines = Path(file).expanduser().read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"--users: cannot read {file}: {reason}") from error
    users: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        name, colon, password = line.partition(":")
        if line and not (name and colon and password):
            raise UsageError(f"--users: line {number} of {file} is not NAME:PASSWORD")
        if line:
            users[name] = password
    if not users:
        raise UsageError(f"--users: there is nobody in {file}")
    return users


def _shown(url: str) -> str:
    """The URL without the password."""
    scheme, _, rest = url.partition("://")
    who, _, place = rest.rpartition("@")
    return f"{scheme}://{who.partition(':')[0]}@{place}"


def _check(component: str, found: Any, url: str | None) -> None:
    """See before anything runs what would not.

    Raises:
        UsageError: it is a class of something else.
        BusUrlError: the URL cannot be used.
    """
    from pelagos.messaging import connect

    if url is not None:
        connect(url)
    if isinstance(found, type) and not hasattr(found, "dispatch"):
        raise UsageError(
            f"{component} is no processor",
            hint="name a class derived from MessageProcessor, or a function that makes one",
        )


@contextlib.contextmanager
def _default_bus(url: str | None) -> Iterator[None]:
    """For what the program opens itself, in this process and in those that it starts."""
    from pelagos.messaging.environment import BUS_VARIABLE

    before = os.environ.get(BUS_VARIABLE)
    if url is not None:
        os.environ[BUS_VARIABLE] = url
    try:
        yield
    finally:
        os.environ.pop(BUS_VARIABLE, None)
        if before is not None:
            os.environ[BUS_VARIABLE] = before


def _prepare(level: int) -> None:
    """Configure the log of a worker process."""
    from pelagos.core import logs
    from pelagos.messaging.observation.tracing import log_suffix

    logs.configure(level, suffix=log_suffix)


def _found(target: Any) -> Any:
    """The class or function that a person named.

    Raises:
        CommandError: there is none.
    """
    from pelagos.messaging import MessagingError

    try:
        return target.find()
    except MessagingError as error:
        raise CommandError(error.message, hint=error.hint, code=USAGE) from error
