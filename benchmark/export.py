"""Takes crafted poisons elsewhere, and reads those made elsewhere."""

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor

from benchmark.stages.craft import FINGERPRINTS_FILE, POISONS_FILE, SECRETS_FILE, load_poisoning
from datamodules import Corpus, ImageCorpus, Inputs, Poisoning, TextCorpus, poisoned_set
from datamodules.poison import image_corpus

FILES = (POISONS_FILE, SECRETS_FILE, FINGERPRINTS_FILE, "preprocessing.json")


class PoisonFileError(ValueError):
    """A crafted poison that cannot be used; the message is one line: file, value, what is allowed."""


def export_poison(crafted: Path, corpus: Corpus, folder: Path) -> None:
    """Copy an artifact of crafting and write its images or texts.

    ``folder`` gets the artifact's files and ``poisons.csv``: row of the poisoned training set, row of the clean base
    sample, label before, label after. For images it names a file of ``png/``, one image a poison. PNG holds bytes:
    values beyond the valid range are clipped and all are rounded, so whoever needs the exact poison reads the
    safetensors file. For texts it holds the text before and after, both as their tokens read.

    Args:
        crafted: the artifact's folder.
        corpus: the corpus it was crafted on.
        folder: made where it does not exist; another one than ``crafted``.

    Raises:
        PoisonFileError: if ``folder`` is ``crafted``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if folder.resolve() == crafted.resolve():
        raise PoisonFileError(f"{folder} holds the poison itself; name another folder with --output")
    for name in FILES:
        if (crafted / name).exists():
            shutil.copyfile(crafted / name, folder / name)
    poisoning = load_poisoning(crafted, with_secrets=True)
    if isinstance(corpus, TextCorpus):
        shown: Sequence[tuple[str, ...]] = _texts(corpus, poisoning)
    else:
        shown = _images(image_corpus(corpus, "PNG files"), poisoning, folder)
    names = corpus.class_names
    rows = zip(poisoning.index.tolist(), poisoning.base.tolist(), poisoning.target.tolist(), shown, strict=True)
    with (folder / "poisons.csv").open("w", newline="") as file:
        table = csv.writer(file)
        columns = ["text_before", "text_after"] if isinstance(corpus, TextCorpus) else ["file"]
        table.writerow(["row", "base", "label_before", "label_after", *columns])
        for row, base, target, what in rows:
            table.writerow([row, base, names[int(corpus.train.target[base])], names[target], *what])


def _images(corpus: ImageCorpus, poisoning: Poisoning, folder: Path) -> list[tuple[str]]:
    """Write the images, and return their names below ``folder``."""
    (folder / "png").mkdir(exist_ok=True)
    names = [f"png/{row:06d}.png" for row in poisoning.index.tolist()]
    for name, image in zip(names, to_bytes(poisoning.inputs, corpus), strict=True):
        Image.fromarray(image.permute(1, 2, 0).squeeze(2).numpy()).save(folder / name)
    return [(name,) for name in names]


def _texts(corpus: TextCorpus, poisoning: Poisoning) -> list[tuple[str, str]]:
    """Return each text before and after."""
    if isinstance(poisoning.inputs, Tensor):
        raise TypeError("a poison of texts holds tokens, got images")
    before = corpus.store("train").take(poisoning.base)
    return list(zip(*(corpus.decode(inputs["input_ids"]) for inputs in (before, poisoning.inputs)), strict=True))


def to_bytes(inputs: Inputs, corpus: ImageCorpus) -> Tensor:
    """Return inputs ``(N, C, H, W)`` in normalised space as uint8 pixels, clipped and rounded.

    Raises:
        TypeError: if the inputs are no images.
    """
    if not isinstance(inputs, Tensor):
        raise TypeError("to_bytes takes images")
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
    _check_words(folder / "preprocessing.json")
    try:
        poisoning = load_poisoning(folder, with_secrets=True)
    except (SafetensorError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise PoisonFileError(f"{folder} holds no crafted poison: {type(error).__name__}: {reason}") from error
    _check(poisoning, corpus, folder)
    return poisoning


def _check_words(path: Path) -> None:
    """Check that a file says what ``Poisoning.preprocessing`` holds: texts by name."""
    try:
        words = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise PoisonFileError(f"{path} must be a JSON object of texts: {type(error).__name__}: {error}") from error
    if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
        raise PoisonFileError(f"{path} must be a JSON object of texts, got {str(words)[:80]!r}")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"key {name!r} stands twice in one object, once is allowed")
    return dict(pairs)


def _check(poisoning: Poisoning, corpus: Corpus, folder: Path) -> None:
    index, target = poisoning.index, poisoning.target
    if index.ndim != 1 or target.ndim != 1:
        found = f"{tuple(index.shape)} and {tuple(target.shape)}"
        raise PoisonFileError(f"{folder}: index and target must be (P,), got {found}")
    if isinstance(corpus, TextCorpus):
        _check_texts(poisoning, corpus, folder)
    else:
        _check_images(poisoning, image_corpus(corpus, "a poison of images"), folder)
    if int(index[0]) < 0:
        raise PoisonFileError(f"{folder}: index must ascend from a row of the training split, got {int(index[0])}")
    if bool((index[1:] <= index[:-1]).any()):
        place = int((index[1:] <= index[:-1]).nonzero()[0])
        found = f"{int(index[place])} before {int(index[place + 1])}"
        raise PoisonFileError(f"{folder}: index must ascend, got {found}")
    base, total = poisoning.base, len(corpus.train.target)
    if len(base) != len(index) or int(base.min()) < 0 or int(base.max()) >= total:
        raise PoisonFileError(
            f"{folder}: base (or index) must be rows of the training split, 0..{total - 1}, got {len(base)} in "
            f"{int(base.min())}..{int(base.max())}"
        )
    if int(target.min()) < 0 or int(target.max()) >= corpus.num_classes:
        raise PoisonFileError(
            f"{folder}: target must be in 0..{corpus.num_classes - 1}, got {int(target.min())}..{int(target.max())}"
        )
    try:
        poisoned_set(corpus, poisoning)
    except ValueError as error:
        raise PoisonFileError(f"{folder}: {error}") from error


def _check_images(poisoning: Poisoning, corpus: ImageCorpus, folder: Path) -> None:
    index, inputs, target = poisoning.index, poisoning.inputs, poisoning.target
    if not isinstance(inputs, Tensor):
        raise PoisonFileError(f"{folder}: inputs must be images, as {corpus.name} holds, got {sorted(inputs)}")
    shape = (len(index), *corpus.input_shape)
    if tuple(inputs.shape) != shape or len(target) != len(index) or not len(index):
        found = f"{tuple(inputs.shape)} and {len(target)}"
        raise PoisonFileError(f"{folder}: inputs and target must be {shape} and {len(index)} long, got {found}")
    if index.dtype != torch.int64 or target.dtype != torch.int64 or inputs.dtype != torch.float32:
        found = f"{index.dtype}, {target.dtype}, {inputs.dtype}"
        raise PoisonFileError(f"{folder}: index, target, inputs must be int64, int64, float32, got {found}")
    if not bool(torch.isfinite(inputs).all()):
        raise PoisonFileError(f"{folder}: inputs must be finite")


def _check_texts(poisoning: Poisoning, corpus: TextCorpus, folder: Path) -> None:
    """Check what the store does not, which is asked to take the inputs as well."""
    index, inputs, target = poisoning.index, poisoning.inputs, poisoning.target
    if isinstance(inputs, Tensor) or "input_ids" not in inputs:
        raise PoisonFileError(f"{folder}: inputs must be tokens (input_ids, attention_mask), as {corpus.name} holds")
    sizes = {len(part) for part in (index, target, *inputs.values())}
    if len(sizes) != 1 or not len(index):
        raise PoisonFileError(f"{folder}: index, target and all inputs must be of one length, got {sorted(sizes)}")
    ids = inputs["input_ids"]
    whole = {index.dtype, target.dtype, *(value.dtype for key, value in inputs.items() if key != "noise_std")}
    if whole != {torch.int64} or ids.ndim != 2:
        raise PoisonFileError(f"{folder}: index, target and inputs must be int64 and input_ids (P, L), got {whole}")
    known = len(corpus.tokenizer)
    if ids.shape[1] > corpus.max_length or not 0 <= int(ids.min()) <= int(ids.max()) < known:
        raise PoisonFileError(
            f"{folder}: input_ids must be at most {corpus.max_length} tokens in 0..{known - 1}, got {ids.shape[1]} in "
            f"{ids.min()}..{ids.max()}"
        )
    std = inputs.get("noise_std")
    if std is not None and not bool((torch.isfinite(std) & (std > 0)).all()):
        raise PoisonFileError(f"{folder}: noise_std must be positive and finite, got {std.min()}..{std.max()}")
