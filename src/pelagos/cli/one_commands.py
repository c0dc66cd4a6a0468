"""The part of the command tree that is about OpenNebula; see `pelagos.cli.tree`."""

from __future__ import annotations

from collections.abc import Iterator

#: What can be done to things of (nearly) all kinds, in words for the list of commands.
VERBS = {
    "list": "List the {one}s",
    "show": "Show all about {a}",
    "create": "Make {a} of a template",
    "update": "Change the template of {a}",
    "delete": "Remove one {one} or several",
    "rename": "Give {a} another name",
    "chmod": "Set who may use or manage {a}",
    "chown": "Give {a} to another user",
    "lock": "Keep others from changing {a}",
    "unlock": "Let others change {a} again",
}
_TITLES = {
    "vm": "machine", "host": "host", "image": "image", "vnet": "network", "template": "template",
    "datastore": "datastore", "user": "user", "group": "group", "cluster": "cluster",
    "secgroup": "security group", "vntemplate": "network template", "vmgroup": "machine group",
    "vrouter": "router", "vdc": "data centre", "zone": "zone", "market": "marketplace",
    "marketapp": "app", "hook": "hook", "backupjob": "backup job",
}  # fmt: skip
_OWNERLESS = {"host", "user", "group", "cluster", "vdc", "zone", "hook"}
_LOCKED = {
    "vm", "image", "vnet", "template", "vntemplate", "vmgroup", "vrouter", "marketapp", "hook",
    "backupjob",
}  # fmt: skip
_MADE_OTHERWISE = {"host", "user", "group", "cluster", "marketapp"}


def class_name(word: str, verb: str) -> str:
    """The class of a command, e.g. OneVmList."""
    return f"One{word.capitalize()}{verb.capitalize()}"


def has(word: str, verb: str) -> bool:
    """Whether things of a kind can be treated so."""
    if verb in {"chmod", "chown"}:
        return word not in _OWNERLESS
    if verb in {"lock", "unlock"}:
        return word in _LOCKED
    if verb == "create":
        return word not in _MADE_OTHERWISE
    if verb == "rename":
        return word not in {"user", "group"}
    return verb != "delete" or word != "vm"


def told(verb: str, title: str) -> str:
    """What a command does, for the list of commands: "List the hosts", "Show all about an app"."""
    article = "an" if title.startswith(("a", "i")) else "a"
    return VERBS[verb].format(one=title, a=f"{article} {title}")


def _all() -> Iterator[tuple[str, str, str]]:
    for word, title in _TITLES.items():
        for verb in VERBS:
            if has(word, verb):
                target = f"one_things:{class_name(word, verb)}"
                yield f"one {word} {verb}", target, told(verb, title)


GROUPS = {
    "one": "OpenNebula: its machines and all else of it",
    **{
        f"one {word}": f"{title.capitalize()}s of an OpenNebula" for word, title in _TITLES.items()
    },
    "one acl": "Access rules of an OpenNebula",
}

COMMANDS = (
    ("one call", "one_call:OneCall", "Call any method of OpenNebula"),
    ("one generate", "one_generate:OneGenerate", "Write the types of results from schemas"),
    *_all(),
    ("one vm action", "one_machine:OneVmAction", "Stop, start, end … machines"),
    ("one vm wait", "one_machine:OneVmWait", "Wait until a machine is in a state"),
    ("one vm deploy", "one_machine:OneVmDeploy", "Place a machine on a host"),
    ("one vm migrate", "one_machine:OneVmMigrate", "Move a machine to another host"),
    ("one template instantiate", "one_machine:OneTemplateInstantiate", "Make a machine of it"),
    ("one host create", "one_people:OneHostCreate", "Let OpenNebula use a host"),
    ("one host status", "one_people:OneHostStatus", "Enable, disable or switch off a host"),
    ("one cluster create", "one_people:OneClusterCreate", "Make a cluster"),
    ("one group create", "one_people:OneGroupCreate", "Make a group"),
    ("one user create", "one_people:OneUserCreate", "Make a user"),
    ("one acl list", "one_people:OneAclList", "List the access rules"),
    ("one acl create", "one_people:OneAclCreate", "Add an access rule"),
    ("one acl delete", "one_people:OneAclDelete", "Drop access rules"),
)
