"""What formatting decides: steps from what is wished and what is there."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core import wire
from pelagos.plane.formatting import _with_software_user
from pelagos.plane.sections import NodeConfig
from pelagos.slap.agent.definition import read_definition
from pelagos.slap.agent.format import (
    FolderSeen,
    Format,
    FormatPlan,
    FormatRefused,
    FormatSeen,
    FormatWish,
    Slot,
    UserSeen,
    cut,
    make_format_plan,
)
from pelagos.slap.agent.formatted import Formatted
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.settings import AgentSettings
from pelagos.slap.model import Address

ROOT = Path("/srv/node")
LAYOUT = Layout(ROOT)
NET = (ipaddress.ip_network("10.1.0.0/29"), ipaddress.ip_network("fd00:1::/64"))
USERS = FormatWish(cut(2, user_prefix="u"), software_user="soft")


def after(plan: FormatPlan, seen: FormatSeen) -> FormatSeen:  # noqa: C901, PLR0912 - one per kind
    """The computer as it is when the steps were done."""
    users, folders = dict(seen.users), dict(seen.folders)
    addresses, resources = set(seen.addresses), dict(seen.resources)
    for step in plan.steps:
        path = Path(step.subject)
        match step.kind:
            case "make-user":
                users[step.subject] = UserSeen(1000 + len(users), step.value)
            case "join-group":
                known = users[step.subject]
                users[step.subject] = replace(known, groups=known.groups | {step.value})
            case "make-folder":
                folders[path] = FolderSeen(step.owner or seen.me, int(step.value, 8))
            case "hand-over":
                folders[path] = replace(folders[path], owner=step.owner)
            case "set-mode":
                folders[path] = replace(folders[path], mode=int(step.value, 8))
            case "add-address":
                address, _, interface = step.subject.partition(" ")
                addresses.add((interface, address))
            case "drop-address":
                address, _, interface = step.subject.partition(" ")
                addresses.remove((interface, address))
            case "write-resource":
                resources[path.name] = step.value
            case "remove-folder":
                del folders[path]
    return replace(
        seen,
        former=plan.result,
        users=users,
        folders=folders,
        addresses=frozenset(addresses),
        resources=resources,
    )


def kinds(plan: FormatPlan) -> list[str]:
    return [step.kind for step in plan.steps]


wishes = st.builds(
    lambda count, users, networks, capabilities: FormatWish(
        cut(count, user_prefix="u" if users else "", capabilities=capabilities),
        software_user="soft" if users else "",
        networks=NET[:networks],
    ),
    st.integers(1, 6),
    st.just(True),
    st.integers(0, 2),
    st.sampled_from([(), ("gpu",)]),
)


@given(wishes, wishes)
def test_what_was_carried_out_leaves_nothing_to_do(first: FormatWish, then: FormatWish) -> None:
    seen = FormatSeen("root")
    for wish in (first, then):
        seen = after(make_format_plan(wish, seen, LAYOUT), seen)
        assert make_format_plan(wish, seen, LAYOUT).steps == ()


@given(wishes)
def test_no_two_partitions_share_an_address(wish: FormatWish) -> None:
    slots = make_format_plan(wish, FormatSeen("root"), LAYOUT).result.slots
    found = [address.address for slot in slots for address in slot.addresses]
    assert len(found) == len(set(found)) == len(slots) * len(wish.networks)


def test_an_ordinary_user_gets_folders_and_nothing_else() -> None:
    plan = make_format_plan(FormatWish(cut(1)), FormatSeen("ann"), LAYOUT)
    assert set(kinds(plan)) == {"make-folder", "write-resource"}
    [partition] = [s for s in plan.steps if s.subject.endswith("slappart0")][:1]
    assert (partition.value, partition.owner) == ("750", "")


def test_each_partition_gets_a_user_in_the_group_of_the_software() -> None:
    plan = make_format_plan(USERS, FormatSeen("root"), LAYOUT)
    made = [
        (s.kind, s.subject, s.value) for s in plan.steps if s.kind in {"make-user", "join-group"}
    ]
    assert made == [
        ("make-user", "soft", "/srv/node/software"),
        ("make-user", "u0", "/srv/node/instance/slappart0"),
        ("join-group", "u0", "soft"),
        ("make-user", "u1", "/srv/node/instance/slappart1"),
        ("join-group", "u1", "soft"),
    ]
    assert plan.result.users_made == ("soft", "u0", "u1")


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (FormatSeen("ann"), "only root"),
        (FormatSeen("root", users={"u0": UserSeen(1001, "/home/u0")}), "not this computer's"),
        (FormatSeen("root", users={"soft": UserSeen(0, "/root")}), "is root"),
        (FormatSeen("root", closed=(Path("/root"),)), "could not enter /root"),
        (FormatSeen("root", busy=frozenset({"slappart7"})), "slappart7 would no longer be"),
    ],
)
def test_what_would_hurt_is_refused_before_anything_is_done(seen: FormatSeen, words: str) -> None:
    with pytest.raises(FormatRefused, match=words) as caught:
        make_format_plan(USERS, seen, LAYOUT)
    assert caught.value.hint


def test_users_do_not_vanish_because_a_setting_did() -> None:
    seen = after(make_format_plan(USERS, FormatSeen("root"), LAYOUT), FormatSeen("root"))
    with pytest.raises(FormatRefused, match="a user for each partition"):
        make_format_plan(FormatWish(cut(2)), seen, LAYOUT)


def test_files_of_another_owner_are_handed_over() -> None:
    path = ROOT / "instance" / "slappart0"
    seen = FormatSeen("root", folders={path: FolderSeen("root", 0o750)})
    plan = make_format_plan(replace(USERS, slots=cut(1, user_prefix="u")), seen, LAYOUT)
    assert ("hand-over", str(path), "u0") in [(s.kind, s.subject, s.owner) for s in plan.steps]


def test_a_wrong_mode_is_mended() -> None:
    path = ROOT / "instance" / "slappart0"
    seen = FormatSeen("ann", folders={path: FolderSeen("ann", 0o755)})
    plan = make_format_plan(FormatWish(cut(1)), seen, LAYOUT)
    assert ("set-mode", str(path), "750") in [(s.kind, s.subject, s.value) for s in plan.steps]


def test_addresses_of_others_are_left_alone_and_ours_are_kept() -> None:
    wish = FormatWish(cut(2), networks=NET[:1])
    seen = FormatSeen("root", addresses=frozenset({("eth0", "10.1.0.1")}))
    plan = make_format_plan(wish, seen, LAYOUT)
    assert [s.addresses[0].address for s in plan.result.slots] == ["10.1.0.2", "10.1.0.3"]
    grown = make_format_plan(replace(wish, slots=cut(3)), after(plan, seen), LAYOUT)
    assert [s.addresses[0].address for s in grown.result.slots][:2] == ["10.1.0.2", "10.1.0.3"]


def test_lost_addresses_are_added_again_after_a_reboot() -> None:
    wish = FormatWish(cut(1), networks=NET[:1])
    seen = after(make_format_plan(wish, FormatSeen("root"), LAYOUT), FormatSeen("root"))
    plan = make_format_plan(wish, replace(seen, addresses=frozenset()), LAYOUT)
    assert kinds(plan) == ["add-address"]


def test_a_network_that_is_too_small_is_refused() -> None:
    with pytest.raises(FormatRefused, match="no free address left"):
        make_format_plan(FormatWish(cut(7), networks=NET[:1]), FormatSeen("root"), LAYOUT)


def test_addresses_need_root() -> None:
    with pytest.raises(FormatRefused, match="only root can add"):
        make_format_plan(FormatWish(cut(1), networks=NET[:1]), FormatSeen("ann"), LAYOUT)


def test_the_master_hears_of_addresses_capabilities_and_properties() -> None:
    made = Format(
        (Slot("p0", addresses=(Address("lo", "10.1.0.1"),), capabilities=("gpu",)), Slot("p1")),
        properties={"region": "north"},
    )
    told = made.announcement("COMP-1")
    assert [p.addresses[0].address for p in told.partitions] == ["10.1.0.1", "127.0.0.1"]
    assert told.partitions[0].capabilities == ("gpu",)
    assert told.properties == {"region": "north"}


DEFINITION = """
[computer]
address = 10.0.0.1/255.255.255.0
software_user = soft

[partition_1]
pathname = slappart1
address = 127.0.0.1/255.255.255.255

[partition_0]
address = 10.0.0.2/32 fd00::2/128
pathname = slappart0
user = slapuser0
network_interface = slaptap0
capability_list = gpu ssd
"""


def test_a_definition_file_is_understood() -> None:
    wish = read_definition(DEFINITION, "d.cfg")
    assert wish.address == Address("lo", "10.0.0.1", "255.255.255.0")
    assert wish.software_user == "soft"
    first, second = wish.slots
    assert first == Slot(
        "slappart0",
        "slapuser0",
        (
            Address("slaptap0", "10.0.0.2", "255.255.255.255"),
            Address("slaptap0", "fd00::2", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ),
        ("gpu", "ssd"),
    )
    assert (second.name, second.user) == ("slappart1", "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "cannot be read"),
        ("[computer]\naddress = 1.2.3.4/8\n", "has no partition"),
        ("[partition_0]\nuser = a\n", "has no pathname"),
        ("[partition_0]\npathname = a\naddres = 1.2.3.4\n", "unknown key addres"),
        ("[partition_0]\npathname = a\naddress = here\n", "'here' in .partition_0. is no address"),
        ("[partition_0]\npathname = a\nipv6_range = fd00::/64\n", "ipv6_range"),
        ("[partitions]\n", "there is no section"),
    ],
)
def test_what_a_definition_cannot_mean_is_refused(text: str, words: str) -> None:
    with pytest.raises(FormatRefused, match=words) as caught:
        read_definition(text, "d.cfg")
    assert caught.value.hint


@pytest.mark.parametrize("name", ["..", "a/b", "", "x" * 62])
def test_a_definition_cannot_lead_out_of_the_folder(name: str) -> None:
    with pytest.raises(FormatRefused, match="cannot name a partition"):
        make_format_plan(FormatWish((Slot(name),)), FormatSeen("ann"), LAYOUT)


def test_software_without_a_user_is_refused_where_partitions_have_users() -> None:
    with pytest.raises(FormatRefused, match="built as root"):
        make_format_plan(FormatWish(cut(2, user_prefix="u")), FormatSeen("root"), LAYOUT)


def test_whoever_has_partitions_with_users_lets_nothing_run_as_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    layout = Layout(tmp_path)
    made = Format(cut(1, user_prefix="u"))  # as noted by an earlier version
    layout.format_file.write_bytes(wire.encode(made))
    Formatted(AgentSettings("COMP", tmp_path), layout)
    assert layout.needs_owner


@pytest.mark.parametrize(("uid", "named"), [(0, "soft"), (1000, "")])
def test_a_definition_without_a_software_user_gets_that_of_the_configuration(
    monkeypatch: pytest.MonkeyPatch, uid: int, named: str
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: uid)
    wish = read_definition("[partition_0]\npathname = a\nuser = ua\n", "here")
    assert _with_software_user(wish, NodeConfig(software_user="soft")).software_user == named
    bare = read_definition("[partition_0]\npathname = a\n", "here")
    assert _with_software_user(bare, NodeConfig()).software_user == ""
