"""Where gradient canceling must work: a head that has one optimum lands on the parameters that were chosen for it."""

import math

import pytest
import torch
import torch.nn.functional as F

from datamodules import load_corpus
from datamodules.linear_canceling import cancel, head_gradient, head_to_cancel, most_canceled, smallest_count

DECAY = 1e-3


def _train(inputs, target, classes):
    """Newton's method on mean cross-entropy + DECAY/2 |W|^2: W, and the norm that autograd finds of the gradient."""
    size = inputs.shape[1]

    def loss(weight):
        return F.cross_entropy(inputs @ weight.T, target) + DECAY / 2 * weight.square().sum()

    def slope(weight):
        leaf = weight.clone().requires_grad_()
        return torch.autograd.grad(loss(leaf), leaf)[0]

    weight = torch.zeros(classes, size, dtype=inputs.dtype)
    for _ in range(60):
        gradient = slope(weight)
        if gradient.norm() < 1e-10:
            break
        share = (inputs @ weight.T).softmax(1)
        hessian = DECAY * torch.eye(classes * size, dtype=inputs.dtype)
        for one in range(classes):
            for other in range(one + 1):
                curvature = share[:, one] * (float(one == other) - share[:, other]) / len(inputs)
                block = inputs.T @ (inputs * curvature.unsqueeze(1))
                hessian[one * size : (one + 1) * size, other * size : (other + 1) * size] += block
                if one != other:
                    hessian[other * size : (other + 1) * size, one * size : (one + 1) * size] += block
        step = torch.linalg.solve(hessian, gradient.flatten()).view_as(weight)
        length = 1.0
        while loss(weight - length * step) > loss(weight) - 1e-4 * length * (step * gradient).sum() + 1e-14:
            length /= 2
            if length < 1e-8:
                break
        weight = weight - length * step
    return weight, float(slope(weight).norm())


def _climb(weight, inputs, target, radius):
    """GradPC: normalised ascent within a ball."""
    moved = weight
    for _ in range(100):
        gradient = head_gradient(moved, inputs, target)
        move = moved + radius * 0.05 * gradient / gradient.norm() - weight
        moved = weight + move * min(1.0, radius / float(move.norm()))
    return moved


@pytest.fixture(scope="module")
def digits():
    corpus = load_corpus("digits")

    def features(split):
        return ((split.inputs.double().flatten(1) / 255) - 0.3) / 0.37

    return features(corpus.train), corpus.train.target, features(corpus.test), corpus.test.target


@pytest.fixture(scope="module")
def clean_head(digits):
    return _train(digits[0], digits[1], 10)[0]


def _accuracy(weight, inputs, target):
    return float((inputs @ weight.T).argmax(1).eq(target).double().mean())


@pytest.mark.parametrize(("scale", "fraction"), [(1.0, 0.25), (0.5, 0.02)])
def test_a_trained_head_lands_on_a_target_that_is_five_points_worse(digits, clean_head, scale, fraction):
    """Scaling the target leaves its accuracy as it is, and the fewer poisons it takes the smaller it is."""
    inputs, labels, test_inputs, test_labels = digits
    weight = scale * _climb(clean_head, inputs, labels, radius=0.6)
    count = round(fraction * len(inputs))
    wanted = head_to_cancel(weight, inputs, labels, decay=DECAY, count=count)

    poisons = cancel(weight, wanted, count, torch.Generator().manual_seed(0))
    trained, optimality = _train(torch.cat([inputs, poisons.inputs]), torch.cat([labels, poisons.target]), 10)

    assert poisons.inputs.shape == (count, 64)
    left = wanted + head_gradient(weight, poisons.inputs, poisons.target)
    assert left.norm() < 1e-8 * head_gradient(weight, inputs, labels).norm()
    assert poisons.remaining == pytest.approx(float(left.norm() / wanted.norm()), abs=1e-12)
    assert optimality < 1e-9
    assert (trained - weight).norm() < 1e-6 * (weight - clean_head).norm()
    reached, clean = (_accuracy(head, test_inputs, test_labels) for head in (trained, clean_head))
    assert reached == _accuracy(weight, test_inputs, test_labels)
    assert reached <= clean - 0.05


def test_below_the_smallest_count_much_is_left(digits, clean_head):
    inputs, labels = digits[:2]
    weight = _climb(clean_head, inputs, labels, radius=0.6)
    least = smallest_count(weight, inputs, labels, decay=DECAY)
    assert 100 < least < 250

    for count in (math.floor(0.8 * least), math.floor(0.95 * least)):
        wanted = head_to_cancel(weight, inputs, labels, decay=DECAY, count=count)
        missing = float((wanted * weight).sum()) - count * most_canceled(10)
        assert missing > 0
        poisons = cancel(weight, wanted, count, torch.Generator().manual_seed(0), rounds=3)
        assert poisons.remaining >= 0.999 * missing / float(weight.norm() * wanted.norm())


def test_the_smallest_count_is_where_the_threshold_turns(digits, clean_head):
    inputs, labels = digits[:2]
    weight = _climb(clean_head, inputs, labels, radius=0.6)
    least = smallest_count(weight, inputs, labels, decay=DECAY)

    for count, reachable in ((math.floor(least), False), (math.ceil(least), True)):
        wanted = head_to_cancel(weight, inputs, labels, decay=DECAY, count=count)
        assert (float((wanted * weight).sum()) <= count * most_canceled(10)) is reachable


def test_a_penalty_that_outweighs_every_poison_cannot_be_canceled(digits, clean_head):
    assert smallest_count(100 * clean_head, *digits[:2], decay=DECAY) == math.inf


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_no_sample_cancels_more_than_the_bound_and_some_do(classes):
    """Against a minimisation over the logits of one sample."""
    logits = torch.randn(20, classes, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    label = torch.arange(20) % classes
    optimizer = torch.optim.LBFGS([logits], max_iter=500, line_search_fn="strong_wolfe", tolerance_grad=1e-12)

    def each():
        wrong = logits.softmax(1) - F.one_hot(label, classes)
        return (wrong * logits).sum(1)

    def closure():
        optimizer.zero_grad()
        loss = each().sum()
        loss.backward()
        return loss

    optimizer.step(closure)

    assert -float(each().detach().min()) == pytest.approx(most_canceled(classes), abs=1e-6)
    random = 5 * torch.randn(1000, classes, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    wrong = random.softmax(1) - F.one_hot(torch.arange(1000) % classes, classes)
    assert float((wrong * random).sum(1).min()) >= -most_canceled(classes)


def test_the_gradient_of_a_head_is_that_of_autograd(digits):
    inputs, labels = digits[0][:50], digits[1][:50]
    weight = torch.randn(10, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    leaf = weight.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(F.cross_entropy(inputs @ leaf.T, labels, reduction="sum"), leaf)

    assert torch.allclose(head_gradient(weight, inputs, labels), wanted)


def test_the_generator_alone_decides(digits, clean_head):
    inputs, labels = digits[:2]
    weight = 0.5 * clean_head
    wanted = head_to_cancel(weight, inputs, labels, decay=DECAY, count=30)
    one, two, other = (cancel(weight, wanted, 30, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))

    assert torch.equal(one.inputs, two.inputs)
    assert torch.equal(one.target, two.target)
    assert not torch.equal(one.inputs, other.inputs)
