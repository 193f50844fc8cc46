"""The loss that training and unlearners minimise, in one place for every modality."""

from typing import Protocol, runtime_checkable

import torch.nn.functional as F
from torch import Tensor, nn

from datamodules import Batch


@runtime_checkable
class HasTrainingLoss(Protocol):
    """A network that brings its own training loss, such as a causal language model on a template.

    It makes its forward pass by calling itself, ``self(batch.inputs)``: the ledger counts calls of the whole network.
    """

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the mean loss over the samples of ``batch``, a scalar."""
        ...


def training_loss(network: nn.Module, batch: Batch) -> Tensor:
    """Return the mean loss of ``network`` on ``batch``: cross-entropy, unless the network brings its own.

    Returns:
        a float32 scalar; a short last batch counts as one whole batch.
    """
    if isinstance(network, HasTrainingLoss):
        return network.training_loss(batch)
    return F.cross_entropy(network(batch.inputs).float(), batch.target)


def kl_from_teacher(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return KL(teacher || student) of softened predictions, times T squared, averaged over samples.

    Args:
        student: ``(N, K)`` logits.
        teacher: ``(N, K)`` logits, without gradient.
        temperature: T, positive.

    Source: Hinton et al. 2015; the form of Kurmanji et al. 2023 (SCRUB): summed over classes, divided by the batch
    size.
    """
    student_log = F.log_softmax(student.float() / temperature, dim=1)
    teacher_log = F.log_softmax(teacher.float() / temperature, dim=1)
    return (teacher_log.exp() * (teacher_log - student_log)).sum() / len(student) * temperature**2
