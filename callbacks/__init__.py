"""Measurements as Lightning callbacks, the compute ledger, and TensorBoard pictures."""

from callbacks.budget import BudgetCallback
from callbacks.classification import Accuracy, Loss
from callbacks.effect import Effect
from callbacks.effects import EFFECTS
from callbacks.history import HistoryCallback
from callbacks.ledger import BudgetSpentError, Ledger
from callbacks.measurement import Measurement
from callbacks.scoring import ScoringModule
from callbacks.snapshots import Snapshot, SnapshotCallback

__all__ = [
    "EFFECTS",
    "Accuracy",
    "BudgetCallback",
    "BudgetSpentError",
    "Effect",
    "HistoryCallback",
    "Ledger",
    "Loss",
    "Measurement",
    "ScoringModule",
    "Snapshot",
    "SnapshotCallback",
]
