"""What the report measures itself, on a run of one epoch on digits."""

import json

import numpy as np
import pytest

from benchmark.cli import main
from benchmark.report.convex import FRACTIONS, study
from benchmark.report.material import FRESH, Material
from benchmark.report.membership import measure_memberships
from benchmark.report.write import build_report
from benchmark.store import ArtifactStore
from leaderboard import read_entries


@pytest.fixture(scope="module")
def material(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    places = ["--store", str(folder / "store"), "--output", str(folder / "out")]
    assert main(["run", "--suite", "smoke", "--unlearners", "gd", *places]) == 0
    return Material(read_entries(folder / "out" / "entries"), ArtifactStore(folder / "store"), "report")


def test_statistics_are_those_of_the_entry(material):
    for entry in material.entries:
        for seed in entry.results[0].seeds:
            assert material.statistics(seed).mean() == pytest.approx(seed.unlearned.effect, abs=1e-12)
            assert material.statistics(seed, FRESH).mean() == pytest.approx(
                seed.unlearned.extra["gaussian_fresh/mean"], abs=1e-12
            )


def test_every_model_is_attacked_and_the_audit_agrees_with_its_entry(material):
    rows = {(row.method, row.seed): row for row in measure_memberships(material)}
    assert {method for method, _ in rows} == {"no_unlearning", "gd", "sham", "retrain"}
    for entry in material.entries:
        for seed in entry.results[0].seeds:
            row = rows[entry.method.name, seed.seed]
            assert row.audit_tpr == pytest.approx(seed.unlearned.extra["gaussian/tpr_at_fpr_.01"], abs=1e-12)
            assert row.audit_auc == pytest.approx(seed.unlearned.extra["gaussian/auc"], abs=1e-12)
            assert row.members == 60
    assert rows["no_unlearning", 0].loss_auc != rows["no_unlearning", 1].loss_auc
    assert rows["retrain", 0].loss_auc == pytest.approx(0.5, abs=0.15)


def test_shifts_and_cosines_of_every_seed(material):
    shifts, alignments = study(material)
    assert {(row.seed, row.removed, row.fraction) for row in shifts} == {
        (seed, removed, fraction) for seed in (0, 1) for removed in ("poison", "random") for fraction in FRACTIONS
    }
    assert {row.count for row in shifts} == {6, 15, 30, 60}
    assert all(np.isfinite([row.exact, row.influence]).all() for row in shifts)
    newton = [row.newton for row in alignments if row.regime.startswith("linear")]
    assert len(newton) == 8
    assert newton == pytest.approx([1] * 8, abs=1e-4)


def test_a_store_that_lost_its_models_leaves_gaps(material, tmp_path):
    empty = Material(material.entries, ArtifactStore(tmp_path / "store"), "report")
    report = build_report(empty)
    gaps = {section.letter: [gap.what for gap in section.gaps] for section in report.sections}
    assert gaps["a"] == ["no audit of digits-gaussian-cnn-v1 in the store"]
    assert gaps["c"][0].startswith("no model of a Gaussian poison")
    assert json.dumps(gaps["d"]) == json.dumps(["no retrain baseline of a poison on images in the store"])
    assert list(report.seconds)[-1] == "claims"
