from leaderboard.audit import AUDITS, Audit, Spread, Statistic, Subject, audit_tables


def seeds(make_entry, **extras):
    return make_entry(unlearned=[0.3, 0.4], extras=extras).results[0].seeds


def test_spread_is_over_the_seeds_that_have_a_number(make_entry):
    found = audit_tables([seeds(make_entry, retrain=[{"gaussian/z": 1.5}, {"gaussian/z": None}])])
    (table,) = found
    assert table.audit is AUDITS[0]
    rows = {subject.title: line for subject, line in zip(table.audit.subjects, table.lines, strict=True)}
    assert rows["retrain"] == (None, Spread(1.5, 1.5, 1.5), None, None)
    assert rows["poisoned"] == (None,) * 4
    assert table.null == (None,) * 4


def test_other_measurements_make_no_audit(make_entry):
    extras = [{"loss/test": 0.5, "gaussian/other": 0.5, "gaussian/tpr_null_low": 0.1, "gaussian/tpr_null_high": 0.2}]
    assert audit_tables([seeds(make_entry, poisoned=extras * 2)]) == ()
    assert audit_tables([]) == ()


def test_band_is_the_widest_over_seeds(make_entry):
    bands = [(0.01, 0.03), (0.0, 0.02)]
    extras = [{"gaussian/auc": 0.5, "gaussian/tpr_null_low": a, "gaussian/tpr_null_high": b} for a, b in bands]
    (table,) = audit_tables([seeds(make_entry, poisoned=extras)])
    assert table.null == (None, None, (0.0, 0.03), None)


def test_another_effect_needs_one_more_item(make_entry, monkeypatch):
    more = Audit("Trigger audit", (Subject("poisoned", "poisoned", "trigger/"),), (Statistic("margin", "margin", 1),))
    monkeypatch.setattr("leaderboard.audit.AUDITS", (*AUDITS, more))
    extras = [{"gaussian/auc": 0.5, "trigger/margin": value} for value in (1.0, 3.0)]
    tables = audit_tables([seeds(make_entry, poisoned=extras)])
    assert [table.audit.title for table in tables] == [AUDITS[0].title, "Trigger audit"]
    assert tables[1].lines == ((Spread(2.0, 1.0, 3.0),),)
