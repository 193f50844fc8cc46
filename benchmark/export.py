"""Takes crafted poisons elsewhere, and reads those made elsewhere."""

import csv
import json
import shutil
from pathlib import Path

import torch
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor

from benchmark.stages.craft import FINGERPRINTS_FILE, POISONS_FILE, SECRETS_FILE, load_poisoning
from datamodules import Corpus, Poisoning

FILES = (POISONS_FILE, SECRETS_FILE, FINGERPRINTS_FILE, "preprocessing.json")


class PoisonFileError(ValueError):
    """A crafted poison that cannot be used; the message is one line: file, value, what is allowed."""


def export_poison(crafted: Path, corpus: Corpus, folder: Path) -> None:
    """Copy an artifact of crafting and write its images.

    ``folder`` gets the artifact's files, ``poisons.csv`` (row of the training split, label before, label after, file)
    and ``png/`` with one image a poison. PNG holds bytes: values beyond the valid range are clipped and all are
    rounded, so whoever needs the exact poison reads the safetensors file.

    Args:
        crafted: the artifact's folder.
        corpus: the corpus it was crafted on.
        folder: made where it does not exist.
    """
    (folder / "png").mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(crafted / name, folder / name)
    poisoning = load_poisoning(crafted, with_secrets=False)
    pixels = to_bytes(poisoning.inputs, corpus)
    with (folder / "poisons.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["row", "label_before", "label_after", "file"])
        for row, target, image in zip(poisoning.index.tolist(), poisoning.target.tolist(), pixels, strict=True):
            name = f"png/{row:06d}.png"
            before = int(corpus.train.target[row])
            table.writerow([row, corpus.class_names[before], corpus.class_names[target], name])
            Image.fromarray(image.permute(1, 2, 0).squeeze(2).numpy()).save(folder / name)


def to_bytes(inputs: Tensor, corpus: Corpus) -> Tensor:
    """Return inputs ``(N, C, H, W)`` in normalised space as uint8 pixels, clipped and rounded."""
    mean = torch.tensor(corpus.mean).view(1, -1, 1, 1)
    std = torch.tensor(corpus.std).view(1, -1, 1, 1)
    return ((inputs * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)


def read_poison(folder: Path, corpus: Corpus) -> Poisoning:
    """Return a poison that lies in ``folder``, checked against the corpus.

    Raises:
        PoisonFileError: if a file is missing or damaged, or the poison does not fit the corpus.
    """
    for name in (POISONS_FILE, SECRETS_FILE, "preprocessing.json"):
        if not (folder / name).is_file():
            raise PoisonFileError(f"{folder / name} is missing; a crafted poison holds {', '.join(FILES)}")
    try:
        poisoning = load_poisoning(folder, with_secrets=True)
    except (SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise PoisonFileError(f"{folder} holds no crafted poison: {type(error).__name__}: {error}") from error
    _check(poisoning, corpus, folder)
    return poisoning


def _check(poisoning: Poisoning, corpus: Corpus, folder: Path) -> None:
    total = len(corpus.train.target)
    index, inputs, target = poisoning.index, poisoning.inputs, poisoning.target
    shape = (len(index), *corpus.input_shape)
    if tuple(inputs.shape) != shape or len(target) != len(index) or not len(index):
        found = f"{tuple(inputs.shape)} and {len(target)}"
        raise PoisonFileError(f"{folder}: inputs and target must be {shape} and {len(index)} long, got {found}")
    if index.dtype != torch.int64 or target.dtype != torch.int64 or inputs.dtype != torch.float32:
        found = f"{index.dtype}, {target.dtype}, {inputs.dtype}"
        raise PoisonFileError(f"{folder}: index, target, inputs must be int64, int64, float32, got {found}")
    if bool((index[1:] <= index[:-1]).any()) or int(index[0]) < 0 or int(index[-1]) >= total:
        raise PoisonFileError(f"{folder}: index must ascend within 0..{total - 1}, the rows of the training split")
    if int(target.min()) < 0 or int(target.max()) >= corpus.num_classes:
        raise PoisonFileError(
            f"{folder}: target must be in 0..{corpus.num_classes - 1}, got {target.min()}..{target.max()}"
        )
    if not bool(torch.isfinite(inputs).all()):
        raise PoisonFileError(f"{folder}: inputs must be finite")
