from datetime import UTC, datetime

import pytest

from leaderboard.entry import Protection, Tuning, Verification
from leaderboard.markdown import render_markdown
from leaderboard.statistics import Interval
from leaderboard.text import (
    budget_text,
    half_width_text,
    interval_text,
    number,
    percent,
    request_text,
    settings_text,
)


def index(text):
    """Cells of the index, header first."""
    return all_tables(text)[0]


def tables(text):
    """Cells of each table below the index."""
    return all_tables(text)[1:]


def all_tables(text):
    """Cells of each table, header first, without the rule below it."""
    found, current = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            current.append([cell.strip() for cell in line.strip("|").replace("\\|", "¦").split("|")])
        elif current:
            found.append([current[0], *current[2:]])
            current = []
    return found


def unexplained(entry, seeds, **cost):
    """``entry`` with seeds whose ledger does not explain the time."""
    results = entry.results[0]
    changed = [
        seed.model_copy(update={"cost": seed.cost.model_copy(update={"explained": False, **cost})})
        if seed.seed in seeds
        else seed
        for seed in results.seeds
    ]
    return entry.model_copy(update={"results": [results.model_copy(update={"seeds": changed})]})


def test_table_of_a_board(board_entries):
    (table,) = tables(render_markdown(board_entries))
    found = [(row[0], row[1], row[6]) for row in table[1:]]
    assert found == [
        ("-", "no_unlearning", "by construction"),
        ("-", "retrain", "by construction"),
        ("-", "SHAM", "not removed"),
        ("1", "CLEAN", "removed"),
        ("2-3", "HALF-A", "not removed"),
        ("2-3", "HALF-B", "not removed"),
        ("4", "WRECK", "accuracy lost"),
        ("5", "NAN", "diverged"),
    ]
    cells = {row[1]: row for row in table}
    assert cells["no_unlearning"][2] == "1.00 [1.00, 1.00]"
    assert cells["retrain"][2] == "0.00 [0.00, 0.00]"
    assert cells["NAN"][2] == "diverged"
    assert cells["WRECK"][3] == "10.4"
    assert cells["WRECK"][4] == "-59.6 ± 1.4"
    assert table[0] == ["rank", "method", "residual", "acc %", "gap", "cost %", "verdict", "effect", "status"]
    assert (cells["CLEAN"][-1], cells["NAN"][-1], cells["no_unlearning"][-1]) == ("claimed", "diverged", "baseline")


def test_status_and_seeds_are_columns_only_where_they_differ(make_entry):
    text = render_markdown([make_entry("a"), make_entry("b")])
    assert "- entries: 2, all claimed" in text.splitlines()
    assert tables(text)[0][0][-1] == "effect"
    text = render_markdown([make_entry("a"), make_entry("b", status="verified"), make_entry("c", [0.3, 0.4])])
    assert "- entries: 3" in text.splitlines()
    assert tables(text)[0][0][-2:] == ["seeds", "status"]
    assert [row[-2:] for row in tables(text)[0][1:]] == [
        ["5", "baseline"],
        ["5", "baseline"],
        ["0", "missing"],
        ["5", "claimed"],
        ["5", "verified"],
        ["2", "claimed"],
    ]


def test_settings_stand_below_the_table(make_entry):
    long = {f"setting_{row}": 0.123456 for row in range(9)}
    entries = [
        make_entry("a"),
        make_entry("b", [0.7] * 5, hyperparameters=long),
        make_entry("sham", hyperparameters={}),
    ]
    lines = render_markdown(entries).splitlines()
    start = lines.index("Settings:")
    assert lines[start + 1 : start + 3] == ["", "- A: epochs=3, lr=0.01"]
    assert lines[start + 3].startswith("- B: setting_0=0.123456, ")
    assert lines[start + 4].startswith("  setting_")
    assert len(lines) == start + 5
    assert "Settings:" not in render_markdown([make_entry(hyperparameters={})])


def test_both_faults_of_a_method_are_shown(make_entry):
    text = render_markdown([make_entry("gd", accuracy=0.66)])
    row = next(row for row in tables(text)[0] if row[1] == "GD")
    assert (row[4], row[6]) == ("-4.0 ± 0.0", "not removed, accuracy lost")


def test_it_fits_a_terminal(make_entry):
    provenance = make_entry().provenance.model_copy(update={"dirty": True})
    names = ["scrub", *(f"scrub.alpha-0.{row}" for row in range(9))]
    long = {f"setting_{row}": 0.123456 for row in range(20)}
    entries = [
        make_entry(name, accuracy=[0.5, 0.6, 0.66, 0.6, 0.5], provenance=provenance, hyperparameters=long)
        for name in names
    ]
    text = render_markdown(entries)
    assert "not removed, accuracy lost" in text
    index_ends = text.index("## Key")
    assert max(map(len, text[index_ends:].splitlines())) <= 120


def test_audit_stands_between_header_and_table(make_entry):
    names = ("mean", "z", "tpr_at_fpr_.01", "auc")
    seen = [dict(zip(names, row, strict=True)) for row in ((0.8, 8.9, 0.02, 0.7), (0.6, 7.1, 0.04, 0.8))]
    null = [{"mean": -0.004, "z": 0.1, "tpr_at_fpr_.01": 0.008, "auc": 0.5}] * 2
    gaussian = lambda row, prefix: {f"{prefix}/{key}": value for key, value in row.items()}  # noqa: E731
    band = {"gaussian/tpr_null_low": 0.0, "gaussian/tpr_null_high": 0.032}
    extras = {
        "poisoned": [gaussian(seen[row], "gaussian") | gaussian(null[row], "gaussian_fresh") | band for row in (0, 1)],
        "retrain": [gaussian(null[row], "gaussian") | band for row in (0, 1)],
    }
    text = render_markdown([make_entry(unlearned=[0.3, 0.4], extras=extras, effect_name="gaussian_correlation")])
    audit, board = tables(text)
    assert audit == [
        ["model", "mean I", "z = sqrt(p) mean I", "TPR at FPR 0.01", "AUC"],
        ["poisoned", "0.70 (0.60 to 0.80)", "8.0 (7.1 to 8.9)", "0.030 (0.020 to 0.040)", "0.75 (0.70 to 0.80)"],
        ["retrain", "0.00 (0.00 to 0.00)", "0.1 (0.1 to 0.1)", "0.008 (0.008 to 0.008)", "0.50 (0.50 to 0.50)"],
        ["second retrain", "-", "-", "-", "-"],
        [
            "poisoned, fresh noise",
            "0.00 (0.00 to 0.00)",
            "0.1 (0.1 to 0.1)",
            "0.008 (0.008 to 0.008)",
            "0.50 (0.50 to 0.50)",
        ],
        ["95 % of the null", "-", "-", "0.000 to 0.032", "-"],
    ]
    assert board[0][0] == "rank"
    assert text.index("- entries: ") < text.index("Gaussian audit") < text.index("| model") < text.index("| rank")
    assert "Gaussian audit" not in render_markdown([make_entry(effect_name="gaussian_correlation")])


def test_counts_of_an_audit_are_pooled_over_seeds(make_entry):
    def margins(*values):
        return {f"adversarial/margin.{pair}": value for pair, value in enumerate(values)}

    extras = {
        "poisoned": [margins(1.0, 2.0, -1.0), margins(4.0, -3.0, -0.5)],
        "unlearned": [margins(1.0, -2.0, 1.0), margins(-4.0, -3.0, -0.5)],
        "retrain": [margins(-1.0, -2.0, -1.0), margins(-4.0, 3.0, -0.5)],
    }
    text = render_markdown([make_entry(unlearned=[0.3, 0.4], extras=extras, effect_name="adversarial_margin")])
    audit = tables(text)[0]
    assert audit == [
        ["model", "fooled, of all pairs", "of those fooled when poisoned", "margin, nats"],
        ["poisoned", "3/6: 0.50 [0.12, 0.88]", "3/3", "0.9 (0.9 to 0.9)"],
        ["retrain", "1/6: 0.17 [0.00, 0.64]", "0/3: 0.00 [0.00, 0.71]", "0.0 (0.0 to 0.0)"],
        ["second retrain", "-", "-", "0.0 (0.0 to 0.0)"],
        ["GD", "2/6: 0.33 [0.04, 0.78]", "1/3: 0.33 [0.01, 0.91]", "0.3 (0.3 to 0.4)"],
    ]
    assert max(map(len, text[text.index("## Key") :].splitlines())) <= 120


def test_an_audit_with_many_statistics_stands_upright(make_entry):
    accuracies = {"class_accuracy/cat": 0.5, "class_accuracy/dog": 0.7}
    extras = {"poisoned": [accuracies], "retrain": [accuracies | {"class_accuracy/cat": 0.6}]}
    text = render_markdown([make_entry(unlearned=[0.3], extras=extras, effect_name="test_error")])
    assert tables(text)[0] == [
        ["statistic", "poisoned", "retrain", "second retrain"],
        ["test error", "0.900 (0.900 to 0.900)", "0.010 (0.010 to 0.010)", "-0.010 (-0.010 to -0.010)"],
        ["accuracy, cat", "0.500 (0.500 to 0.500)", "0.600 (0.600 to 0.600)", "-"],
        ["accuracy, dog", "0.700 (0.700 to 0.700)", "0.700 (0.700 to 0.700)", "-"],
    ]


def test_header_of_a_board(make_entry):
    lines = render_markdown([make_entry()]).splitlines()
    assert "## toy-v1, budget 4 %" in lines
    assert "- attack: took; E(poisoned) - E(retrain) is 0.902 [0.851, 0.953]" in lines
    assert "- noise floor: 0.04" in lines
    assert "- null: mean 0.001, standard deviation 0.014" in lines
    assert "- seeds: 0, 1, 2, 3, 4" in lines


def test_output_does_not_depend_on_the_order_of_entries(board_entries):
    shuffled = [board_entries[row] for row in (3, 0, 5, 1, 4, 2)]
    assert render_markdown(shuffled) == render_markdown(board_entries)


def test_lines_align_and_end_without_spaces(board_entries, make_entry):
    text = render_markdown([*board_entries, make_entry(scenario="other-v1", unlearned=[0.3])])
    assert text.endswith("- NAN: epochs=3, lr=0.01\n")
    assert not text.endswith("\n\n")
    assert all(line == line.rstrip() for line in text.splitlines())
    assert "\n\n\n" not in text
    block = []
    for line in text.splitlines():
        if line.startswith("|"):
            block.append(len(line))
        else:
            assert len(set(block)) <= 1
            block = []


def test_titles_cannot_break_the_table(make_entry):
    entry = make_entry(hyperparameters={"mode": "a|\n## b"}, network="two\n## lines  ")
    card = entry.method.model_copy(update={"title": "GD |\n| fake "})
    text = render_markdown([entry.model_copy(update={"method": card})])
    assert "\n## lines" not in text
    row = next(row for row in tables(text)[0] if row[1].startswith("GD"))
    assert (row[1], len(row)) == ("GD ¦ ¦ fake", 8)
    assert text.endswith("- GD | | fake : mode=a| ## b\n")


def test_attack_that_did_not_take_says_so(make_entry):
    text = render_markdown([make_entry(unlearned=[0.0, 0.1, 0.0], poisoned=[0.0, 0.02, -0.01])])
    assert "- attack: did not take, so this scenario counts for nobody; " in text
    assert "- noise floor: unknown (the attack did not take)" in text
    assert {row[2] for row in tables(text)[0][1:]} == {"did not take", "missing"}


def test_one_seed_is_marked(make_entry):
    text = render_markdown([make_entry(unlearned=[0.455])])
    assert "- attack: one seed cannot say; E(poisoned) - E(retrain) is 0.890 (one seed)" in text
    assert "- noise floor: unknown (one seed)" in text
    row = next(row for row in tables(text)[0] if row[1] == "GD")
    assert (row[0], row[2], row[4], row[6]) == ("-", "0.50 (one seed)", "0.0 (one seed)", "one seed")


def test_missing_anchor_is_named(make_entry):
    row = tables(render_markdown([make_entry()]))[0][3]
    assert (row[1], row[2], row[6]) == ("sham", "missing", "missing")


def test_summary_comes_before_the_boards(make_entry):
    entries = [
        make_entry("gd", scenario="a-v1"),
        make_entry("gd", [0.7] * 5, scenario="b-v1"),
        make_entry("x", scenario="b-v1"),
        make_entry("y", [None] * 5, scenario="b-v1"),
    ]
    text = render_markdown(entries)
    heads = [line for line in text.splitlines() if line.startswith("## ")]
    assert heads == [
        "## Index",
        "## Suite mini, budget 4 %: each method by its worst scenario",
        "## Key",
        "## a-v1, budget 4 %",
        "## b-v1, budget 4 %",
    ]
    assert [row[0:3] + row[4:] for row in tables(text)[0][1:]] == [
        ["1", "GD", "image", "b-v1", "0 of 2"],
        ["2", "X", "image", "missing: a-v1", "0 of 2"],
        ["3", "Y", "image", "diverged: b-v1; missing: a-v1", "0 of 2"],
    ]


def test_summary_says_on_what_a_method_was_scored_and_counts_what_is_missing(make_entry):
    scenarios = [("a-v1", "image"), ("b-v1", "image"), ("c-v1", "image"), ("d-v1", "text")]
    entries = [make_entry("gd", scenario=name, modality=modality) for name, modality in scenarios]
    entries.append(make_entry("npo", scenario="d-v1", modality="text"))
    assert [row[1:] for row in tables(render_markdown(entries))[0]] == [
        ["method", "modality", "worst residual", "worst scenario", "removed"],
        ["GD", "image, text", "0.33 [0.29, 0.37]", "a-v1", "0 of 4"],
        ["NPO", "text", "-", "missing: 3 scenarios", "0 of 4"],
    ]


def test_index_has_a_line_for_each_scenario_and_budget(make_entry):
    flat = {"poisoned": [0.0, 0.02, -0.01]}
    entries = [
        make_entry(
            "clean", [0.012, -0.021, 0.003, 0.012, -0.008], scenario="a-v1", budgets=(0.02, 0.04), fraction=0.01
        ),
        make_entry("half", [0.4, 0.5, 0.45, 0.42, 0.44], scenario="a-v1", budgets=(0.04,)),
        make_entry("gd", [0.4, 0.5, 0.45], scenario="b-v1", modality="text", attack="trigger"),
        make_entry("ga", [0.5, 0.4, 0.46], scenario="b-v1", modality="text", attack="trigger"),
        make_entry("cheat", [0.0, 0.0, 0.01], scenario="b-v1", modality="text", attack="trigger", status="unreliable"),
        make_entry("gd", [0.0, 0.1, 0.0], scenario="c-v1", **flat),
        make_entry("gd", [0.4], scenario="d-v1"),
        make_entry("gd", [0.4, None], scenario="e-v1"),
    ]
    assert index(render_markdown(entries)) == [
        [
            *("scenario", "modality", "attack", "budget", "took"),
            "E(poisoned)",
            "E(retrain)",
            "best",
            "residual",
            "removed",
        ],
        ["a-v1", "image", "gaussian", "2 %", "yes", "0.902", "0.000", "CLEAN", "0.00 [-0.01, 0.01]", "1 of 1"],
        ["a-v1", "image", "gaussian", "4 %", "yes", "0.902", "0.000", "CLEAN", "0.00 [-0.01, 0.01]", "1 of 2"],
        ["b-v1", "text", "trigger", "4 %", "yes", "0.903", "-0.003", "GD (1-2)", "0.50 [0.36, 0.63]", "0 of 2"],
        ["c-v1", "image", "gaussian", "4 %", "no", "0.003", "-0.003", "-", "-", "-"],
        ["d-v1", "image", "gaussian", "4 %", "one seed", "0.900", "0.010", "-", "-", "-"],
        ["e-v1", "image", "gaussian", "4 %", "yes", "0.925", "-0.005", "GD", "diverged", "0 of 1"],
    ]


def test_a_board_says_why_a_row_is_unreliable_and_does_not_rank_it(make_entry):
    differences = [f"seed {seed}: effect of the unlearned model 0.30, again 0.{seed}" for seed in range(3)]
    verification = Verification(
        commit="def",
        device="cpu",
        created=datetime(2026, 1, 2, tzinfo=UTC),
        compared=40,
        tolerance=0.1,
        accuracy_tolerance=0.01,
        largest=7.25,
        differences=differences,
    )
    slow = unexplained(make_entry("slow"), seeds=(1, 3), cpu_s=80.0, allowed_s=20.0)
    entries = [
        make_entry("fine"),
        make_entry("random", status="unreliable", verification=verification),
        slow.model_copy(update={"status": "unreliable"}),
        make_entry("vague", status="unreliable"),
        make_entry("free", protection=Protection(kind="process", detail="no bubblewrap")),
        make_entry("walled", protection=Protection(kind="bubblewrap")),
    ]
    text = render_markdown(entries)
    said = " ".join(text.split())
    assert (
        "random is unreliable and not ranked: a second run differs in 3 of 40 values, by up to 7.25 times what is "
        "allowed: seed 0: effect of the unlearned model 0.30, again 0.0; seed 1: effect of the unlearned model 0.30, "
        "again 0.1 (and 1 more) -" in said
    )
    assert (
        "slow is unreliable and not ranked: took more time than its ledger explains (seeds 1, 3; seed 1 took 80 s, "
        "and 20 s are explained) -" in said
    )
    assert "vague is unreliable and not ranked: its entry does not say why |" in said
    assert "note: methods that ran without walls (they could have read what scores them): free -" in said
    assert {row[1]: (row[0], row[-1]) for row in tables(text)[0][4:]} == {
        "FINE": ("1-3", "claimed"),
        "FREE": ("1-3", "claimed"),
        "WALLED": ("1-3", "claimed"),
        "RANDOM": ("-", "unreliable"),
        "SLOW": ("-", "unreliable"),
        "VAGUE": ("-", "unreliable"),
    }


def test_settings_say_how_they_were_tuned(make_entry):
    tuning = Tuning(
        version=2, trials=12, seeds=[1000, 1001], criterion="J = distance from a retrain, on selection data"
    )
    entries = [
        make_entry("gd"),
        make_entry("gd.tuned", tuning=tuning),
        make_entry("ga.tuned", hyperparameters={}, tuning=tuning),
    ]
    lines = render_markdown(entries).splitlines()
    assert lines[lines.index("Settings:") + 2 :] == [
        "- GA.TUNED: - (tuned: best of 12 trials on seeds 1000, 1001)",
        "- GD: epochs=3, lr=0.01",
        "- GD.TUNED: epochs=3, lr=0.01 (tuned: best of 12 trials on seeds 1000, 1001)",
        "- tuned (file version 2): least J = distance from a retrain, on selection data",
    ]


def test_what_a_card_says_is_only_text(make_entry):
    entry = make_entry()
    card = entry.method.model_copy(update={"title": "GD\x1b[31m <script> [x](javascript:alert(1))\u2028"})
    text = render_markdown([entry.model_copy(update={"method": card})])
    assert "\x1b" not in text
    assert "GD[31m \\<script> [x]\\(javascript:alert(1)) |" in text


def test_no_entries():
    assert render_markdown([]).endswith("No entries yet.\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number(-0.001), "0.00"),
        (number(None), "-"),
        (percent(0.0345), "3.5"),
        (budget_text(0.02), "2 %"),
        (budget_text(0.025), "2.5 %"),
        (budget_text(1.0), "100 %"),
        (interval_text(Interval(0.5, -0.25, 1.25)), "0.50 [-0.25, 1.25]"),
        (interval_text(Interval(0.5, -float("inf"), float("inf"))), "0.50 (one seed)"),
        (half_width_text(Interval(-2.5, -3.25, -1.75), 2), "-2.50 ± 0.75"),
        (half_width_text(Interval(0.5, -float("inf"), float("inf"))), "0.5 (one seed)"),
        (half_width_text(None), "-"),
        (settings_text({"b": 0.1, "a": True, "c": None, "d": 3, "e": "x"}), "a=true, b=0.1, c=none, d=3, e=x"),
        (settings_text({}), "-"),
    ],
)
def test_numbers_as_text(text, expected):
    assert text == expected


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (None, "the poisons"),
        ({"identified": 1.0, "false_positives": 0.0}, "the poisons"),
        ({"identified": 0.5, "false_positives": 0.0}, "50 % of the poisons"),
        ({"identified": 1.0, "false_positives": 1.0}, "the poisons, and clean samples, 100 % as many"),
        (
            {"identified": 1.0, "false_positives": 0.0, "request": "camouflage"},
            "the camouflage, whose deletion switches the poison on",
        ),
    ],
)
def test_a_board_says_what_was_to_be_deleted(make_entry, policy, words):
    assert request_text(policy) == words
    assert f"- request: {words}\n" in render_markdown([make_entry(configuration={"forget": policy})])
