"""The whole report: files, page, missing ingredients, and what a browser says of it."""

import csv
import os
import re
import shutil

import pytest

from benchmark.cli import main
from benchmark.report.material import SEEN, Material
from benchmark.report.write import build_report, write_report
from leaderboard import read_entries, write_entry

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="module")
def entries(make_entry):
    hostile = make_entry("odd", 0.5)
    hostile = hostile.model_copy(
        update={"provenance": hostile.provenance.model_copy(update={"command": "</p><script>x()"})}
    )
    names = ("no_unlearning", "retrain", "gd", "ngd")
    return [*(make_entry(name, 0.9) for name in names), make_entry("gd.lr-0.1", 0.5, lr=0.1), hostile]


@pytest.fixture(scope="module")
def folder(entries, make_material, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    material = make_material(entries, {("gd", SEEN): 0.9, ("retrain", SEEN): 0.0})
    write_report(build_report(material), material, folder)
    return folder


def test_every_figure_has_its_files(folder):
    figures = sorted(path.stem for path in folder.glob("*.svg"))
    assert figures == ["budgets", "matrix", "sensitivity-lr", "tradeoff-toy-gaussian-cnn-v1"]
    page = (folder / "index.html").read_text()
    for name in figures:
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert len((folder / f"{name}.csv").read_text().splitlines()) > 1
        assert f'id="figure-{name}"' in page
    assert page.count("<svg") == len(figures)


def test_the_page_stands_alone_and_in_order(folder):
    page = (folder / "index.html").read_text()
    assert re.findall(r"<h2>\((\w)\)", page) == list("abcdefg")
    assert "<script" not in page
    assert "&lt;script&gt;x()" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    targets = set(re.findall(r'(?:xlink:href|href)="#([^"]+)"', page)) | set(re.findall(r"url\(#([^)]+)\)", page))
    assert targets <= set(ids)
    for gap in ("U-LiRA", "20 %, 50 %, 100 %", "no retrain baseline", "imperfect requests"):
        assert gap in page


def test_claims_are_written_with_rule_and_statistic(folder):
    with (folder / "claims.csv").open() as file:
        rows = list(csv.DictReader(file))
    decided = {row["claim"]: row for row in rows if row["verdict"] != "not testable here"}
    assert "Gaussian poison in images stays after every method." in decided
    assert all(row["rule"] and row["statistic"] and row["reference"] for row in rows)


def test_the_same_material_gives_the_same_figures(folder, entries, make_material, tmp_path):
    material = make_material(entries, {("gd", SEEN): 0.9, ("retrain", SEEN): 0.0})
    write_report(build_report(material), material, tmp_path)
    assert (tmp_path / "matrix.svg").read_bytes() == (folder / "matrix.svg").read_bytes()
    assert (tmp_path / "matrix.pdf").read_bytes() == (folder / "matrix.pdf").read_bytes()


def test_the_command(entries, tmp_path, capsys):
    for entry in entries:
        write_entry(entry, tmp_path / "run" / "entries")
    assert main(["report", "--output", str(tmp_path / "run"), "--store", str(tmp_path / "none")]) == 0
    told = capsys.readouterr().out
    assert f"report: {tmp_path / 'run' / 'report' / 'index.html'}, in" in told
    assert "reproduced" in told
    assert not (tmp_path / "none").exists()
    assert len(read_entries(tmp_path / "run" / "entries")) == len(entries)
    assert main(["report", "--output", str(tmp_path / "nowhere")]) == 2
    assert "must be a folder of entries, and is missing" in capsys.readouterr().err


@pytest.mark.skipif(not CHROMIUM, reason=f"no {' or '.join(NAMES)} on this machine; CHROMIUM=... names one")
def test_a_browser_has_nothing_to_complain_of(folder):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[dev]')")
    troubles = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "request",
            lambda request: (
                troubles.append(request.url)
                if "index.html" not in request.url and not request.url.startswith("data:")
                else None
            ),
        )
        page.goto((folder / "index.html").as_uri())
        assert page.title() == "Unpoison report"
        assert page.locator("figure svg").count() == 4
        boxes = [box.bounding_box() for box in page.locator("figure svg").all()]
        assert all(box["width"] > 120 and box["height"] > 120 for box in boxes)
        assert page.evaluate("document.documentElement.scrollWidth") <= 1200
        browser.close()
    assert troubles == []


def test_nothing_at_all_is_no_crash(tmp_path):
    material = Material((), None, "python -m benchmark report")
    page = write_report(build_report(material), material, tmp_path).read_text()
    assert "0 reproduced, 0 not reproduced" in page
