"""Text networks by name: classifiers and prompted language models on any checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from torch import nn

from datamodules import UnknownNameError
from datamodules.checkpoints import load_tokenizer
from lightning_modules.networks.adapters import add_lora
from lightning_modules.networks.bodies import BodyOptions, build_body, is_causal
from lightning_modules.networks.build import NetworkSpec
from lightning_modules.networks.frozen import freeze_for_good
from lightning_modules.networks.prompted import LossOn, PromptedLM
from lightning_modules.networks.text import TextClassifier, embedding_table

TOKENIZERS = {"gpt2-mini": "gpt2", "tiny-gpt2": "grammar"}
"""Of the configurations, which have none of their own."""

Options = TypeVar("Options", bound=BodyOptions)


@dataclass(frozen=True, kw_only=True)
class ClassifierOptions(BodyOptions):
    """Options of ``classifier:<checkpoint>``.

    Attributes:
        pooling: ``mean``, ``last``, or ``auto``: the last token of causal models, the mean of others.
    """

    pooling: str = "auto"


@dataclass(frozen=True, kw_only=True)
class PromptedOptions(BodyOptions):
    """Options of ``prompted:<checkpoint>``.

    Attributes:
        template: what stands between the text and its label.
        labels: the classes' words, each after a bar.
        tokenizer: whose tokenizer cuts template and labels: a checkpoint or ``grammar``, the same as the corpus's. By
            default the network's own; GPT-2's for ``gpt2-mini``, the grammar's for ``tiny-gpt2``.
        template_ids: tokens in place of ``template``, for a corpus with another tokenizer; with ``label_ids``.
        label_ids: one token for each class, in place of ``labels``.
        loss_on: ``sequence`` or ``label``; see :class:`~lightning_modules.networks.prompted.PromptedLM`.
    """

    template: str = ". The sentiment of the review is"
    labels: str = "| negative| positive"
    tokenizer: str = ""
    template_ids: tuple[int, ...] = ()
    label_ids: tuple[int, ...] = ()
    loss_on: LossOn = "sequence"

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.template_ids) != bool(self.label_ids):
            raise ValueError("template_ids and label_ids must be given together, got only one of them")


def build_classifier(spec: NetworkSpec) -> nn.Module:
    """Return the classifier that ``spec`` describes; the head is drawn anew, a pretrained body is as pretrained."""
    checkpoint, options = _read(spec, ClassifierOptions)
    body = build_body(checkpoint, options)
    pooling: Any = options.pooling
    if pooling == "auto":
        pooling = "last" if is_causal(body) else "mean"
    return _frozen(TextClassifier(body, spec.num_classes, pooling=pooling, dropout=options.dropout), options)


def build_prompted(spec: NetworkSpec) -> nn.Module:
    """Return the prompted language model that ``spec`` describes.

    Raises:
        ValueError: if the checkpoint is not causal, or there is not one label for each class.
    """
    checkpoint, options = _read(spec, PromptedOptions)
    body = build_body(checkpoint, options)
    if not is_causal(body):
        raise ValueError(f"a prompted network needs a causal language model, got {body.config.model_type!r}")
    template, labels = _tokens(checkpoint, options)
    if len(labels) != spec.num_classes:
        raise ValueError(f"labels must name {spec.num_classes} classes, got {len(labels)}")
    return _frozen(PromptedLM(body, template_ids=template, label_ids=labels, loss_on=options.loss_on), options)


def _read(spec: NetworkSpec, kind: type[Options]) -> tuple[str, Options]:
    """Return the checkpoint's name and the options of ``spec``."""
    if spec.in_channels != 0:
        raise ValueError(f"in_channels must be 0 for the text network {spec.name!r}, got {spec.in_channels}")
    known = [field.name for field in fields(kind)]
    given: Mapping[str, Any] = spec.options
    for name in given:
        if name not in known:
            raise UnknownNameError(f"option of {spec.name}", name, known)
    return spec.name.partition(":")[2], kind(**given)


def _tokens(checkpoint: str, options: PromptedOptions) -> tuple[list[int], list[list[int]]]:
    if options.template_ids:
        return list(options.template_ids), [[label] for label in options.label_ids]
    tokenizer = load_tokenizer(options.tokenizer or TOKENIZERS.get(checkpoint, checkpoint))
    words = options.labels.split("|")[1:]
    template, *labels = (tokenizer.encode(text, add_special_tokens=False) for text in (options.template, *words))
    return template, labels


def _frozen(network: TextClassifier | PromptedLM, options: BodyOptions) -> nn.Module:
    """Add what ``options`` ask for and freeze what never trains."""
    if options.lora_rank:
        names = add_lora(network.body, rank=options.lora_rank, alpha=options.lora_alpha)
    elif options.train_embeddings:
        names = []
    else:
        table = embedding_table(network.body)
        names = [name for name, parameter in network.body.named_parameters() if parameter is table]
    freeze_for_good(network, (f"body.{name}" for name in names))
    return network
