"""Convex models on the features of a network that never saw the poison: the ground of the paper's two hypotheses."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmark.report.evidence import Alignment, Removed, Shift
from benchmark.report.material import Material
from benchmark.report.networks import Site, features, open_site
from benchmark.report.optimum import Factor, Ridge, Softmax, cosine, minimise, outside_span, removal_influence
from benchmark.report.roc import FloatArray
from datamodules import derive_seed

FRACTIONS = (0.1, 0.25, 0.5, 1.0)
COMPONENTS = 64
PENALTY = 5.0
"""Weight of the L2 term beside a sum over samples whose first principal component has standard deviation 1."""

PLAIN = 1e-6
"""The same for linear regression with more samples than dimensions, which needs none."""

FEW = 256
"""Samples in the regime with fewer samples than dimensions, and no more than half as many as features."""

FEW_PENALTY = 1e-3

Labels = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Set:
    """Samples as convex models see them.

    Attributes:
        inputs: ``(N, D)``, the last column ones.
        target: ``(N,)`` class numbers.
        leaving: rows ``(P,)`` whose removal is studied, in the order in which they leave.
        classes: number of classes.
    """

    inputs: FloatArray
    target: Labels
    leaving: Rows
    classes: int

    def without(self, rows: Rows) -> "Set":
        """Return the set without some rows; then nothing more leaves."""
        stays = np.ones(len(self.target), dtype=bool)
        stays[rows] = False
        return replace(self, inputs=self.inputs[stays], target=self.target[stays], leaving=rows[:0])

    def only(self, rows: Rows) -> "Set":
        """Return some rows alone."""
        return replace(self, inputs=self.inputs[rows], target=self.target[rows], leaving=rows[:0])

    def softmax(self, penalty: float = PENALTY) -> Softmax:
        """Return logistic regression on the set."""
        return Softmax(self.inputs, self.target, self.classes, penalty)

    def ridge(self, penalty: float) -> Ridge:
        """Return linear regression of the classes' indicators on the set."""
        return Ridge(self.inputs, np.eye(self.classes)[self.target], penalty)


def study(material: Material) -> tuple[list[Shift], list[Alignment]]:
    """Return shifts and alignments of every scenario of images whose whole poison is in the request.

    For each seed, features come from its retrain baseline and stay fixed. Poisons are removed from the poisoned set,
    and as many random samples from the clean training split.
    """
    shifts: list[Shift] = []
    alignments: list[Alignment] = []
    for scenario in material.scenarios:
        for entry in material.of(scenario):
            if entry.method.name != "retrain":
                continue
            for seed in entry.results[0].seeds:
                site, weights = open_site(material, entry, seed), material.weights(seed)
                if site is None or weights is None or not _whole(site):
                    continue
                raw = raw_sets(site, features_of(site, weights))
                sets: dict[Removed, Set] = {name: projected(one, raw["random"]) for name, one in raw.items()}
                at = (scenario, entry.attack, seed.seed)
                start: Optimum | None = None
                for name, one in sets.items():
                    start = optimum(one, start)
                    found, goal = shifts_of(one, start, name, at)
                    shifts += found
                    alignments += alignments_of(one, raw[name], (start.theta, goal), name, at)
    return shifts, alignments


def _whole(site: Site) -> bool:
    return bool(np.array_equal(site.data.forget_index.numpy(), site.data.poison_index.numpy()))


def features_of(site: Site, weights: Path) -> tuple[FloatArray, FloatArray]:
    """Return the features of the poisoned and of the clean training set by the network of a file."""
    network = site.network(weights)
    clean = features(network, site.data.clean_set())
    poisons = features(network, site.data.train_set.subset(site.data.poison_index))
    rows = site.data.poison_index.numpy()
    poisoned = np.concatenate([clean, np.empty((len(site.data.train_set) - len(clean), clean.shape[1]))])
    poisoned[rows] = poisons
    return poisoned, clean


def raw_sets(site: Site, found: tuple[FloatArray, FloatArray]) -> dict[Removed, Set]:
    """Return the poisoned set, which poisons leave, and the clean one, which as many random samples leave."""
    poisoned, clean = found
    generator = np.random.default_rng(derive_seed("report removal", site.data.seed))
    poisons = generator.permutation(site.data.poison_index.numpy())
    random = generator.permutation(len(clean))[: len(poisons)]
    classes = site.data.corpus.num_classes
    return {
        "poison": Set(poisoned, site.data.train_set.target.numpy(), poisons, classes),
        "random": Set(clean, site.data.clean_set().target.numpy(), random, classes),
    }


def projected(one: Set, clean: Set) -> Set:
    """Return a set on the first 64 principal components of the clean features, the first of standard deviation 1."""
    centre = clean.inputs.mean(axis=0)
    spread, axes = np.linalg.eigh(np.cov(clean.inputs, rowvar=False))
    chosen = axes[:, ::-1][:, :COMPONENTS] / np.sqrt(spread[-1])
    return replace(one, inputs=_with_ones((one.inputs - centre) @ chosen))


@dataclass(frozen=True)
class Optimum:
    """An optimum ``(D, K)`` of logistic regression, with its factorised Hessian."""

    theta: FloatArray
    factor: Factor


def optimum(one: Set, near: Optimum | None = None) -> Optimum:
    """Return the optimum of logistic regression; one that is ``near`` makes it faster."""
    zero = np.zeros((one.inputs.shape[1], one.classes))
    theta, _ = minimise(one.softmax(), near.theta if near else zero, near.factor if near else None)
    return Optimum(theta, Factor(one.softmax(), theta))


def shifts_of(one: Set, start: Optimum, removed: Removed, at: tuple[str, str, int]) -> tuple[list[Shift], FloatArray]:
    """Return the shift of the optimum for each fraction of the leaving rows, and the optimum ``(D, K)`` without all."""
    shifts = []
    after, factor = start.theta, start.factor
    for fraction in FRACTIONS:
        rows = one.leaving[: max(1, round(fraction * len(one.leaving)))]
        after, factor = minimise(one.without(rows).softmax(), after, factor)
        exact = float(np.abs(after - start.theta).sum())
        estimate = removal_influence(start.factor, one.only(rows).softmax(0.0).gradient(start.theta))
        shifts.append(Shift(*at, fraction, len(rows), removed, exact, float(np.abs(estimate).sum())))
    return shifts, after


def alignments_of(
    one: Set, raw: Set, between: tuple[FloatArray, FloatArray], removed: Removed, at: tuple[str, str, int]
) -> Iterator[Alignment]:
    """Yield the cosines for logistic and linear regression, with more samples than dimensions and with fewer.

    Args:
        one: samples on principal components.
        raw: the same with all features.
        between: optima ``(D, K)`` of logistic regression with and without the leaving rows.
        removed: what leaves.
        at: scenario, attack and seed.
    """
    start, goal = between
    retain = one.without(one.leaving)
    newton = Factor(retain.softmax(), start).step(retain.softmax().gradient(start))
    step = -retain.softmax().gradient(start)
    yield Alignment(*at, "logistic, n > d", removed, cosine(step, goal - start), cosine(newton, goal - start), None)
    yield linear_alignment(one, removed, at, "linear, n > d", PLAIN)
    yield linear_alignment(few(raw, at[2]), removed, at, "linear, n < d", FEW_PENALTY)


def linear_alignment(one: Set, removed: Removed, at: tuple[str, str, int], regime: str, penalty: float) -> Alignment:
    """Return the cosines for linear regression, all optima in closed form."""
    retain = one.without(one.leaving)
    before, after = one.ridge(penalty), retain.ridge(penalty)
    start, goal = before.optimum(), after.optimum()
    shift = goal - start
    outside = outside_span(shift, retain.inputs) if len(retain.target) < retain.inputs.shape[1] else None
    gradient = cosine(-after.data_gradient(start), shift)
    return Alignment(*at, regime, removed, gradient, cosine(after.newton_step(start), shift), outside)


def few(raw: Set, seed: int) -> Set:
    """Return at most 256 samples with all features of the network, the share that leaves as in the whole set."""
    generator = np.random.default_rng(derive_seed("report few", seed))
    total = min(FEW, raw.inputs.shape[1] // 2)
    count = max(1, round(total * len(raw.leaving) / len(raw.target)))
    others = np.setdiff1d(np.arange(len(raw.target)), raw.leaving)
    stay = generator.permutation(others)[: total - count]
    inputs = raw.inputs - raw.inputs.mean(axis=0)
    inputs = _with_ones(inputs / np.sqrt(np.mean(np.sum(inputs**2, axis=1))))
    rows = np.concatenate([raw.leaving[:count], stay])
    return Set(inputs[rows], raw.target[rows], np.arange(count), raw.classes)


def _with_ones(inputs: FloatArray) -> FloatArray:
    return np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
