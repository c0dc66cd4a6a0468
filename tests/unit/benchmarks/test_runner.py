from __future__ import annotations

import pytest
from benchmarks import __main__ as runner


def test_every_benchmark_can_be_run_and_says_what_it_measures():
    assert "full_computer" in runner.names()
    for name in runner.names():
        module = runner.load(name)
        assert callable(module.main), name
        assert module.__doc__, name


def test_the_list_names_each(capsys: pytest.CaptureFixture[str]):
    assert runner.main(["--list"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in runner.names())


def test_an_unknown_benchmark_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]):
    assert runner.main(["no-such"]) == 2
    assert "full_computer" in capsys.readouterr().err
