"""That a method uses no audit secret.

The pipeline hands a method the network, the plan and batches, never the secrets. A process can reach by force whatever
it holds, so these checks look for secrets that are *used* in a run, *named* in the code or *kept* on the instance. A
method that hides its intent (names built at run time, files it reads) passes them; its one file is soon read.
"""

import dis
import gc
import inspect
import types
from collections.abc import Iterator
from types import CodeType
from typing import Any

import torch

import datamodules
from benchmark.conformance.check import check, demand
from benchmark.conformance.subject import Subject, differing
from callbacks import Effect
from datamodules import Corpus, ImageSplit, Poisoning, PoisoningDataModule, TextSplit
from datamodules.poison import Poison
from lightning_modules import Unlearner

KEEPERS = (Corpus, ImageSplit, TextSplit, Poison, Poisoning, PoisoningDataModule, Effect)
"""Classes of objects that hold, or can compute, an audit secret."""

FORBIDDEN = (
    "benchmark",
    "callbacks",
    "leaderboard",
    *(f"datamodules.{name}" for name in ("corpora", "module", "poison")),
)
"""Modules, and the modules below them, that a method has no business with."""

LIMIT = 100_000


@check(requires=("runs_to_the_end", "is_deterministic"))
def uses_no_audit_secret(subject: Subject) -> None:
    """Another secret in the process changes nothing; clean base samples are not behind the batches at all."""
    before = subject.baseline.after  # made while there is no other secret
    setting = subject.setting
    decoy = Poisoning(torch.arange(3), setting.inputs[:3], setting.target[:3], {"noise_seed": torch.tensor(1)})
    changed = differing(before, subject.run(setting).after)
    del decoy
    demand(
        not changed,
        f"{', '.join(changed[:3])} depend on a secret in the process that was never served in a batch; "
        "use the batches and self.network only",
    )


@check(requires=())
def names_nothing_that_knows_secrets(subject: Subject) -> None:
    """The code of the class names no corpus, poison, measurement or stage."""
    known = {name for name in datamodules.__all__ if _forbidden(getattr(getattr(datamodules, name), "__module__", ""))}
    found = set()
    for function in _functions(subject.unlearner_class):
        for kind, name in _names(function.__code__):
            if kind == "LOAD_GLOBAL":
                value = function.__globals__.get(name)
                module = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", "")
                forbidden = _forbidden(module or "")
            else:
                forbidden = _forbidden(name) if kind == "IMPORT_NAME" else name in known
            if forbidden:
                found.add(name)
    demand(
        not found, f"the code uses {', '.join(sorted(found))}; a method sees the network and its batches, nothing else"
    )


@check()
def keeps_nothing_that_knows_secrets(subject: Subject) -> None:
    """No corpus, poison or measurement can be reached from the instance, other than through its trainer."""
    found = {type(item).__name__ for item in _reachable(subject.baseline.unlearner) if isinstance(item, KEEPERS)}
    demand(not found, f"the instance holds {', '.join(sorted(found))}; a method sees the network and its batches only")


def _forbidden(module: str) -> bool:
    return any(module == name or module.startswith((f"{name}.", f"{name}s.")) for name in FORBIDDEN)


def _functions(unlearner_class: type[Unlearner]) -> Iterator[types.FunctionType]:
    own = [cls for cls in unlearner_class.__mro__ if issubclass(cls, Unlearner) and cls is not Unlearner]
    for cls in own:
        for value in vars(cls).values():
            inner = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            inner = inspect.unwrap(inner) if callable(inner) else inner
            if isinstance(inner, types.FunctionType):
                yield inner


def _names(code: CodeType) -> Iterator[tuple[str, str]]:
    """Yield instruction and name, of globals, attributes and imports."""
    names = set(code.co_names)
    yield from ((entry.opname, entry.argval) for entry in dis.get_instructions(code) if entry.argval in names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _reachable(unlearner: Unlearner) -> Iterator[Any]:
    """Yield what the attributes of ``unlearner`` lead to, at most ``LIMIT`` objects."""
    skipped = (type, types.ModuleType, types.BuiltinFunctionType, CodeType, str, bytes, int, float)
    queue = [value for name, value in vars(unlearner).items() if name not in {"_trainer", "_fabric"}]
    seen = {id(unlearner), id(unlearner._trainer)}  # noqa: SLF001 - Lightning offers no other way to ask
    while queue and len(seen) < LIMIT:
        item = queue.pop()
        if id(item) in seen or isinstance(item, skipped):
            continue
        seen.add(id(item))
        yield item
        if isinstance(item, types.FunctionType):
            queue += [cell.cell_contents for cell in item.__closure__ or ()]
        else:
            queue += gc.get_referents(item)
