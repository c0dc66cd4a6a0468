"""Run one promise plugin and say what it found, as JSON on the standard output.

    PYTHON -I -B -c TEXT_OF_THIS_FILE       (the variable PELAGOS_PROMISE holds the question)

Started by `promise` under the Python of the instance's release, and as the partition's user, who
may not be able to read this file: standard library only.
What the plugin itself prints goes nowhere, so that it cannot be taken for the result.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import types
from typing import Any

_LOG_LIMIT = 256 * 1024
_LOG_KEPT = 64 * 1024
_MESSAGE_LIMIT = 5000


class _Results(list):  # type: ignore[type-arg]  # a queue for whatever a promise hands over
    """Takes what the promise hands over."""

    def put_nowait(self, result: Any) -> None:
        self.append(result)

    put = put_nowait


def main() -> None:
    """Answer the question in the environment."""
    question = json.loads(os.environ.pop("PELAGOS_PROMISE"))
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        found = _ask(question)
    except BaseException as error:  # noqa: BLE001  # foreign code: whatever it raises is the answer
        found = {"error": f"{type(error).__name__}: {error}"[:_MESSAGE_LIMIT]}
    json.dump(found, answer)
    answer.flush()
    os._exit(0)  # threads that the promise left must not keep it


def _ask(question: dict[str, Any]) -> dict[str, Any]:
    config, path = question["config"], question["config"]["path"]
    _shorten(config.get("log-folder"), config["name"])
    _offer("pelagos.slap.promise", question["library"])
    sys.path.insert(0, os.path.dirname(path))  # noqa: PTH120  # names only
    module = _load(os.path.splitext(config["name"])[0], path)  # noqa: PTH122
    if not hasattr(module, "RunPromise"):
        raise TypeError(f"{path} defines no class RunPromise")
    results = _Results()
    extra = getattr(module, "extra_config_dict", None) or {}
    promise = module.RunPromise({**config, **extra, "queue": results})
    is_anomaly = question["mode"] == "anomaly"
    promise.run(check_anomaly=is_anomaly, can_bang=False)
    found: dict[str, Any] = {
        "periodicity": float(promise.getPeriodicity()),
        "may_bang": _may_bang(promise),
        "result": None,
    }
    item = results[-1].item if results else None
    if item is not None and item.type() in {"Test Result", "Anomaly Result"}:
        found["result"] = {
            "type": item.type(),
            "failed": bool(item.hasFailed()),
            "message": str(item.message)[:_MESSAGE_LIMIT],
        }
    return found


def _may_bang(promise: Any) -> bool:
    ask = getattr(promise, "isBangAllowed", None)
    # The original keeps it to itself.
    return bool(ask() if ask else getattr(promise, "_GenericPromise__allow_bang", True))


def _load(name: str, path: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _offer(name: str, source: str) -> None:
    """Let promises import our base class, whether or not this Python has Pelagos."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102  # our own text


def _shorten(folder: str | None, name: str) -> None:
    """Cut a log that has grown: the last runs are all that anybody asks for."""
    if folder is None:
        return
    path = os.path.join(folder, os.path.splitext(name)[0] + ".log")  # noqa: PTH118, PTH122
    try:
        if os.path.getsize(path) <= _LOG_LIMIT:  # noqa: PTH202
            return
        with open(path, "rb") as stream:  # noqa: PTH123
            stream.seek(-_LOG_KEPT, os.SEEK_END)
            kept = stream.read().partition(b"\n")[2]
        with open(path + ".new", "wb") as stream:  # noqa: PTH123
            stream.write(kept)
        os.replace(path + ".new", path)  # noqa: PTH105
    except OSError:
        return


if __name__ == "__main__":
    main()
