"""`pelagos box up`: a cloud in one process, in the foreground."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelagos.cli.argument import FlagArgument, IntArgument, SecondsArgument, ValueArgument
from pelagos.cli.command_base import Command
from pelagos.cli.failures import UsageError
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

if TYPE_CHECKING:  # not for a cycle: the help does not pay for the box
    from pelagos.box import Box

_box_commands = CommandTree("box", "A small cloud on this computer, to try and to test")

_PORT = 8774
_PORTS = 65_535
_BUILD_SECONDS = 3.0


@command(_box_commands)
class BoxUp(Command):
    """Run a cloud in one process, until Ctrl-C or SIGTERM.

    Identity (Keystone v3 and Astakos), servers (Nova and Cyclades; nothing runs in them), networks
    and volumes (Neutron, Cinder and Cyclades), images (Glance v2 and Plankton) and object storage
    (Swift and Pithos), for whoever has no account elsewhere, and for tests. What it holds is in
    the folder, and there again the next time; clouds.yaml in that folder has two clouds, `box` and
    `box-admin`, for any client of OpenStack, and one_auth the login of oneadmin: there is an
    OpenNebula, too.
    """

    is_apart = True

    arguments = {
        "folder": ValueArgument(
            "where it keeps everything; default: `box` in the data folder", "--folder",
            metavar="FOLDER",
        ),
        "host": ValueArgument(
            "address to listen on; default 127.0.0.1", "--host", metavar="ADDRESS",
            default="127.0.0.1",
        ),
        "open": FlagArgument(
            "with --host: listen where others than this computer reach it, without TLS", "--open"
        ),
        "port": IntArgument(
            f"port to listen on; 0 chooses a free one; default {_PORT}", "--port",
            metavar="PORT", least=0, most=_PORTS, default=_PORT,
        ),
        "build_time": SecondsArgument(
            "how long a server is built, and all else that servers do in proportion; default 3s; "
            "0: it is done at once", "--build-time", default=_BUILD_SECONDS,
        ),
        "keep_deleted": SecondsArgument(
            "how long a server that was deleted can be restored; default: not at all",
            "--keep-deleted", default=0.0,
        ),
        "chaos": ValueArgument(
            "faults on demand: a status and its share, slow=SECONDS, drop=, cut=, seed=",
            "--chaos", metavar="FAULTS",
        ),
    }  # fmt: skip
    examples = (
        "pelagos box up",
        "pelagos box up --folder /tmp/box --port 0 --chaos 429=5%,slow=2s,seed=7",
        "pelagos box up --build-time 30s",
    )

    def main(self) -> None:
        """Run it."""
        import signal
        import threading
        from pathlib import Path

        from pelagos.box import Box
        from pelagos.box.chaos import Chaos
        from pelagos.box.clouds import write_clouds
        from pelagos.core.loopback import is_loopback

        if not is_loopback(self["host"]) and not self["open"]:
            raise UsageError(
                f"others could reach a box at {self['host'] or 'every address'}, and it speaks "
                "without TLS",
                hint="where that does no harm, add --open; else leave --host out",
            )
        folder = Path(self["folder"]) if self["folder"] else self.context.data / "box"
        chaos = Chaos.parse(self["chaos"]) if self["chaos"] else None
        ended = threading.Event()
        before = signal.signal(signal.SIGTERM, lambda *_: ended.set())
        try:
            pace = self["build_time"] / _BUILD_SECONDS
            with Box(
                folder,
                chaos=chaos,
                host=self["host"],
                port=self["port"],
                pace=pace,
                keep_deleted=self["keep_deleted"],
            ) as box:
                self._greet(box, write_clouds(box))
                ended.wait()
        except KeyboardInterrupt:
            pass  # that is how it ends
        finally:
            signal.signal(signal.SIGTERM, before)

    def _greet(self, box: Box, clouds: object) -> None:
        say = self.context.say
        say(f"the box runs; what it holds is in {box.folder}")
        for title, value in (
            ("keystone", box.auth_url),
            ("astakos", box.astakos_url),
            ("opennebula", box.one_url),
            ("clouds.yaml", clouds),
            ("one_auth", box.one.one_auth),
        ):
            say(f"  {title:12} {value}")
        say("Ctrl-C ends it. In another terminal:")
        say(f"  OS_CLIENT_CONFIG_FILE={clouds} pelagos server list --cloud box")
        say(f"  ONE_XMLRPC={box.one_url} ONE_AUTH={box.one.one_auth} pelagos one vm list")
