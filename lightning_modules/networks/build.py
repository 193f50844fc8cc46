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
        name: ``small-cnn``, ``resnet18-cifar``, or ``timm:`` and the name of any timm classifier; for text
            ``classifier:`` or ``prompted:`` and a checkpoint (``minilm``, ``gpt2-medium``, ``owner/name`` of the hub)
            or a configuration to train from scratch (``tiny-bert``, ``tiny-gpt2``, ``gpt2-mini``).
        num_classes: number of classes.
        in_channels: channels of the images; 0 for text.
        options: further arguments of the network; for text see :mod:`lightning_modules.networks.language`.
    """

    name: str
    num_classes: int
    in_channels: int = 3
    options: Mapping[str, Option] = field(default_factory=dict)


def build_network(spec: NetworkSpec, seed: int) -> nn.Module:
    """Return the network ``spec`` describes, in train mode, with weights drawn from ``seed`` alone.

    The global random state is left as it was. The network remembers its ``spec``, and so do its copies. Weights of a
    pretrained checkpoint are as pretrained; then only head or adapters are drawn.

    Raises:
        UnknownNameError: if there is no such network, or a text network has no such option.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = _builder(spec.name)(spec)
    network.spec = spec  # type: ignore[assignment]
    return network


def fresh_copy(network: nn.Module, seed: int) -> nn.Module:
    """Return a network like ``network`` whose weights were never trained; device, modes and frozen flags carry over.

    A network made by :func:`build_network` is built anew from its spec: fresh weights of a pretrained one are those
    with which training begins, the pretrained body and a newly drawn head or adapters. Any other network is copied and
    each of its modules is asked to ``reset_parameters``.

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
    if name.startswith(("classifier:", "prompted:")):
        return _text_builder(name.partition(":")[0])
    builders = {"small-cnn": _build_small_cnn, "resnet18-cifar": _build_resnet18_cifar}
    if name not in builders:
        others = ["timm:<any timm classifier>", "classifier:<checkpoint>", "prompted:<checkpoint>"]
        raise UnknownNameError("network", name, [*builders, *others])
    return builders[name]


def _text_builder(kind: str) -> Callable[[NetworkSpec], nn.Module]:
    from lightning_modules.networks import language  # noqa: PLC0415 - transformers and peft take seconds to import

    return language.build_classifier if kind == "classifier" else language.build_prompted


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
