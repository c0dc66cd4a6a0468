import pytest

from pelagos.core.clock import ManualClock, SystemClock


def test_a_jump_moves_the_wall_clock_alone():
    clock = ManualClock(start=100)
    clock.advance(5)
    clock.jump(-50)
    assert (clock.time(), clock.monotonic()) == (55, 5)


def test_sleeping_on_a_manual_clock_advances_it():
    clock = ManualClock(start=0)
    clock.sleep(3)
    clock.sleep(-1)
    assert clock.monotonic() == 3


def test_time_does_not_run_backwards():
    with pytest.raises(ValueError, match="backwards"):
        ManualClock().advance(-1)


def test_the_system_clock_does_not_wait_for_nothing():
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0)
    assert 0 <= clock.monotonic() - before < 1
