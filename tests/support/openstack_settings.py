"""What Glance, Placement, Neutron, Nova and Cinder are told in their configuration files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .keystone import PASSWORD

#: Scripts and plugins that the services' own Python runs.
PEER = Path(__file__).with_name("openstack_peer")
#: The user of all services, and the host that all their parts say they run on.
USER, HOST, REGION = "services", "peer", "RegionOne"
#: Of each service that serves HTTP: its type in the catalogue, and what follows its address there.
SERVED = {
    "glance": ("image", ""),
    "placement": ("placement", ""),
    "neutron": ("network", ""),
    "nova": ("compute", "/v2.1"),
    "cinder": ("block-storage", "/v3"),
}


@dataclass(frozen=True, slots=True)
class Site:
    """Where everything is.

    Attributes:
        folder: of databases, files and logs.
        etc: files that the services bring.
        keystone: its address, with the version.
        broker: the address of a RabbitMQ.
        ports: of the services in `SERVED` and of "memcached".
    """

    folder: Path
    etc: Path
    keystone: str
    broker: str
    ports: Mapping[str, int]

    def url(self, name: str) -> str:
        """The address of a service, as in the catalogue."""
        return f"http://127.0.0.1:{self.ports[name]}{SERVED[name][1]}"

    def file(self, name: str) -> Path:
        """The configuration file of a service."""
        return self.folder / ("glance-api.conf" if name == "glance" else f"{name}.conf")

    def database(self, name: str) -> str:
        """The address of a database of the services'."""
        return f"sqlite:///{self.folder}/{name}.sqlite?timeout=60&plugin=turns"


def write(site: Site) -> None:
    """The configuration file of each service."""
    paste = site.etc / "nova" / "api-paste.ini"
    (site.folder / "nova-paste.ini").write_text(paste.read_text())  # looked for beside the other
    rights = _rights(site)
    for name, text in _TEXTS.items():
        facts = {
            "folder": site.folder, "etc": site.etc, "database": site.database(name),
            "api_database": site.database("nova_api"), "glance": site.url("glance"),
            "host": HOST, "region": REGION, "broker": site.broker.replace("amqp:", "rabbit:"),
        }  # fmt: skip
        sections = [text.format(**facts), f"[keystone_authtoken]\n{_checking(site, name)}"]
        sections += [f"[{section}]\n{rights}{more}" for section, more in _OTHERS.get(name, ())]
        site.file(name).write_text("\n".join([_ALL.format(**facts), *sections]))


def _rights(site: Site) -> str:
    return (
        f"auth_url = {site.keystone}\nauth_type = password\nproject_name = service\n"
        f"project_domain_id = default\nuser_domain_id = default\nusername = {USER}\n"
        f"password = {PASSWORD}\nregion_name = {REGION}\n"
    )


def _checking(site: Site, name: str) -> str:
    return (
        f"{_rights(site)}www_authenticate_uri = {site.keystone}\ninterface = public\n"
        f"memcached_servers = 127.0.0.1:{site.ports['memcached']}\n"
        f"service_token_roles_required = true\nservice_type = {SERVED[name][0]}\n"
    )


_SENDING = "send_service_user_token = true\n"
_PUBLIC = "valid_interfaces = public\n"
#: Of each service the sections about others whose services it uses.
_OTHERS = {
    "neutron": (("nova", "endpoint_type = public\n"), ("placement", "endpoint_type = public\n")),
    "nova": (
        ("neutron", _PUBLIC),
        ("placement", _PUBLIC),
        ("service_user", _SENDING),
        ("cinder", "catalog_info = block-storage:cinder:publicURL\n"),
    ),
    "cinder": (("nova", "interface = public\n"), ("service_user", _SENDING)),
}

_ALL = """
[oslo_concurrency]
lock_path = {folder}/lock
[oslo_messaging_notifications]
driver = noop
[oslo_messaging_rabbit]
heartbeat_in_pthread = false
rabbit_quorum_queue = false
rabbit_stream_fanout = false
"""

_TEXTS = {
    "glance": """
[DEFAULT]
use_stderr = true
enabled_backends = files:file
enabled_import_methods = [glance-direct,web-download]
node_staging_uri = file://{folder}/staging
worker_self_reference_url = {glance}
transport_url = fake://
[database]
connection = {database}
[glance_store]
default_backend = files
[files]
filesystem_store_datadir = {folder}/images
[import_filtering_opts]
allowed_ports = []
allowed_hosts = [127.0.0.1]
[os_glance_staging_store]
filesystem_store_datadir = {folder}/staging
[os_glance_tasks_store]
filesystem_store_datadir = {folder}/tasks
[paste_deploy]
flavor = keystone
config_file = {etc}/glance/glance-api-paste.ini
""",
    "placement": """
[DEFAULT]
use_stderr = true
[api]
auth_strategy = keystone
[placement_database]
connection = {database}
""",
    "neutron": """
[DEFAULT]
use_stderr = true
state_path = {folder}/neutron
core_plugin = ml2
service_plugins = router
transport_url = fake://
dhcp_agent_notification = false
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = true
send_events_interval = 1
api_workers = 0
rpc_workers = 0
api_paste_config = {etc}/neutron/api-paste.ini
router_auto_schedule = false
network_auto_schedule = false
[database]
connection = {database}
[ml2]
type_drivers = local,flat,vxlan
tenant_network_types = vxlan
mechanism_drivers = agentless
extension_drivers = port_security
[ml2_type_flat]
flat_networks = *
[ml2_type_vxlan]
vni_ranges = 1:10000
[securitygroup]
enable_security_group = true
""",
    "nova": """
[DEFAULT]
use_stderr = true
host = {host}
my_ip = 127.0.0.1
state_path = {folder}/nova
transport_url = {broker}
compute_driver = fake.FakeDriverWithoutFakeNodes
allow_resize_to_same_host = true
reserved_host_memory_mb = 0
sync_power_state_interval = -1
heal_instance_info_cache_interval = -1
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
service_down_time = 3600
initial_cpu_allocation_ratio = 64
concurrency_backend = threading
[api_database]
connection = {api_database}
[database]
connection = {database}
[conductor]
workers = 1
[scheduler]
workers = 1
[quota]
driver = nova.quota.DbQuotaDriver
[vnc]
enabled = true
novncproxy_base_url = http://127.0.0.1:9/vnc
[glance]
api_servers = {glance}
""",
    "cinder": """
[DEFAULT]
use_stderr = true
host = {host}
my_ip = 127.0.0.1
state_path = {folder}/cinder
transport_url = {broker}
enabled_backends = fake
default_volume_type = fake
glance_api_servers = {glance}
api_paste_config = {etc}/cinder/api-paste.ini
resource_query_filters_file = {etc}/cinder/resource_filters.json
service_down_time = 3600
[fake]
volume_driver = cinder.tests.fake_driver.FakeLoggingVolumeDriver
volume_backend_name = fake
[database]
connection = {database}
[coordination]
backend_url = file://{folder}/coordination
""",
}
