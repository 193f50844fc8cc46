"""Which parts of a network are its last layers, and how to freeze the others for good."""

import copy

from torch import Tensor, nn

from lightning_modules.networks.frozen import frozen_for_good


def weight_layers(network: nn.Module) -> list[str]:
    """Return the names of the modules that hold a weight matrix or kernel of their own, from input to output.

    Normalisation layers, whose weights are vectors, do not count as layers of their own. Neither do layers that are
    frozen for good, and the two factors of a low-rank adapter are one layer, named by the first.
    """
    frozen = frozen_for_good(network)
    return [
        name
        for name, module in network.named_modules()
        if any(parameter.ndim > 1 for parameter in _trainable(name, module, frozen).values())
        and "lora_B" not in name.split(".")
    ]


def last_layers(network: nn.Module, k: int) -> list[str]:
    """Return the names of the modules with parameters or buffers of their own, from the k-th last weight layer on.

    The order is that of the modules' definition; a normalisation layer belongs to the weight layer before it. Modules
    whose parameters are all frozen for good are left out.

    Source: Goel et al. 2022 (EU-k, CF-k) count convolutional and linear layers from the output.

    Raises:
        ValueError: if ``k`` is not in 1..number of weight layers.
    """
    layers = weight_layers(network)
    if not 1 <= k <= len(layers):
        raise ValueError(f"k must be in 1..{len(layers)} for a network of {len(layers)} weight layers, got {k}")
    frozen = frozen_for_good(network)
    names = [
        name
        for name, module in network.named_modules()
        if _trainable(name, module, frozen) or (_own_tensors(module) and not _own_parameters(name, module))
    ]
    return names[names.index(layers[-k]) :]


def freeze_except(network: nn.Module, trainable: list[str]) -> None:
    """Let only the modules named in ``trainable`` move: others lose their gradient and go to eval mode.

    In eval mode the running statistics of batch normalisation stay as they are, bit for bit, and nothing is dropped
    out. What is frozen for good stays frozen, also in a module that is named.
    """
    chosen, frozen = set(trainable), frozen_for_good(network)
    for name, module in network.named_modules():
        module.training = name in chosen
        movable = _trainable(name, module, frozen)
        for full_name, parameter in _own_parameters(name, module).items():
            parameter.requires_grad_(name in chosen and full_name in movable)


def freeze_running_statistics(network: nn.Module) -> None:
    """Put batch normalisation alone in eval mode: its weights still train, its running statistics stay, bit for bit.

    Forget-only batches in train mode re-estimate the running statistics on the poisons, which changes what the network
    says however small its step was.
    """
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - torch has no public name for all of them
            module.eval()


def frozen_copy(network: nn.Module) -> nn.Module:
    """Return a copy in eval mode that shares no storage with ``network`` and needs no gradient."""
    return copy.deepcopy(network).eval().requires_grad_(False)


def _own_parameters(name: str, module: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters of ``module`` itself, by their names in the network."""
    prefix = f"{name}." if name else ""
    return {prefix + own: parameter for own, parameter in module.named_parameters(recurse=False)}


def _trainable(name: str, module: nn.Module, frozen: frozenset[str]) -> dict[str, nn.Parameter]:
    return {full: parameter for full, parameter in _own_parameters(name, module).items() if full not in frozen}


def _own_tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(recurse=False), *module.buffers(recurse=False)]
