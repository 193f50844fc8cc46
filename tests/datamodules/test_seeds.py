"""Seeds: a name for every draw."""

import torch

from datamodules import derive_seed, generator_for
from datamodules.seeds import MAX_SEED


def test_seeds_are_the_same_in_every_version():
    """Stored artifacts and published entries were made with these."""
    assert derive_seed("order", 0, 3) == 93_700_296
    assert derive_seed() == 419_175_444


def test_different_parts_types_and_orders_give_different_seeds():
    parts = [(), ("a",), ("b",), (1,), ("1",), (1, 2), (2, 1), (12,), ("1", 2), ("a", "b"), ("ab",), ("a", ""), (-1,)]
    parts += [(name, number) for name in ("order", "augment", "craft") for number in range(300)]

    assert len({derive_seed(*part) for part in parts}) == len(parts)


def test_seeds_fit_every_generator():
    seeds = [derive_seed(number) for number in range(2000)]

    assert 0 <= min(seeds) < MAX_SEED // 100
    assert MAX_SEED - MAX_SEED // 100 < max(seeds) <= MAX_SEED < 2**31


def test_generators_start_at_the_derived_seed_and_leave_the_global_one_alone():
    before = torch.get_rng_state()

    drawn = torch.rand(5, generator=generator_for("test", 1))

    assert torch.equal(drawn, torch.rand(5, generator=torch.Generator().manual_seed(derive_seed("test", 1))))
    assert not torch.equal(drawn, torch.rand(5, generator=generator_for("test", 2)))
    assert torch.equal(torch.get_rng_state(), before)
