"""`pelagos one vm action|wait|deploy|migrate` and `one template instantiate`: machines live."""

from __future__ import annotations

from pelagos.cli.argument import (
    FlagArgument,
    KeyValueArgument,
    Operand,
    SecondsArgument,
    ValueArgument,
)
from pelagos.cli.failures import UsageError
from pelagos.cli.one.command import ONE, OneCommand, machine_state
from pelagos.cli.one.kinds import HOST, TEMPLATE, VM
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_one_commands = CommandTree("one")

_ACTIONS = (
    "terminate", "terminate-hard", "undeploy", "undeploy-hard", "poweroff", "poweroff-hard",
    "reboot", "reboot-hard", "hold", "release", "stop", "suspend", "resume", "resched",
    "unresched",
)  # fmt: skip
_GOALS = {
    "terminate": "DONE", "terminate-hard": "DONE", "undeploy": "UNDEPLOYED",
    "undeploy-hard": "UNDEPLOYED", "poweroff": "POWEROFF", "poweroff-hard": "POWEROFF",
    "hold": "HOLD", "stop": "STOPPED", "suspend": "SUSPENDED", "resume": "RUNNING",
}  # fmt: skip
_HOST = Operand("id or name of the host", complete="one:host")
_MACHINE = Operand("id or name of the machine", complete="one:vm")
_WAIT = {
    "wait": FlagArgument("wait until it is so", "-w", "--wait"),
    "timeout": SecondsArgument(
        "give up waiting after this time; default 10m", "--timeout", metavar="SECONDS",
        default=600.0,
    ),
}  # fmt: skip


@command(_one_commands)
class OneVmAction(OneCommand):
    """Do something to machines: stop them, start them, end them."""

    arguments = {**ONE, **_WAIT}
    operands = {
        "action": Operand("what to do", choices=_ACTIONS),
        "machines": Operand("ids or names of the machines", complete="one:vm"),
    }
    examples = ("pelagos one vm action poweroff web --wait", "pelagos one vm action terminate 7 8")

    def main(self, action: str, *machines: str) -> None:
        """Do it."""
        if not machines:
            raise UsageError("name a machine")
        goal = _GOALS.get(action)
        if self["wait"] and goal is None:
            raise UsageError(f"{action} leads to no state that could be waited for")
        numbers = [self.id_of(VM, one) for one in machines]
        for number in numbers:
            self.one.vm.action(action, number)
        if self["wait"] and goal:
            for number in numbers:
                self.one.vm.wait(number, goal, self["timeout"])


@command(_one_commands)
class OneVmDelete(OneCommand):
    """End machines for good, and their disks with them."""

    arguments = {
        **ONE,
        **_WAIT,
        "hard": FlagArgument("do not let them shut down first", "--hard"),
    }
    operands = {"machines": Operand("ids or names of the machines", complete="one:vm")}
    examples = ("pelagos one vm delete web", "pelagos one vm delete 7 8 --hard --wait")

    def main(self, *machines: str) -> None:
        """End them."""
        if not machines:
            raise UsageError("name a machine")
        numbers = [self.id_of(VM, one) for one in machines]
        for number in numbers:
            self.one.vm.action("terminate-hard" if self["hard"] else "terminate", number)
        if self["wait"]:
            for number in numbers:
                self.one.vm.wait(number, "DONE", self["timeout"])


@command(_one_commands)
class OneVmWait(OneCommand):
    """Wait until a machine is in a state."""

    arguments = {**ONE, "timeout": _WAIT["timeout"]}
    operands = {
        "machine": _MACHINE,
        "state": Operand("as OpenNebula calls it, e.g. POWEROFF; default RUNNING"),
    }
    examples = ("pelagos one vm wait web RUNNING --timeout 5m",)

    def main(self, machine: str, state: str = "RUNNING") -> None:
        """Wait, and say what it is."""
        found = self.one.vm.wait(self.id_of(VM, machine), state.upper(), self["timeout"])
        self.context.say(f"{found.NAME} is {machine_state(found)}")


@command(_one_commands)
class OneVmDeploy(OneCommand):
    """Place a machine on a host; without this the scheduler does it."""

    arguments = {**ONE, **_WAIT}
    operands = {
        "machine": _MACHINE,
        "host": _HOST,
    }
    examples = ("pelagos one vm deploy web node01",)

    def main(self, machine: str, host: str) -> None:
        """Place it."""
        number = self.id_of(VM, machine)
        self.one.vm.deploy(number, self.id_of(HOST, host))
        if self["wait"]:
            self.one.vm.wait(number, "RUNNING", self["timeout"])


@command(_one_commands)
class OneVmMigrate(OneCommand):
    """Move a machine to another host."""

    arguments = {**ONE, **_WAIT, "live": FlagArgument("without stopping it", "--live")}
    operands = {
        "machine": _MACHINE,
        "host": _HOST,
    }
    examples = ("pelagos one vm migrate web node02 --live",)

    def main(self, machine: str, host: str) -> None:
        """Move it."""
        number = self.id_of(VM, machine)
        self.one.vm.migrate(number, self.id_of(HOST, host), bool(self["live"]))
        if self["wait"]:
            self.one.vm.wait(number, "RUNNING", self["timeout"])


@command(_one_commands)
class OneTemplateInstantiate(OneCommand):
    """Make a machine of a template, and print its id."""

    shows = True
    arguments = {
        **ONE,
        **_WAIT,
        "name": ValueArgument("what it is to be called", "--name", default=""),
        "hold": FlagArgument("hold it: it is not placed before it is released", "--hold"),
        "set": KeyValueArgument("an attribute in place of the template's", "--set"),
        "file": ValueArgument(
            "file with attributes in place of the template's", "--file", metavar="FILE",
            complete="file",
        ),
    }  # fmt: skip
    operands = {"template": Operand("id or name of the template", complete="one:template")}
    examples = ("pelagos one template instantiate tiny --name web --set MEMORY=512 --wait",)

    def main(self, template: str) -> None:
        """Make it."""
        given = self["file"] or self["set"]
        extra = self.template(self["file"]) if given else ""
        number = self.one.template.instantiate(
            self.id_of(TEMPLATE, template), self["name"], bool(self["hold"]), extra
        )
        if self["wait"]:
            self.one.vm.wait(number, "HOLD" if self["hold"] else "RUNNING", self["timeout"])
        self.context.output.show_one({"id": number})
