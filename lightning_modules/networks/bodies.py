"""Bodies of text networks: pretrained checkpoints, and small ones by configuration."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES
from transformers.utils import logging

from datamodules import UnknownNameError
from datamodules.checkpoints import CHECKPOINTS, checkpoint_folder

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "tiny-bert": {
        "model_type": "bert",
        "vocab_size": 1024,
        "hidden_size": 32,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 128,
    },
    "tiny-gpt2": {
        "model_type": "gpt2",
        "vocab_size": 1024,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 128,
        "initializer_range": 0.2,
        "bos_token_id": None,
        "eos_token_id": None,
    },
    "gpt2-mini": {
        "model_type": "gpt2",
        "vocab_size": 50257,
        "hidden_size": 256,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "max_position_embeddings": 512,
    },
}
"""Networks that are trained from scratch: about 60,000 parameters for the tiny ones with 1,024 tokens, 16.2 million for
``gpt2-mini``, 12.9 of which are the embeddings of GPT-2's 50,257 tokens. GPT-2's usual 0.02 for first weights is too
small for a width of 32: the network does not learn to attend."""


@dataclass(frozen=True, kw_only=True)
class BodyOptions:
    """Options of every text network.

    Attributes:
        layers: keep only the first so many layers; 0 keeps all.
        dropout: every dropout rate, in place of the checkpoint's own. 0 by default: without it an unlearner's result
            depends on nothing but its own seed, and padding on nothing at all.
        attention: implementation of attention in transformers, ``sdpa`` or ``eager``.
        train_embeddings: False freezes the table of token embeddings, which is then no part of the state.
        lora_rank: rank of low-rank adapters; 0 trains the network itself. With adapters only they and the head train,
            whatever ``train_embeddings`` says, and only they are the state.
        lora_alpha: their output is scaled by ``lora_alpha / lora_rank``.
        vocab_size: number of tokens of a network by configuration; 0 takes the configuration's.
        width: width of a network by configuration; 0 takes the configuration's.
        positions: longest text of a network by configuration, in tokens; 0 takes the configuration's.
    """

    layers: int = 0
    dropout: float = 0.0
    attention: str = "sdpa"
    train_embeddings: bool = True
    lora_rank: int = 0
    lora_alpha: float = 16.0
    vocab_size: int = 0
    width: int = 0
    positions: int = 0

    def __post_init__(self) -> None:
        for name in ("layers", "lora_rank", "vocab_size", "width", "positions"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")
        if not self.lora_alpha > 0:
            raise ValueError(f"lora_alpha must be positive, got {self.lora_alpha}")


def build_body(checkpoint: str, options: BodyOptions) -> PreTrainedModel:
    """Return a network of transformers without a head, in train mode.

    Weights of a configuration are drawn from the global random state. Those that ``options`` freeze are no part of the
    network's state, so they are the same for every seed: as pretrained, or drawn from seed 0.

    Raises:
        UnknownNameError: if there is no such checkpoint or configuration.
        CorpusUnavailableError: if no source of the checkpoint can be reached.
        ValueError: if the checkpoint has fewer layers than asked for, or an option is only for configurations.
    """
    if not ("/" in checkpoint or checkpoint in CHECKPOINTS or checkpoint in CONFIGURATIONS):
        raise UnknownNameError("checkpoint", checkpoint, [*CONFIGURATIONS, *CHECKPOINTS, "owner/name of the hub"])
    with _quiet():
        if checkpoint in CONFIGURATIONS:
            return _drawn(checkpoint, options)
        return _pretrained(checkpoint, options)


def is_causal(body: PreTrainedModel) -> bool:
    """Whether tokens of ``body`` see only those before them."""
    config = body.config
    return bool(getattr(config, "is_decoder", False)) or config.model_type not in MODEL_FOR_MASKED_LM_MAPPING_NAMES


def _drawn(checkpoint: str, options: BodyOptions) -> PreTrainedModel:
    sizes = {"vocab_size": options.vocab_size, "hidden_size": options.width}
    settings = CONFIGURATIONS[checkpoint] | {name: size for name, size in sizes.items() if size}
    if options.positions:
        settings["max_position_embeddings"] = options.positions
    if "intermediate_size" in settings:
        settings["intermediate_size"] = 4 * settings["hidden_size"]
    config = _adjusted(AutoConfig.for_model(**settings), checkpoint, options)
    body = _from_config(config, options)
    if options.lora_rank or not options.train_embeddings:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            same_for_all = _from_config(config, options)
        if options.lora_rank:
            return same_for_all
        body.get_input_embeddings().load_state_dict(same_for_all.get_input_embeddings().state_dict())
    return body


def _from_config(config: PretrainedConfig, options: BodyOptions) -> PreTrainedModel:
    body = AutoModel.from_config(  # type: ignore[no-untyped-call]
        config, attn_implementation=options.attention, dtype=torch.float32
    )
    return _bare(body)


def _pretrained(checkpoint: str, options: BodyOptions) -> PreTrainedModel:
    for name in ("vocab_size", "width", "positions"):
        if getattr(options, name):
            raise ValueError(
                f"{name} is only for networks by configuration ({', '.join(CONFIGURATIONS)}), got it for {checkpoint!r}"
            )
    folder = checkpoint_folder(checkpoint, weights=True)
    config = _adjusted(AutoConfig.from_pretrained(folder, local_files_only=True), checkpoint, options)
    return _bare(
        AutoModel.from_pretrained(
            folder,
            config=config,
            attn_implementation=options.attention,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
        )
    )


def _adjusted(config: PretrainedConfig, checkpoint: str, options: BodyOptions) -> PretrainedConfig:
    """Set dropout rates and the number of layers."""
    for name, value in config.to_dict().items():
        if "drop" in name and isinstance(value, int | float) and not isinstance(value, bool):
            setattr(config, name, options.dropout)
    if options.layers:
        if options.layers > config.num_hidden_layers:
            raise ValueError(
                f"layers must be at most {config.num_hidden_layers} for {checkpoint!r}, got {options.layers}"
            )
        config.num_hidden_layers = options.layers
    config.use_cache = False
    return config


def _bare(body: object) -> PreTrainedModel:
    """Return ``body`` without a pooler, which nobody uses and no gradient would reach."""
    if not isinstance(body, PreTrainedModel):
        raise TypeError(f"transformers returned a {type(body).__name__}, not a network")
    if getattr(body, "pooler", None) is not None:
        body.pooler = None  # type: ignore[assignment]
    body.train()
    return body


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from writing of unused weights and from drawing progress bars."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
