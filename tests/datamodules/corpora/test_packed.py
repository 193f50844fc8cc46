from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from datamodules.corpora.packed import pack, read_tensor, read_texts
from datamodules.corpora.store import ensure_stored


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=1, max_size=8))
def test_texts_come_back_as_they_were(tmp_path_factory, texts: list[str]) -> None:
    folder: Path = tmp_path_factory.mktemp("cache")
    stored = ensure_stored(folder, "toy", lambda _: (pack("some", texts) | pack("more", ["é", ""]), "here"))
    assert read_texts(stored, "some") == texts
    assert read_texts(stored, "more") == ["é", ""]
    assert read_tensor(stored, "more_ends").tolist() == [2, 2]
