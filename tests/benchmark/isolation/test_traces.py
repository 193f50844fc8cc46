"""What a job leaves in its folders is gone afterwards, however hard it is to remove."""

import contextlib
import os
from pathlib import Path

from benchmark.isolation.traces import remove_traces


def nest(folder: Path, depth: int) -> None:
    """Make folders in one another, deeper than a path can be written."""
    place = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=place)
        inner = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(place)


def test_folders_are_emptied_and_stay(tmp_path: Path) -> None:
    scratch, handed_back, outside = (tmp_path / name for name in ("scratch", "out", "outside"))
    for folder in (scratch, handed_back, outside):
        folder.mkdir()
        (folder / "file").write_text("kept")
    (scratch / "link").symlink_to(outside)
    (scratch / "closed" / "deep").mkdir(parents=True)
    (scratch / "closed" / "deep").chmod(0)
    (scratch / "closed").chmod(0)
    nest(scratch, 1200)
    remove_traces([scratch], handed_back, alone=False)
    assert list(scratch.iterdir()) == []
    assert (handed_back / "file").read_text() == (outside / "file").read_text() == "kept"


def test_what_is_attached_to_a_folder_is_gone(tmp_path: Path) -> None:
    with contextlib.suppress(OSError):  # a file system without attributes
        os.setxattr(tmp_path, "user.token", b"known")
    os.utime(tmp_path, (1, 2))
    remove_traces([], tmp_path, alone=False)
    assert os.listxattr(tmp_path) == []
    assert tmp_path.stat().st_mtime == 0
