import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from leaderboard.entry import (
    BudgetResult,
    Effect,
    Entry,
    EntryError,
    MethodCard,
    ModelScore,
    read_entries,
    read_entry,
    write_entry,
)


def test_entry_survives_a_round_trip(make_entry, tmp_path):
    entry = make_entry(budgets=(0.02, 0.04), hyperparameters={"a": 1, "b": 1.0, "c": True, "d": None, "e": "1"})
    path = write_entry(entry, tmp_path)
    assert path == tmp_path / "toy-v1" / "gd.json"
    assert read_entry(path) == entry
    assert [type(value) for value in read_entry(path).hyperparameters.values()] == [int, float, bool, type(None), str]


def test_equal_entries_give_equal_bytes_with_sorted_keys(make_entry, tmp_path):
    first = make_entry(configuration={"b": 1, "a": 2})
    second = make_entry(configuration={"a": 2, "b": 1})
    texts = [write_entry(entry, tmp_path / name).read_bytes() for entry, name in ((first, "x"), (second, "y"))]
    assert texts[0] == texts[1]
    content = json.loads(texts[0])
    assert list(content) == sorted(content)


def test_writing_replaces_and_leaves_no_temporary_file(make_entry, tmp_path):
    write_entry(make_entry(network="old"), tmp_path)
    path = write_entry(make_entry(network="new"), tmp_path)
    assert read_entry(path).network == "new"
    assert [file.name for file in path.parent.iterdir()] == ["gd.json"]


def test_interrupted_write_keeps_the_old_entry(make_entry, tmp_path, monkeypatch):
    path = write_entry(make_entry(network="old"), tmp_path)

    def fail(descriptor):
        raise OSError("disk full")

    monkeypatch.setattr("leaderboard.entry.os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_entry(make_entry(network="new"), tmp_path)
    assert read_entry(path).network == "old"
    assert [file.name for file in path.parent.iterdir()] == ["gd.json"]


def test_writing_refuses_what_was_made_invalid_after_construction(make_entry, tmp_path):
    entry = make_entry()
    entry.configuration["rate"] = math.nan
    with pytest.raises(ValidationError):
        write_entry(entry, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_entries_are_sorted_by_scenario_and_method(make_entry, tmp_path):
    for scenario, name in (("b-v1", "a"), ("a-v1", "z"), ("a-v1", "b")):
        write_entry(make_entry(name, scenario=scenario), tmp_path)
    found = [(entry.scenario, entry.method.name) for entry in read_entries(tmp_path)]
    assert found == [("a-v1", "b"), ("a-v1", "z"), ("b-v1", "a")]


def test_entry_at_the_place_of_another_is_refused(make_entry, tmp_path):
    path = write_entry(make_entry("gd"), tmp_path)
    path.rename(path.with_name("scrub.json"))
    with pytest.raises(EntryError, match=r"scrub\.json: must lie at .*gd\.json"):
        read_entries(tmp_path)


def test_folder_must_exist(tmp_path):
    with pytest.raises(EntryError, match="must be a folder of entries, and is missing"):
        read_entries(tmp_path / "none")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"effect": 0.3,', '"effect": NaN,', r"unlearned\.effect is nan: must be a finite number"),
        ('"effect": 0.3,', '"effect": 1e999,', r"unlearned\.effect is inf: must be a finite number"),
        ('"effect": 0.3,', '"effect": "0.3",', r"unlearned\.effect is '0.3': must be a valid number"),
        ('"epochs": 5', '"epochs": NaN', "configuration: must hold finite numbers only, got nan"),
        ('"epochs": 5', '"epochs": -Infinity', "configuration: must hold finite numbers only, got -inf"),
        ('"lr": 0.01', '"lr": NaN', r"hyperparameters\.lr: must be a string, a finite number, .*, got nan"),
        ('"lr": 0.01', '"lr": [1]', r"hyperparameters\.lr: must be a string, .*, got \[1\]"),
        ('"suite": "mini"', '"suit": "mini"', "field suit is unknown; did you mean 'suite'"),
        ('"network": "cnn",', "", "field network is missing"),
        ('"image"', '"video"', "field modality is 'video': must be 'image' or 'text'"),
        ('"claimed"', '"diverged"', "status must be claimed, verified or unreliable .*, got diverged"),
        ('"schema_version": 1', '"schema_version": 2', "field schema_version is 2: must be 1"),
        ('"toy-v1"', '"Toy v1"', "field scenario is 'Toy v1': must match pattern"),
        ('"toy-v1"', '"../toy"', "field scenario is '../toy': must match pattern"),
        ('"accuracy": 0.7,', '"accuracy": 70,', "accuracy is 70: must be less than or equal to 1"),
        ('"seed": 1', '"seed": 0', r"results\.0: seeds must ascend and be unique, got \[0, 0, 2, 3, 4\]"),
        ('"passes": 90.0', '"passes": 91.0', "passes must be forward_passes .* = 90.0, got 91.0"),
        ('"training_passes": 3000.0', '"training_passes": 0.0', "training_passes is 0.0: must be greater than 0"),
        ('05Z"', '05+02:00"', r"provenance\.created: must be in UTC, got 2026-01-02T03:04:05\+02:00"),
        ('05Z"', '05"', "created is '2026-01-02T03:04:05': must have timezone info"),
        ("{", "", "not JSON: "),
    ],
)
def test_malformed_file_is_refused_in_one_line(make_entry, tmp_path, old, new, message):
    path = write_entry(make_entry(), tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(EntryError, match=message) as caught:
        read_entry(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_missing_file_and_bytes_that_are_no_text_are_refused(tmp_path):
    with pytest.raises(EntryError, match="cannot be read: No such file"):
        read_entry(tmp_path / "none.json")
    path = tmp_path / "bad.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EntryError, match="not JSON"):
        read_entry(path)


def test_status_is_diverged_exactly_where_an_effect_is_missing(make_entry):
    assert make_entry(unlearned=[0.1, None]).status == "diverged"
    with pytest.raises(ValidationError, match="status must be diverged where some unlearned effect is None"):
        make_entry(unlearned=[0.1, None], status="claimed")


def test_baselines_may_not_diverge(make_entry):
    with pytest.raises(ValidationError, match=r"retrain\.effect must be a number"):
        make_entry(retrain=[0.0, None, 0.0, 0.0, 0.0])


def test_effects_lie_within_their_bounds(make_entry):
    share = Effect(name="success", title="success rate", lower_bound=0.0, upper_bound=1.0)
    edge = make_entry(unlearned=[1.0 + 1e-7], effect=share, retrain=[0.0], second=[0.0])
    assert edge.effect == share
    with pytest.raises(ValidationError, match=r"unlearned\.effect of seed 0 must lie within \[0.0, 1.0\], got 1.1"):
        make_entry(unlearned=[1.1], effect=share, retrain=[0.0], second=[0.0])
    with pytest.raises(ValidationError, match="lower_bound must be below upper_bound"):
        Effect(name="success", title="", lower_bound=1.0, upper_bound=0.0)


def test_budgets_ascend_and_lie_in_the_unit_interval(make_entry):
    with pytest.raises(ValidationError, match="budgets must ascend and be unique"):
        make_entry(budgets=(0.04, 0.02))
    for budget in (0.0, 1.01):
        with pytest.raises(ValidationError, match="budget"):
            make_entry(budgets=(budget,))
    with pytest.raises(ValidationError, match="seeds"):
        BudgetResult(budget=0.1, seeds=[])


def test_accuracy_is_missing_only_with_the_effect():
    assert ModelScore(effect=None, accuracy=None, extra={}).accuracy is None
    with pytest.raises(ValidationError, match="accuracy may be None only where effect is None"):
        ModelScore(effect=0.5, accuracy=None, extra={})


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("retrain", "unlearner", r"kind must be 'anchor' where name is 'retrain' \(reserved\), got 'unlearner'"),
        ("no_unlearning", "unlearner", "kind must be 'anchor' where name is 'no_unlearning'"),
        ("sham", "unlearner", "kind must be 'anchor' where name is 'sham'"),
        ("zero", "anchor", "name of an anchor must be no_unlearning or retrain or sham, got 'zero'"),
        ("sham.sd-2", "anchor", "name of an anchor must be .*, got 'sham.sd-2'"),
    ],
)
def test_names_of_anchors_are_reserved(make_entry, tmp_path, name, kind, message):
    fields = make_entry().method.model_dump() | {"name": name, "kind": kind}
    with pytest.raises(ValidationError, match=message):
        MethodCard(**fields)
    path = write_entry(make_entry(), tmp_path)
    content = json.loads(path.read_text()) | {"method": fields}
    path.write_text(json.dumps(content))
    with pytest.raises(EntryError, match=rf"gd\.json: method: {message}"):
        read_entry(path)


def test_variant_of_a_method_has_its_own_file(make_entry, tmp_path):
    for name in ("scrub", "scrub.alpha-0.2", "scrub.lr-1e-05"):
        write_entry(make_entry(name), tmp_path)
    names = [path.name for path in sorted((tmp_path / "toy-v1").iterdir())]
    assert names == ["scrub.alpha-0.2.json", "scrub.json", "scrub.lr-1e-05.json"]
    found = [entry.method.name for entry in read_entries(tmp_path)]
    assert found == ["scrub", "scrub.alpha-0.2", "scrub.lr-1e-05"]


def test_entries_are_frozen(make_entry):
    with pytest.raises(ValidationError, match="frozen"):
        make_entry().scenario = "other"


def test_cost_fraction(make_entry):
    assert make_entry(fraction=0.03).results[0].seeds[0].cost.fraction == pytest.approx(0.03)


def test_created_must_be_utc(make_entry):
    provenance = make_entry().provenance
    shifted = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    with pytest.raises(ValidationError, match="must be in UTC"):
        type(provenance)(**{**provenance.model_dump(), "created": shifted})
    assert provenance.created.tzinfo == UTC


def test_every_field_is_required_but_those_that_came_later():
    optional = {name for name, field in Entry.model_fields.items() if not field.is_required()}
    assert optional == {"source", "protection", "tuning", "verification"}
