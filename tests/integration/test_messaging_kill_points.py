"""Workers with an inbox and an outbox, killed (SIGKILL) at more than 500 points."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import uuid
from collections import Counter
from pathlib import Path

import pytest

from pelagos.messaging import connect
from support import mortal_consumer

pytestmark = [pytest.mark.integration, pytest.mark.interop, pytest.mark.timeout(600)]

KILLS, SHARDS = 130, 4


@pytest.mark.parametrize("shard", range(SHARDS))
def test_each_command_has_one_effect_and_one_message_wherever_workers_are_killed(
    rabbitmq_url: str, tmp_path: Path, shard: int
) -> None:
    name, database = f"mortal-{uuid.uuid4().hex[:8]}", tmp_path / "state.db"
    done = subprocess.run(
        [
            sys.executable,
            mortal_consumer.__file__,
            *(rabbitmq_url, str(database), name, str(KILLS), str(shard), str(SHARDS + 1)),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    died = json.loads(done.stdout)["died"]
    expected = [f"c{number}" for number in range(mortal_consumer.COMMANDS)]
    with sqlite3.connect(database) as file:
        effects = [row[0] for row in file.execute("SELECT what FROM effects ORDER BY id")]
        waiting = file.execute("SELECT count(*) FROM messaging_outbox").fetchone()[0]
    file.close()
    arrived = drain(rabbitmq_url, f"{name}.done", name)
    assert Counter(effects) == Counter(expected), done.stderr[-2000:]
    assert waiting == 0, done.stderr[-2000:]
    firsts = list(dict.fromkeys(arrived))
    assert firsts == [f"done-{what}" for what in effects]  # all of them, in the commits' order
    assert died == KILLS, "the commands were done before all points were tried"


def drain(url: str, queue: str, other: str) -> list[str]:
    connection, found = connect(url).open(), []
    try:
        while (delivery := connection.get(queue)) is not None:
            found.append(delivery.properties.message_id)
            connection.ack(delivery)
        assert connection.get(other) is None
        for name in (queue, other):
            connection.delete_queue(name)
    finally:
        connection.close()
    return found
