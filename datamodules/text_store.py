"""Texts held in memory as tokens, padded to the longest of the batch when taken."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from datamodules.batch import EMBEDDING_NOISE, Inputs
from datamodules.noise import noise_of

NOISE = ("noise_seed", "noise_std", "noise_width")
"""What may be replaced besides tokens: seed, standard deviation and width of noise on the embeddings."""


@dataclass(frozen=True, eq=False)
class Tokens:
    """Texts of different lengths, one after the other.

    Attributes:
        ids: ``(T,)`` int32, the tokens of all texts.
        offsets: ``(N + 1,)`` int64, where each text begins, and the end of the last.
    """

    ids: Tensor
    offsets: Tensor

    @classmethod
    def of(cls, texts: Sequence[Sequence[int] | Tensor]) -> "Tokens":
        """Return the tokens of ``texts``, one after the other.

        Raises:
            ValueError: if a text has no token.
        """
        parts = [torch.as_tensor(text, dtype=torch.int32) for text in texts]
        lengths = torch.tensor([len(part) for part in parts], dtype=torch.int64)
        if not bool((lengths > 0).all()):
            raise ValueError(f"texts must have at least one token each, text {int(lengths.argmin())} has none")
        ids = torch.cat(parts) if parts else torch.empty(0, dtype=torch.int32)
        return cls(ids, torch.cat([lengths.new_zeros(1), lengths.cumsum(0)]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def to(self, device: torch.device) -> "Tokens":
        """The same tokens on `device`."""
        return Tokens(self.ids.to(device), self.offsets.to(device))

    def lengths(self, rows: Tensor) -> Tensor:
        """How many tokens each of ``rows`` has, ``(N,)`` int64."""
        return self.offsets[rows + 1] - self.offsets[rows]

    def select(self, rows: Tensor) -> "Tokens":
        """Return the tokens of ``rows``, in their order."""
        lengths = self.lengths(rows)
        offsets = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
        within = torch.arange(int(offsets[-1]), device=lengths.device) - offsets[:-1].repeat_interleave(lengths)
        return Tokens(self.ids[self.offsets[rows].repeat_interleave(lengths) + within], offsets)

    def padded(self, rows: Tensor, pad: int) -> dict[str, Tensor]:
        """Return ``input_ids`` and ``attention_mask`` of ``rows``, ``(N, L)`` int64, L the longest of them."""
        lengths = self.lengths(rows)
        grid = torch.arange(int(lengths.max()) if len(rows) else 0, device=lengths.device)
        mask = grid < lengths.unsqueeze(1)
        position = (self.offsets[rows].unsqueeze(1) + grid).masked_fill_(~mask, 0)
        ids = self.ids[position].long().masked_fill_(~mask, pad)
        return {"input_ids": ids, "attention_mask": mask.long()}


@dataclass(frozen=True)
class TextStore:
    """Tokens of texts; some rows may carry noise that is added to their embeddings, as seeds from which it is drawn.

    Attributes:
        tokens: of every row; those of replaced rows are the replacement's.
        pad: what fills up shorter rows of a batch; masked, so it never counts.
        noise_seed: ``(N,)`` int64, -1 where a row has no noise.
        noise_std: ``(N,)`` float32, standard deviation of each coordinate, in units of the embeddings.
        noise_width: coordinates of an embedding; 0 where no row has noise.
    """

    tokens: Tokens
    pad: int
    noise_seed: Tensor
    noise_std: Tensor
    noise_width: int

    @classmethod
    def clean(cls, tokens: Tokens, pad: int) -> "TextStore":
        """Return a store in which nothing is replaced and no row has noise."""
        return cls(tokens, pad, torch.full((len(tokens),), -1), torch.zeros(len(tokens)), 0)

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: Tensor) -> dict[str, Tensor]:
        """Return what a network eats, padded on the right to the longest of ``rows``.

        Returns:
            ``input_ids`` and ``attention_mask`` ``(N, L)`` int64; where some of the rows have noise also
            ``embedding_noise`` ``(N, L, D)`` float32, zero for the others and for padding.
        """
        inputs = self.tokens.padded(rows, self.pad)
        seeds = self.noise_seed[rows].tolist()
        if max(seeds, default=-1) >= 0:
            lengths, stds = self.lengths(rows).tolist(), self.noise_std[rows].tolist()
            noise = torch.zeros(*inputs["input_ids"].shape, self.noise_width)
            for place, (seed, length, std) in enumerate(zip(seeds, lengths, stds, strict=True)):
                if seed >= 0:
                    noise[place, :length] = noise_of(seed, length, self.noise_width, std)
            inputs[EMBEDDING_NOISE] = noise.to(rows.device)
        return inputs

    def replace(self, rows: Tensor, values: Inputs) -> "TextStore":
        """Return a store in which ``rows`` feed ``values``.

        Args:
            rows: ``(P,)`` int64; those beyond the last row are added.
            values: ``input_ids`` and ``attention_mask`` ``(P, L)``, padded on the right, and, where they have noise,
                ``noise_seed`` ``(P,)`` int64, ``noise_std`` ``(P,)`` float32 and ``noise_width`` ``(P,)`` int64.

        Raises:
            TypeError: if ``values`` are no texts.
            ValueError: if a key is missing or unknown, a text is empty or padded elsewhere than on the right, added
                rows leave a gap, or noise has no positive width, more than one, or a negative seed.
        """
        if isinstance(values, Tensor):
            raise TypeError("a TextStore takes tokens, got inputs of another modality")
        seed, std, width = _noise(rows, values, self.noise_width)
        new = _unpadded(values["input_ids"], values["attention_mask"])
        total = max(len(self), int(rows.max()) + 1 if len(rows) else 0)
        source = torch.full((total,), -1)
        source[: len(self)] = torch.arange(len(self))
        source[rows] = len(self) + torch.arange(len(rows))
        if bool((source < 0).any()):
            raise ValueError(f"rows must go on with {len(self)} without a gap, got {rows[rows >= len(self)].tolist()}")
        both = Tokens(
            torch.cat([self.tokens.ids, new.ids]),
            torch.cat([self.tokens.offsets, self.tokens.offsets[-1] + new.offsets[1:]]),
        )
        return replace(
            self,
            tokens=both.select(source),
            noise_seed=torch.cat([self.noise_seed, seed])[source],
            noise_std=torch.cat([self.noise_std, std])[source],
            noise_width=width,
        )

    def lengths(self, rows: Tensor) -> Tensor:
        """Return how many tokens each of ``rows`` has, ``(N,)`` int64."""
        return self.tokens.lengths(rows)

    def to(self, device: torch.device) -> "TextStore":
        """Return the same store on ``device``."""
        return replace(
            self,
            tokens=self.tokens.to(device),
            noise_seed=self.noise_seed.to(device),
            noise_std=self.noise_std.to(device),
        )

    def digest(self, rows: Tensor) -> bytes:
        """Return a SHA-256 over tokens and noise of ``rows``, in their order; padding does not count."""
        part = self.tokens.select(rows)
        seed = self.noise_seed[rows]
        hasher = hashlib.sha256()
        for tensor in (part.ids, part.offsets, seed, self.noise_std[rows]):
            hasher.update(tensor.contiguous().cpu().numpy().tobytes())
        hasher.update(str(self.noise_width if bool((seed >= 0).any()) else 0).encode())
        return hasher.digest()


def _unpadded(input_ids: Tensor, attention_mask: Tensor) -> Tokens:
    lengths = attention_mask.sum(1)
    if input_ids.shape != attention_mask.shape:
        raise ValueError(
            f"input_ids and attention_mask must have one shape, got {tuple(input_ids.shape)} "
            f"and {tuple(attention_mask.shape)}"
        )
    if not torch.equal(attention_mask.bool(), torch.arange(attention_mask.shape[1]) < lengths.unsqueeze(1)):
        raise ValueError("attention_mask must be ones and then zeros in each row: padding goes on the right")
    return Tokens.of([ids[:length] for ids, length in zip(input_ids, lengths.tolist(), strict=True)])


def _noise(rows: Tensor, values: dict[str, Tensor], before: int) -> tuple[Tensor, Tensor, int]:
    """Seeds, standard deviations and width of the noise of new rows."""
    required, known = {"input_ids", "attention_mask"}, {"input_ids", "attention_mask", *NOISE}
    wanted = known if known & set(values) - required else required
    if set(values) != wanted:
        raise ValueError(f"values must be {sorted(required)}, with or without all of {list(NOISE)}: {sorted(values)}")
    if wanted == required:
        return torch.full((len(rows),), -1), torch.zeros(len(rows)), before
    widths = {before} - {0} | set(values["noise_width"].tolist())
    if len(widths) > 1 or min(widths, default=1) < 1:
        raise ValueError(f"noise_width must be one positive number for all rows, got {sorted(widths)}")
    if bool((values["noise_seed"] < 0).any()):
        raise ValueError(f"noise_seed must be at least 0, got {int(values['noise_seed'].min())}")
    return values["noise_seed"].long(), values["noise_std"].float(), next(iter(widths), before)
