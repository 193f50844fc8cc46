"""The criterion of tuning: agreement with a retrain of the tuning seeds, in what a defender can measure."""

from collections.abc import Sequence
from dataclasses import dataclass

LOSS_CAP = 10.0
"""Nats. The loss of each sample counts up to here, so that one lost sample does not outweigh all the others."""

LEAST_GAP = 0.05
"""Nats. Where poisoned model and retrain differ by less on the forget set, the distance is taken in units of this."""

ACCURACY_SLACK = 0.01
"""One point of accuracy may be lost for nothing; each further point costs 1."""

DIVERGED = 1000.0
"""What a run costs whose weights or losses are not finite: more than any other can, 10 / 0.05 + 99."""

CRITERION = (
    "mean over tuning seeds of |L(unlearned) - L(retrain)| / max(|L(poisoned) - L(retrain)|, 0.05 nats)"
    " + max(0, A(retrain) - A(unlearned) - 0.01) / 0.01, where L is the mean loss on the forget set with the labels"
    " it was given, each sample's capped at 10 nats, and A the accuracy on the selection split"
)


@dataclass(frozen=True)
class Visible:
    """What a defender can measure of a network.

    Attributes:
        forget_loss: mean loss on the forget set with the labels it was given, each sample's capped, in nats.
        accuracy: on the selection split, in [0, 1].
    """

    forget_loss: float
    accuracy: float


@dataclass(frozen=True)
class Reference:
    """The two networks of a tuning seed between which an unlearned one is placed."""

    poisoned: Visible
    retrain: Visible


def objective(unlearned: Sequence[Visible | None], references: Sequence[Reference]) -> float:
    """Return the criterion, at least 0 and lower for better; see :data:`CRITERION`.

    Args:
        unlearned: of each tuning seed, None where the run diverged.
        references: of the same seeds.
    """
    terms = [_one(network, reference) for network, reference in zip(unlearned, references, strict=True)]
    return DIVERGED if any(network is None for network in unlearned) else sum(terms) / len(terms)


def _one(network: Visible | None, reference: Reference) -> float:
    if network is None:
        return DIVERGED
    retrain = reference.retrain
    gap = max(abs(reference.poisoned.forget_loss - retrain.forget_loss), LEAST_GAP)
    distance = abs(network.forget_loss - retrain.forget_loss) / gap
    return distance + max(0.0, retrain.accuracy - network.accuracy - ACCURACY_SLACK) / ACCURACY_SLACK
