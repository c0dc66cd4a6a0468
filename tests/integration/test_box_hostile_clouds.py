"""Whatever is sent to the box's servers and images, it answers with a refusal that says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelagos.box import Box
from pelagos.core.clock import ManualClock
from support.box_site import ask
from support.nova_desk import Desk

EXAMPLES = 120
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda one: st.lists(one, max_size=4) | st.dictionaries(st.text(max_size=8), one, max_size=4),
    max_leaves=8,
)  # fmt: skip
FIELDS = (
    "name", "flavorRef", "imageRef", "networks", "metadata", "personality", "tags", "key_name",
    "user_data", "min_count", "max_count", "block_device_mapping_v2", "security_groups",
    "availability_zone", "description", "config_drive", "hostname", "adminPass", "project",
)  # fmt: skip
quietly = settings(max_examples=EXAMPLES, deadline=None)


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    clock = ManualClock(1_795_268_000.0)
    with Box(clock=clock, token_life=1e9, pace=0) as box:
        yield Desk(box, clock, box.person("demo"))


def refused(status: int) -> bool:
    return status in {200, 201, 202, 204, 400, 403, 404, 409, 413, 415}


@quietly
@given(told=st.dictionaries(st.sampled_from(FIELDS), JSON), version=st.integers(1, 96))
def test_new_servers(desk: Desk, told: dict[str, Any], version: int) -> None:
    whole = {"name": "x", "flavorRef": "1", "imageRef": desk.image(), **told}
    reply = desk.nova("POST", "/servers", {"server": whole}, version=f"2.{version}")
    assert refused(reply.status), (whole, reply)
    former = ask(
        desk.box.url, "POST", "/cyclades/compute/v2.0/servers",
        {"server": {**whole, "flavorRef": told.get("flavorRef", 1)}}, token=desk.token,
    )  # fmt: skip
    assert refused(former.status), (whole, former)
    desk.clear()


@quietly
@given(
    action=st.sampled_from([
        "reboot", "resize", "rebuild", "lock", "rescue", "createImage", "unshelve", "os-stop",
        "console", "firewallProfile", "reassign", "os-getConsoleOutput", "addSecurityGroup", "x",
    ]),
    told=JSON,
    version=st.integers(1, 96),
)  # fmt: skip
def test_actions(desk: Desk, action: str, told: Any, version: int) -> None:
    found = desk.nova("GET", "/servers").json["servers"]
    server_id = found[0]["id"] if found else desk.server("target")
    reply = desk.act(server_id, action, told, version=f"2.{version}")
    assert refused(reply.status), (action, told, reply)
    here = "/cyclades/compute/v2.0/servers"
    number = ask(desk.box.url, "GET", here, token=desk.token).json["servers"][0]["id"]
    body = {action: told}
    former = ask(desk.box.url, "POST", f"{here}/{number}/action", body, token=desk.token)
    assert refused(former.status), (action, told, former)


@quietly
@given(
    told=st.dictionaries(
        st.sampled_from(["name", "tags", "visibility", "id", "min_disk", "protected", "x", ""])
        | st.text(max_size=5),
        JSON,
    ),
    operations=st.lists(
        st.fixed_dictionaries(
            {
                "op": st.sampled_from(["add", "replace", "remove", "x"]),
                "path": st.sampled_from(["/name", "/tags/-", "/tags/0", "/x", "/x/y", "", "/~"])
                | st.text(max_size=6),
            },
            optional={"value": JSON},
        ),
        max_size=3,
    ),
)
def test_images(desk: Desk, told: dict[str, Any], operations: list[Any]) -> None:
    made = desk.glance("POST", "/images", told)
    assert refused(made.status), (told, made)
    image_id = made.json["id"] if made.status == 201 else desk.image()
    changed = ask(
        desk.box.url, "PATCH", f"/image/v2/images/{image_id}", operations, token=desk.token,
        Content_Type="application/openstack-images-v2.1-json-patch",
    )  # fmt: skip
    assert refused(changed.status), (operations, changed)
    assert desk.glance("GET", f"/images/{image_id}").status == 200


@quietly
@given(
    name=st.sampled_from([
        "limit", "marker", "sort_key", "sort_dir", "name", "status", "changes-since", "ip",
        "all_tenants", "deleted", "tags", "sort", "size_min", "created_at", "visibility", "tag",
    ]),
    value=st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#&"), max_size=12
    ),
)  # fmt: skip
def test_queries(desk: Desk, name: str, value: str) -> None:
    value = value.replace("%", "%25")
    for path in (
        "/compute/v2.1/servers/detail", "/image/v2/images", "/compute/v2.1/flavors",
        "/cyclades/compute/v2.0/servers", "/cyclades/image/v1.0/images/detail",
    ):  # fmt: skip
        reply = ask(desk.box.url, "GET", f"{path}?{name}={value}", token=desk.token)
        assert reply.status in {200, 304, 400, 403}, (path, name, value, reply)
