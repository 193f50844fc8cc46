"""The contract of a measurement, on the real path: Trainer.test over named sets."""

import pytest
import torch
from torch import nn

from benchmark.stages.trainers import make_trainer
from callbacks import EFFECTS, Accuracy, Effect, Loss, Measurement, ScoringModule
from datamodules import BatchLoader, ImageStore, SampleSet

SETS = {"forget": [3, 4, 5], "retain": [0, 1, 6, 7, 8], "test": [2, 9]}


class Seen(Measurement):
    """Remembers what it was handed."""

    name = "seen"
    higher_is_better = True
    bounds = (0.0, None)
    reference = None

    def update(self, network, batch, logits):
        self.rows += batch.index.tolist()
        self.logits.append(logits)
        self.modes.add(network.training)

    def reset(self, device):
        self.rows, self.logits, self.modes, self.device = [], [], set(), device

    def scalars(self):
        return {"seen": float(len(self.rows))}


def _loader(rows):
    pixels = torch.arange(10).to(torch.uint8).view(10, 1, 1, 1).repeat(1, 1, 2, 2)
    everything = SampleSet(ImageStore.clean(pixels, (0.0,), (1 / 255,)), torch.arange(10), torch.arange(10) % 3)
    return BatchLoader(everything.subset(torch.tensor(rows)), 2)


def _network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 3)).eval()


def _test(network, measurements, sets=SETS):
    trainer = make_trainer(measurements, precision="32-true", accelerator="cpu")
    trainer.test(
        ScoringModule(network, list(sets)), dataloaders=[_loader(rows) for rows in sets.values()], verbose=False
    )


def test_each_measurement_sees_its_own_set_once_and_whole():
    seen = {role: Seen(role) for role in SETS}

    _test(_network(), list(seen.values()))

    assert {role: one.rows for role, one in seen.items()} == SETS


def test_one_set_alone_is_measured_too():
    seen, other = Seen("forget"), Seen("retain")

    _test(_network(), [seen, other], {"forget": [3, 4, 5]})

    assert (seen.rows, other.rows) == ([3, 4, 5], [])


def test_logits_are_float32_of_the_network_in_eval_mode_without_gradient():
    network, seen = _network(), Seen("retain")

    _test(network, [seen])

    logits = torch.cat(seen.logits)
    inputs = torch.cat([batch.inputs for batch in _loader(SETS["retain"])])
    assert torch.equal(logits, network(inputs))
    assert logits.dtype == torch.float32
    assert not logits.requires_grad
    assert seen.modes == {False}


def test_a_network_in_half_precision_still_gives_float32():
    class Half(nn.Module):
        def forward(self, inputs):
            return inputs.flatten(1)[:, :3].bfloat16()

    seen = Seen("test")

    _test(Half().eval(), [seen])

    assert {logits.dtype for logits in seen.logits} == {torch.float32}


def test_testing_starts_anew():
    seen = Seen("retain")

    _test(_network(), [seen])
    _test(_network(), [seen])

    assert seen.rows == SETS["retain"]
    assert seen.device == torch.device("cpu")


def test_testing_changes_neither_weights_nor_buffers_nor_modes():
    network = _network()
    network[3].weight.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    _test(network, [Seen("retain")])

    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not any(module.training for module in network.modules())
    assert [parameter.requires_grad for parameter in network.parameters()] == [True, True, False, True]
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_measurement_has_no_pictures_unless_it_says_so():
    assert Seen("test").arrays() == {}


def test_the_base_class_demands_an_update_a_reset_and_a_result():
    bare = Measurement("test")

    for call in (lambda: bare.update(_network(), None, None), lambda: bare.reset("cpu"), bare.scalars):
        with pytest.raises(NotImplementedError):
            call()


@pytest.mark.parametrize("measurement", [Accuracy, Loss, *EFFECTS.all().values()], ids=lambda one: one.name)
def test_every_measurement_says_what_it_is(measurement):
    low, high = measurement.bounds

    assert isinstance(measurement.name, str)
    assert isinstance(measurement.higher_is_better, bool)
    assert low is None or high is None or low < high
    if measurement.reference is not None:
        assert low is None or low <= measurement.reference
        assert high is None or measurement.reference <= high


@pytest.mark.parametrize("effect", EFFECTS.all().values(), ids=lambda one: one.name)
def test_every_effect_is_of_poison_left_and_has_a_title(effect):
    assert issubclass(effect, Effect)
    assert effect.higher_is_better is False
    assert effect.title
