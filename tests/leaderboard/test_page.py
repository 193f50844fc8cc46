import base64
import hashlib
import json
import math
import re
from html.parser import HTMLParser
from importlib import resources

import numpy as np
import pytest
from scipy import stats

from leaderboard.board import build_boards
from leaderboard.entry import Source, Tuning
from leaderboard.page import render_html
from leaderboard.page.figure import Axis, Mark, labelled
from leaderboard.page.forest import SCALE, forest
from leaderboard.page.names import LOOKS, look
from leaderboard.page.scatter import scatter
from leaderboard.page.tradeoff import GRID, normal_curve, null_band
from leaderboard.statistics import Interval
from leaderboard.verdict import Verdict

HOSTILE = "</script><img src=x onerror=alert(1)> & \u2028 javascript:alert(2) {{ 7 * 7 }}"
EXTRA = {"gaussian/mean": 0.6, "gaussian/sd": 1.1, "gaussian/z": 12.0, "gaussian/tpr_at_fpr_.01": 0.05}


class Reader(HTMLParser):
    """Collects elements with their attributes, and texts by the element they stand in."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.stack = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.stack.append(tag)

    def handle_endtag(self, tag):
        while self.stack and self.stack.pop() != tag:
            pass

    def handle_data(self, data):
        self.texts.append((self.stack[-1] if self.stack else "", data))


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])


@pytest.fixture
def hostile(make_entry):
    entry = make_entry(
        hyperparameters={HOSTILE: HOSTILE},
        attack=HOSTILE,
        configuration={HOSTILE: [HOSTILE]},
        tuning=Tuning(version=1, trials=3, seeds=[9], criterion=HOSTILE),
    )
    words = dict.fromkeys(("title", "paper", "formula", "source"), HOSTILE)
    return entry.model_copy(update={"method": entry.method.model_copy(update=words)})


def test_all_values_of_all_seeds_are_embedded(make_entry):
    entry = make_entry(unlearned=[0.123456789, 0.2, None], accuracy=[0.7, 0.71, 0.5])
    data = data_of(render_html([entry]))
    (seeds,) = data["entries"][0]["results"].values()
    for found, seed in zip(seeds, entry.results[0].seeds, strict=True):
        expected = seed.unlearned.effect
        assert found["unlearned"]["effect"] == (expected if expected is None else pytest.approx(expected, rel=1e-6))
        assert found["cost"]["passes"] == seed.cost.passes
        for role in ("poisoned", "retrain", "second_retrain"):
            assert data["pool"][found[role]]["effect"] == pytest.approx(getattr(seed, role).effect, rel=1e-6)
    assert data["pool"][data["entries"][0]["configuration"]] == entry.configuration
    assert data["entries"][0]["method"] == entry.method.model_dump()


def test_rows_are_those_of_the_boards(board_entries):
    page = render_html(board_entries)
    rows = [attrs["id"] for tag, attrs in Reader(page).elements if tag == "tr" and attrs.get("class") == "row"]
    names = ["no_unlearning", "retrain", "sham", "clean", "half-a", "half-b", "wreck", "nan"]
    assert rows == [f"r-toy-v1-4-{name}" for name in names]
    data = data_of(page)
    assert list(data["rows"]) == rows
    assert data["rows"]["r-toy-v1-4-retrain"]["entry"] is None
    assert data["entries"][data["rows"]["r-toy-v1-4-clean"]["entry"]]["method"]["name"] == "clean"
    assert ">2–3<" in page
    assert data["rows"]["r-toy-v1-4-nan"]["keys"]["residual"] is None


def test_what_several_entries_share_is_stored_once(make_entry):
    one = data_of(render_html([make_entry("a")]))
    two = data_of(render_html([make_entry("a"), make_entry("b")]))
    assert len(one["pool"]) == len(two["pool"])


def test_nothing_of_an_entry_is_markup(hostile, make_entry):
    plain = Reader(render_html([make_entry(tuning=hostile.tuning.model_copy(update={"criterion": "loss"}))]))
    page = render_html([hostile])
    read = Reader(page)
    assert [tag for tag, _ in read.elements] == [tag for tag, _ in plain.elements]
    assert not [name for _, attrs in read.elements for name in attrs if name.startswith("on") or name == "src"]
    links = [attrs["href"] for _, attrs in read.elements if "href" in attrs]
    assert all(link.startswith("#") or link == "data:," for link in links)
    assert HOSTILE.replace("\u2028", "") in {text.replace("\u2028", "") for _, text in read.texts}
    assert data_of(page)["entries"][0]["method"]["paper"] == HOSTILE
    block = page.partition('id="data">')[2].partition("</script>")[0]
    assert not set(block) & set("<>&\u2028\u2029")


def test_the_policy_allows_the_inlined_style_and_scripts_alone(make_entry):
    page = render_html([make_entry()])
    read = Reader(page)
    (policy,) = [attrs["content"] for _, attrs in read.elements if attrs.get("http-equiv") == "Content-Security-Policy"]
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = lambda text: f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"  # noqa: E731
    assert len(scripts) == 2
    assert f"script-src {' '.join(map(digest, scripts))};" in policy
    assert f"style-src {digest(styles[0])};" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert not [attrs for _, attrs in read.elements if "style" in attrs]


def test_it_needs_no_other_file(board_entries):
    page = render_html(board_entries)
    addresses = {address for address in re.findall(r"https?://[^\s\"'<\\]+", page) if "[" not in address}
    assert addresses <= {"http://", "https://"}
    assert "@import" not in page
    assert "url(" not in page
    assert "innerHTML" not in page


def test_page_does_not_depend_on_the_order_of_entries(board_entries):
    assert render_html(board_entries[::-1]) == render_html(board_entries)


def test_no_entries():
    assert "No entries yet." in render_html([])


def test_identifiers_are_unique(board_entries, make_entry):
    entries = [*board_entries, make_entry("a", scenario="b-v1", budgets=(0.02, 0.1))]
    names = [attrs["id"] for _, attrs in Reader(render_html(entries)).elements if "id" in attrs]
    assert len(names) == len(set(names))


def test_overview_shows_every_method_in_every_scenario(make_entry):
    entries = [
        make_entry(scenario="a-v1"),
        make_entry("gd", [0.7] * 5, scenario="b-v1"),
        make_entry("x", scenario="b-v1"),
    ]
    page = render_html(entries)
    section = page[page.index('class="overview') : page.index('id="scenarios"')]
    labels = re.findall(r'aria-label="(\w+ in [^"]*)"', section)
    assert labels == [
        "GD in a-v1: 0.33, not removed",
        "GD in b-v1: 0.78, not removed, its worst",
        "X in b-v1: 0.33, not removed",
    ]
    assert "not run in 1, run on image" in section
    assert 'class="overview' not in render_html(entries[:1])


def test_every_verdict_has_a_look():
    assert {look(verdict) for verdict in Verdict.__args__} <= set(LOOKS.values())
    assert look("not removed, accuracy lost") == "bad"


def test_source_of_a_submission_is_shown(make_entry):
    entry = make_entry(source=Source(file="mine.py", class_name="Mine", sha256="0" * 64))
    assert data_of(render_html([entry]))["entries"][0]["source"]["file"] == "mine.py"


def test_axis_places_numbers_linearly():
    axis = Axis(-1.0, 3.0, 100.0, 500.0)
    assert [axis.place(value) for value in (-1, 0, 3, 99, -99)] == [100, 200, 500, 500, 100]
    assert axis.ticks(4) == ((100, "-1"), (200, "0"), (300, "1"), (400, "2"), (500, "3"))
    assert axis.holds(3.0)
    assert not axis.holds(3.1)


def test_logarithmic_axis_places_ratios():
    axis = Axis(0.001, 1.0, 0.0, 300.0, log=True)
    assert [axis.place(value) for value in (0.001, 0.01, 0.1, 1.0, 0.0)] == [0, 100, 200, 300, 0]
    assert [text for _, text in axis.ticks()] == ["0.001", "0.01", "0.1", "1"]


def test_upward_axis_runs_from_the_bottom():
    assert Axis(0.0, 1.0, 300.0, 100.0).place(0.25) == 250


def test_labels_meet_no_other_label():
    marks = [Mark(300.0 + 3 * row, 200.0 + row, "", "bad", "circle", "", f"method {row}") for row in range(14)]
    placed = labelled(marks)
    boxes = []
    for mark in (mark for mark in placed if mark.at):
        x, y, anchor = mark.at
        width = 6.6 * len(mark.label)
        left = {"start": x, "end": x - width, "middle": x - width / 2}[anchor]
        boxes.append((left, y - 10, left + width, y + 3))
    assert 2 <= len(boxes) < 14
    for row, a in enumerate(boxes):
        assert not any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for b in boxes[:row])


@pytest.mark.parametrize(("estimate", "beyond"), [(0.5, ""), (7.0, "right"), (-3.0, "left")])
def test_forest(estimate, beyond):
    found = forest(Interval(estimate, estimate - 0.1, estimate + 0.2), 0.25)
    assert found.beyond == beyond
    assert found.low <= found.at <= found.high
    assert found.floor == (SCALE.place(-0.25), pytest.approx(SCALE.place(0.25) - SCALE.place(-0.25)))
    assert SCALE.start <= found.low <= found.high <= SCALE.end
    assert forest(Interval(0.5, -math.inf, math.inf), math.inf).floor is None


def test_scatter_puts_retraining_at_the_crossing_of_its_bands(board_entries):
    (board,) = build_boards(board_entries)
    figure = scatter(board)
    marks = {mark.row.rpartition("-")[2]: mark for mark in figure.marks}
    assert (marks["retrain"].x, marks["retrain"].y) == (figure.x.place(0.0), figure.y.place(0.0))
    assert marks["no_unlearning"].y == figure.y.place(1.0)
    column, stripe = figure.bands
    assert (column.x, column.x + column.width) == (figure.x.place(-1.0), pytest.approx(figure.x.place(1.0)))
    assert stripe.y == figure.y.place(board.floor)
    assert stripe.y + stripe.height == pytest.approx(figure.y.place(-board.floor))
    assert marks["wreck"].shape == "left"
    assert marks["a"].shape == "circle"
    assert "nan" not in marks
    left = next(row for row in board.methods if row.name == "half-a").contender.interval
    assert marks["a"].tip.startswith(f"HALF-A: residual {left.estimate:.2f} [{left.low:.2f}, {left.high:.2f}], ")
    assert marks["a"].y == figure.y.place(left.estimate)


def test_null_band_is_the_binomial_one():
    low, high = null_band(375)
    expected = stats.binom.ppf([[0.025], [0.975]], 375, GRID) / 375
    np.testing.assert_allclose([low, high], expected, atol=1e-12)


def test_curve_is_that_of_a_normal_statistic(make_entry):
    extras = {"unlearned": [EXTRA, EXTRA | {"gaussian/mean": 0.2}]}
    entry = make_entry(unlearned=[0.3, 0.4], extras=extras)
    scores = [seed.unlearned for seed in entry.results[0].seeds]
    threshold = stats.norm.isf(GRID)
    expected = (stats.norm.sf(threshold, 0.6, 1.1) + stats.norm.sf(threshold, 0.2, 1.1)) / 2
    np.testing.assert_allclose(normal_curve(scores), expected, atol=1e-9)


def test_trade_off_is_drawn_where_entries_hold_it(make_entry):
    roles = ("unlearned", "poisoned", "retrain")
    entry = make_entry(
        unlearned=[0.3, 0.4], extras={role: [EXTRA] * 2 for role in roles}, effect_name="gaussian_correlation"
    )
    page = render_html([entry])
    assert "Trade-off of the Gaussian audit" in page
    assert "(400 poisons, one model)" in page
    assert "GD: TPR at FPR 0.01 is 0.050 (0.050 to 0.050)" in page
    assert "Trade-off" not in render_html([make_entry()])


def test_budgets_are_drawn_where_there_are_several(make_entry):
    page = render_html([make_entry("a", budgets=(0.02, 0.1)), make_entry("b", [0.7] * 5, budgets=(0.02, 0.1))])
    assert page.count("<b>Residual against budget.</b>") == 1
    assert "A at 2 %: residual" in page
    assert "B at 10 %: residual" in page
    assert "Residual against budget" not in render_html([make_entry("a")])


@pytest.mark.parametrize("theme", [0, -1], ids=["light", "dark"])
def test_tones_can_be_read_on_their_own_tint(theme):
    """Axe cannot tell the contrast of text on mixed colours: WCAG 2.2 asks for 4.5."""
    style = (resources.files("leaderboard.page") / "assets" / "style.css").read_text(encoding="utf-8")
    blocks = re.findall(r"color-scheme: (?:light|dark);(.*?)\}", style.partition("@media print")[0], re.DOTALL)
    colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", blocks[theme]))
    assert len(blocks) == 3
    for name in LOOKS.values():
        tone, paper = _rgb(colours[name]), _rgb(colours["paper"])
        for share in (0.0, 0.11, 0.15):
            assert _contrast(tone, share * tone + (1 - share) * paper) >= 4.5, name
    for ground in ("ground", "raised", "paper"):
        assert _contrast(_rgb(colours["soft"]), _rgb(colours[ground])) >= 4.5


def _rgb(colour):
    return np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])


def _contrast(a, b):
    linear = lambda c: np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)  # noqa: E731
    bright, dark = sorted((float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)
