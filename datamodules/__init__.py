"""Data: corpora, poisons, and the module that serves a poisoned training set."""

from datamodules.batch import EMBEDDING_NOISE, Batch, Inputs, Phase, UnlearnBatch, batch_size, joined, map_inputs
from datamodules.checkpoints import checkpoint_folder, load_tokenizer
from datamodules.corpora import load_corpus
from datamodules.corpora.base import Corpus, ImageCorpus, ImageSplit, Split
from datamodules.corpora.text import TextCorpus, TextSplit, Tokenization
from datamodules.loaders import BatchLoader
from datamodules.module import ForgetPolicy, PoisoningDataModule
from datamodules.noise import gaussian_noise, noise_of
from datamodules.plugins import Registry, UnknownNameError
from datamodules.poisons import POISONS, Poison, Poisoning, poisoned_set
from datamodules.samples import ImageStore, SampleSet
from datamodules.seeds import derive_seed, generator_for
from datamodules.text_store import TextStore, Tokens

__all__ = [
    "EMBEDDING_NOISE",
    "POISONS",
    "Batch",
    "BatchLoader",
    "Corpus",
    "ForgetPolicy",
    "ImageCorpus",
    "ImageSplit",
    "ImageStore",
    "Inputs",
    "Phase",
    "Poison",
    "Poisoning",
    "PoisoningDataModule",
    "Registry",
    "SampleSet",
    "Split",
    "TextCorpus",
    "TextSplit",
    "TextStore",
    "Tokenization",
    "Tokens",
    "UnknownNameError",
    "UnlearnBatch",
    "batch_size",
    "checkpoint_folder",
    "derive_seed",
    "gaussian_noise",
    "generator_for",
    "joined",
    "load_corpus",
    "load_tokenizer",
    "map_inputs",
    "noise_of",
    "poisoned_set",
]
