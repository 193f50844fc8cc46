"""Low-rank adapters in a network of transformers, through peft."""

from peft import LoraConfig, inject_adapter_in_model
from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as TARGETS
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D


def add_lora(body: PreTrainedModel, *, rank: int, alpha: float) -> list[str]:
    """Put adapters into ``body`` and return the names of its other parameters, which are not to train.

    The adapters sit where peft puts them for the model's type (queries and values in BERT, the joint projection in
    GPT-2); the first factor is drawn from the global random state, the second is 0, so the network is as without them.

    Source: Hu et al. 2022 (LoRA).

    Raises:
        ValueError: if peft knows no place for adapters in models of this type.
    """
    kind = body.config.model_type
    if kind not in TARGETS:
        raise ValueError(f"lora_rank needs a model type for which peft knows where adapters go, got {kind!r}")
    base = set(body.parameters())
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,  # type: ignore[arg-type]  # a scale, of which peft only says that it is an int
        target_modules=list(TARGETS[kind]),
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in body.modules()),
    )
    inject_adapter_in_model(config, body)
    return [name for name, parameter in body.named_parameters() if parameter in base]
