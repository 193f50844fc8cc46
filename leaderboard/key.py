"""The key: what the words and numbers of a leaderboard mean."""

TITLE = """\
# Leaderboard

How much of a poison's effect E is left after unlearning, and at what cost: a residual of 0 is as clean as retraining
without the poisons, 1 is nothing removed. Brackets and ±: 95 % intervals over seeds.
"""

KEY = """\
## Key

- index: best is the method that ends nearest to retraining among those that nothing outranks, with its range of ranks
  where it ties; removed counts the methods that removed the poison, of those that were run.
- summary: each method by its worst scenario. One that was not run in all of them comes after those that were; modality
  says where it was run, and `render --modality text` compares methods on texts alone.
- residual: (E(unlearned) - E(retrain)) / (E(poisoned) - E(retrain)). 0 is as clean as retraining without what was
  asked to be deleted, 1 is nothing removed. Given only where the attack took: E(poisoned) is significantly above
  E(retrain), and above what the scenario's control reaches where it has one.
- noise floor: the greatest residual that one retrain plausibly shows against another.
- null: E over models that never saw what was asked to be deleted (both retrains of every seed).
- rank: by distance of the residual from 0. A range such as 1-3 is a tie: the seeds do not tell them apart.
  Methods that lost accuracy come after those that did not: behind each that is significantly more accurate, and
  ahead of none. Nor is a method ahead of one that keeps over 1 point more of accuracy (within 1 point of retraining
  all count as equal), unless both lost it. Methods that exceed the budget or diverge come last. Anchors have no
  rank.
- accuracy: of the unlearned model on clean test samples, in per cent; gap: its difference from retraining, in
  points. Accuracy is lost where the gap is significantly below -1. For that a loss beyond 5 points counts as 5, so
  that a method that destroys some of its models is not excused by their spread.
- cost: network passes (of one sample: forward 1, backward 2) in per cent of those that training took.
- verdict: "removed" is within the noise floor, accuracy within 1 point of retraining, inside the budget, and
  measured well enough to exclude a residual of 0.5; "not removed" is an interval above the floor; "overshot"
  is one below minus the floor; "inconclusive" is anything that the seeds leave open. Each of them says so where
  accuracy is lost; "accuracy lost" alone is what would be removal otherwise.
- anchors: no_unlearning (the poisoned model), retrain (the retrain baseline), sham (random noise on weights).
- status: claimed, verified (a second run agrees), unreliable (it does not, or the method took more time than its
  ledger explains: a note says which; it is shown and not ranked), diverged, or baseline (an anchor read off the
  baselines of the entries).
- tuned: settings chosen by trials on seeds and a split that scoring never uses; other rows have the defaults of their
  methods, or what their names say.
- audit: what the effect is made of; mean over seeds (least to greatest). Counts are over the pairs of all seeds,
  with the rate and its Clopper-Pearson interval, which takes pairs as independent. A diverged model has none.
"""
