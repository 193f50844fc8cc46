"""Tuning: settings of a method chosen on seeds that no scenario scores on, by what a defender can see.

What is minimised is agreement with a retrain of the *tuning* seeds: how far the loss on the forget set is from the
retrain's, and how much accuracy on the selection split is lost against it. No audit secret and no test split is read.
"""

from benchmark.tuning.command import TUNING_SEEDS, TunePlaces, TuneRequest, tune
from benchmark.tuning.tuned import TUNED_FILE, TunedFile, TunedMethod, read_to_add, read_tuned

__all__ = [
    "TUNED_FILE",
    "TUNING_SEEDS",
    "TunePlaces",
    "TuneRequest",
    "TunedFile",
    "TunedMethod",
    "read_to_add",
    "read_tuned",
    "tune",
]
