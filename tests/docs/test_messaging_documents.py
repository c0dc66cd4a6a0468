"""The reference of messaging names all that there is."""

from __future__ import annotations

import re
from pathlib import Path

from pelagos import messaging
from pelagos.messaging.observation.metrics import PrometheusMetrics
from pelagos.messaging.producer.options import MESSAGE_OPTIONS, RPC_OPTIONS

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "messaging.md"


def test_the_reference_names_every_public_name():
    text = REFERENCE.read_text()
    missing = [name for name in messaging.__all__ if not re.search(rf"\b{name}\b", text)]
    assert missing == []


def test_the_reference_names_every_metric_and_no_other():
    told = set(re.findall(r"`(pelagos_bus_\w+)`", REFERENCE.read_text()))
    metrics = PrometheusMetrics()
    known = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in metrics.registry.collect()
    }
    assert told == known


def test_the_reference_names_every_step_and_every_option():
    text = REFERENCE.read_text()
    steps = [name for name in vars(messaging.Middleware) if not name.startswith("_")]
    options = MESSAGE_OPTIONS | RPC_OPTIONS
    assert [name for name in (*steps, *options) if f"`{name}" not in text] == []
