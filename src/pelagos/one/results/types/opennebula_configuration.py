"""What is known of OPENNEBULA_CONFIGURATION. Written by `pelagos one generate`."""

from __future__ import annotations

from pelagos.one.results.element import Element
from pelagos.one.results.field import (
    child_or_none,
    children,
    integer,
    integer_or_none,
    integers,
    text,
    text_or_none,
    texts,
)


class OpenNebulaConfigurationAuthMad(Element):
    """OPENNEBULA_CONFIGURATION/AUTH_MAD."""

    AUTHN = text()
    EXECUTABLE = text()


class OpenNebulaConfigurationAuthMadConf(Element):
    """OPENNEBULA_CONFIGURATION/AUTH_MAD_CONF."""

    DRIVER_MANAGED_GROUPS = text()
    DRIVER_MANAGED_GROUP_ADMIN = text()
    MAX_TOKEN_TIME = integer()
    NAME = text()
    PASSWORD_CHANGE = text()
    PASSWORD_REQUIRED = text_or_none()


class OpenNebulaConfigurationDatastoreMad(Element):
    """OPENNEBULA_CONFIGURATION/DATASTORE_MAD."""

    ARGUMENTS = text()
    EXECUTABLE = text()


class OpenNebulaConfigurationDb(Element):
    """OPENNEBULA_CONFIGURATION/DB."""

    BACKEND = text_or_none()
    COMPARE_BINARY = text_or_none()
    CONNECTIONS = integer_or_none()
    DB_NAME = text_or_none()
    PASSWD = text_or_none()
    PORT = integer_or_none()
    SERVER = text_or_none()
    USER = text_or_none()
    TIMEOUT = integer_or_none()


class OpenNebulaConfigurationDefaultCost(Element):
    """OPENNEBULA_CONFIGURATION/DEFAULT_COST."""

    CPU_COST = integer()
    DISK_COST = integer()
    MEMORY_COST = integer()


class OpenNebulaConfigurationDsMadConf(Element):
    """OPENNEBULA_CONFIGURATION/DS_MAD_CONF."""

    DATASTORE_CAPACITY_CHECK = text_or_none()
    MARKETPLACE_ACTIONS = text_or_none()
    NAME = text_or_none()
    PERSISTENT_ONLY = text_or_none()
    REQUIRED_ATTRS = text_or_none()


class OpenNebulaConfigurationFederation(Element):
    """OPENNEBULA_CONFIGURATION/FEDERATION."""

    MASTER_ONED = text_or_none()
    MODE = text_or_none()
    SERVER_ID = integer_or_none()
    ZONE_ID = integer_or_none()


class OpenNebulaConfigurationHmMad(Element):
    """OPENNEBULA_CONFIGURATION/HM_MAD."""

    ARGUMENTS = text_or_none()
    EXECUTABLE = text_or_none()


class OpenNebulaConfigurationHookLogConf(Element):
    """OPENNEBULA_CONFIGURATION/HOOK_LOG_CONF."""

    LOG_RETENTION = integer_or_none()


class OpenNebulaConfigurationImMad(Element):
    """OPENNEBULA_CONFIGURATION/IM_MAD."""

    ARGUMENTS = text_or_none()
    EXECUTABLE = text_or_none()
    NAME = text_or_none()
    THREADS = integer_or_none()


class OpenNebulaConfigurationIpamMad(Element):
    """OPENNEBULA_CONFIGURATION/IPAM_MAD."""

    ARGUMENTS = text()
    EXECUTABLE = text()


class OpenNebulaConfigurationLog(Element):
    """OPENNEBULA_CONFIGURATION/LOG."""

    DEBUG_LEVEL = integer()
    SYSTEM = text()
    USE_VMS_LOCATION = text_or_none()


class OpenNebulaConfigurationMarketMad(Element):
    """OPENNEBULA_CONFIGURATION/MARKET_MAD."""

    ARGUMENTS = text()
    EXECUTABLE = text()


class OpenNebulaConfigurationMarketMadConf(Element):
    """OPENNEBULA_CONFIGURATION/MARKET_MAD_CONF."""

    APP_ACTIONS = text()
    NAME = text()
    PUBLIC = text_or_none()
    REQUIRED_ATTRS = text_or_none()
    SUNSTONE_NAME = text_or_none()


class OpenNebulaConfigurationRaft(Element):
    """OPENNEBULA_CONFIGURATION/RAFT."""

    BROADCAST_TIMEOUT_MS = integer()
    ELECTION_TIMEOUT_MS = integer()
    LIMIT_PURGE = integer()
    LOG_PURGE_TIMEOUT = integer()
    LOG_RETENTION = integer()
    XMLRPC_TIMEOUT_MS = integer()


class OpenNebulaConfigurationSchedMad(Element):
    """OPENNEBULA_CONFIGURATION/SCHED_MAD."""

    ARGUMENTS = text()
    EXECUTABLE = text()


class OpenNebulaConfigurationTmMad(Element):
    """OPENNEBULA_CONFIGURATION/TM_MAD."""

    ARGUMENTS = text()
    EXECUTABLE = text()


class OpenNebulaConfigurationTmMadConf(Element):
    """OPENNEBULA_CONFIGURATION/TM_MAD_CONF."""

    ALLOW_ORPHANS = text_or_none()
    CLONE_TARGET = text_or_none()
    CLONE_TARGET_SHARED = text_or_none()
    CLONE_TARGET_SSH = text_or_none()
    DISK_TYPE = text_or_none()
    DISK_TYPE_SHARED = text_or_none()
    DISK_TYPE_SSH = text_or_none()
    DRIVER = text_or_none()
    DS_MIGRATE = text_or_none()
    DS_LIVE_MIGRATE = text_or_none()
    DS_MIGRATE_SNAP = text_or_none()
    LN_TARGET = text_or_none()
    LN_TARGET_SHARED = text_or_none()
    LN_TARGET_SSH = text_or_none()
    NAME = text_or_none()
    PERSISTENT_SNAPSHOTS = text_or_none()
    SHARED = text_or_none()
    TM_MAD_SYSTEM = text_or_none()


class OpenNebulaConfigurationVlanIds(Element):
    """OPENNEBULA_CONFIGURATION/VLAN_IDS."""

    RESERVED = text()
    START = integer()


class OpenNebulaConfigurationVmMad(Element):
    """OPENNEBULA_CONFIGURATION/VM_MAD."""

    ARGUMENTS = text_or_none()
    DEFAULT = text_or_none()
    EXECUTABLE = text_or_none()
    NAME = text_or_none()
    SUNSTONE_NAME = text_or_none()
    TYPE = text_or_none()
    KEEP_SNAPSHOTS = text_or_none()
    COLD_NIC_ATTACH = text_or_none()
    LIVE_RESIZE = text_or_none()


class OpenNebulaConfigurationVncPorts(Element):
    """OPENNEBULA_CONFIGURATION/VNC_PORTS."""

    RESERVED = text()
    START = integer()


class OpenNebulaConfigurationVnMadConf(Element):
    """OPENNEBULA_CONFIGURATION/VN_MAD_CONF."""

    BRIDGE_TYPE = text_or_none()
    NAME = text_or_none()


class OpenNebulaConfigurationVxlanIds(Element):
    """OPENNEBULA_CONFIGURATION/VXLAN_IDS."""

    START = integer()


class OpenNebulaConfiguration(Element):
    """OPENNEBULA_CONFIGURATION."""

    ACTION_TIMEOUT = integer_or_none()
    API_LIST_ORDER = texts()
    AUTH_MAD = children(OpenNebulaConfigurationAuthMad, "AUTH_MAD")
    AUTH_MAD_CONF = children(OpenNebulaConfigurationAuthMadConf, "AUTH_MAD_CONF")
    CLUSTER_ENCRYPTED_ATTR = texts()
    COLD_MIGRATE_MODE = integer_or_none()
    CONTEXT_ALLOW_ETH_UPDATES = text_or_none()
    CONTEXT_RESTRICTED_DIRS = text_or_none()
    CONTEXT_SAFE_DIRS = text_or_none()
    DATASTORE_CAPACITY_CHECK = texts()
    DATASTORE_ENCRYPTED_ATTR = texts()
    DATASTORE_LOCATION = texts()
    DATASTORE_MAD = children(OpenNebulaConfigurationDatastoreMad, "DATASTORE_MAD")
    DB = child_or_none(OpenNebulaConfigurationDb, "DB")
    DEFAULT_AUTH = texts()
    DEFAULT_COST = children(OpenNebulaConfigurationDefaultCost, "DEFAULT_COST")
    DEFAULT_DEVICE_PREFIX = texts()
    DEFAULT_IMAGE_PERSISTENT = texts()
    DEFAULT_IMAGE_PERSISTENT_NEW = texts()
    DEFAULT_IMAGE_TYPE = texts()
    DEFAULT_UMASK = texts()
    DEFAULT_VDC_CLUSTER_DATASTORE_ACL = texts()
    DEFAULT_VDC_CLUSTER_HOST_ACL = texts()
    DEFAULT_VDC_CLUSTER_NET_ACL = texts()
    DEFAULT_VDC_DATASTORE_ACL = texts()
    DEFAULT_VDC_HOST_ACL = texts()
    DEFAULT_VDC_VNET_ACL = texts()
    DOCUMENT_ENCRYPTED_ATTR = texts()
    DRS_INTERVAL = integer_or_none()
    DS_MAD_CONF = children(OpenNebulaConfigurationDsMadConf, "DS_MAD_CONF")
    DS_MONITOR_VM_DISK = integer_or_none()
    ENABLE_OTHER_PERMISSIONS = text_or_none()
    FEDERATION = child_or_none(OpenNebulaConfigurationFederation, "FEDERATION")
    GROUP_RESTRICTED_ATTR = texts()
    GRPC_LISTEN_ADDRESS = text_or_none()
    GRPC_PORT = integer_or_none()
    HM_MAD = child_or_none(OpenNebulaConfigurationHmMad, "HM_MAD")
    HOOK_LOG_CONF = child_or_none(OpenNebulaConfigurationHookLogConf, "HOOK_LOG_CONF")
    HOST_ENCRYPTED_ATTR = texts()
    IMAGE_ENCRYPTED_ATTR = texts()
    IMAGE_RESTRICTED_ATTR = texts()
    IM_MAD = children(OpenNebulaConfigurationImMad, "IM_MAD")
    INHERIT_DATASTORE_ATTR = texts()
    INHERIT_IMAGE_ATTR = texts()
    INHERIT_VNET_ATTR = texts()
    IPAM_MAD = children(OpenNebulaConfigurationIpamMad, "IPAM_MAD")
    KEEPALIVE_MAX_CONN = integers()
    KEEPALIVE_TIMEOUT = integers()
    LISTEN_ADDRESS = texts()
    LIVE_RESCHEDS = integer_or_none()
    LOG = children(OpenNebulaConfigurationLog, "LOG")
    LOG_CALL_FORMAT = texts()
    LOG_RESULT_LENGTH = integers()
    MAC_GLOBAL_SPACE = texts()
    MAC_PREFIX = texts()
    MANAGER_TIMER = integers()
    MARKET_MAD = children(OpenNebulaConfigurationMarketMad, "MARKET_MAD")
    MARKET_MAD_CONF = children(OpenNebulaConfigurationMarketMadConf, "MARKET_MAD_CONF")
    MAX_ACTIONS_PER_CLUSTER = integer_or_none()
    MAX_ACTIONS_PER_HOST = integer_or_none()
    MAX_BACKUPS = integer_or_none()
    MAX_BACKUPS_HOST = integer_or_none()
    MAX_CONN = integer_or_none()
    MAX_CONN_BACKLOG = integer_or_none()
    MESSAGE_SIZE = integer_or_none()
    MONITORING_INTERVAL_DATASTORE = integer_or_none()
    MONITORING_INTERVAL_HOST = integer_or_none()
    MONITORING_INTERVAL_MARKET = integer_or_none()
    MONITORING_INTERVAL_VM = integer_or_none()
    NETWORK_SIZE = integer_or_none()
    ONE_KEY = texts()
    PCI_PASSTHROUGH_BUS = text_or_none()
    PORT = integer_or_none()
    RAFT = child_or_none(OpenNebulaConfigurationRaft, "RAFT")
    RPC_LOG = text_or_none()
    SCHED_MAD = child_or_none(OpenNebulaConfigurationSchedMad, "SCHED_MAD")
    SCHED_MAX_WND_LENGTH = text_or_none()
    SCHED_MAX_WND_TIME = text_or_none()
    SCHED_RETRY_TIME = text_or_none()
    SCRIPTS_REMOTE_DIR = text_or_none()
    SESSION_EXPIRATION_TIME = integer_or_none()
    SHOWBACK_ONLY_RUNNING = text_or_none()
    TIMEOUT = integer_or_none()
    TM_MAD = children(OpenNebulaConfigurationTmMad, "TM_MAD")
    TM_MAD_CONF = children(OpenNebulaConfigurationTmMadConf, "TM_MAD_CONF")
    USER_ENCRYPTED_ATTR = texts()
    USER_RESTRICTED_ATTR = texts()
    VLAN_IDS = child_or_none(OpenNebulaConfigurationVlanIds, "VLAN_IDS")
    VM_ADMIN_OPERATIONS = text_or_none()
    VM_ENCRYPTED_ATTR = texts()
    VM_MAD = children(OpenNebulaConfigurationVmMad, "VM_MAD")
    VM_MANAGE_OPERATIONS = text_or_none()
    VM_RESTRICTED_ATTR = texts()
    VM_SNAPSHOT_FACTOR = text_or_none()
    VM_SUBMIT_ON_HOLD = text_or_none()
    VM_USE_OPERATIONS = texts()
    VNC_PORTS = child_or_none(OpenNebulaConfigurationVncPorts, "VNC_PORTS")
    VNET_ENCRYPTED_ATTR = texts()
    VNET_RESTRICTED_ATTR = texts()
    VN_MAD_CONF = children(OpenNebulaConfigurationVnMadConf, "VN_MAD_CONF")
    VXLAN_IDS = child_or_none(OpenNebulaConfigurationVxlanIds, "VXLAN_IDS")
