"""Networks by name, and fresh weights for any of them."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import timm
import torch
from torch import nn

from datamodules import UnknownNameError
from lightning_modules.networks.cnn import SmallCNN

Option = str | int | float | bool | tuple[int, ...]


@dataclass(frozen=True)
class NetworkSpec:
    """Everything that determines a network but its weights.

    Attributes:
        name: ``small-cnn``, ``resnet18-cifar``, or ``timm:`` and the name of any timm classifier.
        num_classes: number of classes.
        in_channels: channels of the images.
        options: further arguments of the network.
    """

    name: str
    num_classes: int
    in_channels: int = 3
    options: Mapping[str, Option] = field(default_factory=dict)


def build_network(spec: NetworkSpec, seed: int) -> nn.Module:
    """Return the network ``spec`` describes, in train mode, with weights drawn from ``seed`` alone.

    The global random state is left as it was. The network remembers its ``spec``, and so do its copies.

    Raises:
        UnknownNameError: if there is no such network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = _builder(spec.name)(spec)
    network.spec = spec  # type: ignore[assignment]
    return network


def fresh_copy(network: nn.Module, seed: int) -> nn.Module:
    """Return a network like ``network`` whose weights were never trained; device, modes and frozen flags carry over.

    A network made by :func:`build_network` is built anew from its spec. Any other is copied and each of its modules is
    asked to ``reset_parameters``.

    Raises:
        ValueError: if a module holds parameters of its own but has no ``reset_parameters``.
    """
    spec = getattr(network, "spec", None)
    drawn = build_network(spec, seed) if isinstance(spec, NetworkSpec) else _redrawn(network, seed)
    fresh = copy.deepcopy(network)
    fresh.load_state_dict(drawn.state_dict())
    return fresh


def _redrawn(network: nn.Module, seed: int) -> nn.Module:
    """Return a copy on the CPU, where every device draws the same weights, with all parameters reset."""
    drawn = copy.deepcopy(network).cpu()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        for name, module in drawn.named_modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
            elif next(module.parameters(recurse=False), None) is not None:
                raise ValueError(
                    f"cannot draw fresh weights for {name!r} ({type(module).__name__}): it has no reset_parameters; "
                    "build the network with build_network"
                )
    return drawn


def _builder(name: str) -> Callable[[NetworkSpec], nn.Module]:
    if name.startswith("timm:"):
        return _build_timm
    builders = {"small-cnn": _build_small_cnn, "resnet18-cifar": _build_resnet18_cifar}
    if name not in builders:
        raise UnknownNameError("network", name, [*builders, "timm:<any timm classifier>"])
    return builders[name]


def _build_small_cnn(spec: NetworkSpec) -> nn.Module:
    options: dict[str, Any] = dict(spec.options)
    return SmallCNN(spec.num_classes, spec.in_channels, **options)


def _build_resnet18_cifar(spec: NetworkSpec) -> nn.Module:
    """ResNet-18 with the stem for 32 x 32 images: a 3x3 convolution of stride 1 and no pooling (He et al. 2016)."""
    options: dict[str, Any] = dict(spec.options)
    network: Any = timm.create_model("resnet18", num_classes=spec.num_classes, in_chans=spec.in_channels, **options)
    stem = nn.Conv2d(spec.in_channels, network.conv1.out_channels, 3, 1, 1, bias=False)
    nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
    network.conv1 = stem
    network.maxpool = nn.Identity()
    return _checked(network)


def _build_timm(spec: NetworkSpec) -> nn.Module:
    name = spec.name.removeprefix("timm:")
    known = timm.list_models()
    if name.partition(".")[0] not in known:
        raise UnknownNameError("timm network", name, known)
    options: dict[str, Any] = dict(spec.options)
    network = timm.create_model(name, num_classes=spec.num_classes, in_chans=spec.in_channels, **options)
    return _checked(network)


def _checked(network: object) -> nn.Module:
    if not isinstance(network, nn.Module):
        raise TypeError(f"timm returned a {type(network).__name__}, not a network")
    return network
