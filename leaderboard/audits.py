"""What is known of the statistics behind each effect.

An effect whose scores carry further statistics gets its table by one more item of :data:`AUDITS`.
"""

from dataclasses import dataclass
from typing import Literal

Role = Literal["poisoned", "unlearned", "retrain", "second_retrain"]


@dataclass(frozen=True, slots=True)
class Statistic:
    """A number of each model, printed as its spread over seeds.

    Attributes:
        key: name in ``extra``, after the prefix; None is the effect itself. With a ``*`` it stands for every name that
            fits, in alphabetical order.
        title: what to print; ``{}`` is what the name has after its last slash.
        digits: decimals.
        null: names of the ends of the band in which 95 % of models lie that never saw the poison, or None.
    """

    key: str | None
    title: str
    digits: int
    null: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many of some trials of each model succeeded, pooled over seeds.

    Attributes:
        key: names in ``extra``, after the prefix, with a ``*``: one number a trial, above 0 where it succeeded.
        title: what to print.
        digits: decimals of the rate.
        given: whether only trials count in which the poisoned model of the same seed succeeded.
    """

    key: str
    title: str
    digits: int
    given: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """A model of an audit, and how it was measured.

    Attributes:
        title: what to print.
        role: the model.
        prefix: what its keys in ``extra`` start with.
    """

    title: str
    role: Role
    prefix: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What is known of the statistics of one effect.

    Attributes:
        effect: name of the effect.
        title: what is measured, and what it is under the null.
        subjects: its models. The first one's prefix is where the bands of the null are, and that of the methods.
        statistics: what is printed of each.
        methods: whether the unlearned models of every method follow.
        upright: whether models stand side by side, statistics below each other, instead of the other way round.
    """

    effect: str
    title: str
    subjects: tuple[Subject, ...]
    statistics: tuple[Statistic | Count, ...]
    methods: bool = False
    upright: bool = False


def baselines(prefix: str) -> tuple[Subject, ...]:
    """Return the three trained models of a seed, all measured in one way."""
    return (
        Subject("poisoned", "poisoned", prefix),
        Subject("retrain", "retrain", prefix),
        Subject("second retrain", "second_retrain", prefix),
    )


AUDITS = (
    Audit(
        effect="gaussian_correlation",
        title="Gaussian audit (I: correlation of a poison's noise with the loss gradient; N(0, 1) for unseen noise)",
        subjects=(*baselines("gaussian/"), Subject("poisoned, fresh noise", "poisoned", "gaussian_fresh/")),
        statistics=(
            Statistic("mean", "mean I", 2),
            Statistic("z", "z = sqrt(p) mean I", 1),
            Statistic("tpr_at_fpr_.01", "TPR at FPR 0.01", 3, ("tpr_null_low", "tpr_null_high")),
            Statistic("auc", "AUC", 2),
        ),
    ),
    Audit(
        effect="adversarial_margin",
        title="Targeted audit (a pair is a target image and the class it is to be taken for; fooled: margin above 0)",
        subjects=baselines("adversarial/"),
        statistics=(
            Count("margin.*", "fooled, of all pairs", 2),
            Count("margin.*", "of those fooled when poisoned", 2, given=True),
            Statistic(None, "margin, nats", 1),
        ),
        methods=True,
    ),
    Audit(
        effect="attack_success",
        title="Backdoor audit (test samples of other classes, taken for the target class; near-miss: another trigger)",
        subjects=baselines("backdoor/"),
        statistics=(
            Statistic(None, "success", 2),
            Statistic("near_miss", "near-miss success", 2),
            Statistic("margin", "margin, nats", 1),
            Statistic("near_miss_margin", "near-miss margin", 1),
        ),
    ),
    Audit(
        effect="attack_suppression",
        title="Camouflage audit (suppression: triggered test samples of other classes, not taken for the target class)",
        subjects=baselines("backdoor/"),
        statistics=(
            Statistic(None, "suppression", 2),
            Statistic("success", "success", 2),
            Statistic("near_miss", "near-miss success", 2),
            Statistic("margin", "margin, nats", 1),
        ),
    ),
    Audit(
        effect="label_confusion",
        title="Confusion audit (test samples of the two swapped classes, taken for)",
        subjects=baselines("confusion/"),
        statistics=(
            Statistic(None, "the other class", 3),
            Statistic("*_as_*", "{}", 3),
            Statistic("accuracy", "what they are", 3),
        ),
        upright=True,
    ),
    Audit(
        effect="test_error",
        title="Error audit (test error, and accuracy on the test samples of each class)",
        subjects=baselines("class_accuracy/"),
        statistics=(Statistic(None, "test error", 3), Statistic("*", "accuracy, {}", 3)),
        upright=True,
    ),
)
"""All audits, in the order in which a board prints them."""
