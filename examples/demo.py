"""The main job from end to end, as a person would do it, with nothing left behind.

Runs the `pelagos` command of this Python against a plane of its own in a temporary folder:
supplies and requests examples/hello, waits for it, fetches it, finds it, kills it and sees it come
back, then stops, starts and destroys it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

PROFILE = Path(__file__).parent / "hello" / "software.cfg"
PELAGOS = Path(sys.executable).with_name("pelagos")


def say(text: str) -> None:
    """One line of the story."""
    print(f"\n\033[1m# {text}\033[0m" if sys.stdout.isatty() else f"\n# {text}", flush=True)


def pelagos(*words: str, quiet: bool = False) -> str:
    """Run one command, show it with its output, and return what it printed."""
    if not quiet:
        print("$ pelagos " + " ".join(words), flush=True)
    began = time.monotonic()
    done = subprocess.run([PELAGOS, *words], stdout=subprocess.PIPE, text=True, check=False)
    if not quiet:
        print(f"{done.stdout}({time.monotonic() - began:.1f} s)", flush=True)
    if done.returncode:
        sys.exit(f"demo: `pelagos {' '.join(words)}` ended with {done.returncode}")
    return done.stdout


def fetch(url: str) -> str:
    """The page at a URL, tried for ten seconds."""
    end = time.monotonic() + 10
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode().strip()
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > end:
                sys.exit(f"demo: {url} does not answer: {error}")
            time.sleep(0.1)


def process_of(page: str) -> int:
    """The process that served the page; the hello service tells."""
    return int(page.rpartition(" ")[2])


def processes_of(folder: str) -> list[str]:
    """Command lines of all processes that name the folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if folder in command and file.parent.name != str(os.getpid()):
                found.append(command)
    return found


@contextlib.contextmanager
def plane(folder: Path) -> Iterator[None]:
    """A plane in the foreground of its own process, ended when the block is left."""
    with (folder / "up.log").open("wb") as log:
        process = subprocess.Popen([PELAGOS, "up", "--partitions", "3"], stdout=log, stderr=log)
    end = time.monotonic() + 30
    while subprocess.run(
        [PELAGOS, "computer", "list"], capture_output=True, check=False
    ).returncode:
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            sys.exit("demo: the plane did not start:\n" + (folder / "up.log").read_text())
        time.sleep(0.1)
    try:
        yield
        process.send_signal(signal.SIGTERM)
        if process.wait(60):
            sys.exit("demo: the plane did not end cleanly:\n" + (folder / "up.log").read_text())
    except BaseException:
        subprocess.run([PELAGOS, "down", "--stop-services"], check=False)
        raise


def story() -> None:
    """Each step of a service's life."""
    say("Ask the computer to have the software, then ask for a service of it")
    pelagos("supply", str(PROFILE))
    pelagos("request", "hello", str(PROFILE), "--param", "greeting=ahoy", "--wait")

    say("It runs: fetch its page")
    url = json.loads(pelagos("service", "info", "hello", "--output", "json", quiet=True))
    url = url["connection"]["url"]
    page = fetch(url)
    print(f"$ curl {url}\n{page}")

    say("The directory finds it, and its state can be explained")
    pelagos("lookup", "hello")
    pelagos("why", "hello")

    say("Kill its process: it comes back by itself")
    os.kill(process_of(page), signal.SIGKILL)
    end = time.monotonic() + 15
    while process_of(again := fetch(url)) == process_of(page):
        if time.monotonic() > end:
            sys.exit("demo: the service did not come back")
        time.sleep(0.1)
    print(f"$ kill -9 {process_of(page)}; curl {url}\n{again}")

    say("Stop, start and destroy it")
    for verb in ("stop", "start", "destroy"):
        pelagos("service", verb, "hello", "--wait")
    pelagos("service", "list")


def main() -> None:
    """Tell the story in a temporary folder and check that nothing is left."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pelagos-demo-") as folder:
        os.environ["PELAGOS_DATA"] = f"{folder}/data"
        os.environ["XDG_CONFIG_HOME"] = folder
        say("Start a plane: master, agent, directory and bus in one process")
        with plane(Path(folder)):
            story()
        if left := processes_of(folder):
            sys.exit(f"demo: processes are left behind: {left}")
    say(f"Done in {time.monotonic() - started:.1f} s; nothing is left behind")


if __name__ == "__main__":
    main()
