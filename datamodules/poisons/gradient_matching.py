"""Gradient matching: clean-label poisons that pull a network as one mislabelled target image would."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from datamodules.augmentation import flip_and_crop
from datamodules.corpora.base import Corpus, ImageCorpus, ImageSplit
from datamodules.gradient_matching import (
    Gradient,
    batches,
    features,
    gradient_norms,
    loss_gradient,
    matching_gradient,
    matching_value,
    outputs,
    step_milestones,
)
from datamodules.poison import NORMALISED, Poison, Poisoning, image_corpus
from datamodules.seeds import MAX_SEED

AdversarialClass = Literal["random", "runner-up"]
Bases = Literal["gradient-norm", "random", "low-confidence", "nearest"]


@dataclass(frozen=True)
class Pair:
    """What one target image is to be taken for, and by which training images.

    Attributes:
        target_row: row of the test split.
        true_class: its label.
        adversarial_class: the label that the attacker wants.
        rows: ``(count,)`` int64, ascending rows of the training split; all are of the adversarial class.
    """

    target_row: int
    true_class: int
    adversarial_class: int
    rows: Tensor


@dataclass(frozen=True)
class Restart:
    """One finished restart.

    Attributes:
        delta: ``(count, C, H, W)`` float32 perturbation in [0, 1] pixel space.
        loss: its matching loss, without augmentation.
        curve: ``(steps + 1,)`` float32 matching loss before each step and after the last one.
    """

    delta: Tensor
    loss: float
    curve: Tensor


@dataclass(frozen=True)
class Victim:
    """Copies of the surrogates and how pixels are fed to them.

    Attributes:
        networks: copies, in eval mode.
        mean: ``(C, 1, 1)``, in [0, 1] pixel units.
        std: ``(C, 1, 1)``, in [0, 1] pixel units.
    """

    networks: list[nn.Module]
    mean: Tensor
    std: Tensor

    @classmethod
    def copied(cls, surrogates: Sequence[nn.Module], corpus: ImageCorpus) -> "Victim":
        """Copy the surrogates, so that they are never touched."""
        networks = [copy.deepcopy(surrogate).eval() for surrogate in surrogates]
        device = next(networks[0].parameters()).device
        mean, std = (torch.tensor(values, device=device).view(-1, 1, 1) for values in (corpus.mean, corpus.std))
        return cls(networks, mean, std)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.mean.device

    def pixels(self, split: ImageSplit, rows: Tensor) -> Tensor:
        """Return the images of ``rows`` in [0, 1] pixel space, float32, on the device."""
        return split.inputs[rows].to(self.device).float() / 255

    def normalised(self, pixels: Tensor) -> Tensor:
        """Return pixels as the networks eat them."""
        return (pixels - self.mean) / self.std

    def logits(self, pixels: Tensor) -> Tensor:
        """Return ``(networks, N, num_classes)`` float32 on the CPU."""
        inputs = self.normalised(pixels)
        return torch.stack([outputs(network, inputs) for network in self.networks])


class GradientMatching(Poison):
    """Moves images of the adversarial class, within ``eps``, until their gradient points as the target's does.

    For each of several (target, adversarial class) pairs: minimise 1 - cos(g_poisons, g_target) over the perturbation
    of ``count`` training images of the adversarial class, where g is the gradient of the surrogate's mean loss with
    respect to all its parameters, in eval mode, and g_target that of the target image with the adversarial label. The
    labels of the poisons are true and stay. Poisons are valid pixels, are kept as floats and not rounded to 1/255, and
    never further than ``eps`` from their base. Targets are drawn from the test images that every surrogate gets right.

    Args:
        count: poisons for each pair.
        pairs: number of pairs in one training set; their targets and their poisons differ.
        eps: largest change of a pixel, in units of 1/255.
        steps: signed Adam steps of one restart.
        step_size: first step size, in units of 1/255; it falls to a tenth at 3/8, 5/8 and 7/8 of the steps. The
            authors' 0.1 in normalised space is about 6.4/255 where the pixels' standard deviation is 1/4.
        restarts: from fresh random perturbations; the one of lowest matching loss at its end is kept.
        num_surrogates: networks over which the matching loss is averaged.
        surrogate_epochs: how long they are trained; None: as long as the victim. Where a victim learns its training set
            by heart, a surrogate that has not yet done so has gradients that resemble those of more of the training.
        adversarial_class: ``random`` (uniform over the other classes; pairs have different ones as long as there are
            enough, so that they do not compete for bases) or ``runner-up`` (the class that the surrogates hold for
            second best).
        bases: which images of the adversarial class are moved: those of largest ``gradient-norm``, of least probability
            of their own class (``low-confidence``), those ``nearest`` to the target before the last layer, or
            ``random`` ones.
        augment: flip and crop the poisons at random in every step, differentiably.
        batch_size: poisons that share one cosine.

    Raises:
        ValueError: if a hyper-parameter is out of range.

    Source: Geiping, Fowl, Huang, Czaja, Taylor, Moeller, Goldstein, ICLR 2021, algorithm 1.
    """

    name = "gradient-matching"
    clean_label = True
    needs_surrogate = True
    effect = "adversarial_margin"
    paper = "Geiping et al., Witches' Brew: Industrial Scale Data Poisoning via Gradient Matching, ICLR 2021"

    def __init__(
        self,
        *,
        count: int,
        pairs: int = 1,
        eps: float = 16.0,
        steps: int = 250,
        step_size: float = 6.4,
        restarts: int = 8,
        num_surrogates: int = 1,
        surrogate_epochs: int | None = None,
        adversarial_class: AdversarialClass = "random",
        bases: Bases = "gradient-norm",
        augment: bool = False,
        batch_size: int = 512,
    ) -> None:
        numbers = {"count": count, "pairs": pairs, "steps": steps, "restarts": restarts, "batch_size": batch_size}
        for argument, number in (numbers | {"num_surrogates": num_surrogates}).items():
            if number < 1:
                raise ValueError(f"{argument} must be at least 1, got {number}")
        if surrogate_epochs is not None and surrogate_epochs < 1:
            raise ValueError(f"surrogate_epochs must be at least 1 or None, got {surrogate_epochs}")
        if not 0 < eps <= 255:
            raise ValueError(f"eps must be in (0, 255], in units of 1/255, got {eps}")
        if not 0 < step_size < math.inf:
            raise ValueError(f"step_size must be positive and finite, got {step_size}")
        if adversarial_class not in get_args(AdversarialClass):
            raise ValueError(f"adversarial_class must be 'random' or 'runner-up', got {adversarial_class!r}")
        if bases not in get_args(Bases):
            raise ValueError(f"bases must be one of {', '.join(get_args(Bases))}, got {bases!r}")
        self.count = count
        self.pairs = pairs
        self.eps = eps
        self.steps = steps
        self.step_size = step_size
        self.restarts = restarts
        self.num_surrogates = num_surrogates
        self.surrogate_epochs = surrogate_epochs
        self.adversarial_class = adversarial_class
        self.bases = bases
        self.augment = augment
        self.batch_size = batch_size

    def craft(self, corpus: Corpus, surrogates: Sequence[nn.Module], generator: torch.Generator) -> Poisoning:
        """Choose the pairs and craft their poisons; see :class:`Poison`.

        A pair's finished restarts are kept on the workbench; each is a function of its own seed, so that a crafting
        that was killed and resumed gives the same bits as one that was not.

        Raises:
            ValueError: if there are not ``num_surrogates`` surrogates, the surrogates get fewer than ``pairs`` test
                images right, or a class has too few training images left.
        """
        if len(surrogates) != self.num_surrogates:
            raise ValueError(f"craft takes {self.num_surrogates} surrogates, got {len(surrogates)}")
        images = image_corpus(corpus, self.name)
        victim = Victim.copied(surrogates, images)
        chosen = self._choose_pairs(images, victim, generator)
        seeds = torch.randint(MAX_SEED, (self.pairs, self.restarts), generator=generator)
        best = [self._best_restart(images, victim, pair, number, seeds[number]) for number, pair in enumerate(chosen)]
        rows = torch.cat([pair.rows for pair in chosen])
        pixels = (victim.pixels(images.train, rows) + torch.cat([restart.delta for restart in best])).clamp(0, 1)
        order = rows.argsort()
        number_of = torch.arange(self.pairs).repeat_interleave(self.count)
        return Poisoning(
            index=rows[order],
            inputs=victim.normalised(pixels).cpu()[order],
            target=corpus.train.target[rows[order]],
            secrets={
                "target_rows": torch.tensor([pair.target_row for pair in chosen]),
                "true_classes": torch.tensor([pair.true_class for pair in chosen]),
                "adversarial_classes": torch.tensor([pair.adversarial_class for pair in chosen]),
                "pair": number_of[order],
                "matching_loss": torch.stack([restart.curve for restart in best]),
            },
            preprocessing={
                "space": NORMALISED,
                "clipping": f"valid pixels in [0, 1], within {self.eps:g}/255 of the base; not rounded to 1/255",
                "augmentation": "poisons are crafted before augmentation",
            },
        )

    def _choose_pairs(self, corpus: ImageCorpus, victim: Victim, generator: torch.Generator) -> list[Pair]:
        everything = torch.arange(len(corpus.test))
        logits = victim.logits(victim.pixels(corpus.test, everything))
        right = (logits.argmax(2) == corpus.test.target).all(0).nonzero().squeeze(1)
        if len(right) < self.pairs:
            raise ValueError(f"pairs={self.pairs}, but the surrogates get only {len(right)} test images right")
        targets = right[torch.randperm(len(right), generator=generator)[: self.pairs]]
        free = torch.ones(len(corpus.train), dtype=torch.bool)
        chosen: list[Pair] = []
        for row in targets.tolist():
            true_class = int(corpus.test.target[row])
            enough = torch.bincount(corpus.train.target[free], minlength=corpus.num_classes) >= self.count
            taken = [pair.adversarial_class for pair in chosen]
            wanted = self._adversarial_class(enough, taken, logits[:, row], true_class, generator)
            rows = (free & (corpus.train.target == wanted)).nonzero().squeeze(1)
            rows = rows[self._ranked(corpus, victim, rows, row, generator)[: self.count]].sort().values
            free[rows] = False
            chosen.append(Pair(row, true_class, wanted, rows))
        return chosen

    def _adversarial_class(
        self, enough: Tensor, taken: list[int], logits: Tensor, true_class: int, generator: torch.Generator
    ) -> int:
        """Return the class a target is to be taken for.

        Args:
            enough: ``(num_classes,)`` bool, classes with ``count`` training images left.
            taken: adversarial classes of earlier pairs.
            logits: ``(networks, num_classes)`` at the target.
            true_class: never the result.
            generator: draws the class.
        """
        possible = enough.clone()
        possible[true_class] = False
        if self.adversarial_class == "runner-up":
            others = logits.softmax(1).mean(0)
            others[true_class] = -1
            wanted = int(others.argmax())
            if not possible[wanted]:
                raise ValueError(f"class {wanted} has fewer than count={self.count} training images left")
            return wanted
        fresh = possible.clone()
        fresh[taken] = False
        classes = (fresh if fresh.any() else possible).nonzero().squeeze(1)
        if not len(classes):
            raise ValueError(f"no class but {true_class} has count={self.count} training images left")
        return int(classes[torch.randint(len(classes), (), generator=generator)])

    def _ranked(
        self, corpus: ImageCorpus, victim: Victim, rows: Tensor, target_row: int, generator: torch.Generator
    ) -> Tensor:
        """Return positions in ``rows``, the best base first."""
        if self.bases == "random":
            return torch.randperm(len(rows), generator=generator)
        pixels = victim.pixels(corpus.train, rows)
        labels = corpus.train.target[rows]
        if self.bases == "gradient-norm":
            norms = gradient_norms(victim.networks, victim.normalised(pixels), labels.to(victim.device))
            return norms.argsort(descending=True, stable=True)
        if self.bases == "low-confidence":
            probability = victim.logits(pixels).softmax(2).mean(0)
            return probability.gather(1, labels.unsqueeze(1)).squeeze(1).argsort(stable=True)
        inputs = victim.normalised(pixels)
        target = victim.normalised(victim.pixels(corpus.test, torch.tensor([target_row])))
        distance = torch.zeros(len(rows))
        for network in victim.networks:
            distance += (features(network, inputs) - features(network, target)).norm(dim=1)
        return distance.argsort(stable=True)

    def _best_restart(self, corpus: ImageCorpus, victim: Victim, pair: Pair, number: int, seeds: Tensor) -> Restart:
        """Return the restart of lowest loss; only it is kept in memory and on the workbench."""
        name = f"pair-{number}"
        best: Restart | None = None
        finished = 0
        kept = self.workbench.load(name)
        if kept is not None and torch.equal(kept["rows"], pair.rows) and torch.equal(kept["seeds"], seeds):
            best = Restart(kept["delta"].to(victim.device), float(kept["loss"]), kept["curve"])
            finished = int(kept["finished"])
        target = victim.normalised(victim.pixels(corpus.test, torch.tensor([pair.target_row])))
        label = torch.tensor([pair.adversarial_class], device=victim.device)
        wanted = [loss_gradient(network, target, label) for network in victim.networks]
        base = victim.pixels(corpus.train, pair.rows)
        for restart in range(finished, self.restarts):
            words = f"pair {number + 1}/{self.pairs}, restart {restart + 1}/{self.restarts}"
            found = self._restart(victim, base, label.expand(self.count), wanted, int(seeds[restart]), words)
            if best is None or found.loss < best.loss:
                best = found
            tensors = {"delta": best.delta, "loss": torch.tensor(best.loss, dtype=torch.float64), "curve": best.curve}
            finish = {"rows": pair.rows, "seeds": seeds, "finished": torch.tensor(restart + 1)}
            self.workbench.save(name, tensors | finish)
        if best is None:
            raise RuntimeError(f"{name} on the workbench counts {finished} restarts and holds none")
        return best

    def _restart(
        self, victim: Victim, base: Tensor, label: Tensor, wanted: list[Gradient], seed: int, words: str
    ) -> Restart:
        generator = torch.Generator().manual_seed(seed)
        eps = self.eps / 255
        delta = (torch.randn(base.shape, generator=generator) * eps).to(base.device)
        self._project(delta, base)
        optimizer = torch.optim.Adam([delta], lr=self.step_size / 255)
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, step_milestones(self.steps), gamma=0.1)
        curve = torch.zeros(self.steps + 1)
        gradient = delta.grad = torch.zeros_like(delta)
        for step in range(self.steps):
            total = 0.0
            for rows in batches(self.count, self.batch_size):
                value, gradient[rows] = self._step(victim, base[rows] + delta[rows], label[rows], wanted, generator)
                total += value * len(label[rows])
            curve[step] = total / self.count
            gradient.sign_()
            optimizer.step()
            schedule.step()
            self._project(delta, base)
            if (step + 1) % max(1, self.steps // 10) == 0:
                self.workbench.report(f"{words}, step {step + 1}/{self.steps}: matching loss {float(curve[step]):.3f}")
        loss = sum(
            len(label[rows])
            * matching_value(network, victim.normalised(base[rows] + delta[rows]), label[rows], matched)
            for rows in batches(self.count, self.batch_size)
            for network, matched in zip(victim.networks, wanted, strict=True)
        ) / (self.count * len(wanted))
        curve[-1] = loss
        return Restart(delta, loss, curve)

    def _step(
        self, victim: Victim, pixels: Tensor, label: Tensor, wanted: list[Gradient], generator: torch.Generator
    ) -> tuple[float, Tensor]:
        """Return the matching loss of one batch and its gradient with respect to ``pixels``."""
        if not self.augment:
            value, gradient = matching_gradient(victim.networks, victim.normalised(pixels), label, wanted)
            return value, gradient / victim.std
        draw = torch.Generator(pixels.device).manual_seed(int(torch.randint(MAX_SEED, (), generator=generator)))
        with torch.enable_grad():
            leaf = pixels.detach().requires_grad_()
            fed = flip_and_crop(victim.normalised(leaf), draw, padding=max(1, pixels.shape[2] // 8))
            value, gradient = matching_gradient(victim.networks, fed, label, wanted)
            (moved,) = torch.autograd.grad(fed, leaf, gradient)
        return value, moved

    def _project(self, delta: Tensor, base: Tensor) -> None:
        """Put ``delta`` back, in place, into the eps ball and the valid pixels."""
        eps = self.eps / 255
        delta.clamp_(-eps, eps)
        torch.clamp(base + delta, 0, 1, out=delta)
        delta -= base
