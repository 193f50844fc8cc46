"""That the same request gives the same weights."""

from benchmark.conformance.check import check, demand
from benchmark.conformance.subject import Subject, differing


@check()
def is_deterministic(subject: Subject) -> None:
    """A second instance gives the same bits."""
    changed = differing(subject.baseline.after, subject.run().after)
    demand(not changed, f"a second run gives another {_some(changed)}: draw only from self.generator, use no clock")


@check(requires=("runs_to_the_end", "is_deterministic"))
def ignores_the_global_random_state(subject: Subject) -> None:
    """Whoever drew from the global generators before does not change the result."""
    changed = differing(subject.baseline.after, subject.run(global_seed=1).after)
    demand(
        not changed,
        f"another global random state gives another {_some(changed)}: pass generator=self.generator to every draw",
    )


@check(requires=("runs_to_the_end", "is_deterministic"))
def ignores_the_mode_of_the_network(subject: Subject) -> None:
    """A network handed over in eval mode gives the same bits as one in train mode."""
    changed = differing(subject.baseline.after, subject.run(eval_mode=True).after)
    demand(
        not changed,
        f"a network handed over in eval mode gives another {_some(changed)}: choose train() or eval() in setup()",
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:3])
