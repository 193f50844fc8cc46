"""Text classifiers: an encoder of transformers, pooled over real tokens, and a linear head."""

from typing import Literal

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

Pooling = Literal["mean", "last"]


class TextClassifier(nn.Module):
    """Maps texts to logits; padding on the right changes nothing.

    Called with a mapping of ``input_ids`` and ``attention_mask``, each ``(N, L)`` int64 and padded on the right, and
    optionally ``embedding_noise`` ``(N, L, D)`` float32, which is added to the token embeddings before anything else.
    Returns ``(N, num_classes)`` logits. Every row needs at least one real token.

    Args:
        body: encoder or decoder without a head.
        num_classes: number of classes.
        pooling: ``mean`` over the real tokens, or the ``last`` real token, which is the one that saw all the others
            in a causal model.
        dropout: rate before the head.
    """

    def __init__(
        self, body: PreTrainedModel, num_classes: int, *, pooling: Pooling = "mean", dropout: float = 0.0
    ) -> None:
        super().__init__()
        if pooling not in ("mean", "last"):
            raise ValueError(f"pooling must be mean or last, got {pooling!r}")
        self.body = body
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(embedding_width(body, hidden=True), num_classes)

    @property
    def embedding_width(self) -> int:
        """Return D, the width of the token embeddings."""
        return embedding_width(self.body)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return ``(N, num_classes)`` logits.

        Raises:
            ValueError: if the texts are longer than the body has positions.
        """
        mask = inputs["attention_mask"]
        hidden = hidden_states(self.body, inputs).float()
        if self.pooling == "mean":
            weight = mask.unsqueeze(2).to(hidden.dtype)
            pooled = (hidden * weight).sum(1) / weight.sum(1)
        else:
            pooled = hidden[torch.arange(len(mask), device=mask.device), mask.sum(1) - 1]
        logits: Tensor = self.head(self.dropout(pooled))
        return logits


def embedding_width(body: PreTrainedModel, *, hidden: bool = False) -> int:
    """Return the width of the token embeddings of ``body``, or of its last ``hidden`` states."""
    return int(body.config.hidden_size if hidden else embedding_table(body).shape[1])


def embedding_table(body: PreTrainedModel) -> Tensor:
    """Return the token embeddings of ``body``, ``(V, D)``."""
    table = body.get_input_embeddings().weight
    if not isinstance(table, Tensor):
        raise TypeError(f"{type(body).__name__} has no table of token embeddings")
    return table


def hidden_states(body: PreTrainedModel, inputs: dict[str, Tensor]) -> Tensor:
    """Return the last hidden states ``(N, L, H)`` of ``body``, with the noise of ``inputs`` on the token embeddings.

    Raises:
        ValueError: if the texts are longer than the body has positions.
    """
    length, positions = inputs["input_ids"].shape[1], getattr(body.config, "max_position_embeddings", None)
    if positions is not None and length > positions:
        raise ValueError(f"texts of at most {positions} tokens fit this network, got {length}: lower max_length")
    embedded: Tensor = body.get_input_embeddings()(inputs["input_ids"])
    if "embedding_noise" in inputs:
        embedded = embedded + inputs["embedding_noise"]
    hidden: Tensor = body(inputs_embeds=embedded, attention_mask=inputs["attention_mask"]).last_hidden_state
    return hidden
