"""Data: corpora, poisons, and the module that serves a poisoned training set."""

from datamodules.batch import Batch, Inputs, Phase, UnlearnBatch, batch_size, joined, map_inputs
from datamodules.corpora import load_corpus
from datamodules.corpora.base import Corpus, Split
from datamodules.loaders import BatchLoader
from datamodules.module import ForgetPolicy, PoisoningDataModule
from datamodules.plugins import Registry, UnknownNameError
from datamodules.poisons import POISONS, Poison, Poisoning, gaussian_noise, poisoned_set
from datamodules.samples import ImageStore, SampleSet
from datamodules.seeds import derive_seed, generator_for

__all__ = [
    "POISONS",
    "Batch",
    "BatchLoader",
    "Corpus",
    "ForgetPolicy",
    "ImageStore",
    "Inputs",
    "Phase",
    "Poison",
    "Poisoning",
    "PoisoningDataModule",
    "Registry",
    "SampleSet",
    "Split",
    "UnknownNameError",
    "UnlearnBatch",
    "batch_size",
    "derive_seed",
    "gaussian_noise",
    "generator_for",
    "joined",
    "load_corpus",
    "map_inputs",
    "poisoned_set",
]
