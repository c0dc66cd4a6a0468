"""Two agents for one computer are noticed, and a restart is none."""

from __future__ import annotations

from pelagos.slap.master.rivals import PROOF_HOLDS, Rivals


def test_a_restarted_agent_is_no_rival() -> None:
    rivals = Rivals()
    for agent in ("a", "a", "b", "b", "c"):
        rivals.note("COMP", agent)
    assert rivals.of("COMP") is None


def test_two_that_call_in_turns_are_named_while_they_do() -> None:
    now = [1.0]
    rivals = Rivals(lambda: now[0])
    for agent in ("a", "b", "a"):
        rivals.note("COMP", agent)
    assert set(rivals.of("COMP") or ()) == {"a", "b"}
    assert rivals.of("OTHER") is None
    now[0] += PROOF_HOLDS
    assert rivals.of("COMP") is None


def test_what_is_remembered_is_bounded() -> None:
    rivals = Rivals()
    for number in range(1000):
        rivals.note("COMP", f"agent {number}")
    rivals.note("COMP", "agent 0")
    assert rivals.of("COMP") is None  # so long ago that it is forgotten
