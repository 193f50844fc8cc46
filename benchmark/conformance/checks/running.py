"""That a method runs at all, and leaves everything else alone."""

from benchmark.conformance.check import check, demand
from benchmark.conformance.subject import Subject


@check(requires=())
def runs_to_the_end(subject: Subject) -> None:
    """A run with a budget of several epochs ends without an error, after at least one step."""
    steps = subject.baseline.plan.steps
    demand(steps > 0, "the budget of the check buys no step: are phases, schedule() and visit right?")


@check()
def leaves_the_global_state_alone(subject: Subject) -> None:
    """Random state, dtype, grad mode, threads and determinism are as they were before the run."""
    changed = subject.baseline.global_changes
    demand(not changed, f"the run changes {', '.join(changed)}; draw from self.generator, and put back what you set")
