"""What contacts in CSV sources need: `python -m benchmarks.directory.memory SIDE FOLDER`.

Prints JSON: MB that loading added (resident), MB at the most, seconds of CPU to load, and ms of
CPU per search and per match.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.directory.contacts import People, config, exten, files


def main(side: str, folder: str) -> None:
    if side == "ours":
        from pelagos.directory.backends.csv import CsvBackend as Source  # noqa: PLC0415
    else:
        from benchmarks.directory.ancestor import CsvSource as Source  # noqa: PLC0415
    terms = People().terms(20)
    before, began = resident(), time.process_time()
    if side == "ours":
        sources = [Source() for _ in files(Path(folder))]
        for source, own in zip(sources, config(Path(folder))["sources"].values(), strict=True):
            source.load({"config": own | {"name": "x"}})
    else:
        sources = [Source(name, path) for name, path in files(Path(folder)).items()]
    loaded = time.process_time() - began
    extens = [exten(number % len(sources), number) for number in range(20)]
    figures = {
        "added_mb": resident() - before,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
        "load_s": loaded,
        "search_ms": each(lambda term: [s.search(term) for s in sources], terms),
        "match_ms": each(lambda text: [s.first_match(text) for s in sources], extens),
    }
    print(json.dumps(figures))


def resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def each(ask: Callable[[str], object], texts: list[str]) -> float:
    began = time.process_time()
    for text in texts:
        ask(text)
    return 1000 * (time.process_time() - began) / len(texts)


if __name__ == "__main__":
    main(*sys.argv[1:])
