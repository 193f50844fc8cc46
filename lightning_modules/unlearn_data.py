"""Serves forget and retain samples in the phases that a method asks for, and plans what a budget buys."""

from collections.abc import Iterator
from itertools import chain, count, cycle, islice

import torch
from torch import Tensor

from datamodules import Batch, BatchLoader, Phase, SampleSet, UnlearnBatch, derive_seed, map_inputs
from datamodules.augmentation import build_augmentation
from datamodules.loaders import EpochAware
from lightning_modules.unlearner import Plan, Unlearner


class UnlearnData:
    """The two sets of an unlearning request, in batches.

    Args:
        forget: batches of the forget set.
        retain: batches of the retain set.
        full: batches of both together, for ``mixed`` phases.
    """

    def __init__(self, forget: BatchLoader, retain: BatchLoader, full: BatchLoader) -> None:
        self.forget = forget
        self.retain = retain
        self.full = full
        self._is_forget = torch.zeros(1 + int(full.samples.index.max()), dtype=torch.bool)
        self._is_forget[forget.samples.index.cpu()] = True
        self._is_forget = self._is_forget.to(full.samples.index.device)

    @classmethod
    def from_sets(
        cls,
        forget: SampleSet,
        retain: SampleSet,
        *,
        batch_size: int,
        forget_batch_size: int,
        seed: int,
        augmentation: str = "none",
    ) -> "UnlearnData":
        """Cut two disjoint sets of one store into shuffled batches."""
        augment = build_augmentation(augmentation)
        index = torch.cat([forget.index, retain.index])
        order = index.argsort()
        full = SampleSet(forget.store, index[order], torch.cat([forget.target, retain.target])[order])
        return cls(
            BatchLoader(forget, forget_batch_size, seed=derive_seed("forget", seed), augment=augment),
            BatchLoader(retain, batch_size, seed=derive_seed("retain", seed), augment=augment),
            BatchLoader(full, batch_size, seed=derive_seed("full", seed), augment=augment),
        )

    def set_epoch(self, epoch: int) -> None:
        """Name the epoch that the next iteration serves."""
        for loader in (self.forget, self.retain, self.full):
            loader.set_epoch(epoch)

    def serve(self, phase: Phase) -> Iterator[UnlearnBatch]:
        """Yield one pass of ``phase``; in ``paired`` the forget batches start over until the retain batches end."""
        if phase == "retain":
            yield from (UnlearnBatch(None, batch, phase) for batch in self.retain)
        elif phase == "forget":
            yield from (UnlearnBatch(batch, None, phase) for batch in self.forget)
        elif phase == "paired":
            for retain, forget in zip(self.retain, self._cycled_forget(), strict=False):
                yield UnlearnBatch(forget, retain, phase)
        else:
            for batch in self.full:
                chosen = self._is_forget[batch.index]
                yield UnlearnBatch(_select(batch, chosen), _select(batch, ~chosen), phase)

    def sizes(self, phase: Phase) -> list[tuple[int, int]]:
        """Return (forget samples, retain samples) of each batch of a pass; ``mixed`` counts all as retain."""
        retain, forget = self.retain.sizes(), self.forget.sizes()
        if phase == "retain":
            return [(0, size) for size in retain]
        if phase == "forget":
            return [(size, 0) for size in forget]
        if phase == "paired":
            return [(fsize, rsize) for rsize, fsize in zip(retain, cycle(forget), strict=False)]
        return [(0, size) for size in self.full.sizes()]

    def _cycled_forget(self) -> Iterator[Batch]:
        epoch = self.forget.epoch
        for repeat in count():
            self.forget.set_epoch(epoch, repeat)
            yield from self.forget


class PhaseLoader(EpochAware):
    """One epoch of a method: its phases one after the other, cut where its plan ends.

    Has no length, since epochs may differ.
    """

    def __init__(self, data: UnlearnData, unlearner: Unlearner) -> None:
        self.data = data
        self.unlearner = unlearner

    def steps_before(self, epoch: int) -> int:
        """Return the number of steps of all epochs before ``epoch``."""
        schedules = (self.unlearner.schedule(earlier) for earlier in range(epoch))
        return sum(len(self.data.sizes(phase)) for schedule in schedules for phase in schedule)

    def __iter__(self) -> Iterator[UnlearnBatch]:
        self.data.set_epoch(self.epoch)
        phases = self.unlearner.schedule(self.epoch)
        batches = chain.from_iterable(self.data.serve(phase) for phase in phases)
        yield from islice(batches, max(0, self.unlearner.plan.steps - self.steps_before(self.epoch)))


def plan_steps(unlearner: Unlearner, data: UnlearnData, passes: float) -> Plan:
    """Return how many whole steps ``passes`` network passes buy, by the method's own visit cost.

    Raises:
        ValueError: if the method has no last epoch and an epoch costs nothing, so that it would never end.
    """
    visit = unlearner.visit
    spent, steps, epoch = 0.0, 0, 0
    while unlearner.max_epochs is None or epoch < unlearner.max_epochs:
        before, spent_before = steps, spent
        for phase in unlearner.schedule(epoch):
            for forget, retain in data.sizes(phase):
                dearest = max(visit.forget, visit.retain) if phase == "mixed" else visit.retain
                cost = forget * visit.forget + retain * dearest
                if spent + cost > passes:
                    return Plan(steps, epoch + (steps > before), spent, cut=True)
                spent += cost
                steps += 1
        if steps == before:
            break
        epoch += 1
        if spent == spent_before and unlearner.max_epochs is None:
            raise ValueError(f"visit must cost something, or max_epochs end it; {type(unlearner).__name__} has {visit}")
    return Plan(steps, epoch, spent)


def _select(batch: Batch, chosen: Tensor) -> Batch | None:
    if not bool(chosen.any()):
        return None
    return Batch(map_inputs(batch.inputs, lambda tensor: tensor[chosen]), batch.target[chosen], batch.index[chosen])
