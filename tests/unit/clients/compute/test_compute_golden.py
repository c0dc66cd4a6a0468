"""What ComputeClient sends, method by method, in both dialects."""

# a table

# ruff: noqa: E501  # a table

from __future__ import annotations

from pelagos.clients.base.bilingual import Bilingual
from pelagos.clients.compute import ComputeClient
from support.golden import (
    OPENSTACK,
    SYNNEFO,
    Ask,
    Row,
    golden_tests,
    missing,
    row,
)

S = {"id": "s1", "name": "web"}
ONE = {"server": S}
META = {"metadata": {"a": "1"}}
TAGS = {"OpenStack-API-Version": "compute 2.26"}
CHANGED = (200, 201, 202)


def act(body: object, ok: tuple[int, ...] = (202, 200, 204), **more: object) -> Ask:
    return Ask("POST /servers/s1/action", body, ok=ok, **more)  # type: ignore[arg-type]


SERVERS: list[Row] = [
    row("list_servers", asks=Ask("GET /servers", answer={"servers": [S]}), result=[S]),
    row(
        "list_servers",
        True,
        asks=[
            Ask(
                "GET /servers/detail",
                answer={
                    "servers": [S],
                    "servers_links": [
                        {"rel": "next", "href": "http://else/servers/detail?marker=s1"}
                    ],
                },
            ),
            Ask("GET /servers/detail?marker=s1", answer={"servers": [{"id": 2}]}),
        ],
        result=[S, {"id": 2}],
    ),
    row(
        "list_servers",
        changes_since="2026-11-21T13:41:56+00:00",
        image="i",
        flavor=1,
        name="a b",
        marker="m",
        limit=1,
        status="STOPPED",
        host="h",
        asks=Ask(
            "GET /servers?changes-since=2026-11-21T13:41:56%2B00:00&image=i&flavor=1&name=a%20b"
            "&marker=m&host=h&status=SHUTOFF&limit=1",
            answer={"servers": [S, S]},
            ok=(200, 304),
        ),
        result=[S],
        dialects=OPENSTACK,
    ),
    row(
        "list_servers",
        status="SHUTOFF",
        asks=Ask("GET /servers?status=STOPPED", answer={"servers": []}),
        result=[],
        dialects=SYNNEFO,
    ),
    row("get_server_details", "s1", asks=Ask("GET /servers/s1", answer=ONE), result=S),
    row("get_server_details", "a/b?", asks=Ask("GET /servers/a%2Fb%3F", answer=ONE), result=S),
    row(
        "create_server",
        "web",
        1,
        "i1",
        asks=Ask(
            "POST /servers",
            {"server": {"name": "web", "flavorRef": "1", "imageRef": "i1"}},
            answer=ONE,
            ok=(202,),
        ),
        result=S,
        dialects=OPENSTACK,
    ),
    row(
        "create_server",
        "web",
        "1",
        "i1",
        networks=[],
        asks=Ask(
            "POST /servers",
            {"server": {"name": "web", "flavorRef": 1, "imageRef": "i1", "networks": []}},
            answer=ONE,
            ok=(202,),
        ),
        result=S,
        dialects=SYNNEFO,
    ),
    row(
        "create_server",
        "web",
        "f",
        "i1",
        networks="auto",
        tags=["t"],
        asks=Ask(
            "POST /servers",
            {"server": {"name": "web", "flavorRef": "f", "imageRef": "i1", "tags": ["t"]}},
            answer=ONE,
            ok=(202,),
        ),
        result=S,
        dialects=SYNNEFO,
    ),
    row(
        "create_server",
        "web",
        "f",
        None,
        security_group="g",
        user_data="#!/bin/sh",
        availability_zone="z",
        metadata={"a": "1"},
        personality=[{"path": "/x", "contents": "eA=="}],
        networks=[{"uuid": "n"}],
        key_name="k",
        block_device_mapping_v2=[{"uuid": "v"}],
        asks=Ask(
            "POST /servers",
            {
                "server": {
                    "name": "web",
                    "flavorRef": "f",
                    "security_groups": [{"name": "g"}],
                    "user_data": "IyEvYmluL3No",
                    "availability_zone": "z",
                    "metadata": {"a": "1"},
                    "personality": [{"path": "/x", "contents": "eA=="}],
                    "networks": [{"uuid": "n"}],
                    "key_name": "k",
                    "block_device_mapping_v2": [{"uuid": "v"}],
                }
            },
            answer=ONE,
            ok=(202,),
        ),
        result=S,
    ),
    row(
        "create_server",
        "web",
        "f",
        "i",
        networks=[],
        asks=Ask(
            "POST /servers",
            {"server": {"name": "web", "flavorRef": "f", "imageRef": "i", "networks": "none"}},
            {"OpenStack-API-Version": "compute 2.37"},
            answer=ONE,
            ok=(202,),
        ),
        result=S,
        dialects=OPENSTACK,
    ),
    row(
        "create_server",
        "web",
        "f",
        "i",
        tags=["t"],
        asks=Ask(
            "POST /servers",
            {
                "server": {
                    "name": "web",
                    "flavorRef": "f",
                    "imageRef": "i",
                    "networks": "auto",
                    "tags": ["t"],
                }
            },
            {"OpenStack-API-Version": "compute 2.52"},
            answer=ONE,
            ok=(202,),
        ),
        result=S,
        dialects=OPENSTACK,
    ),
    row(
        "update_server_name",
        "s1",
        "new",
        asks=Ask("PUT /servers/s1", {"server": {"name": "new"}}, ok=(200, 204)),
    ),
    row("delete_server", "s1", asks=Ask("DELETE /servers/s1", ok=(204,))),
    row("change_admin_password", "s1", "pw", asks=act({"changePassword": {"adminPass": "pw"}})),
    row(
        "rebuild_server",
        "s1",
        asks=[
            Ask("GET /servers/s1", answer={"server": {"image": {"id": "i1"}}}),
            act({"rebuild": {"imageRef": "i1"}}, answer=ONE),
        ],
        result=S,
    ),
    row(
        "rebuild_server",
        "s1",
        image_id="i2",
        name="n",
        asks=act({"rebuild": {"imageRef": "i2", "name": "n"}}, answer=ONE),
        result=S,
    ),
    row("reboot_server", "s1", asks=act({"reboot": {"type": "SOFT"}})),
    row("reboot_server", "s1", hard=True, asks=act({"reboot": {"type": "HARD"}})),
    row("resize_server", "s1", "3", asks=act({"resize": {"flavorRef": 3}}), dialects=SYNNEFO),
    row("resize_server", "s1", 3, asks=act({"resize": {"flavorRef": "3"}}), dialects=OPENSTACK),
    row("confirm_resize_server", "s1", asks=act({"confirmResize": None})),
    row("revert_resize_server", "s1", asks=act({"revertResize": None})),
    row(
        "create_server_image",
        "s1",
        "copy",
        a="1",
        asks=act(
            {"createImage": {"name": "copy", "metadata": {"a": "1"}}},
            answer_headers={"Location": "http://cloud.test/images/i"},
        ),
        result="http://cloud.test/images/i",
    ),
    row("start_server", "s1", asks=act({"os-start": None})),
    row("shutdown_server", "s1", asks=act({"os-stop": None})),
    row("rescue_server", "s1", asks=act({"rescue": {}})),
    row("rescue_server", "s1", "i", asks=act({"rescue": {"rescue_image_ref": "i"}})),
    row("restore_server", "s1", asks=act({"restore": None})),
    row("force_delete_server", "s1", asks=act({"forceDelete": None})),
    row("unrescue_server", "s1", asks=act({"unrescue": {}}), dialects=SYNNEFO),
    row("unrescue_server", "s1", asks=act({"unrescue": None}), dialects=OPENSTACK),
    row(
        "get_server_metadata",
        "s1",
        asks=Ask("GET /servers/s1/metadata", answer=META),
        result={"a": "1"},
    ),
    row(
        "get_server_metadata",
        "s1",
        "a",
        asks=Ask("GET /servers/s1/metadata/a", answer={"meta": {"a": "1"}}),
        result={"a": "1"},
    ),
    row(
        "create_server_metadata",
        "s1",
        "a",
        "1",
        asks=Ask(
            "PUT /servers/s1/metadata/a",
            {"meta": {"a": "1"}},
            answer={"meta": {"a": "1"}},
            ok=(201, 200, 204),
        ),
        result={"a": "1"},
    ),
    row(
        "update_server_metadata",
        "s1",
        a="1",
        asks=Ask("POST /servers/s1/metadata", META, answer=META, ok=CHANGED),
        result={"a": "1"},
    ),
    row("delete_server_metadata", "s1", "a", asks=Ask("DELETE /servers/s1/metadata/a", ok=(204,))),
    row(
        "get_server_nics",
        "s1",
        asks=Ask("GET /servers/s1/ips", answer={"addresses": {}}, ok=(200, 304)),
        result={"addresses": {}},
    ),
    row(
        "get_server_nics",
        "s1",
        "2026-11-21T13:41:56Z",
        asks=Ask("GET /servers/s1/ips?changes-since=2026-11-21T13:41:56Z", ok=(304, 200)),
        result={},
    ),
    row(
        "get_server_network_nics",
        "s1",
        "n",
        asks=Ask("GET /servers/s1/ips/n", answer={"network": {"id": "n"}}, ok=(200, 304)),
        result={"id": "n"},
        dialects=SYNNEFO,
    ),
    row(
        "get_server_network_nics",
        "s1",
        "net",
        asks=Ask("GET /servers/s1/ips/net", answer={"net": []}, ok=(200, 304)),
        result={"net": []},
        dialects=OPENSTACK,
    ),
]

OFFERS: list[Row] = [
    row("list_flavors", asks=Ask("GET /flavors", answer={"flavors": [S]}), result=[S]),
    row("list_flavors", True, asks=Ask("GET /flavors/detail", answer={"flavors": []}), result=[]),
    row("get_flavor_details", 1, asks=Ask("GET /flavors/1", answer={"flavor": S}), result=S),
    row("list_images", asks=Ask("GET /images", answer={"images": [S]}), result=[S]),
    row("list_images", True, asks=Ask("GET /images/detail", answer={"images": []}), result=[]),
    row("get_image_details", "i", asks=Ask("GET /images/i", answer={"image": S}), result=S),
    row("delete_image", "i", asks=Ask("DELETE /images/i", ok=(204,))),
    row(
        "get_image_metadata",
        "i",
        asks=Ask("GET /images/i/metadata", answer=META),
        result={"a": "1"},
    ),
    row(
        "get_image_metadata",
        "i",
        "a",
        asks=Ask("GET /images/i/metadata/a", answer={"meta": {"a": "1"}}),
        result={"a": "1"},
    ),
    row(
        "create_image_metadata",
        "i",
        "a",
        "1",
        asks=Ask(
            "PUT /images/i/metadata/a",
            {"meta": {"a": "1"}},
            answer={"meta": {"a": "1"}},
            ok=(201, 200),
        ),
        result={"a": "1"},
    ),
    row(
        "update_image_metadata",
        "i",
        a="1",
        asks=Ask("POST /images/i/metadata", META, answer=META, ok=(201, 200)),
        result={"a": "1"},
    ),
    row("delete_image_metadata", "i", "a", asks=Ask("DELETE /images/i/metadata/a", ok=(204,))),
]

ADDRESSES: list[Row] = [
    row(
        "get_floating_ip_pools",
        "tenant",
        asks=Ask("GET /os-floating-ip-pools", answer={"floating_ip_pools": []}),
        result={"floating_ip_pools": []},
    ),
    row(
        "get_floating_ips",
        "tenant",
        asks=Ask("GET /os-floating-ips", answer={"floating_ips": []}),
        result={"floating_ips": []},
    ),
    row(
        "alloc_floating_ip",
        "tenant",
        "public",
        asks=Ask(
            "POST /os-floating-ips", {"pool": "public"}, answer={"floating_ip": S}, ok=(200, 201)
        ),
        result=S,
    ),
    row(
        "alloc_floating_ip",
        asks=Ask("POST /os-floating-ips", {}, answer={"floating_ip": S}, ok=(200, 201)),
        result=S,
        dialects=SYNNEFO,
    ),
    row(
        "alloc_floating_ip",
        asks=[
            Ask("GET /os-floating-ip-pools", answer={"floating_ip_pools": [{"name": "p"}]}),
            Ask("POST /os-floating-ips", {"pool": "p"}, answer={"floating_ip": S}, ok=(200, 201)),
        ],
        result=S,
        dialects=OPENSTACK,
    ),
    row(
        "get_floating_ip",
        "tenant",
        "f",
        asks=Ask("GET /os-floating-ips/f", answer={"floating_ip": S}),
        result=S,
    ),
    row(
        "get_floating_ip",
        "f",
        asks=Ask("GET /os-floating-ips/f", answer={"floating_ip": S}),
        result=S,
    ),
    row(
        "delete_floating_ip",
        "tenant",
        "f",
        asks=Ask("DELETE /os-floating-ips/f", ok=(202, 200, 204)),
    ),
    row(
        "attach_floating_ip", "s1", "1.2.3.4", asks=act({"addFloatingIp": {"address": "1.2.3.4"}})
    ),
    row(
        "detach_floating_ip",
        "s1",
        "1.2.3.4",
        asks=act({"removeFloatingIp": {"address": "1.2.3.4"}}),
    ),
]

KEYS_AND_TAGS: list[Row] = [
    row("list_keypairs", asks=Ask("GET /os-keypairs", answer={"keypairs": []}), result=[]),
    row(
        "get_keypair_details", "k", asks=Ask("GET /os-keypairs/k", answer={"keypair": S}), result=S
    ),
    row(
        "create_key",
        "k",
        "ssh-rsa A",
        asks=Ask(
            "POST /os-keypairs",
            {"keypair": {"name": "k", "public_key": "ssh-rsa A"}},
            answer={"keypair": S},
            ok=(201, 200),
        ),
        result=S,
    ),
    row(
        "create_key",
        asks=Ask("POST /os-keypairs", {"keypair": {}}, answer={"keypair": S}, ok=(201, 200)),
        result=S,
    ),
    row("delete_keypair", "k", asks=Ask("DELETE /os-keypairs/k", ok=(204, 200, 202))),
    *(
        one
        for dialect, headers in (("openstack", TAGS), ("synnefo", {}))
        for one in (
            row(
                "check_tag_exists",
                "s1",
                "t",
                asks=Ask("GET /servers/s1/tags/t", None, headers, ok=(204, 404)),
                result=True,
                dialects=(dialect,),
            ),
            row(
                "check_tag_exists",
                "s1",
                "t",
                asks=Ask("GET /servers/s1/tags/t", None, headers, ok=(404, 204)),
                result=False,
                dialects=(dialect,),
            ),
            row(
                "add_tag",
                "s1",
                "a/b",
                asks=Ask("PUT /servers/s1/tags/a%2Fb", None, headers, ok=(201, 204)),
                dialects=(dialect,),
            ),
            row(
                "delete_tag",
                "s1",
                "t",
                asks=Ask("DELETE /servers/s1/tags/t", None, headers, ok=(204,)),
                result=204,
                dialects=(dialect,),
            ),
            row(
                "list_tags",
                "s1",
                asks=Ask("GET /servers/s1/tags", None, headers, answer={"tags": ["t"]}),
                result=["t"],
                dialects=(dialect,),
            ),
            row(
                "replace_tags",
                "s1",
                ["t"],
                asks=Ask("PUT /servers/s1/tags", {"tags": ["t"]}, headers, answer={"tags": ["t"]}),
                result=["t"],
                dialects=(dialect,),
            ),
            row(
                "delete_tags",
                "s1",
                asks=Ask("DELETE /servers/s1/tags", None, headers, ok=(204,)),
                result=204,
                dialects=(dialect,),
            ),
        )
    ),
]

SERVER_REST: list[Row] = [
    row("limits_get", asks=Ask("GET /limits")),
    row("servers_get", "s1", asks=Ask("GET /servers/s1")),
    row("servers_get", detail=True, limit=2, asks=Ask("GET /servers/detail?limit=2")),
    row(
        "servers_post",
        "g",
        "dXNlcg==",
        "z",
        {"server": {"name": "x"}},
        asks=Ask(
            "POST /servers",
            {
                "server": {
                    "name": "x",
                    "security_groups": [{"name": "g"}],
                    "user_data": "dXNlcg==",
                    "availability_zone": "z",
                }
            },
            ok=(202,),
        ),
    ),
    row(
        "servers_put",
        "s1",
        "n",
        asks=Ask("PUT /servers/s1", {"server": {"name": "n"}}, ok=(200, 204)),
    ),
    row("servers_delete", "s1", asks=Ask("DELETE /servers/s1", ok=(204,))),
    row("servers_metadata_get", "s1", "k", asks=Ask("GET /servers/s1/metadata/k")),
    row(
        "servers_metadata_post",
        "s1",
        META,
        asks=Ask("POST /servers/s1/metadata", META, ok=CHANGED),
    ),
    row(
        "servers_metadata_put",
        "s1",
        None,
        META,
        asks=Ask("PUT /servers/s1/metadata", META, ok=(200, 201, 204)),
    ),
    row(
        "servers_metadata_delete", "s1", "k", asks=Ask("DELETE /servers/s1/metadata/k", ok=(204,))
    ),
    row("servers_action_post", "s1", {"a": 1}, asks=act({"a": 1})),
    row("servers_ips_get", "s1", "n", asks=Ask("GET /servers/s1/ips/n", ok=(200, 304))),
    *(
        one
        for dialect, headers in (("openstack", TAGS), ("synnefo", {}))
        for one in (
            row(
                "servers_tag_exists",
                "s1",
                "t",
                asks=Ask("GET /servers/s1/tags/t", None, headers, ok=(204, 404)),
                dialects=(dialect,),
            ),
            row(
                "servers_tag_add",
                "s1",
                "t",
                asks=Ask("PUT /servers/s1/tags/t", None, headers, ok=(201, 204)),
                dialects=(dialect,),
            ),
            row(
                "servers_tag_delete",
                "s1",
                "t",
                asks=Ask("DELETE /servers/s1/tags/t", None, headers, ok=(204,)),
                dialects=(dialect,),
            ),
            row(
                "servers_tags_get",
                "s1",
                asks=Ask("GET /servers/s1/tags", None, headers),
                dialects=(dialect,),
            ),
            row(
                "servers_tags_replace",
                "s1",
                ("t",),
                asks=Ask("PUT /servers/s1/tags", {"tags": ["t"]}, headers),
                dialects=(dialect,),
            ),
            row(
                "servers_tags_delete",
                "s1",
                asks=Ask("DELETE /servers/s1/tags", None, headers, ok=(204,)),
                dialects=(dialect,),
            ),
        )
    ),
]

OTHER_REST: list[Row] = [
    row(
        "images_get",
        detail=True,
        changes_since="2026-11-21T13:41:56Z",
        server_name="s",
        name="n",
        status="ACTIVE",
        marker="m",
        limit=1,
        type="t",
        asks=Ask(
            "GET /images/detail?changes-since=2026-11-21T13:41:56Z&server=s&name=n&status=ACTIVE"
            "&marker=m&limit=1&type=t"
        ),
    ),
    row("images_get", "i", asks=Ask("GET /images/i")),
    row("images_delete", "i", asks=Ask("DELETE /images/i", ok=(204,))),
    row("images_metadata_get", "i", asks=Ask("GET /images/i/metadata")),
    row(
        "images_metadata_post", "i", META, asks=Ask("POST /images/i/metadata", META, ok=(200, 201))
    ),
    row(
        "images_metadata_put",
        "i",
        "k",
        META,
        asks=Ask("PUT /images/i/metadata/k", META, ok=(200, 201)),
    ),
    row("images_metadata_delete", "i", "k", asks=Ask("DELETE /images/i/metadata/k", ok=(204,))),
    row("flavors_get", 1, asks=Ask("GET /flavors/1")),
    row(
        "flavors_get",
        minDisk=1,
        minRam=2,
        marker=3,
        limit=4,
        asks=Ask("GET /flavors?minDisk=1&minRam=2&marker=3&limit=4"),
    ),
    row("floating_ip_pools_get", asks=Ask("GET /os-floating-ip-pools")),
    row("floating_ips_get", asks=Ask("GET /os-floating-ips")),
    row(
        "floating_ips_post",
        {"pool": "p"},
        asks=Ask("POST /os-floating-ips", {"pool": "p"}, ok=(200, 201)),
    ),
    row("floating_ips_delete", "f", asks=Ask("DELETE /os-floating-ips/f", ok=(200, 202, 204))),
    row("keypairs_get", "k", asks=Ask("GET /os-keypairs/k")),
    row("keypairs_post", {"k": 1}, asks=Ask("POST /os-keypairs", {"k": 1}, ok=(200, 201))),
    row("keypairs_delete", "k", asks=Ask("DELETE /os-keypairs/k", ok=(200, 202, 204))),
]

VA = {"id": "v", "volumeId": "v"}
CARD = {
    "port_id": "p",
    "net_id": "n",
    "mac_addr": "aa",
    "fixed_ips": [{"ip_address": "10.0.0.2"}, {"ip_address": "fd00::2"}],
}
CARD_READ = {
    "id": "p",
    "network_id": "n",
    "mac_address": "aa",
    "ipv4": "10.0.0.2",
    "ipv6": "fd00::2",
    "OS-EXT-IPS:type": "fixed",
}
CONSOLE = {"OpenStack-API-Version": "compute 2.6"}
AT = "/servers/s1/os-volume_attachments"

# fmt: off
ATTACHED: list[Row] = [
    row("get_server_status", "s1", asks=Ask("GET /servers/s1", answer={"server": {"status": "BUILD", "progress": 40}}), result=("BUILD", 40)),
    row("get_server_status", "s1", asks=Ask("GET /servers/s1", answer={"server": {"status": "ACTIVE", "progress": 100}}), result=("ACTIVE", None)),
    row("wait_server", "s1", asks=Ask("GET /servers/s1", answer={"server": {"status": "ACTIVE"}}), result={"status": "ACTIVE"}),
    row("wait_server_while", "s1", asks=Ask("GET /servers/s1", answer={"server": {"status": "ACTIVE"}}), result={"status": "ACTIVE"}),
    row("wait_server_until", "s1", "STOPPED", asks=Ask("GET /servers/s1", answer={"server": {"status": "SHUTOFF"}}), result={"status": "SHUTOFF"}),
    row("list_volume_attachments", "s1", asks=Ask(f"GET {AT}", answer={"volumeAttachments": [VA]}), result=[VA]),
    row("get_volume_attachment", "s1", "a", asks=Ask(f"GET {AT}/a", answer={"volumeAttachment": VA}), result=VA),
    row("attach_volume", "s1", "v", asks=Ask(f"POST {AT}", {"volumeAttachment": {"volumeId": "v"}}, answer={"volumeAttachment": VA}, ok=(202, 200)), result=VA),
    row("attach_volume", "s1", "v", asks=Ask(f"POST {AT}", {"volumeAttachment": {"volumeId": "v"}}, ok=(202, 200)), result={"serverId": "s1", "volumeId": "v"}),
    row("delete_volume_attachment", "s1", "a", asks=Ask(f"DELETE {AT}/a", ok=(202, 200, 204))),
    row("detach_volume", "s1", "2", asks=[
        Ask(f"GET {AT}", answer={"volumeAttachments": [VA, {"id": 7, "volumeId": 2}]}), Ask(f"DELETE {AT}/7", ok=(202, 200, 204)),
    ], result=[{"id": 7, "volumeId": 2}]),
    row("list_server_nics", "s1", asks=Ask("GET /servers/s1/ips", answer={"addresses": {}, "attachments": [S]}, ok=(200, 304)), result=[S], dialects=SYNNEFO),
    row("list_server_nics", "s1", asks=Ask("GET /servers/s1/os-interface", answer={"interfaceAttachments": [CARD]}), result=[CARD_READ], dialects=OPENSTACK),
    row("attach_port", "s1", "p", asks=Ask("POST /servers/s1/os-interface", {"interfaceAttachment": {"port_id": "p"}}, answer={"interfaceAttachment": CARD}), result=CARD_READ, dialects=OPENSTACK),
    row("detach_port", "s1", "p", asks=Ask("DELETE /servers/s1/os-interface/p", ok=(202, 200, 204)), dialects=OPENSTACK),
    row("get_server_console", "s1", "vnc-wss", asks=act({"console": {"type": "vnc-wss"}}, answer={"console": S}), result=S, dialects=SYNNEFO),
    row("get_server_console", "s1", asks=Ask("POST /servers/s1/remote-consoles", {"remote_console": {"protocol": "vnc", "type": "novnc"}}, CONSOLE, answer={"remote_console": S}), result=S, dialects=OPENSTACK),
    row("get_server_diagnostics", "s1", asks=Ask("GET /servers/s1/diagnostics", answer=[]), result=[]),
    row("volume_attachment_get", "s1", "a", asks=Ask(f"GET {AT}/a")),
    row("volume_attachment_post", "s1", "v", asks=Ask(f"POST {AT}", {"volumeAttachment": {"volumeId": "v"}}, ok=(200, 202))),
    row("volume_attachment_delete", "s1", "a", asks=Ask(f"DELETE {AT}/a", ok=(202, 200, 204))),
    row("servers_diagnostics_get", "s1", asks=Ask("GET /servers/s1/diagnostics")),
    row("interfaces_get", "s1", "p", asks=Ask("GET /servers/s1/os-interface/p")),
    row("interfaces_post", "s1", {"x": 1}, asks=Ask("POST /servers/s1/os-interface", {"x": 1})),
    row("interfaces_delete", "s1", "p", asks=Ask("DELETE /servers/s1/os-interface/p", ok=(202, 200, 204))),
    row("remote_consoles_post", "s1", "serial", "serial", asks=Ask("POST /servers/s1/remote-consoles", {"remote_console": {"protocol": "serial", "type": "serial"}}, CONSOLE), dialects=OPENSTACK),
    row("remote_consoles_post", "s1", "serial", "serial", asks=Ask("POST /servers/s1/remote-consoles", {"remote_console": {"protocol": "serial", "type": "serial"}}), dialects=SYNNEFO),
]
# fmt: on

#: Refused before anything is sent; see test_compute_client.py.
ELSEWHERE = {"attach_port synnefo", "detach_port synnefo"}

HIGH = [*ATTACHED, *SERVERS, *OFFERS, *ADDRESSES, *KEYS_AND_TAGS]
LOW = [*SERVER_REST, *OTHER_REST]


(
    test_a_method_sends_and_returns_what_the_table_says,
    test_only_the_statuses_of_the_table_are_well,
    test_odd_answers_are_errors_of_the_cloud,
) = golden_tests(ComputeClient, [*HIGH, *LOW])


def test_the_table_has_every_method_in_both_dialects() -> None:
    assert missing(ComputeClient, [*HIGH, *LOW], base=Bilingual, without=ELSEWHERE) == set()
