"""What happens in the process that imports a submission: one job, then it ends."""

import dataclasses
import inspect
import json
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.conformance import CheckResult, run_checks
from benchmark.isolation.exchange import SAMPLES_FILE, read_config, read_samples
from benchmark.isolation.names import DESCRIPTION_FILE, ERROR_FILE, LEDGER_FILE, RESULTS_FILE
from benchmark.stages.train import WEIGHTS_FILE
from benchmark.stages.trainers import seed_all
from benchmark.stages.unlearn import run_unlearner
from benchmark.tensors import load_weights, save_tensors
from lightning_modules import UNLEARNERS, MethodCard, Unlearner, build_network

Job = Mapping[str, Any]


def work(job: Job) -> int:
    """Do a job and return the exit code; what went wrong is written down in one line."""
    out = Path(job["outbox"])
    try:
        _KINDS[job["kind"]](job, out)
    except BaseException as error:  # noqa: BLE001 - a submission may raise anything
        (out / ERROR_FILE).write_text(json.dumps({"error": _told(error, job["file"])}))
        return 1
    return 0


def _plugin(job: Job) -> type[Unlearner]:
    return UNLEARNERS.load_file(f"{Path(job['inbox']) / job['file']}:{job['class_name']}".removesuffix(":"))


def _describe(job: Job, out: Path) -> None:
    plugin = _plugin(job)
    defaults = {name: parameter.default for name, parameter in inspect.signature(plugin).parameters.items()}
    missing = [name for name, value in defaults.items() if value is inspect.Parameter.empty]
    if missing:
        raise ValueError(f"{plugin.__name__} needs a default for {', '.join(missing)}: every hyper-parameter has one")
    card = getattr(plugin, "card", None)
    if not isinstance(card, MethodCard):
        raise ValueError(f"give {plugin.__name__} a class attribute card = MethodCard(...)")  # noqa: TRY004
    plugin(**defaults)
    description = {
        "class_name": plugin.__name__,
        "card": dataclasses.asdict(card),
        "defaults": defaults,
        "modalities": plugin.modalities,
    }
    (out / DESCRIPTION_FILE).write_text(json.dumps(description, allow_nan=False))


def _construct(job: Job, _: Path) -> None:
    _plugin(job)(**job["settings"])


def _check(job: Job, out: Path) -> None:
    with (out / RESULTS_FILE).open("w") as file:

        def tell(result: CheckResult) -> None:
            file.write(json.dumps(dataclasses.asdict(result)) + "\n")
            file.flush()

        run_checks(_plugin(job), job["settings"], tell)


def _unlearn(job: Job, out: Path) -> None:
    """Do what the stage of shipped methods does, with what lies in the inbox."""
    inbox = Path(job["inbox"])
    config = read_config(inbox)
    seed_all("unlearn", config.seed)
    forget, retain = read_samples(inbox / SAMPLES_FILE)
    network = load_weights(build_network(config.network, 0), inbox / WEIGHTS_FILE)
    settings: dict[str, Any] = dict(config.hyperparameters)
    result = run_unlearner(
        _plugin(job)(**settings),
        network,
        forget,
        retain,
        passes=config.budget * config.training_passes,
        batch_size=config.batch_size,
        forget_batch_size=config.forget_batch_size,
        seed=config.seed,
        augmentation=config.augmentation,
        precision=config.precision,
        snapshots=config.snapshots,
    )
    save_tensors(result.network.state_dict(), out / WEIGHTS_FILE)
    for number, snapshot in enumerate(result.snapshots):
        save_tensors(snapshot.weights, out / f"snapshot-{number}.safetensors")
    ledger = {
        "forward_passes": result.ledger.forward_passes,
        "backward_passes": result.ledger.backward_passes,
        "wall_clock_s": result.ledger.wall_clock_s,
        "refused": result.ledger.refused,
        "plan": dataclasses.asdict(result.plan),
        "snapshots": [{"step": snapshot.step, "passes": snapshot.passes} for snapshot in result.snapshots],
    }
    (out / LEDGER_FILE).write_text(json.dumps(ledger))


_KINDS = {"describe": _describe, "construct": _construct, "check": _check, "unlearn": _unlearn}


def _told(error: BaseException, file: str) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, ValueError) and text:
        return text
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).name == file]
    where = f" in {frames[-1].name} ({file}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{where}: {text}"
