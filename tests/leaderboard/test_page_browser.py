"""The page in headless Chromium, driven by playwright."""

import os
import shutil
from datetime import UTC, datetime
from importlib import resources

import pytest

from leaderboard.entry import Protection, Tuning, Verification
from leaderboard.page import render_html

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[dev]')")

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)

pytestmark = pytest.mark.skipif(not CHROMIUM, reason=f"no {' or '.join(NAMES)} on this machine; CHROMIUM=... names one")

HOSTILE = "</script><img src=x onerror=\"document.title='hacked'\"> <b>bold</b> javascript:alert(1)"
PHONE, DESKTOP = (360, 760), (1360, 900)


def gaussian(shift):
    return {
        "gaussian/mean": shift,
        "gaussian/sd": 1.0,
        "gaussian/z": 20 * shift,
        "gaussian/tpr_at_fpr_.01": 0.01 + shift / 20,
    }


@pytest.fixture(scope="module")
def entries(make_entry):
    extras = {role: [gaussian(shift)] * 5 for role, shift in (("poisoned", 0.9), ("unlearned", 0.4), ("retrain", 0.01))}
    common = {"scenario": "image-v1", "budgets": (0.02, 0.1), "extras": extras, "effect_name": "gaussian_correlation"}
    spread = lambda mean: [mean - 0.02, mean + 0.01, mean, mean + 0.02, mean - 0.01]  # noqa: E731
    second = Verification(
        commit="abc",
        device="cpu",
        created=datetime(2026, 1, 3, tzinfo=UTC),
        compared=10,
        tolerance=0.01,
        accuracy_tolerance=0.01,
        largest=3.5,
        differences=["seed 3: effect 0.70 against 0.20"],
    )
    text = {"scenario": "text-v1", "modality": "text", "attack": "trigger", "suite": "full", "budgets": (0.1,)}
    hostile = make_entry("hostile", spread(0.6), **text)
    words = dict.fromkeys(("title", "formula", "source"), HOSTILE) | {"paper": "javascript:alert(document.domain)"}
    return [
        make_entry("low", spread(0.1), **common),
        make_entry("high", spread(0.7), **common),
        make_entry("middle", spread(0.4), status="verified", **common),
        make_entry("odd", spread(0.5), status="unreliable", verification=second, **common),
        make_entry("sham", spread(0.85), **common),
        make_entry(
            "low", spread(0.2), tuning=Tuning(version=2, trials=40, seeds=[90], criterion="forget loss"), **text
        ),
        make_entry("nan", [0.1, None, 0.1, 0.1, 0.1], protection=Protection(kind="bubblewrap", detail="walls"), **text),
        hostile.model_copy(update={"method": hostile.method.model_copy(update=words)}),
        make_entry("link", spread(0.5), scenario="void-v1", poisoned=[0.0] * 5).model_copy(
            update={
                "method": hostile.method.model_copy(update={"name": "link", "paper": "A 2020, https://example.org/a"})
            }
        ),
    ]


@pytest.fixture(scope="module")
def address(entries, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(render_html(entries), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Open the page; at the end nothing was complained of on the console, and nothing but the page was fetched."""
    contexts, troubles = [], []

    def open_page(hash_="", size=DESKTOP, scheme="light", file=address):
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda message: troubles.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (troubles.append("dialog"), dialog.dismiss()))
        page.on("request", lambda request: troubles.append(request.url) if not _own(request.url, file) else None)
        page.goto(file + hash_)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def _own(url, file):
    return url.partition("#")[0] == file or url == "data:,"


def titles(page, board="b-image-v1-10"):
    """Titles of the visible methods of a board, from top to bottom."""
    return page.eval_on_selector_all(
        f'[id="{board}"] .methods tr.row:not([hidden]) .method', "nodes => nodes.map(node => node.textContent.trim())"
    )


def go(page, hash_):
    page.evaluate(
        "hash => new Promise(done => { addEventListener('hashchange', done, {once: true}); location.hash = hash; })",
        hash_,
    )


def unfold(page):
    """Lay out boards outside the window, too."""
    page.evaluate(
        "document.querySelectorAll('.board').forEach(board => { board.style.contentVisibility = 'visible'; })"
    )


def seen_boards(page):
    return page.eval_on_selector_all(".board:not([hidden])", "nodes => nodes.map(node => node.id)")


def test_it_loads_without_a_complaint_and_fetches_nothing(visit):
    page = visit()
    assert page.title() == "Unpoison leaderboard"
    assert seen_boards(page) == ["b-image-v1-2", "b-image-v1-10", "b-text-v1-10", "b-void-v1-4"]
    assert page.inner_text("#count") == "12 of 12 results in 4 of 4 boards"


def test_sorting(visit):
    page = visit()
    assert titles(page) == ["LOW", "MIDDLE", "HIGH", "ODD"]
    header = page.locator('[id="b-image-v1-10"] th[data-sort="residual"]')
    header.locator("button").click()
    assert titles(page) == ["LOW", "MIDDLE", "ODD", "HIGH"]
    assert header.get_attribute("aria-sort") == "ascending"
    assert page.locator("th[aria-sort]:visible").count() == 4
    header.locator("button").press("Enter")
    assert titles(page) == ["HIGH", "ODD", "MIDDLE", "LOW"]
    assert header.get_attribute("aria-sort") == "descending"
    assert "sort=residual&desc=1" in page.url
    page.select_option("select[name=sort]", "method")
    page.uncheck("input[name=desc]")
    assert titles(page) == ["HIGH", "LOW", "MIDDLE", "ODD"]
    assert titles(page, "b-text-v1-10")[0].startswith("</script>")


def test_what_has_no_number_comes_last_in_either_direction(visit):
    page = visit("#sort=residual")
    assert titles(page, "b-text-v1-10")[-1] == "NAN"
    page.check("input[name=desc]")
    assert titles(page, "b-text-v1-10")[-1] == "NAN"


def test_sorting_takes_an_opened_row_along(visit):
    page = visit()
    page.click('[id="r-image-v1-10-high"] .opener')
    page.click('[id="b-image-v1-10"] th[data-sort="residual"] button')
    last = page.locator('[id="b-image-v1-10"] .methods > tr').last
    assert last.get_attribute("id") == "r-image-v1-10-high-d"
    assert last.is_visible()


def test_filters(visit):
    page = visit()
    for name, value, boards in (
        ("attack", "trigger", ["b-text-v1-10"]),
        ("modality", "image", ["b-image-v1-2", "b-image-v1-10", "b-void-v1-4"]),
        ("suite", "full", ["b-text-v1-10"]),
        ("budget", "0.1", ["b-image-v1-10", "b-text-v1-10"]),
        ("scenario", "void-v1", ["b-void-v1-4"]),
    ):
        page.select_option(f"select[name={name}]", value)
        assert seen_boards(page) == boards
        assert page.url.endswith(f"#{name}={value}")
        index = page.eval_on_selector_all("tr[data-of]:not([hidden])", "nodes => nodes.map(node => node.dataset.of)")
        assert index == boards
        page.click("#clear")
        assert "#" not in page.url
        assert len(seen_boards(page)) == 4


def test_verified_only_keeps_the_anchors_beside(visit):
    page = visit()
    page.check("input[name=verified]")
    assert seen_boards(page) == ["b-image-v1-2", "b-image-v1-10"]
    assert titles(page) == ["MIDDLE"]
    assert page.locator('[id="b-image-v1-10"] .anchors tr:visible').count() == 3
    assert page.inner_text("#count") == "2 of 12 results in 2 of 4 boards"


def test_search_and_no_result(visit):
    page = visit()
    page.fill("input[name=q]", "Middle image")
    assert titles(page) == ["MIDDLE"]
    assert page.locator("#none").is_hidden()
    page.fill("input[name=q]", "example.org")
    assert seen_boards(page) == ["b-void-v1-4"]
    page.fill("input[name=q]", "nobody wrote this")
    assert seen_boards(page) == []
    assert page.locator("#none").is_visible()


def test_one_table(visit):
    page = visit("#flat=1&sort=residual")
    assert seen_boards(page) == []
    shown = page.locator("#flat .methods tr.row:visible")
    assert shown.count() == 12
    assert shown.first.locator(".where").inner_text() == "image-v1, 2 %"
    assert shown.first.locator(".opener").inner_text() == "LOW"
    page.uncheck("input[name=flat]")
    assert len(titles(page)) == 4


def test_a_row_opens_by_key(visit):
    page = visit()
    button = page.locator('[id="r-image-v1-10-odd"] .opener')
    button.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    detail = page.locator(f'[id="{button.get_attribute("aria-controls")}"]')
    assert detail.is_visible()
    text = detail.text_content()
    for part in (
        "0.5200",
        "0.9500",
        "nobody 2020",
        "w - lr g",
        "lr",
        "0.01",
        "python -m benchmark run",
        "torch",
        "def",
    ):
        assert part in text
    for part in ("unreliable", "shipped", "1 of 10 values differ", "seed 3: effect 0.70 against 0.20", '"epochs": 5'):
        assert part in text
    assert "a second run differs in 1 of 10 values" in text
    button.press("Space")
    assert button.get_attribute("aria-expanded") == "false"
    assert detail.is_hidden()
    button.press("Space")
    assert detail.is_visible()


def test_a_row_tells_tuning_and_protection(visit):
    page = visit("#open=r-text-v1-10-low r-text-v1-10-nan")
    assert "40 trials on seeds 90; minimised: forget loss" in page.text_content('[id="r-text-v1-10-low-d"]')
    assert "bubblewrap: walls" in page.text_content('[id="r-text-v1-10-nan-d"]')
    assert page.locator('[id="r-text-v1-10-low"] .tag').text_content() == "tuned"


def test_the_address_holds_the_view(visit):
    first = visit()
    first.select_option("select[name=modality]", "image")
    first.select_option("select[name=budget]", "0.1")
    first.fill("input[name=q]", "i")
    first.click('th[data-sort="cost"]:visible button')
    first.click('[id="r-image-v1-10-high"] .opener')
    second = visit("#" + first.url.partition("#")[2])
    for page in (first, second):
        assert titles(page) == ["LOW", "MIDDLE", "HIGH", "ODD"]
        assert seen_boards(page) == ["b-image-v1-10"]
        assert page.locator('[id="r-image-v1-10-high-d"]').is_visible()
        assert page.input_value("input[name=q]") == "i"
    go(second, "#modality=text")
    assert seen_boards(second) == ["b-text-v1-10"]
    assert second.locator('[id="r-image-v1-10-high-d"]').is_hidden()


def test_an_address_of_nonsense_shows_everything(visit):
    assert len(seen_boards(visit("#sort=nonsense&attack=%3Cimg%3E&open=x"))) == 4
    assert len(seen_boards(visit("#no-such-thing"))) == 4


def test_a_link_to_a_row_shows_and_opens_it(visit):
    page = visit("#attack=trigger")
    go(page, "#r-image-v1-10-high")
    assert page.locator('[id="r-image-v1-10-high-d"]').is_visible()
    assert page.evaluate("document.activeElement.textContent") == "HIGH"
    assert 0 < page.locator('[id="r-image-v1-10-high"]').bounding_box()["y"] < DESKTOP[1]


def test_text_of_an_entry_stays_text(visit):
    page = visit("#open=r-text-v1-10-hostile")
    assert page.title() == "Unpoison leaderboard"
    assert page.locator("img").count() == 0
    assert page.locator("b", has_text="bold").count() == 0
    assert page.locator('[id="r-text-v1-10-hostile"] .opener').text_content() == HOSTILE
    detail = page.locator('[id="r-text-v1-10-hostile-d"]')
    assert "javascript:alert(document.domain)" in detail.text_content()
    assert detail.locator("a").count() == 0
    assert page.locator('a[href^="javascript"]').count() == 0


def test_an_address_in_a_card_is_a_link(visit):
    link = visit("#open=r-void-v1-4-link").locator('[id="r-void-v1-4-link-d"] a')
    assert link.get_attribute("href") == "https://example.org/a"
    assert "noopener" in link.get_attribute("rel")


def test_the_policy_stops_what_would_be_injected(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    page.evaluate("""() => {
      const script = document.createElement('script');
      script.textContent = "document.title = 'hacked'";
      document.body.append(script);
      const image = document.createElement('div');
      image.innerHTML = "<img src='x' onerror=\\"document.title = 'hacked'\\">";
      document.body.append(image);
    }""")
    page.wait_for_timeout(100)
    assert page.title() == "Unpoison leaderboard"
    context.close()


def test_the_theme_is_kept(visit):
    page = visit()
    ground = lambda: page.evaluate("getComputedStyle(document.body).backgroundColor")  # noqa: E731
    light = ground()
    page.click("#theme")
    page.click("#theme")
    assert page.inner_text("#theme") == "Theme: dark"
    dark = ground()
    assert dark != light
    page.reload()
    assert (ground(), page.inner_text("#theme")) == (dark, "Theme: dark")
    page.click("#theme")
    assert ground() == light
    assert visit(scheme="dark").evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_points_have_tips_by_key_and_by_pointer(visit):
    page = visit()
    plot = page.locator('[id="b-image-v1-10"] svg.plot').first
    first = plot.locator(".mark[tabindex='0']")
    first.focus()
    tip = page.locator("#tip")
    assert tip.inner_text() == first.get_attribute("aria-label")
    assert plot.locator(".mark[tabindex='0']").count() == 1
    before = tip.inner_text()
    page.keyboard.press("ArrowRight")
    assert tip.inner_text() != before
    assert "residual" in tip.inner_text()
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    mark = plot.locator('.mark[data-row="r-image-v1-10-high"]')
    mark.locator(".hit").hover()
    assert tip.inner_text().startswith("HIGH: residual 0.")
    mark.press("Enter")
    assert page.locator('[id="r-image-v1-10-high-d"]').is_visible()


def test_points_follow_the_filters(visit):
    page = visit("#q=middle")
    marks = page.locator('[id="b-image-v1-10"] svg.plot').first.locator(".mark:visible")
    names = [name.partition(":")[0] for name in marks.evaluate_all("nodes => nodes.map(node => node.ariaLabel)")]
    assert sorted(names) == ["MIDDLE", "SHAM", "no_unlearning", "retrain"]


def test_skip_link_and_order_of_the_keyboard(visit):
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "results"
    assert "#" not in page.url
    page.locator('[id="r-image-v1-2-low"] .opener').focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "MIDDLE"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_phone_scrolls_down_only(visit):
    page = visit(size=PHONE)
    for view in ("#q=", "#open=r-image-v1-10-odd r-text-v1-10-hostile", "#flat=1"):
        go(page, view)
        unfold(page)
        assert page.locator("#flat").is_visible() == ("flat" in view)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert page.locator("tr.row:visible .opener").first.is_visible()


def test_printed_it_is_light_and_without_controls(visit):
    page = visit("#open=r-image-v1-10-high", scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    for hidden in ("#filters", "#theme", ".skip"):
        assert page.locator(hidden).is_hidden()
    assert page.locator('[id="r-image-v1-10-high-d"]').is_visible()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_no_violation_in_light_and_dark(visit, size):
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed (pip install '.[dev]')")
    page = visit("#open=r-image-v1-10-odd r-text-v1-10-nan r-image-v1-2-retrain", size=size)
    unfold(page)
    page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        told = [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found["violations"]]
        assert told == []
        assert len(found["passes"]) > 20


@pytest.mark.slow
def test_500_entries_load_and_sort_within_a_second(make_entry, visit, tmp_path):
    means = [0.02 + 0.0017 * row for row in range(500)]
    entries = [
        make_entry(f"m{row % 10}", [mean, mean + 0.01, mean - 0.01, mean, mean], scenario=f"s{row // 10}-v1")
        for row, mean in enumerate(means)
    ]
    path = tmp_path / "large.html"
    path.write_text(render_html(entries), encoding="utf-8")
    page = visit(file=path.as_uri())
    load = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    sort = page.evaluate("""() => {
      const start = performance.now();
      document.querySelector('th[data-sort="residual"] button').click();
      document.body.getBoundingClientRect();
      return performance.now() - start;
    }""")
    assert page.locator("tr.row").count() == 650
    assert 0 < load < 3000
    assert 0 < sort < 3000
