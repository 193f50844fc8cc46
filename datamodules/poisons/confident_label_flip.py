"""Confident label flip: wrong labels on the images of which a surrogate is surest."""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import nn

from datamodules.corpora.base import Corpus
from datamodules.gradient_matching import outputs
from datamodules.poison import NORMALISED, Poison, Poisoning, image_corpus

Label = Literal["runner-up", "least-likely"]


class ConfidentLabelFlip(Poison):
    """Gives another label to the ``count`` training images whose own label the surrogates hold for most probable.

    Probabilities are averaged over the surrogates. The images are as they are.

    Args:
        count: number of poisons.
        label: the most probable other class (``runner-up``) or the least probable one (``least-likely``).
        num_surrogates: networks over which probabilities are averaged.
        surrogate_epochs: how long they are trained; None: as long as the victim.

    Raises:
        ValueError: if a hyper-parameter is out of range.

    Source: the rule of choice is ours; label flips as in Natarajan, Dhillon, Ravikumar, Tewari, NeurIPS 2013.
    """

    name = "confident-label-flip"
    clean_label = False
    needs_surrogate = True
    effect = "test_error"
    paper = "Natarajan et al., Learning with Noisy Labels, NeurIPS 2013"

    def __init__(
        self,
        *,
        count: int,
        label: Label = "least-likely",
        num_surrogates: int = 1,
        surrogate_epochs: int | None = None,
    ) -> None:
        for argument, number in (("count", count), ("num_surrogates", num_surrogates)):
            if number < 1:
                raise ValueError(f"{argument} must be at least 1, got {number}")
        if surrogate_epochs is not None and surrogate_epochs < 1:
            raise ValueError(f"surrogate_epochs must be at least 1 or None, got {surrogate_epochs}")
        if label not in get_args(Label):
            raise ValueError(f"label must be 'runner-up' or 'least-likely', got {label!r}")
        self.count = count
        self.label = label
        self.num_surrogates = num_surrogates
        self.surrogate_epochs = surrogate_epochs

    def craft(
        self,
        corpus: Corpus,
        surrogates: Sequence[nn.Module],
        generator: torch.Generator,
    ) -> Poisoning:
        """Ask the surrogates; nothing is drawn; see :class:`Poison`.

        Raises:
            ValueError: if there are not ``num_surrogates`` surrogates, the corpus has no images or one class only, or
                ``count`` leaves no clean sample.
        """
        if len(surrogates) != self.num_surrogates:
            raise ValueError(f"craft takes {self.num_surrogates} surrogates, got {len(surrogates)}")
        images, labels = image_corpus(corpus, self.name), corpus.train.target
        if corpus.num_classes < 2:
            raise ValueError(f"a label flip needs two classes, {corpus.name} has {corpus.num_classes}")
        if self.count >= len(labels):
            raise ValueError(
                f"count must be in 1..{len(labels) - 1} for a training split of {len(labels)} samples, got {self.count}"
            )
        device = next(surrogates[0].parameters()).device
        inputs = images.store("train").take(torch.arange(len(labels))).to(device)
        probability = torch.stack([outputs(network, inputs).softmax(1) for network in surrogates]).mean(0)
        own = probability.gather(1, labels.unsqueeze(1)).squeeze(1)
        index = own.argsort(descending=True, stable=True)[: self.count].sort().values
        others = probability[index]
        sign = 1 if self.label == "runner-up" else -1
        others = (sign * others).scatter(1, labels[index].unsqueeze(1), -torch.inf)
        return Poisoning(
            index=index,
            inputs=inputs[index.to(device)].cpu(),
            target=others.argmax(1),
            preprocessing={
                "space": NORMALISED,
                "clipping": "images are clean",
                "augmentation": "as for every sample",
            },
        )
