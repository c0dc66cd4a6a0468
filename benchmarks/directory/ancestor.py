"""What the ancestor did, written anew: `python -m benchmarks.directory.ancestor FOLDER`.

Flask-RESTful below /0.1 in cheroot with its 10 threads; one pool of 10 threads per service for all
requests and sources; a CSV source is a list of dicts that each question goes through from the
beginning, with a line for the debug log and the lower case of each value made anew. For many
numbers the sources are asked number by number, as a back-end without a batch of its own is.

Left out, in its favour: the two requests that it sends to the authentication server for each one
that it gets, TLS, and the query of the favourites.

Prints its port when it serves.
"""

from __future__ import annotations

import csv
import json
import logging
import socket
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from functools import wraps
from pathlib import Path
from typing import Any

from cheroot import wsgi
from flask import Flask, request
from flask_restful import Api, Resource, abort

from benchmarks.directory.contacts import DISPLAY, FORMATS, MATCHED, SEARCHED, TOKEN, files

log = logging.getLogger(__name__)

HTTP_THREADS = 10
WORKERS = 10
RELATIONS = ("xivo_id", "agent_id", "user_id", "user_uuid", "endpoint_id")


class SourceResult:
    def __init__(self, fields: dict[str, Any], source: str) -> None:
        self.fields = dict(fields)
        self.source = source
        self.relations = dict.fromkeys(RELATIONS) | {"source_entry_id": str(fields["id"])}
        for target, template in FORMATS.items():
            self.fields[target] = template.format(**self.fields).strip() or None


class CsvSource:
    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        with path.open(encoding="utf-8", newline="") as file:
            self.content = [
                {column: value or None for column, value in row.items()}
                for row in csv.DictReader(file)
            ]

    def search(self, term: str) -> list[SourceResult]:
        lowered = term.lower()
        return [SourceResult(e, self.name) for e in self.content if self._occurs(lowered, e)]

    def first_match(self, exten: str) -> SourceResult | None:
        for entry in self.content:
            if any(entry.get(column) == exten for column in MATCHED):
                return SourceResult(entry, self.name)
        return None

    def match_all(self, extens: Iterable[str]) -> dict[str, SourceResult]:
        found = {exten: self.first_match(exten) for exten in extens}
        return {exten: result for exten, result in found.items() if result is not None}

    def _occurs(self, lowered: str, entry: dict[str, Any]) -> bool:
        log.debug("looking for %s in %s", lowered, entry)
        return any(lowered in (entry.get(column) or "").lower() for column in SEARCHED)


class Directory:
    def __init__(self, folder: Path) -> None:
        self.sources = [CsvSource(name, path) for name, path in files(folder).items()]
        self.lookup_pool = ThreadPoolExecutor(max_workers=WORKERS)
        self.reverse_pool = ThreadPoolExecutor(max_workers=WORKERS)

    def lookup(self, term: str) -> list[SourceResult]:
        futures = {self.lookup_pool.submit(source.search, term) for source in self.sources}
        done, _ = wait(futures)
        return [result for future in done for result in future.result()]

    def reverse(self, exten: str) -> SourceResult | None:
        futures = [self.reverse_pool.submit(s.first_match, exten) for s in self.sources]
        for future in as_completed(futures):
            if future.result() is not None:
                for other in futures:
                    other.cancel()
                return future.result()
        return None

    def reverse_many(self, extens: list[str]) -> dict[str, SourceResult]:
        futures = [self.reverse_pool.submit(s.match_all, extens) for s in self.sources]
        found: dict[str, SourceResult] = {}
        for future in as_completed(futures):
            found |= future.result()
            if len(found) == len(set(extens)):
                break
        return found


def verified(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        if request.headers.get("X-Auth-Token") != TOKEN:
            abort(401)
        return method(*args, **kwargs)

    return call


class AuthResource(Resource):
    method_decorators = (verified,)

    def __init__(self, directory: Directory) -> None:
        self.directory = directory


class Lookup(AuthResource):
    def get(self, profile: str) -> dict[str, Any]:
        term = request.args["term"]
        log.info("lookup for %s with profile %s", term, profile)
        return {
            "term": term,
            "column_headers": [column["title"] for column in DISPLAY],
            "column_types": [column.get("type") for column in DISPLAY],
            "results": [
                {
                    "column_values": [result.fields.get(c["field"]) for c in DISPLAY],
                    "relations": result.relations,
                    "source": result.source,
                }
                for result in self.directory.lookup(term)
            ],
        }


class Reverse(AuthResource):
    def get(self, profile: str, user: str) -> dict[str, Any]:
        exten = request.args["exten"]
        log.info("reverse for %s with profile %s and user %s", exten, profile, user)
        return entry(exten, self.directory.reverse(exten))

    def post(self, profile: str, user: str) -> dict[str, Any]:
        log.info("reverse with profile %s and user %s", profile, user)
        extens = json.loads(request.get_data())["extens"]
        found = self.directory.reverse_many(extens)
        return {"results": [entry(exten, found.get(exten)) for exten in extens]}


def entry(exten: str, result: SourceResult | None) -> dict[str, Any]:
    if result is None:
        return {"display": None, "exten": exten, "source": None, "fields": {}}
    fields = {**result.fields, "exten": exten}
    return {
        "display": fields["reverse"], "exten": exten, "source": result.source, "fields": fields,
    }  # fmt: skip


def main(folder: str) -> None:
    app = Flask("ancestor")
    api = Api(app, prefix="/0.1")
    needs = {"directory": Directory(Path(folder))}
    api.add_resource(Lookup, "/directories/lookup/<profile>", resource_class_kwargs=needs)
    api.add_resource(Reverse, "/directories/reverse/<profile>/<user>", resource_class_kwargs=needs)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = wsgi.Server(
        ("127.0.0.1", port), app, numthreads=HTTP_THREADS, request_queue_size=128, timeout=300
    )
    server.prepare()
    print(port, flush=True)
    server.serve()


if __name__ == "__main__":
    main(sys.argv[1])
