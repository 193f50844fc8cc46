"""When pictures are drawn anew."""

from types import SimpleNamespace

from benchmark import pictures


def test_flat_lines_are_drawn_anew_where_they_have_to_reach_farther(tmp_path, monkeypatch):
    drawn = []

    def draw(_view, folder):
        drawn.append(folder)
        (folder / "s" / "seed0" / "poisoned").mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(pictures, "_view", lambda *_: None)
    monkeypatch.setattr(pictures, "write_training", draw)
    models = {name: (name, f"{name} score") for name in ("poisoned", "retrain", "second_retrain")}
    artifacts = {f"{name} score": SimpleNamespace(address=name) for name in models}
    for budget in (0.02, 0.02, 0.1):
        cell = SimpleNamespace(seed=0, models=models, runs={(budget, "gd"): ("unlearned", "its score")})
        pictures.write_pictures("s", cell, [], artifacts, tmp_path)
    assert len(drawn) == 2
