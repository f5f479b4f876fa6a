"""The full product of states and events: what is not listed here is refused."""

from itertools import product

import pytest

from mvengine.errors import StateError
from mvengine.meta.states import JOB, REFRESH, JobEvent, JobStatus, RefreshEvent, RefreshState, transition

JOB_CELLS = {
    ("INITIAL", "START"): "CREATING",
    ("CREATING", "COMPLETE"): "CREATED",
    ("CREATING", "RECOVER"): "CREATING",
}
REFRESH_CELLS = {
    ("IDLE", "TRIGGER"): "REFRESHING",
    ("REFRESHING", "STAGE_DONE"): "FINISHING",
    ("FINISHING", "PUBLISH"): "IDLE",
    ("REFRESHING", "FAIL"): "IDLE",
    ("FINISHING", "FAIL"): "IDLE",
    ("REFRESHING", "RECOVER"): "IDLE",
    ("FINISHING", "RECOVER"): "IDLE",
}


@pytest.mark.parametrize(("state", "event"), list(product(JobStatus, JobEvent)))
def test_a_job_moves_by_the_listed_cells_and_no_others(state: JobStatus, event: JobEvent) -> None:
    if (state, event) in JOB_CELLS:
        assert transition(JOB, state, event) == JOB_CELLS[state, event]
    else:
        with pytest.raises(StateError, match=f"cannot {event} a job that is {state}"):
            transition(JOB, state, event)


@pytest.mark.parametrize(("state", "event"), list(product(RefreshState, RefreshEvent)))
def test_a_refresh_moves_by_the_listed_cells_and_no_others(state: RefreshState, event: RefreshEvent) -> None:
    if (state, event) in REFRESH_CELLS:
        assert transition(REFRESH, state, event) == REFRESH_CELLS[state, event]
    else:
        with pytest.raises(StateError, match=f"cannot {event} a refresh that is {state}"):
            transition(REFRESH, state, event)


def test_a_refused_event_says_which_states_it_needs_and_what_this_one_allows() -> None:
    with pytest.raises(StateError) as refused:
        transition(REFRESH, RefreshState.IDLE, RefreshEvent.PUBLISH)
    assert refused.value.message == "cannot PUBLISH a refresh that is IDLE; it must be FINISHING"
    assert refused.value.hint == "from IDLE, a refresh can TRIGGER"


def test_every_state_can_be_left_or_is_the_last() -> None:
    assert {state for state, _ in REFRESH} == set(RefreshState)
    assert set(JobStatus) - {state for state, _ in JOB} == {JobStatus.CREATED}
