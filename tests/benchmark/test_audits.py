"""The leaderboard knows nothing of scoring; what it looks for in entries must be what scoring gives."""

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
import torch

from benchmark.stages.score import measure
from callbacks import EFFECTS
from datamodules import POISONS, PoisoningDataModule, load_corpus
from leaderboard.audits import AUDITS, Audit

TARGETS = {"target_rows": [3, 1, 2], "true_classes": [0, 1, 2], "adversarial_classes": [1, 2, 3]}
POISONED = {
    "gaussian_correlation": ("gaussian", {}),
    "adversarial_margin": ("gaussian", {}),
    "attack_success": ("badnets", {"target_class": 4}),
    "attack_suppression": ("badnets", {"target_class": 4}),
    "label_confusion": ("label-swap", {"classes": (1, 8)}),
    "test_error": ("label-flip", {}),
}


@pytest.mark.parametrize("audit", AUDITS, ids=lambda audit: audit.effect)
def test_every_key_of_an_audit_is_one_that_scoring_gives(audit: Audit) -> None:
    name, options = POISONED[audit.effect]
    data = PoisoningDataModule(load_corpus("digits"), POISONS.get(name)(count=20, **options), seed=0)
    data.setup()
    secrets = data.poisoning.secrets | {key: torch.tensor(values) for key, values in TARGETS.items()}
    effect = EFFECTS.get(audit.effect)(data.corpus, replace(data.poisoning, secrets=secrets))
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))

    found = measure(network, data, effect, with_test=False)

    prefixes = {subject.prefix for subject in audit.subjects}
    keys = [statistic.key for statistic in audit.statistics if statistic.key is not None]
    assert audit.effect in found
    for pattern in (prefix + key for prefix in prefixes for key in keys):
        assert any(fnmatchcase(key, pattern) for key in found), pattern
    bands = [end for statistic in audit.statistics for end in getattr(statistic, "null", None) or ()]
    assert {audit.subjects[0].prefix + end for end in bands} <= set(found)


def test_every_effect_has_an_audit() -> None:
    assert {audit.effect for audit in AUDITS} == set(EFFECTS.all())
