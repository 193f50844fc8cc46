"""That a method works with other data, other networks and another precision."""

import torch

from benchmark.conformance.check import check, demand
from benchmark.conformance.setting import (
    BATCH_SIZE,
    FORGET_BATCH_SIZE,
    Setting,
    four_classes,
    other_images,
    without_batch_norm,
)
from benchmark.conformance.subject import Subject


@check()
def works_with_another_number_of_classes(subject: Subject) -> None:
    """Four classes instead of ten."""
    _works(subject, four_classes())


@check()
def works_with_images_of_another_shape(subject: Subject) -> None:
    """Three channels of 12 x 12 pixels instead of one of 8 x 8."""
    _works(subject, other_images())


@check()
def works_without_batch_normalisation(subject: Subject) -> None:
    """A fully connected network that the suite has not built."""
    _works(subject, without_batch_norm())


@check()
def works_with_a_forget_set_smaller_than_its_batch(subject: Subject) -> None:
    """Three forget samples."""
    _works(subject, subject.setting.cut(3, 2 * BATCH_SIZE))


@check()
def works_with_last_batches_of_one_sample(subject: Subject) -> None:
    """Both sets hold one sample more than whole batches."""
    _works(subject, subject.setting.cut(FORGET_BATCH_SIZE + 1, BATCH_SIZE + 1))


@check(requires=("runs_to_the_end", "stays_finite"))
def works_in_bf16_mixed_precision(subject: Subject) -> None:
    """Autocast to bfloat16 gives finite weights of the same dtypes."""
    after = subject.run(precision="bf16-mixed").after
    broken = [name for name, value in after.items() if not bool(torch.isfinite(value).all())]
    demand(not broken, f"{', '.join(broken[:3])} end up infinite or NaN in bf16; compute losses in float32")
    changed = [name for name, value in subject.setting.weights.items() if after[name].dtype != value.dtype]
    demand(not changed, f"{', '.join(changed[:3])} change their dtype in bf16; keep the weights in float32")


def _works(subject: Subject, setting: Setting) -> None:
    run = subject.run(setting, epochs=2)
    demand(run.plan.steps > 0, "two epochs buy no step here: are phases, schedule() and visit right?")
