"""The configuration of the binary cache, in the words of master and agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from pelagos.core.errors import ConfigError
from pelagos.core.http.types import ClientTls
from pelagos.plane.data_folder import DataFolder
from pelagos.plane.hauling import cache_settings, cache_use, with_hauling
from pelagos.plane.sections import CacheConfig, NodeCacheConfig, NodeConfig
from pelagos.slap.agent import AgentSettings


def test_the_master_keeps_archives_only_when_told(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert cache_settings(CacheConfig(), folder) is None
    found = cache_settings(CacheConfig(enabled=True, size_gib=0.5, uploaders="a b"), folder)
    assert found is not None
    assert found.folder == tmp_path / "cache"
    assert (found.size_limit, found.uploaders) == (1 << 29, ("a", "b"))


def test_the_own_master_needs_no_address(tmp_path: Path) -> None:
    tls = ClientTls(authority=tmp_path / "ca.pem")
    config = NodeCacheConfig(url="master", forced="http://a http://b", upload=True)
    use = cache_use(config, master_url="https://m:1/", token="t0k", tls=tls)
    assert use is not None
    assert (use.url, use.directory_url) == ("https://m:1/cache/sha", "https://m:1/cache/dir")
    assert (use.token, use.authority) == ("t0k", tmp_path / "ca.pem")
    assert use.forced == ("http://a", "http://b") and use.upload
    assert "t0k" not in repr(use)


def test_another_store_gets_no_token_of_ours(tmp_path: Path) -> None:
    config = NodeCacheConfig(url="http://far/cache", directory_url="http://far/dir")
    use = cache_use(config, master_url="http://m", token="t0k", tls=None)
    assert use is not None and use.token is None
    (tmp_path / "token").write_text("theirs\n")
    with_token = NodeCacheConfig(
        url="http://far/cache", directory_url="http://far/dir", token_file=tmp_path / "token"
    )
    use = cache_use(with_token, master_url="http://m", token="t0k", tls=None)
    assert use is not None and use.token == "theirs"


def test_half_an_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="directory_url is empty"):
        cache_use(NodeCacheConfig(url="http://far"), master_url="http://m", token="t", tls=None)
    assert cache_use(NodeCacheConfig(), master_url="http://m", token="t", tls=None) is None


def test_shared_parts_and_periods_reach_the_agent(tmp_path: Path) -> None:
    node = NodeConfig(shared_parts="/a /b", report_interval=0.0, usage_interval=7.0)
    settings = with_hauling(AgentSettings("C", tmp_path), node, None)
    assert settings.shared_parts == (Path("/a"), Path("/b"))
    assert (settings.report_interval, settings.usage_interval) == (0.0, 7.0)
