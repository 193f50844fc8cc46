"""``python -m benchmark``: new, submit, verify, publish."""

from collections.abc import Callable
from pathlib import Path

from jsonargparse import ArgumentParser, Namespace
from rich.console import Console

from benchmark.choices import choose_methods, choose_scenarios
from benchmark.options import PublishOptions, SubmitOptions, VerifyOptions
from benchmark.publish import TABLE, publish
from benchmark.submit import submit
from benchmark.template import write_template
from benchmark.verify import verify

OPTIONS: dict[str, type] = {"submit": SubmitOptions, "verify": VerifyOptions, "publish": PublishOptions}

NEW = "Write a method to start from: one commented file that passes `check`."

POSITIONAL = {"new": ("file", "the file to write, such as my_method.py"), "verify": ("entry", "JSON file of the entry")}

FLAGS = {
    "verify": {
        "from_scratch": "use nothing from the store: craft and train anew, too",
        "any_commit": "compare even if the code here is not that of the entry's commit",
    },
    "publish": {"allow_dirty": "take entries that were made with uncommitted code"},
}


WORDS = ("new", *(flag for flags in FLAGS.values() for flag in flags))
"""Commands and flags that no options say."""


def add_board_commands(add: Callable[..., object], new_parser: Callable[[str], ArgumentParser]) -> None:
    """Add the commands.

    Args:
        add: takes the name of a command, its parser and, as ``help``, what it is for.
        new_parser: makes a parser from its description.
    """
    for name in ("new", *OPTIONS):
        title = NEW if name == "new" else (OPTIONS[name].__doc__ or "").partition("\n")[0]
        command = new_parser(title)
        if name in POSITIONAL:
            argument, text = POSITIONAL[name]
            command.add_argument(argument, type=Path, help=text)
        if name in OPTIONS:
            command.add_class_arguments(OPTIONS[name], as_group=False, fail_untyped=True)
        for flag, text in FLAGS.get(name, {}).items():
            command.add_argument(f"--{flag}", action="store_true", help=text)
        add(name, command, help=title)


def run_new(values: Namespace, console: Console) -> int:
    """Write the template."""
    reference = write_template(values.file)
    console.print(f"{values.file}: a method that works as it is; edit it, then:")
    console.print(f"python -m benchmark check --unlearner={reference}")
    console.print(f"python -m benchmark submit --unlearner={reference}")
    return 0


def run_submit(values: Namespace, console: Console) -> int:
    """Submit a method; 1 where a check or a cell failed."""
    _check_workers(values.workers)
    scenarios = choose_scenarios(values.suite, values.scenarios)
    (method,) = choose_methods(None, values.unlearner, values.get("submission")) or (None,)
    if method is None:
        raise ValueError("--unlearner must name a method, as path/to/file.py:Class, got none")
    done = submit(method, scenarios, values.store, values.entries, values.workers, console)
    for fault in done.faults:
        console.print(f"to fix: {fault}")
    if done.faults:
        console.print("nothing was run and nothing was written; `check` tells the same in more words")
    for failure in done.failures:
        console.print(f"failed: {failure.key}: {failure.reason}")
    return 1 if done.faults or done.failures else 0


def run_verify(values: Namespace, console: Console) -> int:
    """Verify an entry; 1 where it is not confirmed."""
    _check_workers(values.workers)
    found = verify(
        values.entry,
        values.store,
        console,
        from_scratch=values.from_scratch,
        any_commit=values.any_commit,
        workers=values.workers,
        fresh=values.fresh,
    )
    for failure in found.failures:
        console.print(f"failed: {failure.key}: {failure.reason}")
    said = None if found.entry is None else found.entry.verification
    if found.entry is None or said is None:
        console.print(f"{values.entry}: the second run could not be completed; the entry is left as it was")
        return 1
    for difference in said.differences:
        console.print(f"differs: {difference}")
    console.print(
        f"{values.entry}: {found.entry.status}: {said.compared} values compared, {len(said.differences)} differ; the "
        f"greatest difference is {said.largest:.2g} of what is allowed (effects: {said.tolerance:g} of "
        f"E(poisoned) - E(retrain), accuracy: {said.accuracy_tolerance:g}"
        f"{'; on fresh seeds as told above' if said.fresh_seeds else ''})"
    )
    return 0 if found.agrees else 1


def run_publish(values: Namespace, console: Console) -> int:
    """Publish the entries of a run."""
    changes = publish(values.output, values.entries, allow_dirty=values.allow_dirty)
    for name, change in changes.items():
        console.print(f"{change:9} {name}")
    console.print(f"{len(changes)} entries in {values.entries}; the board: {values.entries.parent / TABLE}")
    return 0


def _check_workers(workers: int | None) -> None:
    if workers is not None and workers < 1:
        raise ValueError(f"--workers must be at least 1, got {workers}")


RUN: dict[str, Callable[[Namespace, Console], int]] = {
    "new": run_new,
    "submit": run_submit,
    "verify": run_verify,
    "publish": run_publish,
}
