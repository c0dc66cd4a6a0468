"""How soon the first results of a lookup are there, as a stream and whole, over HTTP.

python benchmarks/directory_first_hit.py --rows 25000 --sources 6
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from pelagos.core.web import Server
from pelagos.directory import Directory

_LOOKUP = "/0.1/directories/lookup/default"


def config(folder: Path, rows: int, sources: int) -> dict[str, Any]:
    """A directory of CSV files, all with the same people."""
    lines = (f"{n},Ada{n},Lovelace{n},{10000 + n}\n" for n in range(rows))
    file = folder / "people.csv"
    file.write_text("id,first,last,tel\n" + "".join(lines), encoding="utf-8")
    source = {
        "type": "csv", "file": str(file), "unique_column": "id",
        "searched_columns": ["first", "last"], "first_matched_columns": ["tel"],
        "format_columns": {"name": "{first} {last}", "reverse": "{first} {last}"},
    }  # fmt: skip
    named = {f"csv{number}": source for number in range(sources)}
    return {
        "sources": named,
        "services": {
            "lookup": {"default": {"sources": list(named)}},
            "reverse": {"default": {"sources": list(named)}},
        },
        "views": {
            "displays": {"people": [{"title": "Name", "field": "name"}]},
            "profile_to_display": {"default": "people"},
        },
    }


def timed(connection: http.client.HTTPConnection, path: str) -> tuple[float, float]:
    """Milliseconds to the first result, and to the end of the answer."""
    begin = time.perf_counter()
    connection.request("GET", path, headers={"X-Auth-Token": "any"})
    response = connection.getresponse()
    first = 0.0
    while not first and (line := response.readline()):
        if b'"column_values"' in line:
            first = time.perf_counter() - begin
    response.read()
    whole = time.perf_counter() - begin
    return (first or whole) * 1e3, whole * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=25_000)
    parser.add_argument("--sources", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ending:
        made = config(Path(folder), options.rows, options.sources)
        directory = ending.enter_context(Directory(made, verify=lambda _token: {}))
        server = Server(directory.app)
        server.start()
        ending.callback(server.stop)
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        term = str(options.rows - 1)
        asked = {
            "stream": f"{_LOOKUP}/stream?term=ada{term}",
            "lookup": f"{_LOOKUP}?term=ada{term}",
            "reverse": f"/0.1/directories/reverse/default/u?exten={10000 + 7}",
        }
        for name, path in asked.items():
            rounds = [timed(connection, path) for _ in range(options.rounds + 5)][5:]
            first, whole = zip(*rounds, strict=True)
            print(
                f"{name:8} first {statistics.median(first):6.1f} ms (worst {max(first):.1f})"
                f"   whole {statistics.median(whole):6.1f} ms (worst {max(whole):.1f})"
            )


if __name__ == "__main__":
    main()
