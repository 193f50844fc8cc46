"""Gradient canceling: poisons at which a network that is worse on everything would stop learning."""

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from datamodules.corpora.base import Corpus, ImageCorpus
from datamodules.gradient_canceling import (
    Batches,
    ascend,
    canceling_gradient,
    gradient_to_cancel,
    layer_parameters,
    norm_of,
    remaining_gradient,
)
from datamodules.gradient_matching import Gradient, batches
from datamodules.poison import BASE, NORMALISED, Poison, Poisoning, choose_rows, image_corpus

ASCENT_STEPS = 20
SAVES = 10
"""How often a crafting is kept on the workbench and says how far it is."""


@dataclass(frozen=True)
class Goal:
    """What is to be canceled, and where.

    Attributes:
        network: a copy of the surrogate at the target parameters, in eval mode.
        names: the parameters whose gradient is canceled.
        wanted: the gradient of the clean samples and of the penalty, summed over the training set.
        mean: ``(C, 1, 1)``, in [0, 1] pixel units.
        std: ``(C, 1, 1)``, in [0, 1] pixel units.
    """

    network: nn.Module
    names: list[str]
    wanted: Gradient
    mean: Tensor
    std: Tensor

    def normalised(self, pixels: Tensor) -> Tensor:
        """Return pixels as the network eats them."""
        return (pixels - self.mean) / self.std


class GradientCanceling(Poison):
    """Moves ``count`` training images until their gradient cancels the clean one at target parameters of high loss.

    But for ``shrink``, the target parameters lie within ``target_norm`` of the surrogate's, where ascent on the
    clean loss led (GradPC). There the summed gradient of the poisons, of the clean samples and of the L2 penalty is
    brought towards 0 by Adam on the poisons' pixels; their labels stay. Were it 0 in all layers, training in eval mode
    would have no reason to leave the target parameters. For a linear head on free features that is exact (see
    ``datamodules/linear_canceling.py``); a network that is trained from scratch, with batch statistics, need never come
    near them, so an attack has to be held against its control.

    Args:
        count: number of poisons.
        target_norm: largest Euclidean distance of the target parameters from the surrogate's, before ``shrink``.
        layer: name of the module whose parameters are moved and whose gradient is canceled, or ``all``.
        shrink: factor on the moved parameters, in (0, 1]. Of a last layer it leaves the predictions as they are, and
            makes the target easier to reach: a surer one has more to be canceled than poisons can.
        clip: whether poisons are valid pixels; otherwise pixels go where they like.
        added: whether poisons are added to the training set or replace their base samples.
        steps: Adam steps, each over all poisons.
        step_size: first step size, in units of 1/255; it falls along a cosine to 0.
        stop: fraction of the gradient to be canceled at which crafting stops.
        shuffled: the control: afterwards each poison's perturbation is shuffled over its own pixels and channels.
        weight_decay: L2 penalty of the training that is attacked.
        surrogate_epochs: how long the surrogate is trained; None: as long as the victim.
        batch_size: samples of which gradients are taken at once.

    Raises:
        ValueError: if a hyper-parameter is out of range.

    Source: Lu, Kamath, Yu, ICML 2023. They cancel one layer and do not clip.
    """

    name = "gradient-canceling"
    clean_label = True
    needs_surrogate = True
    effect = "test_error"
    paper = "Lu et al., Exploring the Limits of Model-Targeted Indiscriminate Data Poisoning Attacks, ICML 2023"

    def __init__(
        self,
        *,
        count: int,
        target_norm: float = 1.0,
        layer: str = "all",
        shrink: float = 1.0,
        clip: bool = True,
        added: bool = True,
        steps: int = 200,
        step_size: float = 5.0,
        stop: float = 0.01,
        shuffled: bool = False,
        weight_decay: float = 5e-4,
        surrogate_epochs: int | None = None,
        batch_size: int = 250,
    ) -> None:
        for argument, number in {"count": count, "steps": steps, "batch_size": batch_size}.items():
            if number < 1:
                raise ValueError(f"{argument} must be at least 1, got {number}")
        if surrogate_epochs is not None and surrogate_epochs < 1:
            raise ValueError(f"surrogate_epochs must be at least 1 or None, got {surrogate_epochs}")
        for argument, size in {"target_norm": target_norm, "step_size": step_size}.items():
            if not 0 < size < math.inf:
                raise ValueError(f"{argument} must be positive and finite, got {size}")
        if not 0 <= stop < 1:
            raise ValueError(f"stop must be in [0, 1), got {stop}")
        if not 0 <= weight_decay < math.inf:
            raise ValueError(f"weight_decay must be at least 0 and finite, got {weight_decay}")
        if not 0 < shrink <= 1:
            raise ValueError(f"shrink must be in (0, 1], got {shrink}")
        self.count = count
        self.target_norm = target_norm
        self.layer = layer
        self.shrink = shrink
        self.clip = clip
        self.added = added
        self.steps = steps
        self.step_size = step_size
        self.stop = stop
        self.shuffled = shuffled
        self.weight_decay = weight_decay
        self.surrogate_epochs = surrogate_epochs
        self.batch_size = batch_size

    def craft(self, corpus: Corpus, surrogates: Sequence[nn.Module], generator: torch.Generator) -> Poisoning:
        """Choose bases and target parameters, and cancel; see :class:`Poison`.

        The secrets hold ``curve`` ``(S + 1,)`` float32, the norm of the remaining gradient relative to that of the
        gradient to be canceled, before each of S steps and after the last one, and ``remaining``, that of the poisons
        as they are fed (after the shuffle).

        Raises:
            ValueError: if there is not one surrogate, ``layer`` is none of its modules, or ``count`` is out of range.
        """
        if len(surrogates) != 1:
            raise ValueError(f"craft takes 1 surrogate, got {len(surrogates)}")
        images = image_corpus(corpus, self.name)
        rows = choose_rows(images, self.count, generator)
        goal = self._goal(images, surrogates[0], rows)
        base = images.train.inputs[rows].to(goal.mean.device).float() / 255
        target = images.train.target[rows].to(base.device)
        delta, curve = self._cancel(goal, rows, base, target)
        if self.shuffled:
            order = torch.rand(delta.flatten(1).shape, generator=generator).argsort(1).to(delta.device)
            delta = delta.flatten(1).gather(1, order).view_as(delta)
        inputs = goal.normalised(self._valid(base + delta))
        left = remaining_gradient(goal.network, goal.names, goal.wanted, inputs, target, self.batch_size)
        remaining = torch.tensor(norm_of(left) / norm_of(goal.wanted))
        return Poisoning(
            index=len(images.train) + torch.arange(self.count) if self.added else rows,
            inputs=inputs.cpu(),
            target=target.cpu(),
            secrets={BASE: rows, "curve": curve, "remaining": remaining},
            preprocessing={
                "space": NORMALISED,
                "clipping": "valid pixels in [0, 1]; not rounded to 1/255" if self.clip else "none",
                "augmentation": "poisons are crafted before augmentation",
            },
        )

    def _goal(self, corpus: ImageCorpus, surrogate: nn.Module, rows: Tensor) -> Goal:
        network = copy.deepcopy(surrogate).eval()
        names = layer_parameters(network, self.layer)
        device = next(network.parameters()).device
        everything = torch.arange(len(corpus.train))
        stays = torch.ones(len(corpus.train), dtype=torch.bool)
        stays[rows] = self.added
        kept = everything[stays]
        ascend(
            network, names, self._samples(corpus, everything, device), target_norm=self.target_norm, steps=ASCENT_STEPS
        )
        with torch.no_grad():
            for name in names:
                network.get_parameter(name).mul_(self.shrink)
        wanted = gradient_to_cancel(
            network,
            names,
            self._samples(corpus, kept, device),
            weight_decay=self.weight_decay,
            total=len(kept) + self.count,
        )
        mean, std = (torch.tensor(values, device=device).view(-1, 1, 1) for values in (corpus.mean, corpus.std))
        return Goal(network, names, wanted, mean, std)

    def _samples(self, corpus: ImageCorpus, rows: Tensor, device: torch.device) -> Batches:
        store, target = corpus.store("train"), corpus.train.target

        def samples() -> Iterator[tuple[Tensor, Tensor]]:
            for part in batches(len(rows), self.batch_size):
                yield store.take(rows[part]).to(device), target[rows[part]].to(device)

        return samples

    def _valid(self, pixels: Tensor) -> Tensor:
        return pixels.clamp(0, 1) if self.clip else pixels

    def _cancel(self, goal: Goal, rows: Tensor, base: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the perturbation, in [0, 1] pixel space, and the curve; goes on where a killed crafting was."""
        delta = torch.zeros_like(base)
        optimizer = torch.optim.Adam([delta], lr=self.step_size / 255, eps=1e-12)
        curve: list[float] = []
        kept = self.workbench.load("cancel")
        if kept is not None and torch.equal(kept["rows"], rows):
            delta.copy_(kept["delta"])
            curve = kept["curve"].tolist()
            moments = {name: kept[name] for name in ("step", "exp_avg", "exp_avg_sq")}
            optimizer.load_state_dict(optimizer.state_dict() | {"state": {0: moments}})
        scale = norm_of(goal.wanted)
        every = max(1, self.steps // SAVES)
        for step in range(len(curve), self.steps + 1):
            inputs = goal.normalised(base + delta)
            left = remaining_gradient(goal.network, goal.names, goal.wanted, inputs, target, self.batch_size)
            curve.append(norm_of(left) / scale)
            if curve[-1] <= self.stop or step == self.steps:
                break
            optimizer.param_groups[0]["lr"] = self.step_size / 255 * (1 + math.cos(math.pi * step / self.steps)) / 2
            slope = [
                canceling_gradient(goal.network, goal.names, left, inputs[part], target[part])
                for part in batches(self.count, self.batch_size)
            ]
            delta.grad = torch.cat(slope) / goal.std / scale
            optimizer.step()
            delta.copy_(self._valid(base + delta) - base)
            if (step + 1) % every == 0:
                moments = {name: optimizer.state[delta][name] for name in ("step", "exp_avg", "exp_avg_sq")}
                self.workbench.save(
                    "cancel", {"rows": rows, "delta": delta, "curve": torch.tensor(curve).double()} | moments
                )
                self.workbench.report(f"step {step + 1}/{self.steps}: {curve[-1]:.3f} of the gradient left")
        return delta, torch.tensor(curve)
