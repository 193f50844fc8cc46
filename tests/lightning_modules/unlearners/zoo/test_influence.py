"""The three influence methods against their formulas, with exact products with the Hessian."""

import copy

import pytest
import torch
from torch.autograd import grad
from torch.nn.functional import cross_entropy

from lightning_modules import UNLEARNERS


@pytest.fixture
def smooth():
    torch.manual_seed(4)
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(128, 6), torch.nn.Tanh(), torch.nn.Linear(6, 5)
    ).requires_grad_()


def forget_gradient(network, zoo):
    """The gradient of the forget set's summed loss."""
    everything = zoo.sets[0].batch(torch.arange(zoo.forget))
    loss = cross_entropy(network(everything.inputs), everything.target, reduction="sum")
    return grad(loss, list(network.parameters()))


def assert_weights(run, expected, before, least):
    moved = 0.0
    for got, value, start in zip(run.network.parameters(), expected, before.parameters(), strict=True):
        torch.testing.assert_close(got.detach(), value.detach(), atol=2e-6, rtol=0)
        moved = max(moved, float((got - start).detach().abs().max()))
    assert moved > least


def test_first_order(zoo):
    mine, tau = zoo.network().eval(), 1e-3
    gradients = forget_gradient(mine, zoo)
    with torch.no_grad():
        for w, g in zip(mine.parameters(), gradients, strict=True):
            w.add_(tau * g)
    run = zoo.run("influence_first", tau=tau)
    zoo.same(run, mine)
    assert run.ledger.passes == run.plan.passes == 3 * zoo.forget


def test_second_order(zoo, smooth):
    damping, scale = 0.1, 200.0
    weights = list(smooth.parameters())
    difference = [-g for g in forget_gradient(smooth, zoo)]
    u = list(difference)
    for epoch in range(2):
        for batch in zoo.batches().of("retain", epoch):
            loss = cross_entropy(smooth(batch.inputs), batch.target, reduction="sum")
            slopes = grad(loss, weights, create_graph=True)
            products = grad(sum((g * v).sum() for g, v in zip(slopes, u, strict=True)), weights)
            u = [d + (1 - damping) * v - h / scale for d, v, h in zip(difference, u, products, strict=True)]
    expected = [w - v / scale for w, v in zip(weights, u, strict=True)]
    without = [w - 5.7 * d / scale for w, d in zip(weights, difference, strict=True)]
    run = zoo.run("influence_second", network=smooth, damping=damping, scale=scale, max_epochs=2)
    for got, value, start in zip(run.network.parameters(), expected, weights, strict=True):
        assert (got - value).norm() < 2e-3 * (value - start).norm()
    assert max((one - two).abs().max() for one, two in zip(expected, without, strict=True)) > 5e-3
    assert run.ledger.passes == run.plan.passes == 3 * zoo.forget + 2 * 6 * zoo.retain


def test_second_order_leaves_buffers_alone_and_is_close_to_first_order_at_the_scale_of_its_source(zoo):
    run = zoo.run("influence_second", max_epochs=1, scale=1e6)
    before = zoo.network()
    batches = len(zoo.batches().of("retain", 0))
    expected = [
        w + g * (batches + 1) / 1e6
        for w, g in zip(before.parameters(), forget_gradient(before.eval(), zoo), strict=True)
    ]
    assert_weights(run, expected, before, least=5e-6)
    assert all(torch.equal(value, dict(before.named_buffers())[name]) for name, value in run.network.named_buffers())


def test_second_order_without_a_retain_batch_is_first_order(zoo):
    run = zoo.run("influence_second", passes=3 * zoo.forget, scale=1e3)
    before = zoo.network()
    expected = [w + g / 1e3 for w, g in zip(before.parameters(), forget_gradient(before.eval(), zoo), strict=True)]
    assert_weights(run, expected, before, least=1e-3)


def recursion(direction, gradients, samples):
    """The recursion of the card, word by word."""
    k, o = direction.clone(), None
    for g in gradients:
        if o is None:
            o = g.clone()
            continue
        k, o = k - o * (k @ g) / (samples + o @ g), o - o * (o @ g) / (samples + o @ g)
    return k


def flat(gradients):
    return torch.cat([g.flatten() for g in gradients])


@pytest.mark.parametrize("passes", [1e9, 3 * (19 + 16 + 16)])
def test_woodfisher(passes, zoo):
    """With a budget for two retain batches, one gives the gradient and one feeds the recursion."""
    alpha, samples = 0.5, 20
    mine, batches = zoo.network().eval(), zoo.batches()
    weights = list(mine.parameters())
    retain = batches.of("retain", 0) + batches.of("retain", 1)
    looked, fed = (retain[:3], retain[3:]) if passes == 1e9 else (retain[:1], retain[1:2])
    count = sum(len(batch.target) for batch in looked)
    losses = [cross_entropy(mine(batch.inputs), batch.target, reduction="sum") for batch in looked]
    direction = flat(forget_gradient(mine, zoo)) / zoo.forget - flat(grad(sum(losses) / count, weights))
    gradients = [
        flat(grad(cross_entropy(mine(x.unsqueeze(0)), y.unsqueeze(0)), weights))
        for batch in fed
        for x, y in zip(batch.inputs, batch.target, strict=True)
    ]
    k = recursion(direction, gradients, samples)
    assert (k - direction).abs().max() > 1e-2
    with torch.no_grad():
        for w, part in zip(weights, k.split([w.numel() for w in weights]), strict=True):
            w.add_(alpha * part.view_as(w))
    run = zoo.run("influence_woodfisher", alpha=alpha, samples=samples, passes=passes)
    zoo.same(run, mine, tolerance=1e-5)
    assert run.ledger.passes == run.plan.passes == 3 * (zoo.forget + count + len(gradients))


def test_woodfisher_without_a_retain_batch_moves_nothing(zoo):
    run, before = zoo.run("influence_woodfisher", passes=3 * zoo.forget), zoo.network().state_dict()
    assert all(torch.equal(value, before[name]) for name, value in run.network.state_dict().items())


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        ("influence_first", {"tau": 0.0}),
        ("influence_second", {"damping": 1.0}),
        ("influence_second", {"scale": 0.0}),
        ("influence_woodfisher", {"alpha": 0.0}),
        ("influence_woodfisher", {"samples": 0}),
    ],
)
def test_settings_out_of_range_are_refused(method, wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} must be .*, got {value}"):
        UNLEARNERS.get(method)(**wrong)


def test_the_three_are_different(zoo, smooth):
    runs = [zoo.run(f"influence_{kind}", network=copy.deepcopy(smooth)) for kind in ("first", "woodfisher")]
    assert not torch.equal(runs[0].network[1].weight, runs[1].network[1].weight)
