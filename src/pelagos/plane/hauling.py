"""From the configuration to the binary cache: the master's store, and a computer's use of one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pelagos.core.errors import ConfigError
from pelagos.core.files import read_token
from pelagos.core.http.types import ClientTls
from pelagos.plane.cloud_cache import CloudArchives, CloudEntries
from pelagos.plane.cloud_place import SCHEME, CloudPlace
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.sections import CacheConfig, NodeCacheConfig, NodeConfig
from pelagos.slap.agent import AgentSettings
from pelagos.slap.agent.cache_use import CacheUse
from pelagos.slap.master import CacheSettings

_GIB = 1 << 30
#: What stands in place of a URL for the plane's own master.
MASTER = "master"


def cache_settings(config: CacheConfig, folder: DataFolder) -> CacheSettings | None:
    """How the master keeps built releases; None when it does not."""
    if not config.enabled:
        return None
    return CacheSettings(
        folder=config.folder or folder.path / "cache",
        archive_limit=int(config.archive_gib * _GIB),
        size_limit=int(config.size_gib * _GIB),
        spare=int(config.spare_gib * _GIB),
        uploaders=tuple(config.uploaders.split()),
        certificates=config.certificates,
        old_certificates=config.old_certificates,
    )


def cache_use(
    config: NodeCacheConfig,
    *,
    master_url: str,
    token: str | None,
    tls: ClientTls | None,
    environ: Mapping[str, str] | None = None,
) -> CacheUse | None:
    """How this computer uses a binary cache; None when it does not.

    Args:
        token: this computer's at the master; None: its certificate says who it is there.
        tls: whom it trusts as its master.
        environ: where clouds are looked for; None: this process' own.

    Raises:
        ConfigError: the settings contradict each other.
    """
    if not config.url:
        return None
    use = CacheUse(
        url=config.url,
        directory_url=config.directory_url,
        token=read_token(config.token_file) if config.token_file else None,
        certificates=config.certificates,
        old_certificates=config.old_certificates,
        signing_key=config.signing_key,
        upload=config.upload,
        forced=tuple(config.forced.split()),
        blacklist=tuple(config.blacklist.split()),
        size_limit=int(config.size_gib * _GIB),
        authority=config.authority,
        client_certificate=config.client_certificate,
        client_key=config.client_key,
    )
    if config.url == MASTER:
        base = master_url.rstrip("/")
        return replace(
            use,
            url=f"{base}/cache/sha",
            directory_url=f"{base}/cache/dir",
            token=token,
            authority=use.authority or (tls.authority if tls else None),
        )
    if config.url.startswith(SCHEME):
        storage = CloudPlace.of(config.url).open(os.environ if environ is None else environ)
        return replace(use, stores=(CloudArchives(storage), CloudEntries(storage)))
    if not config.directory_url:
        raise ConfigError(
            "node_cache.url names a store of archives, and node_cache.directory_url is empty",
            hint="give the address of its directory, too; or node_cache.url = master, or "
            "cloud:NAME/CONTAINER",
        )
    return use


def with_hauling(settings: AgentSettings, node: NodeConfig, use: CacheUse | None) -> AgentSettings:
    """The agent's settings with what this computer shares and tells."""
    return replace(
        settings,
        cache=use,
        shared_parts=_folders(node.shared_parts),
        build_time_parts=_folders(node.build_time_parts),
        usage_interval=node.usage_interval,
        report_interval=node.report_interval,
    )


def _folders(text: str) -> tuple[Path, ...]:
    return tuple(Path(word).expanduser() for word in text.split())
