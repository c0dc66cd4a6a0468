"""Types of all calls. Written by `pelagos one generate`."""

# ruff: noqa: A002, PYI021, E501
# fmt: off

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

from pelagos.core.clock import Clock
from pelagos.one import methods
from pelagos.one.market import Exported
from pelagos.one.results.types.acl import AclPool
from pelagos.one.results.types.backupjob import BackupJob, BackupJobPool
from pelagos.one.results.types.cluster import Cluster, ClusterPool
from pelagos.one.results.types.datastore import Datastore, DatastorePool
from pelagos.one.results.types.default_group_quotas import DefaultGroupQuotas
from pelagos.one.results.types.default_user_quotas import DefaultUserQuotas
from pelagos.one.results.types.document import Document, DocumentPool
from pelagos.one.results.types.group import Group, GroupPool
from pelagos.one.results.types.history_records import HistoryRecords
from pelagos.one.results.types.hook import Hook, HookPool
from pelagos.one.results.types.hooklog import HookLog
from pelagos.one.results.types.host import Host, HostPool
from pelagos.one.results.types.image import Image, ImagePool
from pelagos.one.results.types.marketplace import Marketplace, MarketplacePool
from pelagos.one.results.types.marketplaceapp import MarketplaceApp, MarketplaceAppPool
from pelagos.one.results.types.monitoring_data import MonitoringData
from pelagos.one.results.types.opennebula_configuration import OpenNebulaConfiguration
from pelagos.one.results.types.raft import Raft
from pelagos.one.results.types.security_group import SecurityGroup, SecurityGroupPool
from pelagos.one.results.types.showback_records import ShowbackRecords
from pelagos.one.results.types.sql_command import SqlCommand
from pelagos.one.results.types.user import User, UserPool
from pelagos.one.results.types.vdc import Vdc, VdcPool
from pelagos.one.results.types.vm import Vm, VmPool
from pelagos.one.results.types.vm_group import VmGroup, VmGroupPool
from pelagos.one.results.types.vmtemplate import VmTemplate, VmTemplatePool
from pelagos.one.results.types.vnet import VNet, VNetPool
from pelagos.one.results.types.vntemplate import VNetTemplate, VNetTemplatePool
from pelagos.one.results.types.vrouter import VRouter, VRouterPool
from pelagos.one.results.types.zone import Zone, ZonePool

class Sender(Protocol):
    def send(self, method: str, params: Sequence[Any], *, may_repeat: bool) -> Any: ...

class Call:
    method: methods.Method
    def __init__(self, sender: Sender, method: methods.Method) -> None: ...
    def __call__(self, *args: Any, **named: Any) -> Any: ...

class Calls:
    _sender: Sender
    def __init__(self, sender: Sender, name: str) -> None: ...
    def _method(self, name: str) -> methods.Method: ...

def calls_of(sender: Sender, name: str) -> Calls: ...

class AclCalls(Calls):
    def addrule(self, user_hex: str, resource_hex: str, rights_hex: str, zone_hex: str = "") -> int:
        """Add an access rule; all parts are hexadecimal text."""

    def delrule(self, rule_id: int) -> int:
        """Drop an access rule."""

    def info(self) -> AclPool:
        """All access rules."""

class BackupjobCalls(Calls):
    def allocate(self, template: str | Mapping[str, Any]) -> int:
        """Create a backup job. Since 6.8.0."""

    def backup(self, id: int) -> int:
        """Start the job now. Since 6.8.0."""

    def cancel(self, id: int) -> int:
        """Stop pending and running work of the job. Since 6.8.0."""

    def chmod(self, id: int, owner_use: int, owner_manage: int, owner_admin: int, group_use: int, group_manage: int, group_admin: int, other_use: int, other_manage: int, other_admin: int) -> int:
        """Set permission bits: 1, 0, or -1 to leave. Since 6.8.0."""

    def chown(self, id: int, user_id: int, group_id: int) -> int:
        """Change owner and group, -1 leaves one. Since 6.8.0."""

    def delete(self, id: int) -> int:
        """Delete the backup job. Since 6.8.0."""

    def info(self, id: int) -> BackupJob:
        """One backup job. Since 6.8.0."""

    def lock(self, id: int, lock_level: int, test: bool = False) -> int:
        """Lock: 1 blocks use, manage and admin; 2 manage and admin; 3 admin; 4 is taken as 1; test = fail when already locked (test since 6.0). Since 6.8.0."""

    def priority(self, id: int, priority: int) -> int:
        """Set priority 0..99 (above 50 only for admins). Since 6.8.0."""

    def rename(self, id: int, name: str) -> int:
        """Rename. Since 6.8.0."""

    def retry(self, id: int) -> int:
        """Run the job again for the VMs that failed. Since 6.8.0."""

    def schedadd(self, id: int, template: str | Mapping[str, Any]) -> int:
        """Add a schedule to the job. Since 6.8.0."""

    def scheddelete(self, id: int, sched_id: int) -> int:
        """Drop one schedule. Since 6.8.0."""

    def schedupdate(self, id: int, sched_id: int, template: str | Mapping[str, Any]) -> int:
        """Change one schedule. Since 6.8.0."""

    def unlock(self, id: int) -> int:
        """Remove the lock. Since 6.8.0."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name. Since 6.8.0."""

class BackupjobpoolCalls(Calls):
    def info(self, filter_flag: int, start: int, end: int) -> BackupJobPool:
        """List of backup jobs. Since 6.8.0."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[BackupJob]: ...

class ClusterCalls(Calls):
    def adddatastore(self, id: int, datastore_id: int) -> int:
        """Link a datastore."""

    def addhost(self, id: int, host_id: int) -> int:
        """Put a host in the cluster."""

    def addvnet(self, id: int, vnet_id: int) -> int:
        """Link a network."""

    def allocate(self, name: str) -> int:
        """Create a cluster."""

    def deldatastore(self, id: int, datastore_id: int) -> int:
        """Unlink a datastore."""

    def delete(self, id: int) -> int:
        """Delete the cluster."""

    def delhost(self, id: int, host_id: int) -> int:
        """Take a host out (goes to the default cluster)."""

    def delvnet(self, id: int, vnet_id: int) -> int:
        """Unlink a network."""

    def info(self, id: int, decrypt: bool = False) -> Cluster:
        """One cluster (decrypt since 5.10)."""

    def optimize(self, cluster_id: int) -> int:
        """Ask the scheduler for a placement plan (DRS). Since 7.0."""

    def plandelete(self, cluster_id: int) -> int:
        """Discard the pending plan. Since 7.0."""

    def planexecute(self, cluster_id: int) -> int:
        """Carry out the pending plan. Since 7.0."""

    def rename(self, id: int, name: str) -> int:
        """Rename."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name."""

class ClusterpoolCalls(Calls):
    def info(self) -> ClusterPool:
        """List of clusters."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[Cluster]: ...

class DatastoreCalls(Calls):
    def allocate(self, template: str | Mapping[str, Any], cluster_id: int) -> int:
        """Create a datastore."""

    def chmod(self, id: int, owner_use: int, owner_manage: int, owner_admin: int, group_use: int, group_manage: int, group_admin: int, other_use: int, other_manage: int, other_admin: int) -> int:
        """Set permission bits: 1, 0, or -1 to leave."""

    def chown(self, id: int, user_id: int, group_id: int) -> int:
        """Change owner and group, -1 leaves one."""

    def delete(self, id: int) -> int:
        """Delete the datastore."""

    def enable(self, id: int, enable: bool) -> int:
        """Enable or disable (system datastores)."""

    def info(self, id: int, decrypt: bool = False) -> Datastore:
        """One datastore (decrypt since 5.10)."""

    def rename(self, id: int, name: str) -> int:
        """Rename."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name."""

class DatastorepoolCalls(Calls):
    def info(self) -> DatastorePool:
        """List of datastores."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[Datastore]: ...

class DocumentCalls(Calls):
    def allocate(self, template: str | Mapping[str, Any], type: int) -> int:
        """Create a document."""

    def chmod(self, id: int, owner_use: int, owner_manage: int, owner_admin: int, group_use: int, group_manage: int, group_admin: int, other_use: int, other_manage: int, other_admin: int) -> int:
        """Set permission bits: 1, 0, or -1 to leave."""

    def chown(self, id: int, user_id: int, group_id: int) -> int:
        """Change owner and group, -1 leaves one."""

    def clone(self, id: int, name: str) -> int:
        """Copy the document."""

    def delete(self, id: int) -> int:
        """Delete the document."""

    def info(self, id: int, decrypt: bool = False) -> Document:
        """One document (decrypt since 5.10)."""

    def lock(self, id: int, lock_level: int, test: bool = False) -> int:
        """Lock: 1 blocks use, manage and admin; 2 manage and admin; 3 admin; 4 is taken as 1; test = fail when already locked (test since 6.0)."""

    def rename(self, id: int, name: str) -> int:
        """Rename."""

    def unlock(self, id: int) -> int:
        """Remove the lock."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name."""

class DocumentpoolCalls(Calls):
    def info(self, filter_flag: int, start: int, end: int, type: int) -> DocumentPool:
        """List of documents."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[Document]: ...

class GroupCalls(Calls):
    def addadmin(self, id: int, user_id: int) -> int:
        """Make a user group admin."""

    def allocate(self, name: str) -> int:
        """Create a group."""

    def deladmin(self, id: int, user_id: int) -> int:
        """Remove a group admin."""

    def delete(self, id: int) -> int:
        """Delete the group."""

    def info(self, id: int, decrypt: bool = False) -> Group:
        """One group (decrypt since 5.10)."""

    def quota(self, id: int, quota_template: str | Mapping[str, Any]) -> int:
        """Set the quotas of the group."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name."""

    def vlan(self, id: int, vlan_rules: str) -> int:
        """Set the VLAN ranges the group may use. Since 7.4.0."""

class GrouppoolCalls(Calls):
    def info(self) -> GroupPool:
        """List of groups."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[Group]: ...

class GroupquotaCalls(Calls):
    def info(self) -> DefaultGroupQuotas:
        """Default quotas for groups."""

    def update(self, quota_template: str | Mapping[str, Any]) -> DefaultGroupQuotas:
        """Change the default quotas for groups."""

class HookCalls(Calls):
    def allocate(self, template: str | Mapping[str, Any]) -> int:
        """Create a hook. Since 5.10.0."""

    def delete(self, id: int) -> int:
        """Delete the hook. Since 5.10.0."""

    def info(self, id: int, decrypt: bool = False) -> Hook:
        """One hook (decrypt since 5.10). Since 5.10.0."""

    def lock(self, id: int, lock_level: int, test: bool = False) -> int:
        """Lock: 1 blocks use, manage and admin; 2 manage and admin; 3 admin; 4 is taken as 1; test = fail when already locked (test since 6.0). Since 5.10.0."""

    def rename(self, id: int, name: str) -> int:
        """Rename. Since 5.10.0."""

    def retry(self, hook_id: int, execution_id: int) -> int:
        """Run a logged execution again. Since 5.10.0."""

    def unlock(self, id: int) -> int:
        """Remove the lock. Since 5.10.0."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name. Since 5.10.0."""

class HooklogCalls(Calls):
    def info(self, min_time: int, max_time: int, hook_id: int, rc_filter: int) -> HookLog:
        """Hook executions; rc filter -1 failed, 0 any, 1 succeeded; -1 leaves a bound open. Since 5.10.0."""

class HookpoolCalls(Calls):
    def info(self) -> HookPool:
        """List of hooks. Since 5.10.0."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[Hook]: ...

class HostCalls(Calls):
    def allocate(self, name: str, im_mad: str, vm_mad: str, cluster_id: int) -> int:
        """Create a host."""

    def delete(self, id: int) -> int:
        """Delete the host."""

    def info(self, id: int, decrypt: bool = False) -> Host:
        """One host (decrypt since 5.10)."""

    def monitoring(self, id: int) -> MonitoringData:
        """Stored monitoring samples of one host."""

    def rename(self, id: int, name: str) -> int:
        """Rename."""

    def status(self, id: int, status: int) -> int:
        """0 enable, 1 disable, 2 offline. Since 5.0.2."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name."""

class HostpoolCalls(Calls):
    def info(self) -> HostPool:
        """List of hosts."""

    def monitoring(self, seconds: int = -1) -> MonitoringData:
        """Monitoring samples of all hosts; seconds: -1 all stored, 0 the last one, n those of the last n seconds."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[Host]: ...

class ImageCalls(Calls):
    def allocate(self, template: str | Mapping[str, Any], datastore_id: int, skip_capacity_check: bool = False) -> int:
        """Create a image (skip_capacity_check since 5.6)."""

    def chmod(self, id: int, owner_use: int, owner_manage: int, owner_admin: int, group_use: int, group_manage: int, group_admin: int, other_use: int, other_manage: int, other_admin: int) -> int:
        """Set permission bits: 1, 0, or -1 to leave."""

    def chown(self, id: int, user_id: int, group_id: int) -> int:
        """Change owner and group, -1 leaves one."""

    def chtype(self, id: int, type: str) -> int:
        """Change the type (OS, CDROM, DATABLOCK, ...)."""

    def clone(self, id: int, name: str, datastore_id: int = -1) -> int:
        """Copy the image (datastore_id since <=5.4)."""

    def delete(self, id: int, force: bool = False) -> int:
        """Delete the image (force since 6.6)."""

    def enable(self, id: int, enable: bool) -> int:
        """Enable or disable."""

    def info(self, id: int, decrypt: bool = False) -> Image:
        """One image (decrypt since 5.10)."""

    def lock(self, id: int, lock_level: int, test: bool = False) -> int:
        """Lock: 1 blocks use, manage and admin; 2 manage and admin; 3 admin; 4 is taken as 1; test = fail when already locked (test since 6.0). Since 5.6.0."""

    def persistent(self, id: int, persistent: bool) -> int:
        """Switch persistence."""

    def rename(self, id: int, name: str) -> int:
        """Rename."""

    def restore(self, backup_image_id: int, datastore_id: int, options_template: str | Mapping[str, Any]) -> str:
        """Rebuild images and a template from a backup image; the id(s) come back as text. Since 6.6.0."""

    def snapshotdelete(self, id: int, snapshot_id: int) -> int:
        """Drop a disk snapshot of the image."""

    def snapshotflatten(self, id: int, snapshot_id: int) -> int:
        """Merge to one snapshot."""

    def snapshotrevert(self, id: int, snapshot_id: int) -> int:
        """Go back to a snapshot."""

    def unlock(self, id: int) -> int:
        """Remove the lock. Since 5.6.0."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name."""

class ImagepoolCalls(Calls):
    def info(self, filter_flag: int, start: int, end: int) -> ImagePool:
        """List of images."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[Image]: ...

class MarketCalls(Calls):
    def allocate(self, template: str | Mapping[str, Any]) -> int:
        """Create a marketplace. Since 5.0.2."""

    def allocatedb(self, ignored: str, xml: str) -> int:
        """Internal (federation). Since 5.0.2."""

    def chmod(self, id: int, owner_use: int, owner_manage: int, owner_admin: int, group_use: int, group_manage: int, group_admin: int, other_use: int, other_manage: int, other_admin: int) -> int:
        """Set permission bits: 1, 0, or -1 to leave. Since 5.0.2."""

    def chown(self, id: int, user_id: int, group_id: int) -> int:
        """Change owner and group, -1 leaves one. Since 5.0.2."""

    def delete(self, id: int) -> int:
        """Delete the marketplace. Since 5.0.2."""

    def enable(self, id: int, enable: bool) -> int:
        """Enable or disable. Since 6.2.0."""

    def info(self, id: int, decrypt: bool = False) -> Marketplace:
        """One marketplace (decrypt since 5.10). Since 5.0.2."""

    def rename(self, id: int, name: str) -> int:
        """Rename. Since 5.0.2."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name. Since 5.0.2."""

    def updatedb(self, id: int, xml: str) -> int:
        """Internal (federation). Since 5.0.2."""

class MarketappCalls(Calls):
    def allocate(self, template: str | Mapping[str, Any], market_id: int) -> int:
        """Create a marketplace app. Since 5.0.2."""

    def allocatedb(self, ignored: str, xml: str) -> int:
        """Internal (federation). Since 5.0.2."""

    def chmod(self, id: int, owner_use: int, owner_manage: int, owner_admin: int, group_use: int, group_manage: int, group_admin: int, other_use: int, other_manage: int, other_admin: int) -> int:
        """Set permission bits: 1, 0, or -1 to leave. Since 5.0.2."""

    def chown(self, id: int, user_id: int, group_id: int) -> int:
        """Change owner and group, -1 leaves one. Since 5.0.2."""

    def delete(self, id: int) -> int:
        """Delete the marketplace app. Since 5.0.2."""

    def dropdb(self, id: int) -> int:
        """Internal (federation). Since 5.0.2."""

    def enable(self, id: int, enable: bool) -> int:
        """Enable or disable. Since 5.0.2."""

    def info(self, id: int, decrypt: bool = False) -> MarketplaceApp:
        """One marketplace app (decrypt since 5.10). Since 5.0.2."""

    def lock(self, id: int, lock_level: int, test: bool = False) -> int:
        """Lock: 1 blocks use, manage and admin; 2 manage and admin; 3 admin; 4 is taken as 1; test = fail when already locked (test since 6.0). Since 5.6.0."""

    def rename(self, id: int, name: str) -> int:
        """Rename. Since 5.0.2."""

    def unlock(self, id: int) -> int:
        """Remove the lock. Since 5.6.0."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name. Since 5.0.2."""

    def updatedb(self, id: int, xml: str) -> int:
        """Internal (federation). Since 5.0.2."""

    def export(
        self,
        appid: int,
        dsid: int | None = None,
        name: str | None = None,
        vmtemplate_name: str | None = None,
    ) -> Exported: ...

class MarketapppoolCalls(Calls):
    def info(self, filter_flag: int, start: int, end: int) -> MarketplaceAppPool:
        """List of marketplace apps. Since 5.0.2."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[MarketplaceApp]: ...

class MarketpoolCalls(Calls):
    def info(self) -> MarketplacePool:
        """List of marketplaces. Since 5.0.2."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[Marketplace]: ...

class SecgroupCalls(Calls):
    def allocate(self, template: str | Mapping[str, Any]) -> int:
        """Create a security group."""

    def chmod(self, id: int, owner_use: int, owner_manage: int, owner_admin: int, group_use: int, group_manage: int, group_admin: int, other_use: int, other_manage: int, other_admin: int) -> int:
        """Set permission bits: 1, 0, or -1 to leave."""

    def chown(self, id: int, user_id: int, group_id: int) -> int:
        """Change owner and group, -1 leaves one."""

    def clone(self, id: int, name: str) -> int:
        """Copy the security group."""

    def commit(self, id: int, recovery: bool) -> int:
        """Push the rules to the VMs that use it; recovery true = only those left outdated or failed. Since 5.0.2."""

    def delete(self, id: int) -> int:
        """Delete the security group."""

    def info(self, id: int, decrypt: bool = False) -> SecurityGroup:
        """One security group (decrypt since 5.10)."""

    def rename(self, id: int, name: str) -> int:
        """Rename."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name."""

class SecgrouppoolCalls(Calls):
    def info(self, filter_flag: int, start: int, end: int) -> SecurityGroupPool:
        """List of security groups."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[SecurityGroup]: ...

class SystemCalls(Calls):
    def config(self) -> OpenNebulaConfiguration:
        """The running configuration."""

    def sql(self, sql: str, federated: bool) -> int:
        """Run a statement (oneadmin group). Since 5.4.0."""

    def sqlquery(self, sql: str) -> SqlCommand:
        """Run a query (oneadmin group). Since 5.4.0."""

    def version(self) -> str:
        """Version text of the daemon."""

class TemplateCalls(Calls):
    def allocate(self, template: str | Mapping[str, Any]) -> int:
        """Create a VM template."""

    def chmod(self, id: int, owner_use: int, owner_manage: int, owner_admin: int, group_use: int, group_manage: int, group_admin: int, other_use: int, other_manage: int, other_admin: int, recursive: bool = False) -> int:
        """Set permission bits: 1, 0, or -1 to leave."""

    def chown(self, id: int, user_id: int, group_id: int) -> int:
        """Change owner and group, -1 leaves one."""

    def clone(self, id: int, name: str, recursive: bool = False) -> int:
        """Copy the VM template."""

    def delete(self, id: int, recursive: bool = False) -> int:
        """Delete the VM template."""

    def info(self, id: int, extended: bool = False, decrypt: bool = False) -> VmTemplate:
        """One VM template (decrypt since 5.10)."""

    def instantiate(self, id: int, vm_name: str, hold: bool = False, extra_template: str | Mapping[str, Any] = "", persistent: bool = False) -> int:
        """Create a VM from the template."""

    def lock(self, id: int, lock_level: int, test: bool = False) -> int:
        """Lock: 1 blocks use, manage and admin; 2 manage and admin; 3 admin; 4 is taken as 1; test = fail when already locked (test since 6.0). Since 5.6.0."""

    def rename(self, id: int, name: str) -> int:
        """Rename."""

    def unlock(self, id: int) -> int:
        """Remove the lock. Since 5.6.0."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name."""

class TemplatepoolCalls(Calls):
    def info(self, filter_flag: int, start: int, end: int) -> VmTemplatePool:
        """List of VM templates."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[VmTemplate]: ...

class UserCalls(Calls):
    def addgroup(self, id: int, group_id: int) -> int:
        """Add a secondary group."""

    def allocate(self, name: str, password: str, auth_driver: str, group_ids: Sequence[int] = ...) -> int:
        """Create a user."""

    def chauth(self, id: int, auth_driver: str, password: str) -> int:
        """Change driver (empty password keeps it)."""

    def chgrp(self, id: int, group_id: int) -> int:
        """Change the primary group."""

    def delete(self, id: int) -> int:
        """Delete the user."""

    def delgroup(self, id: int, group_id: int) -> int:
        """Drop a secondary group."""

    def enable(self, id: int, enable: bool) -> int:
        """Enable or disable. Since 6.0.0."""

    def info(self, id: int, decrypt: bool = False) -> User:
        """One user (decrypt since 5.10)."""

    def login(self, user_name: str, token: str, seconds_valid: int, effective_group_id: int = -1) -> str:
        """Create (seconds > 0, or -1 for ever) or drop (0) a login token."""

    def passwd(self, id: int, password: str) -> int:
        """Change the password."""

    def quota(self, id: int, quota_template: str | Mapping[str, Any]) -> int:
        """Set the quotas of the user."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name."""

class UserpoolCalls(Calls):
    def info(self) -> UserPool:
        """List of users."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[User]: ...

class UserquotaCalls(Calls):
    def info(self) -> DefaultUserQuotas:
        """Default quotas for users."""

    def update(self, quota_template: str | Mapping[str, Any]) -> DefaultUserQuotas:
        """Change the default quotas for users."""

class VdcCalls(Calls):
    def addcluster(self, id: int, zone_id: int, cluster_id: int) -> int:
        """Add a cluster of a zone (id -10 = all)."""

    def adddatastore(self, id: int, zone_id: int, datastore_id: int) -> int:
        """Add a datastore of a zone (id -10 = all)."""

    def addgroup(self, id: int, group_id: int) -> int:
        """Give a group the VDC."""

    def addhost(self, id: int, zone_id: int, host_id: int) -> int:
        """Add a host of a zone (id -10 = all)."""

    def addvnet(self, id: int, zone_id: int, vnet_id: int) -> int:
        """Add a vnet of a zone (id -10 = all)."""

    def allocate(self, template: str | Mapping[str, Any]) -> int:
        """Create a VDC."""

    def delcluster(self, id: int, zone_id: int, cluster_id: int) -> int:
        """Remove a cluster."""

    def deldatastore(self, id: int, zone_id: int, datastore_id: int) -> int:
        """Remove a datastore."""

    def delete(self, id: int) -> int:
        """Delete the VDC."""

    def delgroup(self, id: int, group_id: int) -> int:
        """Take it away."""

    def delhost(self, id: int, zone_id: int, host_id: int) -> int:
        """Remove a host."""

    def delvnet(self, id: int, zone_id: int, vnet_id: int) -> int:
        """Remove a vnet."""

    def info(self, id: int, decrypt: bool = False) -> Vdc:
        """One VDC (decrypt since 5.10)."""

    def rename(self, id: int, name: str) -> int:
        """Rename."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name."""

class VdcpoolCalls(Calls):
    def info(self) -> VdcPool:
        """List of VDCs."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[Vdc]: ...

class VmCalls(Calls):
    def action(self, action: str, id: int) -> int:
        """Terminate, terminate-hard, undeploy, undeploy-hard, poweroff, poweroff-hard, reboot, reboot-hard, hold, release, stop, suspend, resume, resched, unresched."""

    def allocate(self, template: str | Mapping[str, Any], hold: bool = False) -> int:
        """Create a virtual machine."""

    def attach(self, id: int, disk_template: str | Mapping[str, Any]) -> int:
        """Hot-plug a disk."""

    def attachnic(self, id: int, nic_template: str | Mapping[str, Any]) -> int:
        """Hot-plug a NIC."""

    def attachpci(self, id: int, pci_template: str | Mapping[str, Any]) -> int:
        """Attach a PCI device (powered off). Since 6.8.x (absent in 6.8.0)."""

    def attachsg(self, id: int, nic_id: int, secgroup_id: int) -> int:
        """Add a security group to a NIC. Since 6.4.0."""

    def backup(self, id: int, datastore_id: int = -1, reset: bool = False) -> int:
        """Back the VM up to a datastore (-1: the one of the last backup). Since 6.6.0."""

    def backupcancel(self, id: int) -> int:
        """Stop a running backup. Since 6.8.0."""

    def cancelexec(self, id: int) -> int:
        """Stop the command being run. Since 7.2.0."""

    def chmod(self, id: int, owner_use: int, owner_manage: int, owner_admin: int, group_use: int, group_manage: int, group_admin: int, other_use: int, other_manage: int, other_admin: int) -> int:
        """Set permission bits: 1, 0, or -1 to leave."""

    def chown(self, id: int, user_id: int, group_id: int) -> int:
        """Change owner and group, -1 leaves one."""

    def deploy(self, id: int, host_id: int, enforce: bool = False, datastore_id: int = -1, extra_nic_template: str | Mapping[str, Any] = "") -> int:
        """Place on a host (extra_nic_template since 5.8)."""

    def detach(self, id: int, disk_id: int) -> int:
        """Unplug a disk."""

    def detachnic(self, id: int, nic_id: int) -> int:
        """Unplug a NIC."""

    def detachpci(self, id: int, pci_id: int) -> int:
        """Detach a PCI device. Since 6.8.x (absent in 6.8.0)."""

    def detachsg(self, id: int, nic_id: int, secgroup_id: int) -> int:
        """Remove it. Since 6.4.0."""

    def diskresize(self, id: int, disk_id: int, new_size_mb_as_string: str) -> int:
        """Grow a disk. Since 5.4.0."""

    def disksaveas(self, id: int, disk_id: int, image_name: str, image_type: str, snapshot_id: int) -> int:
        """Save a disk as a new image."""

    def disksnapshotcreate(self, id: int, disk_id: int, name: str) -> int:
        """Snapshot a disk."""

    def disksnapshotdelete(self, id: int, disk_id: int, snapshot_id: int) -> int:
        """Drop a disk snapshot."""

    def disksnapshotrename(self, id: int, disk_id: int, snapshot_id: int, name: str) -> int:
        """Rename a disk snapshot. Since 5.8.0."""

    def disksnapshotrevert(self, id: int, disk_id: int, snapshot_id: int) -> int:
        """Revert a disk."""

    def exec(self, id: int, command: str, stdin: str) -> int:
        """Run a command in the guest. Since 7.2.0."""

    def info(self, id: int, decrypt: bool = False) -> Vm:
        """One virtual machine (decrypt since 5.10)."""

    def lock(self, id: int, lock_level: int, test: bool = False) -> int:
        """Lock: 1 blocks use, manage and admin; 2 manage and admin; 3 admin; 4 is taken as 1; test = fail when already locked (test since 6.0). Since 5.6.0."""

    def migrate(self, id: int, host_id: int, live: bool, enforce: bool = False, datastore_id: int = -1, migration_type: int = 0) -> int:
        """Move to another host; type 0 save, 1 poweroff, 2 poweroff-hard (migration_type since 5.8)."""

    def monitoring(self, id: int) -> MonitoringData:
        """Stored samples of one VM."""

    def recover(self, id: int, operation: int) -> int:
        """0 mark failed, 1 mark succeeded, 2 retry, 3 delete, 4 delete and recreate, 5 delete from database only."""

    def rename(self, id: int, name: str) -> int:
        """Rename."""

    def resize(self, id: int, capacity_template: str | Mapping[str, Any], enforce: bool = True) -> int:
        """Change CPU, VCPU, MEMORY."""

    def restore(self, id: int, backup_image_id: int, increment_id: int, disk_id: int) -> int:
        """Restore disks from a backup image. Since 6.10.0."""

    def retryexec(self, id: int) -> int:
        """Run the last command again. Since 7.2.0."""

    def schedadd(self, id: int, template: str | Mapping[str, Any]) -> int:
        """Add a scheduled action. Since 6.2.0."""

    def scheddelete(self, id: int, sched_id: int) -> int:
        """Drop one. Since 6.2.0."""

    def schedupdate(self, id: int, sched_id: int, template: str | Mapping[str, Any]) -> int:
        """Change one. Since 6.2.0."""

    def snapshotcreate(self, id: int, name: str) -> int:
        """System snapshot."""

    def snapshotdelete(self, id: int, snapshot_id: int) -> int:
        """Drop a system snapshot."""

    def snapshotrevert(self, id: int, snapshot_id: int) -> int:
        """Revert to a system snapshot."""

    def unlock(self, id: int) -> int:
        """Remove the lock. Since 5.6.0."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name."""

    def updateconf(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Change OS, CONTEXT, GRAPHICS, FEATURES, INPUT, RAW, ... of the VM (append since 6.2). Since 5.0.2."""

    def updatenic(self, id: int, nic_id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Change a NIC. Since 6.6.0."""

    def vmgroupadd(self, id: int, vmgroup_id: int, role: str) -> int:
        """Put in a VM group role. Since 7.4.0."""

    def vmgroupdel(self, id: int) -> int:
        """Take out of the VM group. Since 7.4.0."""

    def wait(
        self,
        id: int,
        state: str | int | Collection[str | int] = "RUNNING",
        timeout: float = 600.0,
        *,
        clock: Clock | None = None,
    ) -> Vm: ...

class VmgroupCalls(Calls):
    def allocate(self, template: str | Mapping[str, Any]) -> int:
        """Create a VM group. Since 5.4.0."""

    def chmod(self, id: int, owner_use: int, owner_manage: int, owner_admin: int, group_use: int, group_manage: int, group_admin: int, other_use: int, other_manage: int, other_admin: int) -> int:
        """Set permission bits: 1, 0, or -1 to leave. Since 5.4.0."""

    def chown(self, id: int, user_id: int, group_id: int) -> int:
        """Change owner and group, -1 leaves one. Since 5.4.0."""

    def delete(self, id: int) -> int:
        """Delete the VM group. Since 5.4.0."""

    def info(self, id: int, decrypt: bool = False) -> VmGroup:
        """One VM group (decrypt since 5.10). Since 5.4.0."""

    def lock(self, id: int, lock_level: int, test: bool = False) -> int:
        """Lock: 1 blocks use, manage and admin; 2 manage and admin; 3 admin; 4 is taken as 1; test = fail when already locked (test since 6.0). Since 5.6.0."""

    def rename(self, id: int, name: str) -> int:
        """Rename. Since 5.4.0."""

    def roleadd(self, id: int, role_template: str | Mapping[str, Any]) -> int:
        """Add a role. Since 6.8.0."""

    def roledelete(self, id: int, role_id: int) -> int:
        """Drop a role. Since 6.8.0."""

    def roleupdate(self, id: int, role_id: int, role_template: str | Mapping[str, Any]) -> int:
        """Change a role. Since 6.8.0."""

    def unlock(self, id: int) -> int:
        """Remove the lock. Since 5.6.0."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name. Since 5.4.0."""

class VmgrouppoolCalls(Calls):
    def info(self, filter_flag: int, start: int, end: int) -> VmGroupPool:
        """List of VM groups. Since 5.4.0."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[VmGroup]: ...

class VmpoolCalls(Calls):
    def accounting(self, filter_flag: int, start_time: int, end_time: int) -> HistoryRecords:
        """History records."""

    def calculateshowback(self, start_month: int, start_year: int, end_month: int, end_year: int) -> str:
        """(re)compute the costs; answers one blank."""

    def info(self, filter_flag: int, start: int, end: int, state: int, query: str = "") -> VmPool:
        """VMs, shortened bodies; state -2 any, -1 all but DONE, 0..11 that one (query since 5.8)."""

    def infoextended(self, filter_flag: int, start: int, end: int, state: int, query: str = "") -> VmPool:
        """VMs, full bodies (still not everything vm.info gives) (query since 5.8.1). Since 5.8.1."""

    def infoset(self, id_list: str, extended: bool) -> VmPool:
        """The visible VMs of a comma-separated id list. Since 6.0.0."""

    def monitoring(self, filter_flag: int, seconds: int = -1) -> MonitoringData:
        """Samples of all VMs (seconds since 5.12)."""

    def showback(self, filter_flag: int, start_month: int, start_year: int, end_month: int, end_year: int) -> ShowbackRecords:
        """Monthly costs."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[Vm]: ...

class VnCalls(Calls):
    def add_ar(self, id: int, ar_template: str | Mapping[str, Any]) -> int:
        """Add an address range."""

    def allocate(self, template: str | Mapping[str, Any], cluster_id: int) -> int:
        """Create a virtual network."""

    def chmod(self, id: int, owner_use: int, owner_manage: int, owner_admin: int, group_use: int, group_manage: int, group_admin: int, other_use: int, other_manage: int, other_admin: int) -> int:
        """Set permission bits: 1, 0, or -1 to leave."""

    def chown(self, id: int, user_id: int, group_id: int) -> int:
        """Change owner and group, -1 leaves one."""

    def delete(self, id: int) -> int:
        """Delete the virtual network."""

    def free_ar(self, id: int, ar_id: int) -> int:
        """Give a reserved range back."""

    def hold(self, id: int, lease_template: str | Mapping[str, Any]) -> int:
        """Hold an address."""

    def info(self, id: int, decrypt: bool = False) -> VNet:
        """One virtual network (decrypt since 5.10)."""

    def lock(self, id: int, lock_level: int, test: bool = False) -> int:
        """Lock: 1 blocks use, manage and admin; 2 manage and admin; 3 admin; 4 is taken as 1; test = fail when already locked (test since 6.0). Since 5.6.0."""

    def recover(self, id: int, operation: int) -> int:
        """0 mark failed, 1 mark succeeded, 2 delete, 3 retry. Since 6.4.0."""

    def release(self, id: int, lease_template: str | Mapping[str, Any]) -> int:
        """Release a held address."""

    def rename(self, id: int, name: str) -> int:
        """Rename."""

    def reserve(self, id: int, reservation_template: str | Mapping[str, Any]) -> int:
        """Carve a reservation: new network, or into NETWORK_ID."""

    def rm_ar(self, id: int, ar_id: int, force: bool = False) -> int:
        """Remove one."""

    def unlock(self, id: int) -> int:
        """Remove the lock. Since 5.6.0."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name."""

    def update_ar(self, id: int, ar_template: str | Mapping[str, Any]) -> int:
        """Change one."""

class VnpoolCalls(Calls):
    def info(self, filter_flag: int, start: int, end: int) -> VNetPool:
        """List of virtual networks."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[VNet]: ...

class VntemplateCalls(Calls):
    def allocate(self, template: str | Mapping[str, Any]) -> int:
        """Create a network template. Since 5.8.0."""

    def chmod(self, id: int, owner_use: int, owner_manage: int, owner_admin: int, group_use: int, group_manage: int, group_admin: int, other_use: int, other_manage: int, other_admin: int) -> int:
        """Set permission bits: 1, 0, or -1 to leave. Since 5.8.0."""

    def chown(self, id: int, user_id: int, group_id: int) -> int:
        """Change owner and group, -1 leaves one. Since 5.8.0."""

    def clone(self, id: int, name: str) -> int:
        """Copy the network template. Since 5.8.0."""

    def delete(self, id: int) -> int:
        """Delete the network template. Since 5.8.0."""

    def info(self, id: int, decrypt: bool = False) -> VNetTemplate:
        """One network template (decrypt since 5.10). Since 5.8.0."""

    def instantiate(self, id: int, name: str, extra_template: str | Mapping[str, Any]) -> int:
        """Create a network from the template. Since 5.8.0."""

    def lock(self, id: int, lock_level: int, test: bool = False) -> int:
        """Lock: 1 blocks use, manage and admin; 2 manage and admin; 3 admin; 4 is taken as 1; test = fail when already locked (test since 6.0). Since 5.8.0."""

    def rename(self, id: int, name: str) -> int:
        """Rename. Since 5.8.0."""

    def unlock(self, id: int) -> int:
        """Remove the lock. Since 5.8.0."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name. Since 5.8.0."""

class VntemplatepoolCalls(Calls):
    def info(self, filter_flag: int, start: int, end: int) -> VNetTemplatePool:
        """List of network templates. Since 5.8.0."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[VNetTemplate]: ...

class VrouterCalls(Calls):
    def allocate(self, template: str | Mapping[str, Any]) -> int:
        """Create a virtual router. Since 5.0.2."""

    def attachnic(self, id: int, nic_template: str | Mapping[str, Any]) -> int:
        """Add a NIC to the router and its VMs. Since 5.0.2."""

    def chmod(self, id: int, owner_use: int, owner_manage: int, owner_admin: int, group_use: int, group_manage: int, group_admin: int, other_use: int, other_manage: int, other_admin: int) -> int:
        """Set permission bits: 1, 0, or -1 to leave. Since 5.0.2."""

    def chown(self, id: int, user_id: int, group_id: int) -> int:
        """Change owner and group, -1 leaves one. Since 5.0.2."""

    def delete(self, id: int) -> int:
        """Delete the virtual router. Since 5.0.2."""

    def detachnic(self, id: int, nic_id: int) -> int:
        """Remove it. Since 5.0.2."""

    def info(self, id: int, decrypt: bool = False) -> VRouter:
        """One virtual router (decrypt since 5.10). Since 5.0.2."""

    def instantiate(self, id: int, vm_count: int, template_id: int, vm_name: str, hold: bool, extra_template: str | Mapping[str, Any]) -> int:
        """Create the VMs of the router. Since 5.0.2."""

    def lock(self, id: int, lock_level: int, test: bool = False) -> int:
        """Lock: 1 blocks use, manage and admin; 2 manage and admin; 3 admin; 4 is taken as 1; test = fail when already locked (test since 6.0). Since 5.6.0."""

    def rename(self, id: int, name: str) -> int:
        """Rename. Since 5.0.2."""

    def unlock(self, id: int) -> int:
        """Remove the lock. Since 5.6.0."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name. Since 5.0.2."""

class VrouterpoolCalls(Calls):
    def info(self, filter_flag: int, start: int, end: int) -> VRouterPool:
        """List of virtual routers. Since 5.0.2."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[VRouter]: ...

class ZoneCalls(Calls):
    def addserver(self, id: int, server_template: str | Mapping[str, Any]) -> int:
        """Add a server (HA). Since 5.4.0."""

    def allocate(self, template: str | Mapping[str, Any]) -> int:
        """Create a zone."""

    def delete(self, id: int) -> int:
        """Delete the zone."""

    def delserver(self, id: int, server_id: int) -> int:
        """Remove a server. Since 5.4.0."""

    def enable(self, id: int, enable: bool) -> int:
        """Enable or disable. Since 6.2.0."""

    def fedreplicate(self, index: int, prev: int, sql: str) -> int:
        """Internal (Raft). Since 5.4.0."""

    def info(self, id: int, decrypt: bool = False) -> Zone:
        """One zone (decrypt since 5.10)."""

    def raftstatus(self) -> Raft:
        """Raft state of this server. Since 5.4.0."""

    def rename(self, id: int, name: str) -> int:
        """Rename."""

    def replicate(self, leader_id: int, leader_commit: int, leader_term: int, index: int, term: int, prev_index: int, prev_term: int, fed_index: int, sql: str) -> int:
        """Internal (Raft). Since 5.4.0."""

    def resetserver(self, id: int, server_id: int) -> int:
        """Reset the follower index of a server. Since 5.6.0."""

    def update(self, id: int, template: str | Mapping[str, Any], append: int = 0) -> int:
        """Write the free-form template: append 0 replaces all, 1 merges by top-level name."""

    def updatedb(self, id: int, xml: str) -> int:
        """Internal (federation). Since 5.4.0."""

    def voterequest(self, candidate_term: int, candidate_id: int, candidate_log_index: int, candidate_log_term: int) -> int:
        """Internal (Raft). Since 5.4.0."""

class ZonepoolCalls(Calls):
    def info(self) -> ZonePool:
        """List of zones."""

    def iter(
        self,
        filter_flag: int = -2,
        *,
        start: int = 0,
        page: int = 200,
        extended: bool = False,
        **more: Any,
    ) -> Iterator[Zone]: ...

class Resources:
    drops_surplus: bool
    acl: AclCalls
    backupjob: BackupjobCalls
    backupjobpool: BackupjobpoolCalls
    cluster: ClusterCalls
    clusterpool: ClusterpoolCalls
    datastore: DatastoreCalls
    datastorepool: DatastorepoolCalls
    document: DocumentCalls
    documentpool: DocumentpoolCalls
    group: GroupCalls
    grouppool: GrouppoolCalls
    groupquota: GroupquotaCalls
    hook: HookCalls
    hooklog: HooklogCalls
    hookpool: HookpoolCalls
    host: HostCalls
    hostpool: HostpoolCalls
    image: ImageCalls
    imagepool: ImagepoolCalls
    market: MarketCalls
    marketapp: MarketappCalls
    marketapppool: MarketapppoolCalls
    marketpool: MarketpoolCalls
    secgroup: SecgroupCalls
    secgrouppool: SecgrouppoolCalls
    system: SystemCalls
    template: TemplateCalls
    templatepool: TemplatepoolCalls
    user: UserCalls
    userpool: UserpoolCalls
    userquota: UserquotaCalls
    vdc: VdcCalls
    vdcpool: VdcpoolCalls
    vm: VmCalls
    vmgroup: VmgroupCalls
    vmgrouppool: VmgrouppoolCalls
    vmpool: VmpoolCalls
    vn: VnCalls
    vnpool: VnpoolCalls
    vntemplate: VntemplateCalls
    vntemplatepool: VntemplatepoolCalls
    vrouter: VrouterCalls
    vrouterpool: VrouterpoolCalls
    zone: ZoneCalls
    zonepool: ZonepoolCalls
