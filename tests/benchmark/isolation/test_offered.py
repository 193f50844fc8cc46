"""Unlearners of installed packages are found in their metadata; their code is not run."""

import shutil
import sys
from importlib import invalidate_caches
from pathlib import Path

import pytest

from benchmark.choices import choose_methods
from benchmark.cli import main
from benchmark.isolation.offered import offered, offers, resolve
from benchmark.template import TEMPLATE

BOOBY_TRAP = "raise RuntimeError('imported')\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages: one with a method, and __init__ files that must not be run."""
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "kind-package", "kind.deep.method:MyMethod")
    package = tmp_path / "kind" / "deep"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text(BOOBY_TRAP)
    shutil.copyfile(TEMPLATE, package / "method.py")
    invalidate_caches()
    return tmp_path


def install(site: Path, distribution: str, target: str, *, files: str = "kind/deep/method.py,,\n") -> None:
    info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[unpoison.unlearners]\nkind_method = {target}\n")
    (info / "RECORD").write_text(files)


def test_a_method_is_found_by_the_name_of_its_entry_point(site: Path) -> None:
    (offer,) = [offer for offer in offers() if offer.name == "kind_method"]
    assert (offer.package, offer.target) == ("kind-package 1.0", "kind.deep.method:MyMethod")
    assert resolve("kind_method") == f"{site / 'kind' / 'deep' / 'method.py'}:MyMethod"
    (method,) = choose_methods(["kind_method"], None) or ()
    assert method.submission is not None
    assert method.name == "my_method"
    assert "kind" not in sys.modules


def test_an_editable_package_is_found_where_it_lies(site: Path) -> None:
    (site / "kind_package-1.0.dist-info" / "RECORD").write_text("kind_editable.pth,,\n")
    assert resolve("kind_method") == f"{site / 'kind' / 'deep' / 'method.py'}:MyMethod"
    assert "kind" not in sys.modules


def test_list_shows_what_is_offered(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--suite", "smoke"]) == 0
    assert "kind_method  kind.deep.method:MyMethod, offered by kind-package 1.0" in capsys.readouterr().out


def test_shipped_methods_keep_their_names(site: Path) -> None:
    (site / "kind_package-1.0.dist-info" / "entry_points.txt").write_text(
        "[unpoison.unlearners]\ngd = kind.deep.method:MyMethod\n"
    )
    assert resolve("gd") == "gd"
    assert resolve("GD") == "GD"
    assert offered("gd") is not None
    assert resolve("nobody") == "nobody"


def test_faults_are_told_in_one_line(site: Path) -> None:
    install(site, "other", "kind.deep.method:MyMethod")
    with pytest.raises(ValueError, match=r"offered by kind-package 1\.0 and other 1\.0"):
        resolve("kind_method")
    shutil.rmtree(site / "other-1.0.dist-info")
    points = site / "kind_package-1.0.dist-info" / "entry_points.txt"
    points.write_text("[unpoison.unlearners]\nkind_method = kind.deep.nowhere:MyMethod\n")
    with pytest.raises(ValueError, match=r"no file of module 'kind\.deep\.nowhere' is found"):
        resolve("kind_method")
    points.write_text("[unpoison.unlearners]\nkind_method = kind.deep.method\n")
    with pytest.raises(ValueError, match="is not module:Class"):
        resolve("kind_method")
