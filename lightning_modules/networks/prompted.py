"""A causal language model that is asked for the label in a sentence."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from datamodules import Batch
from lightning_modules.networks.text import embedding_table, embedding_width, hidden_states

LossOn = Literal["sequence", "label"]


class PromptedLM(nn.Module):
    """Reads "[Input]. The sentiment of the review is [Label]" and says which label follows.

    Called as a :class:`~lightning_modules.networks.text.TextClassifier`; the template is appended after each row's real
    tokens, without noise. Returns ``(N, num_classes)``: the logits of the labels' first tokens where the label is to
    follow. Its training loss is that of a causal language model, and it brings the log-probability of the label. Logits
    are products with the token embeddings, so that no weight is there twice.

    Source: Pawelczyk et al., ICLR 2025 (template and loss).

    Args:
        body: causal model without a head, whose output embeddings are its token embeddings.
        template_ids: tokens between the text and the label, at least one.
        label_ids: the tokens of each class's label; their first tokens differ.
        loss_on: ``sequence`` as in the paper, every token of text, template and label but the first, or ``label``
            alone.

    Raises:
        ValueError: if the template is empty, there are less than two labels, two labels begin with one token, or a
            token is not in the body's vocabulary.
    """

    template_ids: Tensor
    label_ids: Tensor
    label_lengths: Tensor

    def __init__(
        self,
        body: PreTrainedModel,
        *,
        template_ids: Sequence[int],
        label_ids: Sequence[Sequence[int]],
        loss_on: LossOn = "sequence",
    ) -> None:
        super().__init__()
        if not template_ids:
            raise ValueError("template_ids must hold at least one token, got none")
        first = [tokens[0] if tokens else None for tokens in label_ids]
        if len(first) < 2 or None in first or len(set(first)) < len(first):
            raise ValueError(f"label_ids must begin with different tokens for two or more classes, got {label_ids}")
        tokens, known = [*template_ids, *(token for label in label_ids for token in label)], len(embedding_table(body))
        if not 0 <= min(tokens) <= max(tokens) < known:
            raise ValueError(f"template_ids and label_ids must be in 0..{known - 1}, got {tokens}")
        if loss_on not in ("sequence", "label"):
            raise ValueError(f"loss_on must be sequence or label, got {loss_on!r}")
        self.body = body
        self.loss_on = loss_on
        lengths = torch.tensor([len(tokens) for tokens in label_ids])
        padded = [F.pad(torch.tensor(tokens), (0, int(lengths.max()) - len(tokens))) for tokens in label_ids]
        self.register_buffer("template_ids", torch.tensor(list(template_ids)), persistent=False)
        self.register_buffer("label_ids", torch.stack(padded), persistent=False)
        self.register_buffer("label_lengths", lengths, persistent=False)

    @property
    def embedding_width(self) -> int:
        """Return D, the width of the token embeddings."""
        return embedding_width(self.body)

    def forward(self, inputs: dict[str, Tensor], *, whole: bool = False) -> Tensor:
        """Return ``(N, num_classes)`` label logits, or with ``whole`` the hidden states ``(N, L, D)`` of ``inputs``.

        Raises:
            ValueError: if text, template and label are longer than the body has positions.
        """
        if whole:
            return hidden_states(self.body, inputs)
        prompt = self._prompt(inputs)
        hidden = hidden_states(self.body, prompt)
        last = prompt["attention_mask"].sum(1) - 1
        says = hidden[torch.arange(len(last), device=last.device), last]
        return F.linear(says, embedding_table(self.body)[self.label_ids[:, 0]])

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the causal language model's loss, a mean over the tokens of a sample and then over samples.

        Every sample weighs the same, however long it is.
        """
        sequence, is_label = self._answered(batch)
        counted = sequence["attention_mask"][:, 1:].bool() if self.loss_on == "sequence" else is_label[:, 1:]
        return -(self._log_probs(sequence, counted).sum(1) / counted.sum(1)).mean()

    def sequence_log_probs(self, batch: Batch) -> Tensor:
        """Return ``(N,)`` float32: the log-probability of the label's tokens, given text and template."""
        sequence, is_label = self._answered(batch)
        return self._log_probs(sequence, is_label[:, 1:]).sum(1)

    def sequence_lengths(self, batch: Batch) -> Tensor:
        """Return ``(N,)`` int64: the number of tokens of each sample's label."""
        return self.label_lengths[batch.target]

    def _log_probs(self, sequence: dict[str, Tensor], counted: Tensor) -> Tensor:
        """Return ``(N, L - 1)`` log-probabilities of the tokens after the first; 0 where they are not ``counted``."""
        hidden = self(sequence, whole=True)[:, :-1][counted]
        logits = F.linear(hidden, embedding_table(self.body)).float()
        values = -F.cross_entropy(logits, sequence["input_ids"][:, 1:][counted], reduction="none")
        out = values.new_zeros(counted.shape)
        out[counted] = values
        return out

    def _prompt(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        count = len(inputs["input_ids"])
        lengths = torch.full((count,), len(self.template_ids), device=self.template_ids.device)
        return appended(inputs, self.template_ids.expand(count, -1), lengths)

    def _answered(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        """Return text, template and label, and where ``(N, L)`` the label is."""
        if isinstance(batch.inputs, Tensor):
            raise TypeError("a PromptedLM takes texts, got images")
        prompt = self._prompt(batch.inputs)
        sequence = appended(prompt, self.label_ids[batch.target], self.label_lengths[batch.target])
        place = torch.arange(sequence["input_ids"].shape[1], device=self.label_ids.device)
        before = prompt["attention_mask"].sum(1, keepdim=True)
        return sequence, (place >= before) & sequence["attention_mask"].bool()


def appended(inputs: dict[str, Tensor], tokens: Tensor, lengths: Tensor) -> dict[str, Tensor]:
    """Return text inputs with tokens after each row's real ones, cut to the longest row.

    Args:
        inputs: ``input_ids`` and ``attention_mask`` ``(N, L)``, padded on the right, and perhaps ``embedding_noise``
            ``(N, L, D)``; tokens that are appended get none, even where padding had some.
        tokens: ``(N, T)`` int64, padded on the right.
        lengths: ``(N,)`` int64, how many of the tokens of each row count.
    """
    mask = inputs["attention_mask"]
    before = mask.sum(1)
    total = before + lengths
    width = int(total.max())
    places = before.unsqueeze(1) + torch.arange(tokens.shape[1], device=tokens.device)
    ids = F.pad(inputs["input_ids"], (0, tokens.shape[1])).scatter(1, places, tokens)[:, :width]
    covered = torch.arange(width, device=mask.device) < total.unsqueeze(1)
    out = {"input_ids": ids, "attention_mask": covered.to(mask.dtype)}
    if "embedding_noise" in inputs:
        noise = inputs["embedding_noise"] * mask.unsqueeze(2)
        out["embedding_noise"] = F.pad(noise, (0, 0, 0, tokens.shape[1]))[:, :width]
    return out
