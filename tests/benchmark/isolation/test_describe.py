"""A submission says who it is from inside its sandbox; mistakes are told in one line."""

import os
from importlib import import_module
from pathlib import Path

import pytest

from benchmark.isolation import SubmissionError, construct, describe
from benchmark.isolation.describe import Card
from benchmark.isolation.pool import sandbox_of
from benchmark.isolation.submission import is_submission, source_digest
from benchmark.isolation.walls import walls
from leaderboard import MethodCard as EntryCard


@pytest.fixture(autouse=True)
def _one_sandbox_for_all_files(monkeypatch) -> None:
    """Starting one takes seconds, and no file here attacks it."""

    def shared(file: str, sha256: str, content: bytes):
        sandbox = sandbox_of("shared.py", "sha", b"")
        (sandbox.inbox / file).write_bytes(content)
        return sandbox

    monkeypatch.setattr(import_module("benchmark.isolation.describe"), "sandbox_of", shared)


METHOD = '''
"""A method outside the tree."""

import os
from dataclasses import replace

from lightning_modules.unlearners.gd import GD
{extra}

class Mine(GD):
    """Gradient descent under another name."""

    card = replace(GD.card, name={name!r}, title={title!r})
'''


def written(folder: Path, name: str = "mine", title: str = "Mine", extra: str = "", file: str = "mine.py") -> str:
    (folder / file).write_text(METHOD.format(name=name, title=title, extra=extra))
    return f"{folder / file}:Mine"


def test_who_it_is(tmp_path) -> None:
    found = describe(written(tmp_path))
    assert (found.file, found.class_name, found.card.name) == ("mine.py", "Mine", "mine")
    assert found.defaults["lr"] == 0.01
    assert found.defaults["max_epochs"] is None
    assert found.content == (tmp_path / "mine.py").read_bytes()
    assert found.modalities == ("image", "text")


def test_its_import_reaches_neither_this_process_nor_what_this_process_knows(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CANARY", "secret")
    extra = """
if "CANARY" in os.environ or os.path.exists({marker!r}):
    raise RuntimeError("seen")
os.environ["TOUCHED"] = "yes"
""".format(marker=str(tmp_path / "marker"))
    (tmp_path / "marker").touch()
    if walls().kind == "process":
        pytest.skip(f"without walls files are in sight: {walls().detail}")
    describe(written(tmp_path, extra=extra))
    assert "TOUCHED" not in os.environ


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "../../evil"}, "card.name"),
        ({"name": "UPPER"}, "card.name"),
        ({"name": "x" * 61}, "card.name"),
        ({"title": "x" * 10_000}, "card.title"),
        ({"title": "\x1b[31mred"}, "card.title"),
        ({"title": "  "}, "card.title"),
    ],
)
def test_a_card_that_is_no_card_is_refused(changes, told, tmp_path) -> None:
    with pytest.raises(SubmissionError, match=told) as caught:
        describe(written(tmp_path, **changes))
    assert str(caught.value).isprintable()


def test_mistakes_of_an_author(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"no file 'nofile\.py'"):
        describe("nofile.py:X")
    with pytest.raises(ValueError, match="did you mean 'Mine'"):
        describe(written(tmp_path).replace("Mine", "Mime"))
    (tmp_path / "broken.py").write_text("import nothing_of_that_name")
    with pytest.raises(ValueError, match=r"^broken.py cannot be imported: ModuleNotFoundError"):
        describe(f"{tmp_path}/broken.py")
    written(tmp_path, file="a b.py")
    with pytest.raises(ValueError, match="named with letters"):
        describe(f"{tmp_path}/a b.py")
    (tmp_path / "large.py").write_bytes(b"#" * 1_000_001)
    with pytest.raises(ValueError, match="at most 1000000"):
        describe(f"{tmp_path}/large.py")


def test_a_default_is_needed_for_every_setting(tmp_path) -> None:
    reference = written(tmp_path)
    with (tmp_path / "mine.py").open("a") as file:
        file.write("\n    def __init__(self, *, rate):\n        super().__init__(lr=rate)\n")
    with pytest.raises(ValueError, match="Mine needs a default for rate"):
        describe(reference)


def test_settings_are_tried_where_it_lives(tmp_path) -> None:
    found = describe(written(tmp_path))
    construct(found, dict(found.defaults) | {"lr": 0.5})
    with pytest.raises(ValueError, match="lr must be positive, got -1"):
        construct(found, dict(found.defaults) | {"lr": -1.0})


def test_a_process_that_ends_unasked_is_told(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"mine.py ended with exit code 7: bye"):
        describe(written(tmp_path, extra="os.write(1, b'bye'); os._exit(7)"))


def test_names_are_those_that_entries_allow() -> None:
    def pattern(model) -> str:
        return next(part.pattern for part in model.model_fields["name"].metadata if getattr(part, "pattern", None))

    assert pattern(Card).removesuffix("{0,59}$") == pattern(EntryCard).removesuffix("*$")


def test_which_references_are_files() -> None:
    assert is_submission("my_method.py:MyMethod")
    assert not is_submission("scrub")


def test_the_digest_is_of_code_and_of_the_shipped_methods_it_extends(monkeypatch) -> None:
    from benchmark.isolation import submission  # noqa: PLC0415

    one = b"from lightning_modules.unlearners.gd import GD\nclass X(GD): pass"
    before = source_digest(one, "X")
    assert source_digest(one + b"  # a comment", "X") == before
    assert source_digest(one + b"\ny = 1", "X") != before
    assert source_digest(one, "Y") != before
    meaning = submission.meaning_of
    monkeypatch.setattr(submission, "meaning_of", lambda tree: meaning(tree).replace("class", "edited"))
    monkeypatch.setattr(submission, "_shipped", lambda tree: [])
    assert source_digest(one, "X") != before
    with pytest.raises(ValueError, match="cannot be read as Python"):
        source_digest(b"def", "X")
