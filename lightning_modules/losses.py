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


@runtime_checkable
class HasSequenceLogProbs(Protocol):
    """A network whose right answer is a sequence, such as the label words of a prompted language model.

    Like :class:`HasTrainingLoss` it makes its forward pass by calling itself.
    """

    def sequence_log_probs(self, batch: Batch) -> Tensor:
        """Return ``(N,)`` float32: the log-probability of each sample's right answer, given its input."""
        ...

    def sequence_lengths(self, batch: Batch) -> Tensor:
        """Return ``(N,)``: the length of each sample's right answer in tokens, at least 1; makes no forward pass."""
        ...


def training_loss(network: nn.Module, batch: Batch) -> Tensor:
    """Return the mean loss of ``network`` on ``batch``: cross-entropy, unless the network brings its own.

    Returns:
        a float32 scalar; a short last batch counts as one whole batch.
    """
    if isinstance(network, HasTrainingLoss):
        return network.training_loss(batch)
    return F.cross_entropy(network(batch.inputs).float(), batch.target)


def log_probabilities(network: nn.Module, batch: Batch) -> Tensor:
    """Return the log-probability of the right answer of each sample of ``batch``, in one forward pass.

    That of the sequence where the network gives it (:class:`HasSequenceLogProbs`), that of the class otherwise.

    Returns:
        ``(N,)`` float32, at most 0.
    """
    if isinstance(network, HasSequenceLogProbs):
        return network.sequence_log_probs(batch).float()
    return -F.cross_entropy(network(batch.inputs).float(), batch.target, reduction="none")


def mean_log_probabilities(network: nn.Module, batch: Batch) -> Tensor:
    """Return :func:`log_probabilities` divided by the length of the answer; a class has length 1.

    Returns:
        ``(N,)`` float32, at most 0.
    """
    values = log_probabilities(network, batch)
    return values / network.sequence_lengths(batch) if isinstance(network, HasSequenceLogProbs) else values


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
