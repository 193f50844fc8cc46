from pathlib import Path

import pytest

from datamodules import corpora
from datamodules.corpora import corpus_names, load_corpus

NAMES = ("cifar10", "digits", "grammar", "imdb", "snippets")


def test_the_corpora_are_those_whose_files_are_here() -> None:
    assert corpus_names() == NAMES


@pytest.mark.parametrize("typed", ["CIFAR-10", "cifar", "cifar100"])
def test_an_unknown_name_is_answered_with_what_is_allowed_and_the_nearest(typed: str) -> None:
    with pytest.raises(
        ValueError, match=f"unknown corpus '{typed}'.*did you mean 'cifar10'.*cifar10, digits, grammar, imdb, snippets"
    ):
        load_corpus(typed)


def test_an_unknown_name_near_nothing_gets_no_suggestion() -> None:
    with pytest.raises(ValueError, match="unknown corpus 'xyz'") as caught:
        load_corpus("xyz")
    assert "did you mean" not in str(caught.value)


def test_a_file_dropped_into_the_folder_is_a_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dropped_corpus.py").write_text(
        "def load(*, train_size, selection_size, cache, depth=2):\n"
        "    return train_size, selection_size, cache, depth\n"
    )
    (tmp_path / "dropped_helper.py").write_text("VALUE = 1\n")
    monkeypatch.setattr(corpora, "__path__", [*corpora.__path__, str(tmp_path)])
    corpora._loaders.cache_clear()
    try:
        assert corpus_names() == tuple(sorted((*NAMES, "dropped_corpus")))
        assert load_corpus("dropped_corpus", train_size=3, cache=tmp_path) == (3, None, tmp_path, 2)
        assert load_corpus("dropped_corpus", options={"depth": 5}) == (None, None, None, 5)
        with pytest.raises(ValueError, match="unknown option of corpus 'dropped_corpus': 'dept'; did you mean 'depth'"):
            load_corpus("dropped_corpus", options={"dept": 5})
    finally:
        corpora._loaders.cache_clear()


@pytest.mark.parametrize("name", corpus_names())
@pytest.mark.parametrize("argument", ["train_size", "selection_size"])
@pytest.mark.parametrize("value", [0, -1, 50_001, 2.0, True])
def test_a_size_out_of_range_is_refused_before_anything_is_fetched(
    name: str, argument: str, value: int, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"{argument}={value}: expected a whole number from 1 to \\d+"):
        load_corpus(name, **{argument: value}, cache=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["train_size", "selection_size", "cache", "max_length"])
def test_what_is_no_option_of_a_corpus_is_refused(option: str) -> None:
    with pytest.raises(ValueError, match=f"unknown option of corpus 'digits': '{option}'; known: none"):
        load_corpus("digits", options={option: 1})


@pytest.mark.parametrize("name", ["grammar", "imdb", "snippets"])
def test_a_test_size_out_of_range_is_refused_before_anything_is_fetched(name: str, tmp_path: Path) -> None:
    for value in (0, 50_001, 2.0):
        with pytest.raises(ValueError, match=f"test_size={value}: expected a whole number from 1 to"):
            load_corpus(name, cache=tmp_path, options={"test_size": value})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", corpora.__all__)
def test_what_is_announced_can_be_imported(name: str) -> None:
    assert getattr(corpora, name)
