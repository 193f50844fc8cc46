"""Gradient matching: who is chosen, how far pixels move, and that nothing but the generator decides."""

import copy
import dataclasses

import pytest
import torch
from torch import nn

from datamodules import POISONS, ImageStore, generator_for
from datamodules.gradient_matching import gradient_norms, loss_gradient, matching_value
from datamodules.poisons.gradient_matching import GradientMatching

SETTINGS = {"count": 4, "pairs": 2, "steps": 5, "restarts": 3}


def _surrogate(seed=0):
    """A network with running statistics of its own, in eval mode; of random labels it gets some right."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv2d(2, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(96, 3)
        )
        with torch.no_grad():
            network(torch.randn(50, 2, 4, 4))
    return network.eval()


class _Bench:
    """Keeps everything, and fails after so many restarts where asked to."""

    def __init__(self, kept=None, fail_after=None):
        self.kept = {} if kept is None else kept
        self.fail_after = fail_after
        self.saved = 0
        self.reports = []

    def load(self, name):
        return self.kept.get(name)

    def save(self, name, tensors):
        self.kept[name] = {key: tensor.clone() for key, tensor in tensors.items()}
        self.saved += 1
        if self.saved == self.fail_after:
            raise KeyboardInterrupt

    def report(self, text):
        self.reports.append(text)


def _craft(corpus, surrogates=None, seed=0, bench=None, **changes):
    settings = SETTINGS | changes
    surrogates = (
        [_surrogate(number) for number in range(settings.get("num_surrogates", 1))]
        if surrogates is None
        else surrogates
    )
    poison = GradientMatching(**settings)
    if bench is not None:
        poison.workbench = bench
    return poison.craft(corpus, surrogates, generator_for("test", seed))


def _normalised(split, rows, corpus):
    return ImageStore.clean(split.inputs, corpus.mean, corpus.std).take(rows)


def _pixels(poisoning, corpus):
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (corpus.mean, corpus.std))
    return poisoning.inputs * std + mean


def _same(one, two):
    assert torch.equal(one.index, two.index)
    assert torch.equal(one.inputs, two.inputs)
    assert torch.equal(one.target, two.target)
    assert one.secrets.keys() == two.secrets.keys()
    assert all(torch.equal(value, two.secrets[name]) for name, value in one.secrets.items())


@pytest.fixture
def build(make_corpus):
    """60 test images: enough for a network that knows nothing to get some right."""
    return lambda: dataclasses.replace(make_corpus(train=60), test=make_corpus(train=60, seed=1).train)


@pytest.fixture
def corpus(build):
    return build()


@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize("eps", [2.0, 16.0, 200.0])
def test_poisons_are_valid_pixels_within_eps_of_their_base(corpus, eps, augment):
    """1e-6 is the rounding of the way to normalised space and back."""
    poisoning = _craft(corpus, eps=eps, augment=augment)

    pixels = _pixels(poisoning, corpus)
    moved = pixels - corpus.train.inputs[poisoning.index].float() / 255

    assert moved.abs().max() <= eps / 255 + 1e-6
    assert pixels.min() >= -1e-6
    assert pixels.max() <= 1 + 1e-6
    assert moved.abs().max() > 0.9 * min(eps, 100) / 255
    assert (moved.flatten(1).abs().amax(1) > 0).all()


def test_rows_are_exact_ascending_and_of_the_adversarial_class(corpus):
    poisoning = _craft(corpus)
    secrets = poisoning.secrets

    assert len(poisoning) == 8
    assert poisoning.index.tolist() == sorted(set(poisoning.index.tolist()))
    assert torch.bincount(secrets["pair"]).tolist() == [4, 4]
    assert torch.equal(poisoning.target, corpus.train.target[poisoning.index])
    assert torch.equal(poisoning.target, secrets["adversarial_classes"][secrets["pair"]])
    assert "0, 1" in poisoning.preprocessing["clipping"]
    assert "16/255" in poisoning.preprocessing["clipping"]


@pytest.mark.parametrize("surrogates", [1, 2])
def test_targets_are_distinct_and_right_under_every_surrogate(corpus, surrogates):
    networks = [_surrogate(number) for number in range(surrogates)]
    secrets = _craft(corpus, networks, num_surrogates=surrogates, pairs=1 if surrogates == 2 else 2).secrets

    rows, true_classes = secrets["target_rows"], secrets["true_classes"]
    assert len(set(rows.tolist())) == len(rows)
    assert torch.equal(true_classes, corpus.test.target[rows])
    assert (secrets["adversarial_classes"] != true_classes).all()
    for network in networks:
        assert torch.equal(network(_normalised(corpus.test, rows, corpus)).argmax(1), true_classes)


def test_random_classes_vary_with_the_seed_and_runners_up_are_second_best(corpus):
    network = _surrogate()
    drawn = set()
    for seed in range(8):
        secrets = _craft(corpus, [network], seed=seed, steps=1, restarts=1, pairs=1).secrets
        drawn.add((int(secrets["true_classes"]), int(secrets["adversarial_classes"])))
        secrets = _craft(
            corpus, [network], seed=seed, steps=1, restarts=1, pairs=1, adversarial_class="runner-up"
        ).secrets
        logits = network(_normalised(corpus.test, secrets["target_rows"], corpus))
        assert torch.equal(logits.topk(2).indices[:, 1], secrets["adversarial_classes"])
    assert any((true, wanted) in drawn and (true, 3 - true - wanted) in drawn for true, wanted in drawn)


def test_pairs_have_different_random_classes_as_long_as_there_are_some(corpus):
    for seed in range(6):
        secrets = _craft(corpus, seed=seed, steps=1, restarts=1, pairs=4, count=3).secrets
        first, second, *_ = secrets["adversarial_classes"].tolist()
        assert first != second
        assert len(set(secrets["adversarial_classes"].tolist())) >= 2
        assert (secrets["adversarial_classes"] != secrets["true_classes"]).all()


def test_bases_are_ranked_as_asked_for(corpus):
    network, found = _surrogate(), {}
    for bases in ("gradient-norm", "low-confidence", "nearest", "random"):
        poisoning = _craft(corpus, [network], bases=bases, steps=1, restarts=1, pairs=1)
        found[bases] = set(poisoning.index.tolist())
    secrets = poisoning.secrets
    rows = (corpus.train.target == secrets["adversarial_classes"]).nonzero().squeeze(1)
    inputs = _normalised(corpus.train, rows, corpus)
    target = _normalised(corpus.test, secrets["target_rows"], corpus)
    with torch.no_grad():
        confidence = network(inputs).softmax(1)[:, int(secrets["adversarial_classes"])]
        distance = (network[:4](inputs) - network[:4](target)).norm(dim=1)
    norms = gradient_norms([network], inputs, corpus.train.target[rows])

    assert found["low-confidence"] == set(rows[confidence.argsort()[:4]].tolist())
    assert found["nearest"] == set(rows[distance.argsort()[:4]].tolist())
    assert found["gradient-norm"] == set(rows[norms.argsort(descending=True)[:4]].tolist())
    assert found["random"] <= set(rows.tolist())


def test_the_matching_loss_falls_and_is_that_of_the_poisons(corpus):
    network = _surrogate()
    poisoning = _craft(corpus, [network], steps=60, step_size=3.0, restarts=1)
    curves, secrets = poisoning.secrets["matching_loss"], poisoning.secrets

    assert curves.shape == (2, 61)
    assert (curves[:, -1] < curves[:, 0] - 0.05).all()
    for pair in range(2):
        target = _normalised(corpus.test, secrets["target_rows"][[pair]], corpus)
        wanted = loss_gradient(network, target, secrets["adversarial_classes"][[pair]])
        here = secrets["pair"] == pair
        loss = matching_value(network, poisoning.inputs[here], poisoning.target[here], wanted)
        assert loss == pytest.approx(float(curves[pair, -1]), abs=1e-5)


def test_the_restart_of_lowest_loss_is_kept(corpus, monkeypatch):
    losses = {0: [], 1: []}
    original = GradientMatching._restart

    def watched(self, victim, base, label, wanted, seed, words):
        found = original(self, victim, base, label, wanted, seed, words)
        losses[int(words[5]) - 1].append(found)
        return found

    monkeypatch.setattr(GradientMatching, "_restart", watched)
    poisoning = _craft(corpus, restarts=4)

    for pair, found in losses.items():
        best = min(found, key=lambda restart: restart.loss)
        assert len({restart.loss for restart in found}) == 4
        assert torch.equal(poisoning.secrets["matching_loss"][pair], best.curve)
        rows = poisoning.index[poisoning.secrets["pair"] == pair]
        pixels = (corpus.train.inputs[rows].float() / 255 + best.delta).clamp(0, 1)
        mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (corpus.mean, corpus.std))
        assert torch.equal(poisoning.inputs[poisoning.secrets["pair"] == pair], (pixels - mean) / std)


@pytest.mark.parametrize("finished", [1, 2, 3, 5])
def test_a_killed_crafting_resumes_at_the_last_finished_restart_with_the_same_bits(corpus, finished):
    whole = _craft(corpus)
    killed, again = _Bench(fail_after=finished), _Bench()
    with pytest.raises(KeyboardInterrupt):
        _craft(corpus, bench=killed)
    again.kept = killed.kept

    resumed = _craft(corpus, bench=again)

    _same(resumed, whole)
    assert again.saved == 6 - finished
    assert set(again.kept) == {"pair-0", "pair-1"}


def test_what_another_seed_left_on_the_workbench_is_not_used(corpus):
    bench = _Bench()
    _craft(corpus, seed=1, bench=bench)

    _same(_craft(corpus, seed=2, bench=_Bench(bench.kept)), _craft(corpus, seed=2))


def test_progress_is_reported(corpus):
    bench = _Bench()
    _craft(corpus, bench=bench, steps=20)

    assert "pair 2/2, restart 3/3, step 20/20: matching loss" in bench.reports[-1]
    assert 10 * 6 <= len(bench.reports) <= 11 * 6


def test_the_generator_alone_decides(corpus):
    one = _craft(corpus, seed=3, augment=True)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    two, other = _craft(corpus, seed=3, augment=True), _craft(corpus, seed=4, augment=True)

    assert torch.equal(torch.get_rng_state(), before)
    _same(one, two)
    assert not torch.equal(one.inputs, other.inputs)


@pytest.mark.parametrize("frozen", [False, True])
def test_corpus_and_surrogates_are_never_edited(corpus, build, frozen):
    surrogate = _surrogate().requires_grad_(not frozen)
    before = copy.deepcopy(surrogate.state_dict())

    _craft(corpus, [surrogate], bases="nearest")

    untouched = build()
    for split in ("train", "selection", "test"):
        for tensor in ("inputs", "target", "source_index"):
            assert torch.equal(getattr(getattr(corpus, split), tensor), getattr(getattr(untouched, split), tensor))
    assert all(torch.equal(tensor, before[name]) for name, tensor in surrogate.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad is not frozen for parameter in surrogate.parameters())
    assert not any(module.training or module._forward_pre_hooks for module in surrogate.modules())


def test_poisons_cut_into_batches_still_match(corpus):
    poisoning = _craft(corpus, count=5, batch_size=2, steps=60, step_size=3.0, restarts=1)
    curves = poisoning.secrets["matching_loss"]

    assert (curves[:, -1] < curves[:, 0] - 0.05).all()


def test_two_surrogates_give_another_poison_than_one(corpus):
    networks = [_surrogate(0), _surrogate(0)]
    one = _craft(corpus, networks[:1], pairs=1)
    twice = _craft(corpus, networks, pairs=1, num_surrogates=2)
    other = _craft(corpus, [networks[0], _surrogate(1)], pairs=1, num_surrogates=2)

    torch.testing.assert_close(one.inputs, twice.inputs)
    assert not torch.equal(one.inputs, other.inputs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "count must be at least 1, got 0"),
        ({"pairs": 0}, "pairs must be at least 1, got 0"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"restarts": 0}, "restarts must be at least 1, got 0"),
        ({"num_surrogates": 0}, "num_surrogates must be at least 1, got 0"),
        ({"surrogate_epochs": 0}, "surrogate_epochs must be at least 1 or None, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"eps": 0.0}, r"eps must be in \(0, 255\]"),
        ({"eps": float("nan")}, r"eps must be in \(0, 255\]"),
        ({"step_size": float("inf")}, "step_size must be positive and finite"),
        ({"bases": "best"}, "bases must be one of"),
        ({"adversarial_class": "any"}, "adversarial_class must be"),
    ],
)
def test_impossible_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        GradientMatching(**(SETTINGS | changes))


def test_what_the_corpus_and_the_surrogates_cannot_give_is_refused(corpus):
    with pytest.raises(ValueError, match="craft takes 1 surrogates, got 0"):
        _craft(corpus, [])
    with pytest.raises(ValueError, match=r"pairs=60, but the surrogates get only \d+ test images right"):
        _craft(corpus, pairs=60)
    with pytest.raises(ValueError, match="has count=59 training images left"):
        _craft(corpus, count=59)
    with pytest.raises(ValueError, match="has fewer than count=59 training images left"):
        _craft(corpus, count=59, adversarial_class="runner-up")


def test_it_says_what_it_is():
    assert POISONS.get("gradient-matching") is GradientMatching
    assert GradientMatching.effect == "adversarial_margin"
    assert GradientMatching.needs_surrogate
    assert GradientMatching.clean_label
    assert "Geiping" in GradientMatching.paper
