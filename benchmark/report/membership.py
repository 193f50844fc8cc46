"""A loss-threshold membership attack on the models that the Gaussian audit looked at."""

from collections.abc import Iterator

import torch
from torch import Tensor

from benchmark.report.evidence import Membership
from benchmark.report.material import Material
from benchmark.report.networks import Site, losses, losses_of, open_site
from benchmark.report.roc import FloatArray, loss_attack_auc, loss_attack_tpr
from callbacks.functional import area_under_curve, true_positive_rate
from datamodules import derive_seed
from datamodules.noise import gaussian_noise
from leaderboard import SeedResult

FPR = 0.01
HELD_OUT = 2000
"""Test images that stand for samples no model was trained on."""


def measure_memberships(material: Material) -> list[Membership]:
    """Return what both attacks say of every model of every Gaussian poison on images whose weights are in the store.

    Members are the forget set as it was trained on. Held-out samples are test images with fresh noise of the same
    variance: they differ from the members in membership alone, so that a retrain baseline must read as chance.
    """
    return [
        row for board in material.headline_boards for row in _of_board(material, board.entry.scenario, board.budget)
    ]


def _of_board(material: Material, scenario: str, budget: float) -> Iterator[Membership]:
    sites: dict[int, tuple[Site, Tensor, Tensor] | None] = {}
    for entry, seeds in material.results(scenario, budget):
        if entry.attack != "gaussian":
            return
        for seed in seeds:
            if seed.seed not in sites:
                site = open_site(material, entry, seed)
                enough = site is not None and len(site.data.corpus.samples("test")) >= 1 / FPR
                sites[seed.seed] = (site, *held_out(site)) if site is not None and enough else None
            found = sites[seed.seed]
            if found is None or seed.unlearned.effect is None:
                continue
            row = _of_model(material, found, entry.method.name, budget, seed)
            if row is not None:
                yield row


def held_out(site: Site) -> tuple[Tensor, Tensor]:
    """Return test images with fresh noise of the poison's variance, ``(M, C, H, W)``, and labels ``(M,)``."""
    samples = site.data.corpus.samples("test")
    rows = torch.arange(min(HELD_OUT, len(samples)))
    batch = samples.batch(rows)
    if not isinstance(batch.inputs, Tensor):
        raise TypeError("a Gaussian poison on images needs images, got texts")
    secrets = site.data.poisoning.secrets
    seed = derive_seed("held-out noise", int(secrets["noise_seed"]))
    noise = gaussian_noise(seed, rows, tuple(batch.inputs.shape[1:]), float(secrets["variance"]))
    return batch.inputs + noise, batch.target


def _of_model(
    material: Material, found: tuple[Site, Tensor, Tensor], method: str, budget: float, seed: SeedResult
) -> Membership | None:
    weights, statistic = material.weights(seed), material.statistics(seed)
    if weights is None or statistic is None:
        return None
    site, images, target = found
    network = site.network(weights)
    members: FloatArray = losses(network, site.data.forget_set)
    others = losses_of(network, images, target)
    return Membership(
        scenario=site.scenario.name,
        method=method,
        budget=budget,
        seed=seed.seed,
        members=len(members),
        held_out=len(others),
        loss_tpr=loss_attack_tpr(members, others, FPR),
        loss_auc=loss_attack_auc(members, others),
        audit_tpr=true_positive_rate(statistic, FPR),
        audit_auc=area_under_curve(statistic),
    )
