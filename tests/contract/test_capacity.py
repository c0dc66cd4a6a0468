"""One suite for every driver of machines on demand: the shipped fake, real drivers on a box.

One of them is on a real Nova, too. A further driver joins with a function of `MAKERS`.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pelagos.box import Box, Person
from pelagos.clients.cloud import Cloud, CloudSettings
from pelagos.clients.cyclades import CycladesNetworkClient
from pelagos.core.clock import Clock, ManualClock, SystemClock
from pelagos.one import OneServer
from pelagos.plane.capacity.base import (
    Capacity,
    Machine,
    MachineState,
    NewMachine,
    wait_until_gone,
    wait_until_running,
)
from pelagos.plane.capacity.errors import MachineLost, QuotaReached
from pelagos.plane.capacity.fake import FakeCapacity
from pelagos.plane.capacity.opennebula import OpenNebulaCapacity
from pelagos.plane.capacity.openstack import OpenStackCapacity
from pelagos.plane.capacity.servers import Servers
from pelagos.plane.capacity.synnefo import SynnefoCapacity
from support.openstack_services import Login, OpenStack
from support.places import Place, cloud_of

#: Answers of a box are dated by the real clock.
CLOCK = ManualClock(time.time())
#: For which a machine is waited for.
SECONDS = 600.0
pytestmark = pytest.mark.timeout(600)
USER_DATA = '#cloud-config\n{"runcmd": ["echo ü"]}\n'


@dataclass(frozen=True, slots=True)
class Kit:
    """A driver on trial.

    Attributes:
        clock: on which its cloud makes machines.
        user_data: what the cloud gives a machine of that name.
        quota: how many machines the cloud lets us have.
    """

    capacity: Capacity
    clock: Clock
    user_data: Callable[[str], str]
    quota: int


@contextmanager
def in_memory(_folder: Path) -> Iterator[Kit]:
    clock = ManualClock()
    fake = FakeCapacity({"quota": 3, "boot_seconds": 3.0}, clock=clock)
    yield Kit(fake, clock, fake.user_data, 3)


@contextmanager
def in_a_file(folder: Path) -> Iterator[Kit]:
    clock, terms = ManualClock(), {"quota": 3, "boot_seconds": 3.0, "file": f"{folder}/m.json"}
    fake = FakeCapacity(terms, clock=clock)
    yield Kit(fake, clock, fake.user_data, 3)


@contextmanager
def driven(
    folder: Path,
    driver: type[Servers],
    cloud: dict[str, str],
    place: Place,
    project_id: str,
    clock: Clock = CLOCK,
    **more: str,
) -> Iterator[Kit]:
    lines = [f"{key} = {json.dumps(value)}" for key, value in cloud.items()]
    config = folder / "config.toml"
    config.write_text("[cloud.named.box]\n" + "\n".join(lines) + "\n")
    config.chmod(0o600)
    terms = {"cloud": "box", "flavor": "m1.tiny", "image": "box-linux", **more}
    made = driver(terms, {"PELAGOS_CONFIG": str(config), "HOME": str(folder)})

    def user_data(name: str) -> str:
        admin = Cloud(settings=CloudSettings(place.auth_url, token=place.admin.token()))
        found = admin.compute.get(
            ("servers", "detail"),
            params={"all_tenants": "1", "name": name},
            headers={"X-OpenStack-Nova-API-Version": "2.3"},
        ).json["servers"]
        [found] = [one for one in found if one["tenant_id"] == project_id]
        return base64.b64decode(found["OS-EXT-SRV-ATTR:user_data"]).decode()

    yield Kit(made, clock, user_data, 3)
    made.close()


@contextmanager
def on_nova(folder: Path) -> Iterator[Kit]:
    with Box(clock=CLOCK, token_life=1e9) as box:
        demo = box.person("demo")
        box.limit(demo.project_id, "cyclades.vm", 3)
        cloud = _login(box, demo)
        with driven(folder, OpenStackCapacity, cloud, box, demo.project_id) as kit:
            yield kit


@contextmanager
def on_a_real_nova(folder: Path, openstack: OpenStack) -> Iterator[Kit]:
    who = openstack.person(f"capacity-{secrets.token_hex(4)}")
    quotas = ("os-quota-sets", who.project_id)
    admin = cloud_of(openstack, openstack.admin)
    admin.compute.put(quotas, json={"quota_set": {"instances": 3}})
    cloud, clock = _login(openstack, who), SystemClock()
    with driven(folder, OpenStackCapacity, cloud, openstack, who.project_id, clock) as kit:
        yield kit
        for machine in kit.capacity.list(""):
            kit.capacity.remove(machine.key)


def _login(place: Place, who: Person | Login) -> dict[str, str]:
    return {
        "auth_url": place.auth_url,
        "username": who.name,
        "password": who.password,
        "project_name": who.project,
    }


@contextmanager
def on_cyclades(folder: Path) -> Iterator[Kit]:
    with Box(clock=CLOCK, token_life=1e9) as box:
        demo = box.person("demo")
        box.limit(demo.project_id, "cyclades.vm", 3)
        cloud = {"auth_url": box.astakos_url, "token": demo.token()}
        settings = CloudSettings(cloud["auth_url"], token=cloud["token"], dialect="synnefo")
        networks = Cloud(settings=settings).client(CycladesNetworkClient)
        lan = networks.create_network("MAC_FILTERED", name="lan")
        more = {"flavor": "1", "networks": str(lan["id"])}
        with driven(folder, SynnefoCapacity, cloud, box, demo.project_id, **more) as kit:
            yield kit


@contextmanager
def on_opennebula(folder: Path) -> Iterator[Kit]:
    with Box(clock=CLOCK) as box:
        file = folder / "one_auth"
        file.write_text(box.one.session("demo"))
        admin = OneServer(box.one_url, session=box.one.session())
        admin.user.quota(admin.userpool.info().USER[0].ID, {"VM": {"VMS": 3}})
        admin.vn.chmod(0, 1, 1, 0, 1, 0, 0, 1, 0, 0)
        terms = {"template": "tiny", "endpoint": box.one_url, "auth_file": str(file)}
        made = OpenNebulaCapacity(terms, {"HOME": str(folder)})

        def user_data(name: str) -> str:
            machine = made.find(name)
            assert machine is not None
            context = admin.vm.info(int(machine.key)).TEMPLATE["CONTEXT"]
            return base64.b64decode(context["USER_DATA"]).decode()

        yield Kit(made, CLOCK, user_data, 3)
        made.close()
        admin.close()


MAKERS: dict[str, Callable[[Path], AbstractContextManager[Kit]]] = {
    "memory": in_memory,
    "file": in_a_file,
    "openstack": on_nova,
    "synnefo": on_cyclades,
    "opennebula": on_opennebula,
}


@pytest.fixture(params=[*sorted(MAKERS), pytest.param("nova", marks=pytest.mark.whole_openstack)])
def kit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kit]:
    if request.param == "nova":
        whole = request.getfixturevalue("whole_openstack")
        with on_a_real_nova(tmp_path, whole) as made:
            yield made
    else:
        with MAKERS[request.param](tmp_path) as made:
            yield made


def make(kit: Kit, name: str) -> Machine:
    labels = {"pelagos_plane": "abcdef", "pelagos_capacity": "north"}
    return kit.capacity.make(NewMachine(name, USER_DATA, labels))


def test_a_machine_is_made_waited_for_and_removed(kit: Kit) -> None:
    made = make(kit, "pelagos-north-abcdef-1")
    assert made.name == "pelagos-north-abcdef-1"
    assert made.key
    assert made.state in {MachineState.MAKING, MachineState.RUNNING}
    seen: list[Machine] = []
    running = wait_until_running(
        kit.capacity, made.name, timeout=SECONDS, delay=1.0, clock=kit.clock, progress=seen.append
    )
    assert running.state is MachineState.RUNNING
    assert running.key == made.key
    assert seen[-1] == running
    assert kit.user_data(made.name) == USER_DATA
    kit.capacity.remove(running.key)
    wait_until_gone(kit.capacity, made.name, timeout=SECONDS, delay=1.0, clock=kit.clock)
    assert kit.capacity.list("pelagos-north-") == []


def test_a_machine_of_a_name_is_made_once(kit: Kit) -> None:
    first = make(kit, "pelagos-north-abcdef-1")
    assert make(kit, "pelagos-north-abcdef-1").key == first.key
    wait_until_running(kit.capacity, first.name, timeout=SECONDS, clock=kit.clock)
    assert make(kit, "pelagos-north-abcdef-1").key == first.key
    assert len(kit.capacity.list("pelagos-north-abcdef-")) == 1


def test_names_are_whole_and_prefixes_are_texts(kit: Kit) -> None:
    make(kit, "pelagos-north-abcdef-1")
    make(kit, "pelagos-north-abcdef-12")
    assert kit.capacity.find("pelagos-north-abcdef") is None
    assert kit.capacity.find("pelagos.north.abcdef.1") is None
    found = kit.capacity.find("pelagos-north-abcdef-1")
    assert found is not None
    assert found.name == "pelagos-north-abcdef-1"
    assert [one.name for one in kit.capacity.list("pelagos-north-abcdef-1")] == [
        "pelagos-north-abcdef-1",
        "pelagos-north-abcdef-12",
    ]
    assert kit.capacity.list("pelagos.north") == []
    assert kit.capacity.list("elagos-north") == []


def test_what_is_gone_is_removed_again_without_a_word(kit: Kit) -> None:
    made = make(kit, "pelagos-north-abcdef-1")
    kit.capacity.remove(made.key)
    wait_until_gone(kit.capacity, made.name, timeout=SECONDS, clock=kit.clock)
    kit.capacity.remove(made.key)
    again = make(kit, made.name)
    assert again.key != made.key


def test_a_used_up_quota_is_told_and_makes_nothing(kit: Kit) -> None:
    assert kit.capacity.check() == ()
    for number in range(kit.quota):
        made = make(kit, f"pelagos-north-abcdef-{number}")
        # A Nova counts only what it has begun to build.
        wait_until_running(kit.capacity, made.name, timeout=SECONDS, clock=kit.clock)
    [problem] = kit.capacity.check()
    assert "quota" in problem
    with pytest.raises(QuotaReached):
        make(kit, "pelagos-north-abcdef-more")
    assert kit.capacity.find("pelagos-north-abcdef-more") is None


def test_who_waits_for_nothing_is_told(kit: Kit) -> None:
    with pytest.raises(MachineLost, match="is not there"):
        wait_until_running(kit.capacity, "pelagos-none", timeout=1.0, clock=kit.clock)
