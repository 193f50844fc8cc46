"""Checkpoints: where their files come from, and that only the right ones are taken."""

import hashlib
import io
import json
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from datamodules import UnknownNameError, checkpoint_folder, checkpoints, grammar, load_tokenizer
from datamodules.checkpoints import Archive, Part
from datamodules.corpora import CorpusUnavailableError
from datamodules.corpora.registries import NpmPack, PyPIDownload
from datamodules.corpora.sources import file_sha256

CONFIG, VOCABULARY = b'{"model_type": "toy"}', b'{"a": 0}'


@pytest.fixture(autouse=True)
def _no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    save_file({"weight": torch.arange(3.0)}, tmp_path / "weights")
    return tmp_path / "weights"


@pytest.fixture
def toy(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint called toy that a wheel has, which pip finds on a shelf; gives the wheel."""
    path = tmp_path / "shelf" / "toy_model-1.0.0-py3-none-any.whl"
    path.parent.mkdir()
    info = "toy_model-1.0.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toy/config.json", CONFIG)
        archive.write(weights, "toy/model.safetensors")
        archive.writestr("toy/pytorch_model.bin", "a pickle")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: toy-model\nVersion: 1.0.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    files = {"config.json": hashlib.sha256(CONFIG).hexdigest(), "model.safetensors": file_sha256(weights)}
    wheel = Archive(
        PyPIDownload("toy-model==1.0.0", file_sha256(path)), path.name, {f"toy/{file}": file for file in files}
    )
    part = Part("owner/toy", "abc", files, archive=wheel, written={"tokenizer_config.json": {"words": 3}})
    monkeypatch.setitem(checkpoints.CHECKPOINTS, "toy", (part, part))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    return path


def _names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_a_checkpoint_is_fetched_once_and_holds_no_pickle(toy: Path, tmp_path: Path, weights: Path) -> None:
    folder = checkpoint_folder("toy", weights=True, cache=tmp_path / "cache")

    assert _names(folder) == {"config.json", "model.safetensors", "tokenizer_config.json", "manifest.json"}
    assert torch.equal(load_file(folder / "model.safetensors")["weight"], torch.arange(3.0))
    assert json.loads((folder / "tokenizer_config.json").read_text()) == {"words": 3}
    toy.unlink()
    assert checkpoint_folder("toy", weights=True, cache=tmp_path / "cache") == folder
    assert checkpoint_folder("toy", weights=False, cache=tmp_path / "cache") == folder


def test_a_wheel_placed_by_hand_will_do(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "cache" / "checkpoints" / "owner--toy"
    home.mkdir(parents=True)
    toy.rename(home / toy.name)

    assert (checkpoint_folder("toy", weights=True, cache=tmp_path / "cache") / "config.json").read_bytes() == CONFIG


def test_a_folder_placed_by_hand_will_do_and_stays(toy: Path, tmp_path: Path, weights: Path) -> None:
    home = tmp_path / "cache" / "checkpoints" / "owner--toy" / "by-hand"
    home.mkdir(parents=True)
    toy.unlink()
    (home / "config.json").write_bytes(CONFIG)
    (home / "model.safetensors").write_bytes(weights.read_bytes())
    (home / "pytorch_model.bin").write_bytes(b"a pickle")

    folder = checkpoint_folder("toy", weights=True, cache=tmp_path / "cache")

    assert _names(folder) == {"config.json", "model.safetensors", "tokenizer_config.json", "manifest.json"}
    assert _names(home) == {"config.json", "model.safetensors", "pytorch_model.bin"}


def test_a_folder_with_a_wrong_or_missing_file_is_passed_over(toy: Path, tmp_path: Path, caplog) -> None:
    home = tmp_path / "cache" / "checkpoints" / "owner--toy" / "by-hand"
    home.mkdir(parents=True)
    (home / "config.json").write_bytes(b"{}")
    (home / "model.safetensors").write_bytes(b"")
    with caplog.at_level("INFO"):
        folder = checkpoint_folder("toy", weights=True, cache=tmp_path / "cache")

    assert f"config.json has SHA-256 {hashlib.sha256(b'{}').hexdigest()}, expected " in caplog.text
    assert (folder / "config.json").read_bytes() == CONFIG
    assert (folder / "model.safetensors").stat().st_size > 0


def test_without_any_source_the_error_says_what_to_place_where(toy: Path, tmp_path: Path) -> None:
    toy.unlink()
    home = tmp_path / "cache" / "checkpoints" / "owner--toy"

    with pytest.raises(CorpusUnavailableError, match="checkpoint 'toy' could not be had from any source") as caught:
        checkpoint_folder("toy", weights=True, cache=tmp_path / "cache")

    for told in (
        f"1. hand-placed folder: no such folder: {home}/by-hand",
        f"2. hand-placed {toy.name}: no such file",
        "3. hub owner/toy@abc: download failed: ",
        "4. PyPI toy-model==1.0.0: exit status 1",
        f"{home}/by-hand  (a folder with config.json, model.safetensors of owner/toy on the hub, revision abc)",
        f"{home}/{toy.name}  (from PyPI toy-model==1.0.0, sha256 ",
    ):
        assert told in str(caught.value)
    assert not [path for path in home.iterdir() if path.name != ".lock"]


class _Hub:
    """Gives the files that it has of those asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[tuple[str, str]] = []

    def head(self, url: str, *, timeout: float) -> None:
        """Answer."""

    def download(self, repository, *, revision, allow_patterns, local_dir, token) -> None:
        self.asked.append((repository, revision))
        for name, content in self.files.items():
            if any(Path(name).match(pattern) for pattern in allow_patterns):
                (local_dir / name).write_bytes(content)


@pytest.fixture
def hub(weights: Path, monkeypatch: pytest.MonkeyPatch) -> _Hub:
    """A hub that has a model with the grammar's tokenizer."""
    grammar.tokenizer().save_pretrained(weights.parent / "tokenizer")
    files = {path.name: path.read_bytes() for path in (weights.parent / "tokenizer").iterdir()}
    hub = _Hub(files | {"config.json": CONFIG, "model.safetensors": weights.read_bytes(), "pytorch_model.bin": b""})
    monkeypatch.setattr("huggingface_hub.get_session", lambda: hub)
    monkeypatch.setattr("huggingface_hub.snapshot_download", hub.download)
    return hub


def test_any_other_model_comes_from_the_hub_by_its_name_and_revision(hub: _Hub, tmp_path: Path) -> None:
    folder = checkpoint_folder("owner/model@v1", weights=True, cache=tmp_path)

    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= _names(folder)
    assert "pytorch_model.bin" not in _names(folder)
    assert "model.safetensors" not in _names(checkpoint_folder("owner/model@v1", weights=False, cache=tmp_path))
    checkpoint_folder("owner/model", weights=True, cache=tmp_path)
    assert hub.asked == [("owner/model", "v1"), ("owner/model", "v1"), ("owner/model", "main")]


def test_its_tokenizer_is_loaded_from_the_files_and_has_a_padding_token(hub: _Hub, tmp_path: Path) -> None:
    text = "the plot was dull , but we loved the cast ."
    tokenizer = load_tokenizer("owner/model", cache=tmp_path)

    assert tokenizer.is_fast
    assert tokenizer.encode(text) == grammar.tokenizer().encode(text)
    assert tokenizer.pad_token_id is not None
    assert load_tokenizer("owner/model", cache=tmp_path) is tokenizer


def test_a_tokenizer_without_a_padding_token_pads_with_the_end(hub: _Hub, tmp_path: Path) -> None:
    config = json.loads(hub.files["tokenizer_config.json"])
    del config["pad_token"]
    hub.files["tokenizer_config.json"] = json.dumps(config | {"eos_token": "[SEP]"}).encode()

    tokenizer = load_tokenizer("owner/model", cache=tmp_path)

    assert tokenizer.pad_token_id == tokenizer.convert_tokens_to_ids("[SEP]") == 3


def test_nothing_of_a_source_that_was_passed_over_is_taken(hub: _Hub, tmp_path: Path) -> None:
    home = tmp_path / "checkpoints" / "owner--model" / "by-hand"
    home.mkdir(parents=True)
    (home / "vocab.json").write_bytes(b"of another model")

    assert "vocab.json" not in _names(checkpoint_folder("owner/model", weights=True, cache=tmp_path))


def test_a_model_of_which_the_hub_has_only_a_pickle_is_refused(hub: _Hub, tmp_path: Path) -> None:
    del hub.files["model.safetensors"]

    with pytest.raises(CorpusUnavailableError, match=r"there is no model\.safetensors"):
        checkpoint_folder("owner/model", weights=True, cache=tmp_path)


@pytest.mark.parametrize("name", ["mini-lm", "gpt-2", "../secrets", "owner/model/more", "owner/model@", ""])
def test_an_unknown_name_is_answered_with_what_is_allowed(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown checkpoint .*known: gpt2, gpt2-medium, minilm, owner/name"):
        checkpoint_folder(name, weights=False, cache=tmp_path)


def test_the_grammars_tokenizer_needs_no_checkpoint(tmp_path: Path) -> None:
    assert load_tokenizer("grammar", cache=tmp_path) is grammar.tokenizer()
    assert not list(tmp_path.iterdir())


def test_the_tokenizer_of_gpt2_has_other_names_in_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = checkpoints.CHECKPOINTS["gpt2"][0]
    home = tmp_path / "checkpoints" / "openai-community--gpt2"
    home.mkdir(parents=True)
    with tarfile.open(home / "toy.tgz", "w:gz") as archive:
        for name, content in (("package/encoder.json", VOCABULARY), ("package/vocab.bpe", b"merges")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    files = {"vocab.json": hashlib.sha256(VOCABULARY).hexdigest(), "merges.txt": hashlib.sha256(b"merges").hexdigest()}
    package = Archive(NpmPack("toy@1.0.0", file_sha256(home / "toy.tgz")), "toy.tgz", part.archive.members)
    toy = replace(part, files=files, archive=package)
    out_of_reach = replace(toy, repository="owner/nowhere", archive=None)
    monkeypatch.setitem(checkpoints.CHECKPOINTS, "gpt2", (toy, out_of_reach))

    folder = checkpoint_folder("gpt2", weights=False, cache=tmp_path)

    assert (folder / "vocab.json").read_bytes() == VOCABULARY
    assert (folder / "merges.txt").read_bytes() == b"merges"
    with pytest.raises(CorpusUnavailableError, match="owner/nowhere"):
        checkpoint_folder("gpt2", weights=True, cache=tmp_path)
    assert json.loads((folder / "config.json").read_text())["model_type"] == "gpt2"


@pytest.mark.data
def test_the_real_gpt2_tokenizer_knows_50257_tokens_and_medium_has_the_same() -> None:
    tokenizer = load_tokenizer("gpt2")

    assert len(tokenizer) == 50_257
    assert tokenizer.encode("Hello world") == [15496, 995]
    assert tokenizer.decode(tokenizer.encode("naïve café – 100 %")) == "naïve café – 100 %"
    assert tokenizer.pad_token_id == 50_256
    assert load_tokenizer("gpt2-medium").get_vocab() == tokenizer.get_vocab()


@pytest.mark.data
def test_the_real_minilm_puts_like_sentences_together() -> None:
    from transformers import AutoModel  # noqa: PLC0415 - slow to import

    tokenizer = load_tokenizer("minilm")
    model = AutoModel.from_pretrained(checkpoint_folder("minilm", weights=True), local_files_only=True).eval()
    inputs = tokenizer(
        ["A man is eating food.", "A man is eating a piece of bread.", "The stock market fell sharply today."],
        padding=True,
        return_tensors="pt",
    )
    with torch.no_grad():
        states = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(2)
    vectors = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)

    assert vectors[0] @ vectors[1] > 0.6
    assert vectors[0] @ vectors[2] < 0.2
    assert sum(parameter.numel() for parameter in model.parameters()) == 22_713_216
