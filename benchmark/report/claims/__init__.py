"""The paper's claims, and what our data say of each."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.report.claims import convex, gaussian, removal
from benchmark.report.claims.finding import Finding, Rule, Verdict, unknown
from benchmark.report.evidence import Evidence

__all__ = ["CLAIMS", "Claim", "Finding", "Judged", "Verdict", "judge_claims"]

CONVEX_RUN = "python -m benchmark run --suite mini --unlearners gd"
CANCELING_RUN = (
    "python -m benchmark run --scenarios "
    "cifar10-gradient-canceling-cnn-v1.clipped,cifar10-gradient-canceling-cnn-v1.clipped-shuffled"
)


@dataclass(frozen=True)
class Claim:
    """Something that the paper says.

    Attributes:
        text: the claim.
        reference: where the paper says it.
        rule: judges it.
        command: makes what the rule needs; None where no command would.
    """

    text: str
    reference: str
    rule: Rule
    command: str | None = None

    @property
    def rule_text(self) -> str:
        """The rule in words: its docstring without the first line."""
        return " ".join((inspect.getdoc(self.rule) or "").partition("\n")[2].split())


@dataclass(frozen=True)
class Judged:
    """A claim and its verdict."""

    claim: Claim
    finding: Finding


def judge_claims(evidence: Evidence) -> list[Judged]:
    """Return every claim with its verdict."""
    return [Judged(claim, claim.rule(evidence)) for claim in CLAIMS]


def _run(scenario: str) -> str:
    return f"python -m benchmark run --scenarios {scenario}"


CLAIMS: Sequence[Claim] = (
    Claim(
        "No method removes data poisoning within 10 % of the cost of training.",
        "title",
        removal.every_attack,
        "python -m benchmark run --suite mini",
    ),
    Claim(
        "More compute within the budgets of 2 to 10 % does not change that.",
        "title; budgets of the protocol",
        removal.every_budget,
        "python -m benchmark run --suite mini --budgets 0.02,0.04,0.06,0.08,0.1",
    ),
    Claim(
        "Gaussian poison in images stays after every method.",
        "figure 3",
        removal.removal_of(("gaussian",), "a Gaussian poison on images"),
        _run("cifar10-gaussian-cnn-v2"),
    ),
    Claim(
        "Gaussian poison in the embeddings of texts stays after every method.",
        "figure 3",
        removal.removal_of(("gaussian-embedding",), "a Gaussian poison on texts"),
        _run("snippets-gaussian-minilm-v1"),
    ),
    Claim(
        "Targeted poison in images (gradient matching) stays after every method.",
        "figure 4",
        removal.removal_of(("gradient-matching",), "a targeted poison on images"),
        _run("cifar10-gradient-matching-cnn-v1"),
    ),
    Claim(
        "A trigger in texts stays after every method.",
        "figure 4",
        removal.removal_of(("trigger-phrase",), "a text trigger"),
        _run("snippets-trigger-minilm-v1"),
    ),
    Claim(
        "The accuracy that Gradient Canceling costs is not regained by any method.",
        "figure 4",
        removal.removal_of(("gradient-canceling",), "Gradient Canceling"),
        CANCELING_RUN,
    ),
    Claim(
        "Models retrained without the poisons lie on the diagonal of the Gaussian audit.",
        "figure 3",
        gaussian.retrain_is_null,
        _run("cifar10-gaussian-cnn-v2"),
    ),
    Claim(
        "At a false-positive rate of .01 a loss-threshold membership attack takes models for unlearned in which the "
        "Gaussian audit finds the poison.",
        "figure 2",
        gaussian.membership_misses,
        _run("cifar10-gaussian-cnn-v2"),
    ),
    Claim(
        "The same over the whole curve: its true-positive rates equal its false-positive rates.",
        "figure 2",
        gaussian.membership_misses_everywhere,
        _run("cifar10-gaussian-cnn-v2"),
    ),
    Claim(
        "The audit's statistic is centred for fresh noise and shifted for the noise that was seen, also after NGD.",
        "figure 6",
        gaussian.histograms,
        _run("cifar10-gaussian-cnn-v2"),
    ),
    Claim(
        "H1: removing poisons moves the optimum of logistic regression further than removing as many random points.",
        "section 6; figure 5",
        convex.larger_shift,
        CONVEX_RUN,
    ),
    Claim(
        "H1: the shift grows with the number of poisons removed.",
        "section 6; figure 5",
        convex.growing_shift,
        CONVEX_RUN,
    ),
    Claim(
        "H2: the clean gradient step is orthogonal to the desired shift, more samples than dimensions.",
        "section 6; figure 14",
        convex.small_cosine("linear, n > d"),
        CONVEX_RUN,
    ),
    Claim(
        "H2: it is more orthogonal for poisons than for random points, more samples than dimensions.",
        "section 6; figure 14",
        convex.smaller_cosine("linear, n > d"),
        CONVEX_RUN,
    ),
    Claim(
        "H2: the clean gradient step is orthogonal to the desired shift, fewer samples than dimensions.",
        "section 6; figure 14",
        convex.small_cosine("linear, n < d"),
        CONVEX_RUN,
    ),
    Claim(
        "H2: it is more orthogonal for poisons than for random points, fewer samples than dimensions.",
        "section 6; figure 14",
        convex.smaller_cosine("linear, n < d"),
        CONVEX_RUN,
    ),
    Claim("The paper's success rates, accuracies and norms as numbers.", "figures 2 to 6 and 14", unknown),
)
"""In the paper's order. References are those of the notes that this suite was built from."""
