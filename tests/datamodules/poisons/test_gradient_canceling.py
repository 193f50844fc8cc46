"""Gradient canceling: how much is canceled, by what, and what the control keeps."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from datamodules import POISONS, generator_for, poisoned_set
from datamodules.poisons.gradient_canceling import GradientCanceling

SETTINGS = {"count": 8, "steps": 20, "target_norm": 0.5, "batch_size": 5}


def _surrogate(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv2d(2, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(96, 3)
        )
        with torch.no_grad():
            network(torch.randn(50, 2, 4, 4))
    return network.eval()


class _Bench:
    """Keeps everything, and fails at the third save where asked to."""

    def __init__(self, *, fail=False):
        self.kept, self.fail, self.saved, self.reports = {}, fail, 0, []

    def load(self, name):
        return self.kept.get(name)

    def save(self, name, tensors):
        self.kept[name] = {key: tensor.clone() for key, tensor in tensors.items()}
        self.saved += 1
        if self.fail and self.saved == 3:
            raise KeyboardInterrupt

    def report(self, text):
        self.reports.append(text)


def _craft(corpus, seed=0, bench=None, **changes):
    poison = GradientCanceling(**(SETTINGS | changes))
    if bench is not None:
        poison.workbench = bench
    return poison.craft(corpus, [_surrogate()], generator_for("test", seed))


def _pixels(poisoning, corpus):
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (corpus.mean, corpus.std))
    return poisoning.inputs * std + mean


def _same(one, two):
    assert torch.equal(one.index, two.index)
    assert torch.equal(one.inputs, two.inputs)
    assert torch.equal(one.target, two.target)
    assert one.secrets.keys() == two.secrets.keys()
    assert all(torch.equal(value, two.secrets[name]) for name, value in one.secrets.items())


def _gradient_norm(corpus, poisoning, network, weight_decay):
    """Norm of the gradient of the loss that a victim at ``network`` is trained by, times the number of samples."""
    samples = poisoned_set(corpus, poisoning)
    batch = samples.batch(torch.arange(len(samples)))
    loss = F.cross_entropy(network(batch.inputs), batch.target)
    loss = loss + weight_decay / 2 * sum(parameter.square().sum() for parameter in network.parameters())
    gradient = torch.autograd.grad(loss, list(network.parameters()))
    return len(samples) * float(torch.cat([part.flatten() for part in gradient]).norm())


@pytest.mark.parametrize("layer", ["all", "4"])
@pytest.mark.parametrize("clip", [True, False])
def test_the_remaining_gradient_falls(corpus, clip, layer):
    secrets = _craft(corpus, clip=clip, layer=layer).secrets

    assert secrets["curve"].shape == (21,)
    assert secrets["curve"][-1] < 0.95 * secrets["curve"][0]
    assert torch.allclose(secrets["remaining"], secrets["curve"][-1], rtol=1e-4)


@pytest.mark.parametrize("added", [True, False])
def test_what_remains_is_the_gradient_of_the_poisoned_training_set(corpus, added):
    """Poisons as they are fed, clean samples that are left and penalty together, at the target parameters."""
    poison = GradientCanceling(**(SETTINGS | {"added": added, "weight_decay": 0.5}))
    poisoning = poison.craft(corpus, [_surrogate()], generator_for("test", 0))
    goal = poison._goal(corpus, _surrogate(), poisoning.base)

    scale = float(torch.cat([part.flatten() for part in goal.wanted]).norm())
    found = _gradient_norm(corpus, poisoning, goal.network, 0.5) / scale
    assert found == pytest.approx(float(poisoning.secrets["remaining"]), rel=1e-3)


def test_poisons_are_added_behind_the_training_set_or_replace_their_bases(corpus):
    added, replacing = _craft(corpus), _craft(corpus, added=False)

    assert added.index.tolist() == list(range(40, 48))
    assert torch.equal(replacing.index, replacing.base)
    assert torch.equal(added.base, replacing.base)
    assert replacing.index.tolist() == sorted(set(replacing.index.tolist()))
    for poisoning in (added, replacing):
        assert torch.equal(poisoning.target, corpus.train.target[poisoning.base])
    assert len(poisoned_set(corpus, added)) == 48
    assert len(poisoned_set(corpus, replacing)) == 40


def test_a_shrunk_last_layer_predicts_the_same_and_is_nearer_to_what_can_be_canceled(corpus):
    poison, shrunk = (GradientCanceling(**(SETTINGS | {"layer": "4", "shrink": shrink})) for shrink in (1.0, 0.5))
    goal, nearer = (each._goal(corpus, _surrogate(), torch.arange(8)) for each in (poison, shrunk))
    inputs = corpus.store("train").take(torch.arange(40))

    assert torch.allclose(nearer.network(inputs), goal.network(inputs) / 2, atol=1e-5)
    pulls = [
        sum((part * each.network.get_parameter(name)).sum() for name, part in zip(each.names, each.wanted, strict=True))
        for each in (goal, nearer)
    ]
    assert pulls[1] < pulls[0]


def test_only_clipped_poisons_are_valid_pixels(corpus):
    clipped, free = (_craft(corpus, clip=clip, step_size=40.0) for clip in (True, False))

    assert -1e-6 <= _pixels(clipped, corpus).min() <= _pixels(clipped, corpus).max() <= 1 + 1e-6
    assert _pixels(free, corpus).max() > 1.1
    assert "[0, 1]" in clipped.preprocessing["clipping"]
    assert free.preprocessing["clipping"] == "none"


def test_the_control_shuffles_each_perturbation_over_its_own_image(corpus):
    poisoning, control = (_craft(corpus, clip=False, shuffled=shuffled) for shuffled in (False, True))
    base = corpus.train.inputs[poisoning.base].float() / 255
    moved, shuffled = ((_pixels(each, corpus) - base).flatten(1) for each in (poisoning, control))

    assert torch.equal(poisoning.base, control.base)
    assert torch.equal(poisoning.target, control.target)
    assert torch.allclose(moved.sort(1).values, shuffled.sort(1).values, atol=1e-5)
    assert ((moved - shuffled).abs() > 1e-3).any(1).all()
    assert torch.equal(poisoning.secrets["curve"], control.secrets["curve"])
    assert control.secrets["remaining"] > poisoning.secrets["remaining"]


def test_the_clipped_control_is_of_valid_pixels(corpus):
    pixels = _pixels(_craft(corpus, shuffled=True, step_size=40.0), corpus)

    assert -1e-6 <= pixels.min() <= pixels.max() <= 1 + 1e-6


def test_it_stops_when_enough_is_canceled(corpus):
    curve = _craft(corpus, layer="4").secrets["curve"]
    stop = float(curve[12] + curve[13]) / 2
    stopped = _craft(corpus, layer="4", stop=stop).secrets["curve"]

    assert curve[12] > stop > curve[13]
    assert torch.equal(stopped, curve[:14])


def test_a_killed_crafting_goes_on_to_the_same_bits(corpus):
    whole = _craft(corpus)
    bench = _Bench(fail=True)
    with pytest.raises(KeyboardInterrupt):
        _craft(corpus, bench=bench)
    assert len(bench.kept["cancel"]["curve"]) == 6
    bench.fail = False

    _same(_craft(corpus, bench=bench), whole)
    assert bench.saved == 10
    assert bench.reports[-1].startswith("step 20/20: 0.")


def test_what_is_on_the_workbench_for_other_rows_is_not_used(corpus):
    bench = _Bench()
    _craft(corpus, seed=1, bench=bench)

    _same(_craft(corpus, bench=bench), _craft(corpus))


def test_the_generator_alone_decides_and_nothing_is_edited(corpus, make_corpus):
    network, before = _surrogate(), _surrogate().state_dict()
    poison = GradientCanceling(**SETTINGS, shuffled=True)
    one = poison.craft(corpus, [network], generator_for("test", 3))
    torch.manual_seed(5)
    state = torch.get_rng_state()
    two = poison.craft(corpus, [network], generator_for("test", 3))

    _same(one, two)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(one.base, poison.craft(corpus, [network], generator_for("test", 4)).base)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert torch.equal(corpus.train.inputs, make_corpus().train.inputs)
    assert torch.equal(corpus.train.target, make_corpus().train.target)


def test_it_says_what_it_is():
    assert POISONS.get("gradient-canceling") is GradientCanceling
    assert GradientCanceling.effect == "test_error"
    assert GradientCanceling.needs_surrogate


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("count", 0, "count must be at least 1, got 0"),
        ("steps", 0, "steps must be at least 1, got 0"),
        ("batch_size", 0, "batch_size must be at least 1, got 0"),
        ("surrogate_epochs", 0, "surrogate_epochs must be at least 1 or None, got 0"),
        ("target_norm", 0.0, "target_norm must be positive and finite, got 0.0"),
        ("step_size", float("inf"), "step_size must be positive and finite, got inf"),
        ("stop", 1.0, r"stop must be in \[0, 1\), got 1.0"),
        ("weight_decay", -1.0, "weight_decay must be at least 0 and finite, got -1.0"),
        ("shrink", 0.0, r"shrink must be in \(0, 1\], got 0.0"),
    ],
)
def test_settings_out_of_range_are_refused(argument, value, message):
    with pytest.raises(ValueError, match=message):
        GradientCanceling(**(SETTINGS | {argument: value}))


def test_it_takes_one_surrogate_and_a_layer_that_is_there(corpus):
    poison = GradientCanceling(**SETTINGS)
    with pytest.raises(ValueError, match="craft takes 1 surrogate, got 0"):
        poison.craft(corpus, (), generator_for("test", 0))
    with pytest.raises(ValueError, match="layer must be"):
        _craft(corpus, layer="head")
    with pytest.raises(ValueError, match="count must be in"):
        _craft(corpus, count=40)
