import math
from dataclasses import dataclass, field

import pytest

from benchmark.address import LATER, address_of, canonical


@dataclass(frozen=True)
class Config:
    rate: float
    sizes: tuple[int, ...]


def test_equal_content_has_one_address_whatever_its_order_or_container() -> None:
    assert address_of({"b": 1, "a": [1, 2]}) == address_of({"a": (1, 2), "b": 1})
    assert address_of(Config(0.1, (1, 2))) == address_of({"rate": 0.1, "sizes": [1, 2]})


@dataclass(frozen=True)
class Grown:
    rate: float
    sizes: tuple[int, ...]
    kind: str = field(default="plain", metadata=LATER)
    options: dict[str, int] = field(default_factory=dict, metadata=LATER)


def test_a_field_that_came_later_counts_only_where_it_is_used() -> None:
    assert address_of(Grown(0.1, (1, 2))) == address_of(Config(0.1, (1, 2)))
    assert address_of(Grown(0.1, (1, 2), kind="other")) != address_of(Config(0.1, (1, 2)))
    assert address_of(Grown(0.1, (1, 2), options={"a": 1})) != address_of(Config(0.1, (1, 2)))


@pytest.mark.parametrize("other", [Config(0.2, (1, 2)), Config(0.1, (2, 1)), Config(0.1, (1,))])
def test_every_setting_counts(other: Config) -> None:
    assert address_of(other) != address_of(Config(0.1, (1, 2)))


def test_text_is_plain_sorted_json() -> None:
    assert canonical({"b": None, "a": True}) == '{"a":true,"b":null}'


def test_addresses_do_not_move_between_versions() -> None:
    expected = "43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777"
    assert address_of({"a": 1}) != address_of({"a": 1.5})
    assert address_of({"a": 1, "b": 2}) == expected


@pytest.mark.parametrize("bad", [math.nan, math.inf, {"x": [-math.inf]}])
def test_numbers_must_be_finite(bad: object) -> None:
    with pytest.raises(ValueError, match="finite"):
        canonical(bad)


def test_other_objects_are_refused() -> None:
    with pytest.raises(TypeError, match="plain data only, got set"):
        canonical({"a": {1, 2}})
