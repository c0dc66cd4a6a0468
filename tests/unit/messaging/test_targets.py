"""What a text `module:Name` stands for, where it stands for nothing that can be run."""

from __future__ import annotations

import pickle
import sys
from types import ModuleType

import pytest

from pelagos.core.errors import ConfigError
from pelagos.messaging import MessageProcessor, MessagingError
from pelagos.messaging.runner import Target
from pelagos.messaging.runner.processes import _portable


class Deaf(MessageProcessor):
    """Reads nothing."""


@pytest.fixture(autouse=True)
def module(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ModuleType("deaf")
    vars(made).update(Deaf=Deaf, number=lambda: 3)
    monkeypatch.setitem(sys.modules, "deaf", made)


@pytest.mark.parametrize(
    ("path", "said", "hint"),
    [
        ("deaf:Deaf", "reads no queue, and would wait for ever", "eqk = ["),
        ("deaf:number", "makes a int, which is no processor", "derived from MessageProcessor"),
    ],
)
def test_what_is_no_worker_is_a_fault_of_what_was_written(path: str, said: str, hint: str) -> None:
    with pytest.raises(MessagingError, match=said) as caught:
        Target(path, "memory:deaf")()
    assert isinstance(caught.value, ConfigError)
    told = pickle.loads(pickle.dumps(_portable(caught.value)))  # as a worker process tells it
    assert isinstance(told, ConfigError) and hint in str(told.hint)
