from scipy import stats

from leaderboard.audit import Rate, Spread, audit_tables
from leaderboard.audits import AUDITS, Audit, Statistic, Subject

GAUSSIAN = "gaussian_correlation"
TARGETED = "adversarial_margin"


def seeds(make_entry, **extras):
    return make_entry(unlearned=[0.3, 0.4], extras=extras).results[0].seeds


def margins(*values):
    return {f"adversarial/margin.{pair}": value for pair, value in enumerate(values)}


def lines(table):
    return {subject.title: line for subject, line in zip(table.subjects, table.lines, strict=True)}


def test_spread_is_over_the_seeds_that_have_a_number(make_entry):
    (table,) = audit_tables(GAUSSIAN, [seeds(make_entry, retrain=[{"gaussian/z": 1.5}, {"gaussian/z": None}])])
    assert table.audit is AUDITS[0]
    assert lines(table)["retrain"] == (None, Spread(1.5, 1.5, 1.5), None, None)
    assert lines(table)["poisoned"] == (None,) * 4
    assert table.null == (None,) * 4


def test_other_measurements_make_no_audit(make_entry):
    extras = [{"loss/test": 0.5, "gaussian/other": 0.5, "gaussian/tpr_null_low": 0.1, "gaussian/tpr_null_high": 0.2}]
    assert audit_tables(GAUSSIAN, [seeds(make_entry, poisoned=extras * 2)]) == ()
    assert audit_tables(GAUSSIAN, []) == ()


def test_another_effect_is_not_audited_by_names_that_happen_to_fit(make_entry):
    found = seeds(make_entry, poisoned=[{"gaussian/z": 1.5}] * 2)
    assert len(audit_tables(GAUSSIAN, [found])) == 1
    assert audit_tables("attack_success", [found]) == ()


def test_band_is_the_widest_over_seeds(make_entry):
    bands = [(0.01, 0.03), (0.0, 0.02)]
    extras = [{"gaussian/auc": 0.5, "gaussian/tpr_null_low": a, "gaussian/tpr_null_high": b} for a, b in bands]
    (table,) = audit_tables(GAUSSIAN, [seeds(make_entry, poisoned=extras)])
    assert table.null == (None, None, (0.0, 0.03), None)


def test_another_statistic_needs_one_more_item(make_entry, monkeypatch):
    subjects = (Subject("poisoned", "poisoned", "trigger/"),)
    more = Audit(GAUSSIAN, "Trigger audit", subjects, (Statistic("margin", "margin", 1), Statistic(None, "effect", 1)))
    monkeypatch.setattr("leaderboard.audit.AUDITS", (*AUDITS, more))
    extras = [{"gaussian/auc": 0.5, "trigger/margin": value} for value in (1.0, 3.0)]
    tables = audit_tables(GAUSSIAN, [seeds(make_entry, poisoned=extras)])
    assert [table.audit.title for table in tables] == [AUDITS[0].title, "Trigger audit"]
    assert tables[1].lines == ((Spread(2.0, 1.0, 3.0), Spread((0.90 + 0.95) / 2, 0.90, 0.95)),)


def test_every_effect_has_one_audit_with_the_trained_models_first():
    assert len({audit.effect for audit in AUDITS}) == len(AUDITS)
    for audit in AUDITS:
        assert [subject.role for subject in audit.subjects[:3]] == ["poisoned", "retrain", "second_retrain"]


def test_a_star_stands_for_every_name_that_fits(make_entry):
    scores = {"confusion/accuracy": 0.4, "confusion/sea_lion_as_cat": 0.3, "confusion/cat_as_sea_lion": 0.2}
    (table,) = audit_tables("label_confusion", [seeds(make_entry, poisoned=[scores] * 2, retrain=[{}, {}])])
    titles = [statistic.title for statistic in table.statistics]
    assert titles == ["the other class", "cat as sea lion", "sea lion as cat", "what they are"]
    assert [cell.mean for cell in lines(table)["poisoned"][1:]] == [0.2, 0.3, 0.4]
    assert lines(table)["retrain"][1:] == (None, None, None)


def test_pairs_of_all_seeds_are_counted_together(make_entry):
    extras = {
        "poisoned": [margins(1.0, 2.0, -1.0, 0.5), margins(4.0, 0.0, -0.5, 3.0)],
        "retrain": [margins(-1.0, 2.0, 3.0, -2.0), margins(-4.0, -3.0, -0.5, -1.0)],
    }
    (table,) = audit_tables(TARGETED, [seeds(make_entry, **extras)])
    for title, counts in (("poisoned", (5, 8)), ("retrain", (2, 8))):
        cell = lines(table)[title][0]
        expected = stats.binomtest(*counts).proportion_ci(0.95, method="exact")
        assert (cell.successes, cell.trials) == counts
        assert abs(cell.interval.low - expected.low) < 1e-12
        assert abs(cell.interval.high - expected.high) < 1e-12
    filtered = lines(table)["retrain"][1]
    assert (filtered.successes, filtered.trials, filtered.interval.estimate) == (1, 5, 0.2)
    assert lines(table)["poisoned"][1] == Rate(5, 5, None)
    assert lines(table)["second retrain"][:2] == (None, None)


def test_where_no_pair_was_fooled_nothing_is_left_to_filter(make_entry):
    extras = {"poisoned": [margins(-1.0)] * 2, "retrain": [margins(1.0)] * 2}
    (table,) = audit_tables(TARGETED, [seeds(make_entry, **extras)])
    assert lines(table)["retrain"][1] == lines(table)["poisoned"][1] == Rate(0, 0, None)
    assert lines(table)["retrain"][0].trials == 2


def test_methods_follow_with_their_own_seeds_and_without_those_that_diverged(make_entry):
    before = [margins(1.0, 2.0), margins(3.0, -1.0)]
    one = seeds(make_entry, poisoned=before, unlearned=[margins(-1.0, 2.0), margins(-1.0, 2.0)])
    other = seeds(make_entry, poisoned=before, unlearned=[margins(5.0, 2.0), {}])
    (table,) = audit_tables(TARGETED, [one], [("One", one), ("Other", other)])
    found = {
        title: [(cell.successes, cell.trials) for cell in line[:2]] for title, line in lines(table).items() if line[0]
    }
    assert found == {"poisoned": [(3, 4), (3, 3)], "One": [(2, 4), (1, 3)], "Other": [(2, 2), (2, 2)]}


def test_only_audits_that_say_so_list_the_methods(make_entry):
    found = seeds(make_entry, poisoned=[{"backdoor/near_miss": 0.1}] * 2, unlearned=[{"backdoor/near_miss": 0.3}] * 2)
    (table,) = audit_tables("attack_success", [found], [("One", found)])
    assert list(lines(table)) == ["poisoned", "retrain", "second retrain"]
    assert lines(table)["poisoned"][:2] == (Spread((0.90 + 0.95) / 2, 0.90, 0.95), Spread(0.1, 0.1, 0.1))
