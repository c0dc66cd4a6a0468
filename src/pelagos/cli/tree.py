"""The command tree: which words name which command, without loading any of them.

The table below is all that `pelagos --help` and completion of command names need. A command's
module loads when it runs. A test compares the table with the modules. Nothing here may import
what costs start-up time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pelagos.cli import cloud_commands, identity_commands, one_commands, storage_commands

GROUPS = {
    "service": "Services that you requested",
    "computer": "Computers and their partitions",
    "person": "People who may use the plane",
    "node": "This machine as a computer of a plane",
    "capacity": "Machines that the plane makes in clouds",
    "software": "Software releases and the computers that have them",
    "bus": "The message bus between components",
    "bus dead": "Messages that could not be handled",
    "box": "A small cloud on this computer, to try and to test",
    "db": "The master's database",
    "favorite": "The entries of the directory that you want at hand",
    "contact": "Your own contacts, which only you see",
    "phonebook": "Contacts that many share",
    "phonebook contact": "The contacts of a phonebook",
    "source": "What the directory asks",
    "directory": "The directory",
    "config": "The configuration file",
    "history": "What was typed in the shell",
    **cloud_commands.GROUPS,
    **storage_commands.GROUPS,
    **identity_commands.GROUPS,
    **one_commands.GROUPS,
}

COMMANDS = (
    ("up", "up:Up", "Run the plane on this computer, in the foreground"),
    ("down", "down:Down", "Stop the plane that runs on this computer"),
    ("supply", "supply:Supply", "Make a software release available on a computer"),
    ("request", "request:Request", "Ask for a service, or change what you asked for"),
    ("apply", "request:Apply", "Do what a plan says, if the world has not moved"),
    ("service list", "service:ServiceList", "List the services"),
    ("service info", "service:ServiceInfo", "Show all about one service"),
    ("service tree", "service:ServiceTree", "Show a service with all that it is made of"),
    ("service start", "service:ServiceStart", "Wish a service started"),
    ("service stop", "service:ServiceStop", "Wish a service stopped"),
    ("service destroy", "service:ServiceDestroy", "Wish a service and its data gone"),
    ("service rename", "service:ServiceRename", "Give a service another name"),
    ("service bang", "service:ServiceBang", "Have a service configured again"),
    ("service promises", "promises:ServicePromises", "Show what the promises of a service say"),
    ("service logs", "logs:ServiceLogs", "Print the log files of a service"),
    ("service exec", "exec:ServiceExec", "Run a program in the place of a service"),
    ("computer list", "computer:ComputerList", "List the computers"),
    ("computer add", "enrolment:ComputerAdd", "Let a computer join the plane"),
    (
        "computer certificate",
        "enrolment:ComputerCertificate",
        "Show or issue certificates of a computer, or lock it out",
    ),
    ("computer info", "computer:ComputerInfo", "Show a computer and its partitions"),
    ("computer ping", "computer:ComputerPing", "Ask the agent of a computer whether it is there"),
    ("computer bang", "computer:ComputerBang", "Have all services of a computer configured again"),
    ("computer drain", "computer:ComputerDrain", "Place nothing new on a computer"),
    ("computer format", "node:NodeFormat", "Cut this computer into partitions"),
    ("capacity list", "capacity:CapacityList", "List where machines are made, and the machines"),
    ("capacity check", "capacity:CapacityCheck", "Ask the clouds whether a machine could be made"),
    ("capacity make", "capacity:CapacityMake", "Have a machine made"),
    ("capacity remove", "capacity:CapacityRemove", "Have a machine removed"),
    ("node format", "node:NodeFormat", "Cut this computer into partitions"),
    ("node run", "node:NodeRun", "Run this machine as a computer of a plane elsewhere"),
    ("node unformat", "node:NodeUnformat", "Remove the users and addresses of partitions"),
    ("person add", "person:PersonAdd", "Let a person use the plane"),
    ("person list", "person:PersonList", "List the people who may use the plane"),
    ("person remove", "person:PersonRemove", "Forget a person who leaves"),
    ("person hand-over", "person:PersonHandOver", "Give a person all that another owns"),
    (
        "person certificate",
        "person:PersonCertificate",
        "Show or issue certificates of a person, or lock the person out",
    ),
    ("join", "person:Join", "Use a plane that runs on another machine"),
    ("software list", "software:SoftwareList", "List the software releases of all computers"),
    ("software remove", "software:SoftwareRemove", "Take a software release away"),
    ("software log", "software:SoftwareLog", "Print the log of a build"),
    ("events", "events:Events", "Print what happened, newest last"),
    ("usage", "usage:Usage", "Print what services and computers used"),
    ("lookup", "lookup:Lookup", "Search people and services in the directory"),
    ("reverse", "reverse:Reverse", "Tell whose numbers these are"),
    ("favorite list", "favorite:FavoriteList", "List your favourites"),
    ("favorite add", "favorite:FavoriteAdd", "Make an entry one of your favourites"),
    ("favorite remove", "favorite:FavoriteRemove", "Take an entry off your favourites"),
    ("contact list", "contact:ContactList", "List your own contacts"),
    ("contact show", "contact:ContactShow", "Show all attributes of a contact"),
    ("contact add", "contact:ContactAdd", "Keep a contact of your own"),
    ("contact edit", "contact:ContactEdit", "Change attributes of a contact"),
    ("contact remove", "contact:ContactRemove", "Forget a contact, or all of them"),
    ("contact import", "contact:ContactImport", "Keep the contacts of a CSV file"),
    ("contact export", "contact:ContactExport", "Print your contacts as CSV"),
    ("phonebook list", "phonebook:PhonebookList", "List the phonebooks of a tenant"),
    ("phonebook show", "phonebook:PhonebookShow", "List the contacts of a phonebook"),
    ("phonebook add", "phonebook:PhonebookAdd", "Make a phonebook"),
    ("phonebook rename", "phonebook:PhonebookRename", "Give a phonebook another name"),
    ("phonebook remove", "phonebook:PhonebookRemove", "Forget a phonebook and its contacts"),
    ("phonebook import", "phonebook:PhonebookImport", "Add the contacts of a CSV file"),
    ("phonebook contact add", "phonebook:PhonebookContactAdd", "Add a contact to a phonebook"),
    ("phonebook contact edit", "phonebook:PhonebookContactEdit", "Change attributes of a contact"),
    (
        "phonebook contact remove",
        "phonebook:PhonebookContactRemove",
        "Take a contact out of a phonebook",
    ),
    ("directory run", "directory:DirectoryRun", "Run the directory on this computer"),
    ("source list", "source:SourceList", "List the sources of the directory"),
    ("source show", "source_change:SourceShow", "Show the keys of a source"),
    ("source add", "source_change:SourceAdd", "Make a source, which the next lookup asks"),
    ("source edit", "source_change:SourceEdit", "Change keys of a source"),
    ("source remove", "source_change:SourceRemove", "Remove a source"),
    ("source check", "source:SourceCheck", "Ask each source, and show verdict and time"),
    ("why", "why:Why", "Tell why a service, computer, release or source is as it is"),
    ("bus send", "bus:BusSend", "Send a command or a status"),
    ("bus call", "bus:BusCall", "Call a component and print its answer"),
    ("bus tail", "bus_tail:BusTail", "Print what passes on the bus"),
    ("bus ping", "bus_components:BusPing", "Ask components whether they are there"),
    ("bus components", "bus_components:BusComponents", "List the components that are there"),
    ("bus run", "bus_run:BusRun", "Run a processor"),
    ("bus broker", "bus_run:BusBroker", "Run a small broker for this computer"),
    ("bus asyncapi", "bus_run:BusAsyncapi", "Print the AsyncAPI document of a component"),
    ("bus doctor", "bus_doctor:BusDoctor", "Check the bus and say how to mend it"),
    ("bus dead list", "bus_dead:DeadList", "List the messages that could not be handled"),
    ("bus dead show", "bus_dead:DeadShow", "Show a dead letter"),
    ("bus dead retry", "bus_dead:DeadRetry", "Send dead letters back to their queues"),
    ("bus dead drop", "bus_dead:DeadDrop", "Forget dead letters"),
    ("box up", "box:BoxUp", "Run a small cloud in one process, in the foreground"),
    ("db copy", "db:DbCopy", "Copy a site's state into another database"),
    ("doctor", "doctor:Doctor", "Check this installation and say how to mend it"),
    (
        "config list",
        "config:ConfigList",
        "List all settings, their values and where they come from",
    ),
    ("config get", "config:ConfigGet", "Print the value of a setting"),
    ("config set", "config:ConfigSet", "Write a setting to the configuration file"),
    ("config delete", "config:ConfigDelete", "Remove a setting from the configuration file"),
    ("config path", "config:ConfigPath", "Print the path of the configuration file"),
    (
        "config import",
        "config_import:ConfigImport",
        "Take over the configuration of another program",
    ),
    ("shell", "shell:Shell", "Type commands one after another"),
    ("history show", "history:HistoryShow", "Show the lines typed in the shell"),
    ("history clean", "history:HistoryClean", "Forget the lines typed in the shell"),
    ("completion", "completion:Completion", "Print the completion script of a shell"),
    *cloud_commands.COMMANDS,
    *storage_commands.COMMANDS,
    *identity_commands.COMMANDS,
    *one_commands.COMMANDS,
)


class Node:
    """A word of the tree: a group with children, or a command with a target.

    Attributes:
        path: the words from the root, e.g. ("service", "list").
        help: one line for the list of commands.
        target: "module:Class" of the command, or None for a group.
        children: the nodes one word further, by that word.
    """

    __slots__ = ("children", "help", "path", "target")

    def __init__(self, path: tuple[str, ...], text: str = "", target: str | None = None) -> None:
        self.path = path
        self.help = text
        self.target = target
        self.children: dict[str, Node] = {}

    @property
    def name(self) -> str:
        """The words as typed, e.g. "service list"."""
        return " ".join(self.path)

    def walk(self) -> Iterator[Node]:
        """All commands at and below this node, in the order of the table."""
        if self.target is not None:
            yield self
        for child in self.children.values():
            yield from child.walk()


class CommandTree:
    """The groups and commands of one program.

    Args:
        name: name of the program, as typed.
        description: one line for its help.
    """

    def __init__(self, name: str, description: str = "") -> None:
        self.name = name
        self.description = description
        self.root = Node((), description)

    def add_command(self, path: Sequence[str], text: str = "", target: str | None = None) -> Node:
        """Add a command (with a target) or a group; groups on the way are made.

        A node that is there already keeps its children and takes the new text and target.
        """
        node = self.root
        for position, word in enumerate(path):
            if word not in node.children:
                node.children[word] = Node(tuple(path[: position + 1]))
            node = node.children[word]
        node.help = text or node.help
        node.target = target or node.target
        return node

    def find_best_match(self, words: Sequence[str]) -> tuple[Node, list[str]]:
        """The deepest node that the leading words name, and the words that are left."""
        node = self.root
        for position, word in enumerate(words):
            if word not in node.children:
                return node, list(words[position:])
            node = node.children[word]
        return node, []


def pelagos_tree() -> CommandTree:
    """Pelagos' own commands."""
    tree = CommandTree("pelagos", "Ask for running services on the computers that you have")
    for name, target, text in COMMANDS:
        tree.add_command(name.split(), text, f"pelagos.cli.commands.{target}")
    for name, text in GROUPS.items():
        tree.add_command(name.split(), text)
    return tree
