"""The program of the page on inbox and outbox runs."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import time
from pathlib import Path

from pelagos.messaging import Exchange, GenericConsumer, GenericProducer, UnroutableError

PAGE = Path(__file__).parents[2] / "docs/how-to/effects-once.md"


class Shop(Exchange):
    name = "shop"
    exchange_type = "topic"


def sent(producer, number):
    try:
        producer.message_order({"order": number}, _eks=[(Shop, "order.new")], _mandatory=True)
    except UnroutableError:
        return False
    return True


def test_the_daemon_on_the_page_answers_through_its_relay(tmp_path, embedded_broker):
    (program,) = re.findall(r"```python shopkeeper.py\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "shopkeeper.py").write_text(program)
    url = embedded_broker.url
    heard = queue.Queue()
    told = GenericConsumer([(Shop, [("told", "order.accepted")])], bus=url)
    told.start(lambda message: heard.put(message.name))
    told.wait_ready(60)
    command = [Path(sys.executable).parent / "pelagos", "bus", "run", "shopkeeper:Shopkeeper"]
    daemon = subprocess.Popen(
        [*command, "--processes", "2", "--bus", url],
        cwd=tmp_path,
        env={**os.environ, "PELAGOS_DATA": str(tmp_path), "PELAGOS_CONFIG": ""},
    )
    try:
        with GenericProducer(bus=url) as producer:
            for number in range(5):
                while not sent(producer, number):  # the daemon is still starting
                    assert daemon.poll() is None
                    time.sleep(0.05)
        assert {heard.get(timeout=60) for _ in range(5)} == {f"accepted-{n}" for n in range(5)}
    finally:
        daemon.terminate()
        assert daemon.wait(60) == 0
        told.stop()
