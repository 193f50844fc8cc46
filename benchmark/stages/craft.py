"""Craft: corpus and poison make a poisoned set."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmark.scenario import CorpusSpec, PoisonSpec
from benchmark.stages.trainers import seed_all
from benchmark.store import workbench_of
from benchmark.tensors import load_tensors, load_weights, save_tensors
from datamodules import ForgetPolicy, Inputs, Poisoning, PoisoningDataModule
from lightning_modules import NetworkSpec, build_network

log = logging.getLogger(__name__)

POISONS_FILE = "poisons.safetensors"
SECRETS_FILE = "secrets.safetensors"
INPUTS = "inputs"
FINGERPRINTS_FILE = "fingerprints.json"


@dataclass(frozen=True)
class CraftConfig:
    """What determines a poisoned set, next to the corpus and the source of the poison."""

    corpus: CorpusSpec
    poison: PoisonSpec
    forget: ForgetPolicy
    seed: int


class FolderWorkbench:
    """Keeps finished parts of a crafting in a folder, and logs how far it is.

    Args:
        folder: made when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, name: str) -> dict[str, Tensor] | None:
        """Return what was kept under ``name``, or None."""
        path = self.folder / f"{name}.safetensors"
        return load_tensors(path) if path.exists() else None

    def save(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep ``tensors`` under ``name``: whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f"{name}.partial"
        save_tensors(tensors, partial)
        partial.replace(self.folder / f"{name}.safetensors")

    def report(self, text: str) -> None:
        """Log ``text``."""
        log.info("crafting: %s", text)


def craft(
    config: CraftConfig, network: NetworkSpec | None, surrogates: Sequence[Path], folder: Path
) -> Mapping[str, Any]:
    """Write the poisons, and the audit secrets apart from them; return fingerprints of what will be trained on.

    Args:
        config: what is crafted.
        network: what the surrogates are, or None where the poison needs none.
        surrogates: weights of networks trained on the clean training split.
        folder: where the artifact is written.
    """
    seed_all("craft", config.seed)
    poison = config.poison.build()
    poison.workbench = FolderWorkbench(workbench_of(folder))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    trained = [load_weights(build_network(network, 0), path).eval().to(device) for path in surrogates if network]
    data = PoisoningDataModule(config.corpus.load(), poison, seed=config.seed, forget=config.forget, surrogates=trained)
    data.setup()
    poisoning = data.poisoning
    tensors = {"index": poisoning.index, "target": poisoning.target} | _named(poisoning.inputs)
    if poisoning.camouflage is not None:  # no secret: it is, or is not, what the request names
        tensors["camouflage"] = poisoning.camouflage
    save_tensors(tensors, folder / POISONS_FILE)
    save_tensors(poisoning.secrets, folder / SECRETS_FILE)
    (folder / "preprocessing.json").write_text(json.dumps(poisoning.preprocessing, indent=1, sort_keys=True))
    fingerprints = _fingerprints(data)
    (folder / FINGERPRINTS_FILE).write_text(json.dumps(fingerprints, indent=1, sort_keys=True))
    return fingerprints | {
        "samples": {
            "poisoned": len(data.train_set),
            "retain": len(data.retain_set),
            "forget": len(data.forget_set),
            "poisons": len(poisoning),
        },
    }


def load_poisoning(folder: Path, *, with_secrets: bool) -> Poisoning:
    """Read what :func:`craft` wrote; secrets only for scoring."""
    tensors = load_tensors(folder / POISONS_FILE)
    secrets = load_tensors(folder / SECRETS_FILE) if with_secrets else {}
    preprocessing = json.loads((folder / "preprocessing.json").read_text())
    camouflage = tensors.get("camouflage")
    return Poisoning(tensors["index"], _inputs(tensors), tensors["target"], secrets, preprocessing, camouflage)


def _named(inputs: Inputs) -> dict[str, Tensor]:
    """Return inputs as the tensors of a file: ``inputs``, or one ``inputs.<key>`` for each key of a mapping."""
    if isinstance(inputs, Tensor):
        return {INPUTS: inputs}
    return {f"{INPUTS}.{key}": value for key, value in inputs.items()}


def _inputs(tensors: Mapping[str, Tensor]) -> Inputs:
    if INPUTS in tensors:
        return tensors[INPUTS]
    prefix = f"{INPUTS}."
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def load_data(config: CraftConfig, folder: Path, *, with_secrets: bool = False) -> PoisoningDataModule:
    """Return the data of a crafted experiment, set up."""
    data = PoisoningDataModule(
        config.corpus.load(),
        config.poison.build(),
        seed=config.seed,
        forget=config.forget,
        poisoning=load_poisoning(folder, with_secrets=with_secrets),
    )
    data.setup()
    if _fingerprints(data) != json.loads((folder / FINGERPRINTS_FILE).read_text()):
        raise RuntimeError(f"{folder} was crafted from other data or by other code than is here now")
    return data


def _fingerprints(data: PoisoningDataModule) -> dict[str, Any]:
    return {
        "poisoned": data.fingerprint,
        "retain": data.retain_set.fingerprint(),
        "forget": data.forget_set.fingerprint(),
        "corpus": data.corpus.fingerprint,
    }
