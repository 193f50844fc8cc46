from pathlib import Path

import pytest

from benchmark import code
from lightning_modules import UNLEARNERS, Unlearner
from lightning_modules.unlearners.gd import GD

METHOD = """
from lightning_modules.unlearners.gd import GD

class Mine(GD):
    {body}
"""


def plugin(folder: Path, name: str, body: str = '"""Mine."""') -> type[Unlearner]:
    file = folder / f"{name}.py"
    file.write_text(METHOD.format(body=body))
    return UNLEARNERS.load_file(f"{file}:Mine")


def test_other_code_of_a_plugin_is_another_digest(tmp_path: Path) -> None:
    one = code.plugin_code(plugin(tmp_path, "one"))
    assert one != code.plugin_code(plugin(tmp_path, "two", "phases = ('retain', 'retain')"))
    assert one != code.plugin_code(GD)


def test_the_class_it_extends_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = plugin(tmp_path, "one")
    before = code.plugin_code(mine)
    meaning = code._meaning
    monkeypatch.setattr(code, "_meaning", lambda file: "edited" if file.name == "gd.py" else meaning(file))
    assert code.plugin_code(mine) != before


def test_words_do_not_count(tmp_path: Path) -> None:
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text('def f(x):\n    """Say."""\n    return x\n')
    two.write_text('def f(x):\n    """Say something else."""\n    return x  # a comment\n')
    assert code._meaning(one) == code._meaning(two)
    two.write_text("def f(x):\n    return -x\n")
    code._meaning.cache_clear()
    assert code._meaning(one) != code._meaning(two)


@pytest.mark.parametrize(
    ("file", "stages"),
    [
        ("datamodules/samples.py", {"craft", "train", "unlearn", "score"}),
        ("lightning_modules/losses.py", {"craft", "train", "unlearn", "score"}),
        ("callbacks/functional.py", {"train", "unlearn", "score"}),
        ("benchmark/stages/sham.py", {"sham"}),
        ("lightning_modules/unlearners/gd.py", set()),
        ("datamodules/corpora/digits.py", set()),
    ],
)
def test_an_edit_changes_the_stages_that_run_the_file(
    file: str, stages: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def digests() -> dict[str, str]:
        code.stage_code.cache_clear()
        return {stage: code.stage_code(stage) for stage in code.ROOMS}

    before = digests()
    meaning = code._meaning
    monkeypatch.setattr(code, "_meaning", lambda path: "edited" if path == code.ROOT / file else meaning(path))
    after = digests()
    code.stage_code.cache_clear()
    assert {stage for stage in code.ROOMS if before[stage] != after[stage]} == stages


def test_library_versions_count(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code.stage_code("train")
    code.stage_code.cache_clear()
    monkeypatch.setattr(code, "version", lambda library: "99.1.0" if library == "timm" else "1.0.0")
    assert code.stage_code("train") != before
    code.stage_code.cache_clear()
