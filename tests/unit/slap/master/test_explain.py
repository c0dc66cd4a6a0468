"""Laws of explanations: nothing without a cause, and the thing to mend first comes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pelagos.slap.master import causes
from pelagos.slap.master.explain import (
    ComputerFacts,
    Finding,
    ReleaseFacts,
    ServiceFacts,
    explain_computer,
    explain_release,
    explain_service,
)
from pelagos.slap.model import Cause, InstanceState, InstanceStatus, ReleaseStatus, SupplyState

NOW, SILENT_AFTER = 10_000.0, 60.0
OWN = Cause("own", "what the agent said", since=1.0, seen_by="agent on COMP-1")
RELEASE = Cause("release", "what the agent said of the release", since=2.0, seen_by="agent")

computers = st.builds(
    ComputerFacts,
    computer_id=st.just("COMP-1"),
    created=st.just(5.0),
    last_seen=st.none() | st.floats(NOW - 200, NOW),
)
releases = st.none() | st.builds(
    ReleaseFacts,
    url=st.just("/a.cfg"),
    requested_state=st.sampled_from(SupplyState),
    status=st.sampled_from(ReleaseStatus),
    cause=st.just(RELEASE),
)
services = st.builds(
    ServiceFacts,
    release_url=st.just("/a.cfg"),
    requested_state=st.sampled_from(InstanceState),
    status=st.sampled_from(InstanceStatus),
    cause=st.just(OWN),
    computer_id=st.none() | st.just("COMP-1"),
    children=st.just(()) | st.just(("kid",)),
)


def of_service(
    service: ServiceFacts, release: ReleaseFacts | None, computer: ComputerFacts
) -> tuple[Finding, Finding]:
    there = explain_computer(computer, NOW, SILENT_AFTER)
    return explain_service(service, release, there if service.computer_id else None), there


@given(services, releases, computers)
def test_every_state_has_a_cause_with_a_time_and_a_witness(service, release, computer):
    finding, _ = of_service(service, release, computer)
    for cause in (finding.cause, *finding.chain):
        assert cause.code and cause.message and cause.seen_by
        assert cause.since > 0


@given(services, releases, computers)
def test_a_silent_computer_is_what_its_services_suffer_from(service, release, computer):
    finding, there = of_service(service, release, computer)
    if service.computer_id and there.state != "ok":
        assert finding.cause == there.cause


@given(services, releases, computers)
def test_a_well_service_on_a_present_computer_says_what_its_agent_said(service, release, computer):
    finding, there = of_service(service, release, computer)
    if service.is_well and there.state == "ok":
        assert finding == Finding(str(service.status), OWN)


@given(services, releases, computers)
def test_an_unready_release_comes_before_what_it_causes(service, release, computer):
    finding, there = of_service(service, release, computer)
    applies = (
        service.computer_id
        and there.state == "ok"
        and not service.is_well
        and not service.is_destroying
        and release is not None
        and release.requested_state is SupplyState.AVAILABLE
        and release.status is not ReleaseStatus.AVAILABLE
        and (service.status is not InstanceStatus.ERROR or release.status is ReleaseStatus.ERROR)
    )
    if applies:
        assert finding.cause == RELEASE
        assert finding.chain == (OWN,)


@given(services, releases, computers)
def test_the_root_cause_is_never_repeated_in_the_chain(service, release, computer):
    finding, _ = of_service(service, release, computer)
    assert finding.cause not in finding.chain


def test_a_failed_instance_of_an_unreported_release_says_its_own_error():
    service = ServiceFacts("/a.cfg", InstanceState.STARTED, InstanceStatus.ERROR, OWN, "COMP-1")
    release = ReleaseFacts("/a.cfg", SupplyState.AVAILABLE, ReleaseStatus.REQUESTED, RELEASE)
    finding, _ = of_service(service, release, ComputerFacts("COMP-1", 5.0, NOW))
    assert finding.cause == OWN


def test_a_release_that_was_withdrawn_is_named():
    service = ServiceFacts("/a.cfg", InstanceState.STARTED, InstanceStatus.WAITING, OWN, "COMP-1")
    finding, _ = of_service(service, None, ComputerFacts("COMP-1", 5.0, NOW))
    assert finding.cause.code == "release-not-supplied"
    assert finding.cause.hint == "pelagos supply /a.cfg COMP-1"


def test_a_doomed_service_names_the_children_that_it_waits_for():
    service = ServiceFacts(
        "/a.cfg", InstanceState.DESTROYED, InstanceStatus.STOPPED, OWN, "COMP-1", ("kid",)
    )
    finding, _ = of_service(service, None, ComputerFacts("COMP-1", 5.0, NOW))
    assert finding.state == "destroying"
    assert "kid" in finding.cause.message


@given(releases.filter(bool), computers)
def test_a_built_release_does_not_depend_on_its_computer(release, computer):
    there = explain_computer(computer, NOW, SILENT_AFTER)
    finding = explain_release(release, there)
    built = release.status is ReleaseStatus.AVAILABLE
    if built and release.requested_state is SupplyState.AVAILABLE:
        assert finding.cause == RELEASE
    elif there.state != "ok":
        assert finding.cause == there.cause
        assert finding.chain == (RELEASE,)


@given(computers)
def test_a_computer_is_never_seen_silent_or_there(computer):
    finding = explain_computer(computer, NOW, SILENT_AFTER)
    if computer.last_seen is None:
        assert (finding.state, finding.cause.since) == ("never-seen", 5.0)
    else:
        silent = NOW - computer.last_seen > SILENT_AFTER
        assert finding.state == ("silent" if silent else "ok")
        assert finding.cause.since == computer.last_seen


def test_a_computer_without_its_agent_names_both_ways_to_start_one():
    for make in (causes.never_seen, causes.computer_silent):
        hint = make("box", 1.0).hint
        assert hint.index("`pelagos node run`") < hint.index("`pelagos up`")
