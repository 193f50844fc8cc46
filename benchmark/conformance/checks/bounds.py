"""What a method costs."""

from benchmark.conformance.check import check, demand
from benchmark.conformance.subject import Subject, differing

BUDGETS = (0.01, 0.1, 0.35, 1.0, 2.6)  # in epochs; the smallest buys no step of most methods
SLACK = 1.01


@check()
def does_nothing_without_a_budget(subject: Subject) -> None:
    """With no network pass to spend, the weights stay as they were."""
    moved = differing(subject.setting.weights, subject.at_budget(0).after)
    demand(not moved, f"{', '.join(moved[:3])} move with a budget of 0: touch weights in training steps only")


@check()
def stays_within_the_budget(subject: Subject) -> None:
    """The ledger never counts more passes than were granted, at any of several budgets."""
    for epochs in BUDGETS:
        run = subject.at_budget(epochs)
        demand(
            run.ledger.passes <= run.granted + 1e-6,
            f"{run.ledger.passes:g} network passes were spent of {run.granted:g}; leave the ledger alone",
        )


@check()
def visit_cost_is_not_understated(subject: Subject) -> None:
    """A method that runs its plan is never refused a pass, and spends no more than its visit cost says."""
    for epochs in BUDGETS:
        run = subject.at_budget(epochs)
        visit = run.unlearner.visit
        demand(
            not run.ledger.refused,
            f"a pass was refused after {run.ledger.passes:g} of {run.granted:g}: a step costs more than {visit} says; "
            "raise visit, and visit each sample of the batch once in a step",
        )
        demand(
            run.ledger.passes <= run.plan.passes + 1e-6,
            f"the plan of {run.plan.steps} steps costs {run.plan.passes:g} passes by {visit}, "
            f"{run.ledger.passes:g} were spent; raise visit",
        )


@check(requires=("runs_to_the_end", "visit_cost_is_not_understated"))
def visit_cost_is_not_overstated(subject: Subject) -> None:
    """A method that runs its plan spends what its visit cost says, so that the budget buys what it should."""
    for epochs in BUDGETS:
        run = subject.at_budget(epochs)
        visit = run.unlearner.visit
        mixed = any("mixed" in run.unlearner.schedule(epoch) for epoch in range(run.plan.epochs))
        if mixed and visit.forget != visit.retain:
            continue  # planned at the dearer of the two
        demand(
            run.ledger.passes >= run.plan.passes - 1e-6,
            f"the plan of {run.plan.steps} steps costs {run.plan.passes:g} passes by {visit}, "
            f"only {run.ledger.passes:g} were spent; lower visit",
        )


@check()
def computes_no_more_than_is_charged(subject: Subject) -> None:
    """Floating-point operations agree with the passes in the ledger: no network is run past it."""
    run = subject.run(epochs=1, count_flops=True)
    if run.flops is None or run.charged_flops is None:
        raise RuntimeError("floating-point operations were not counted")
    demand(
        run.flops <= SLACK * run.charged_flops,
        f"{run.flops:.3g} floating-point operations were made, {run.charged_flops:.3g} were charged: call self.network "
        "as a whole and copy it with copy.deepcopy, the ledger does not see calls of its layers",
    )
