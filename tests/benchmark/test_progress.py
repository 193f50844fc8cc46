import io
import re

from rich.console import Console

from benchmark.progress import Display


def shown(display: Display, output: io.StringIO) -> str:
    with display:
        pass
    return output.getvalue()


def test_a_log_gets_a_line_with_what_is_done_running_and_left() -> None:
    output = io.StringIO()
    display = Display(["train", "train", "score", "score"], 2, Console(file=output, width=200))
    display.started("a", "train")
    display.finished("a", "train", "computed")
    display.finished("b", "score", "cached")
    display.started("c", "train")
    text = shown(display, output)
    assert "2/4 cells done (1 from the store), 1 running, 1 waiting" in text
    assert re.search(r"about \d+ s left", text)
    assert display.counts == {"cached": 1, "computed": 1, "failed": 0}


def test_stages_that_have_not_begun_are_not_taken_for_trainings() -> None:
    output = io.StringIO()
    display = Display(["train", "train", *["score"] * 20], 2, Console(file=output, width=200))
    display._spent["train"].append(40.0)
    display._left["train"] = 1
    assert display._estimate() == "about 60 s left"
    display._spent["score"].append(1.0)
    assert display._estimate() == "about 30 s left"


def test_failures_are_counted() -> None:
    output = io.StringIO()
    display = Display(["train"], 1, Console(file=output, width=200))
    display.started("a", "train")
    display.finished("a", "train", "failed")
    assert "1 failed" in shown(display, output)


def test_a_terminal_gets_a_bar() -> None:
    output = io.StringIO()
    display = Display(["train"], 1, Console(file=output, width=200, force_terminal=True))
    with display:
        display.started("a", "train")
        display.finished("a", "train", "computed")
    assert "1/1" in output.getvalue()
