import tarfile
from pathlib import Path

import pytest

from datamodules.corpora.archives import tar_member


def test_a_member_is_read_without_unpacking_the_archive(pack, tmp_path: Path) -> None:
    path = pack(tmp_path / "toy.tar.gz", {"folder/one.txt": b"first", "two.txt": b"second"})
    with tarfile.open(path) as archive:
        assert tar_member(archive, "two.txt") == b"second"
        assert tar_member(archive, "folder/one.txt") == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["toy.tar.gz"]


def test_a_member_that_is_absent_or_no_file_is_refused(pack, tmp_path: Path) -> None:
    path = tmp_path / "toy.tar"
    with tarfile.open(path, "w") as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    with tarfile.open(path) as archive:
        for name in ("absent.txt", "folder"):
            with pytest.raises(ValueError, match=f"the archive has no file {name}"):
                tar_member(archive, name)
