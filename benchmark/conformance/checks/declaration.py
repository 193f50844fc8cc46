"""What a method says about itself, read without running it."""

import dataclasses
import inspect
import re
from typing import get_args

from benchmark.conformance.check import ConformanceError, check, demand
from benchmark.conformance.hyperparameters import hyperparameters_of
from benchmark.conformance.subject import EPOCHS, Subject
from datamodules import Phase
from lightning_modules import MethodCard

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


@check(requires=())
def card_is_complete(subject: Subject) -> None:
    """The method has a card with no empty field, and a name that can stand in a file name."""
    card = getattr(subject.unlearner_class, "card", None)
    if not isinstance(card, MethodCard):
        raise ConformanceError(f"give {subject.name} a class attribute card = MethodCard(...), it has {card!r}")
    empty = [name for name, value in dataclasses.asdict(card).items() if not str(value).strip()]
    demand(not empty, f"fill in {', '.join(empty)} of the card of {subject.name}")
    demand(
        _NAME.fullmatch(card.name) is not None,
        f"the card's name must match {_NAME.pattern} (lower case, digits, _ . -), got {card.name!r}",
    )


@check(requires=())
def hyperparameters_are_scalar_keywords_with_defaults(subject: Subject) -> None:
    """Every argument of __init__ can be written in a configuration file and has a default."""
    for entry in hyperparameters_of(subject.unlearner_class):
        demand(entry.keyword_only, f"put a * before {entry.name} in __init__, so that it is named in every call")
        demand(entry.default is not inspect.Parameter.empty, f"give {entry.name} a default in __init__")
        demand(
            entry.scalar,
            f"annotate {entry.name} as bool, int, float, str or a Literal (or one of them | None), "
            f"it is {entry.annotation}",
        )


@check(requires=())
def docstring_documents_every_hyperparameter(subject: Subject) -> None:
    """The Args section of the class docstring has a line for each hyper-parameter."""
    text = inspect.getdoc(subject.unlearner_class) or ""
    _, _, arguments = text.partition("Args:")
    names = [entry.name for entry in hyperparameters_of(subject.unlearner_class)]
    missing = [name for name in names if not re.search(rf"^\s+{name}\s*(\([^)]*\))?:\s*\S", arguments, re.MULTILINE)]
    demand(not missing, f"document {', '.join(missing)} under Args: in the docstring of {subject.name}")


@check(requires=())
def declared_exceptions_have_reasons(subject: Subject) -> None:
    """Every entry of conformance_exceptions names a check and says why."""
    from benchmark.conformance.checks import CHECKS  # noqa: PLC0415 - it lists this one too

    known = [entry.name for entry in CHECKS]
    for name, reason in subject.unlearner_class.conformance_exceptions.items():
        demand(name in known, f"conformance_exceptions names {name!r}, which is no check; there are {', '.join(known)}")
        demand(bool(reason.strip()), f"say in conformance_exceptions why {name} does not hold")


@check(requires=())
def schedule_depends_on_the_epoch_alone(subject: Subject) -> None:
    """schedule(epoch) names known phases, and names the same ones whenever it is asked."""
    unlearner = subject.make()
    first = [tuple(unlearner.schedule(epoch)) for epoch in range(2 * EPOCHS)]
    again = [tuple(unlearner.schedule(epoch)) for epoch in reversed(range(2 * EPOCHS))][::-1]
    demand(first == again, "schedule(epoch) must return the same phases whenever it is asked for the same epoch")
    unknown = {phase for phases in first for phase in phases} - set(get_args(Phase))
    demand(not unknown, f"schedule() names {', '.join(sorted(unknown))}; phases are {', '.join(get_args(Phase))}")
