"""Parts of a network that never train: they are no part of its state and nothing may unfreeze them."""

from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

_ATTRIBUTE = "frozen_for_good"


def freeze_for_good(network: nn.Module, names: Iterable[str]) -> None:
    """Freeze the parameters ``names`` of ``network`` and leave them out of its ``state_dict``.

    For weights that every network of its spec has, such as the pretrained base of low-rank adapters: what is stored,
    moved or compared is what trains. A state without them loads into any network of that spec, also strictly. Copies
    are like the original. To be called once, on a whole network.

    Raises:
        ValueError: if ``names`` holds a name that is no parameter of ``network``, or it was called before.
    """
    chosen = frozenset(names)
    parameters = dict(network.named_parameters())
    unknown = chosen - parameters.keys()
    if unknown:
        raise ValueError(f"names must be parameters of the network, got {', '.join(sorted(unknown)[:3])}")
    if frozen_for_good(network):
        raise ValueError("names can be frozen for good only once, this network has frozen parts already")
    if not chosen:
        return
    for name in chosen:
        parameters[name].requires_grad_(False)
    setattr(network, _ATTRIBUTE, chosen)
    network.register_state_dict_post_hook(_leave_out)  # type: ignore[no-untyped-call]
    network.register_load_state_dict_pre_hook(_fill_in)  # type: ignore[no-untyped-call]


def frozen_for_good(network: nn.Module) -> frozenset[str]:
    """Return the names of the parameters of ``network`` that never train."""
    names: frozenset[str] = getattr(network, _ATTRIBUTE, frozenset())
    return names


def _leave_out(module: nn.Module, state: dict[str, Any], prefix: str, _metadata: Mapping[str, Any]) -> None:
    for name in frozen_for_good(module):
        state.pop(prefix + name, None)


def _fill_in(module: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
    parameters = dict(module.named_parameters())
    for name in frozen_for_good(module):
        state.setdefault(prefix + name, parameters[name].detach())
