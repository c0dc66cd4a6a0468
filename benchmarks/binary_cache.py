"""How soon a second computer has examples/hello: built there, or fetched from the binary cache.

    python benchmarks/binary_cache.py [ROUNDS]

Both ways go through a real master over HTTP and a real agent, in turn, from an empty folder to the
master's knowing that the release is available.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from pelagos.slap.agent.cache_use import CacheUse  # noqa: E402
from pelagos.slap.master import CacheSettings  # noqa: E402
from pelagos.slap.model import SupplyState  # noqa: E402
from support.agent_site import COMPUTER, Site  # noqa: E402
from support.signing import make_pair  # noqa: E402

URL = str(ROOT / "examples" / "hello" / "software.cfg")


def forget(site: Site) -> None:
    """The computer has nothing of the release, and nothing that was downloaded for it."""
    site.stop()
    for folder in (site.layout.release(URL), site.layout.software / ".downloads"):
        shutil.rmtree(folder, ignore_errors=True)


def seconds(site: Site, use: CacheUse | None) -> float:
    forget(site)
    site.client.supply(URL, COMPUTER, SupplyState.DESTROYED)
    site.start(cache=use)
    while any(release.url == URL for release in site.client.releases()):
        time.sleep(0.01)
    started = time.perf_counter()
    site.supply(URL)
    site.until_release(URL, "ok", within=300)
    return time.perf_counter() - started


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key, certificate = make_pair(folder, "builder")
        site = Site(folder, store=CacheSettings(folder / "cache", uploaders=(COMPUTER,)))
        base = f"{site.server.url}/cache"
        token = site._token  # noqa: SLF001 - the site is ours
        use = CacheUse(
            f"{base}/sha", f"{base}/dir", token, certificate, signing_key=key, upload=True
        )
        site.start(cache=use)
        site.supply(URL)
        site.until_release(URL, "ok", within=300)
        while (site.layout.release(URL) / ".pelagos-upload").exists():
            time.sleep(0.05)
        archive = next((folder / "cache" / "sha").rglob("*/*"))
        size = archive.stat().st_size
        built, fetched = [], []
        for _ in range(rounds):
            built.append(seconds(site, None))
            fetched.append(seconds(site, replace(use, upload=False, forced=("/",))))
        site.close()
        print(f"archive: {size:,} bytes")
    slow, fast = statistics.median(built), statistics.median(fetched)
    print(f"built:   {slow:.2f} s   {[round(one, 2) for one in built]}")
    print(f"fetched: {fast:.2f} s   {[round(one, 2) for one in fetched]}")
    print(f"ratio:   {slow / fast:.1f}")


if __name__ == "__main__":
    main()
