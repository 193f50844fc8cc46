import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from leaderboard.cli import main
from leaderboard.entry import write_entry
from leaderboard.markdown import render_markdown

ROOT = Path(__file__).parents[2]


def leaderboard(*arguments, cwd=ROOT, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "leaderboard", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"} | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def folder(make_entry, tmp_path):
    for name in ("gd", "scrub"):
        write_entry(make_entry(name), tmp_path / "entries")
    return tmp_path / "entries"


def test_render_prints_markdown(folder, make_entry):
    done = leaderboard("render", "--entries", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == render_markdown([make_entry("gd"), make_entry("scrub")])


def test_render_writes_a_file(folder, tmp_path, make_entry):
    file = tmp_path / "new" / "board.md"
    done = leaderboard("render", "--entries", folder, "--output", file)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert file.read_text(encoding="utf-8") == render_markdown([make_entry("gd"), make_entry("scrub")])


def test_without_a_folder_the_results_that_were_run_here_are_shown(make_entry, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def listed():
        assert main(["list"]) == 0
        return [line.split()[1] for line in capsys.readouterr().out.splitlines()]

    def write(name, folder, age):
        path = write_entry(make_entry(name), folder)
        os.utime(path, (1e9 - age, 1e9 - age))

    write("published", "leaderboard/entries", 0)
    assert listed() == ["published"]
    write("smoke", "output/smoke/entries", 20)
    assert listed() == ["smoke"]
    write("full", "output/full/entries", 10)
    assert listed() == ["full"]
    write("newer", "output/smoke/entries", 5)
    assert listed() == ["newer", "smoke"]
    Path("output/mini/entries").mkdir(parents=True)
    assert listed() == ["newer", "smoke"]
    write("mini", "output/mini/entries", 30)
    assert listed() == ["mini"]


@pytest.mark.parametrize("command", ["list", "render"])
def test_without_any_results_one_line_says_what_to_do(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([command]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "leaderboard: error: no entries in output/mini/entries, output/*/entries or leaderboard/entries: "
        "run `make bench` first, or name a folder with --entries\n"
    )


def test_list_and_validate_say_one_line_per_entry(folder):
    line = "toy-v1 gd claimed, budgets 4 %, seeds 5"
    assert leaderboard("list", "--entries", folder).stdout.splitlines() == [line, line.replace("gd", "scrub")]
    file = folder / "toy-v1" / "gd.json"
    assert leaderboard("validate", file).stdout == f"{file}: valid: {line}\n"


def test_validate_reports_every_file(folder):
    good, bad, worse = (folder / "toy-v1" / f"{name}.json" for name in ("gd", "scrub", "none"))
    content = json.loads(bad.read_text())
    content["status"] = "proven"
    bad.write_text(json.dumps(content))
    done = leaderboard("validate", bad, worse, good)
    assert done.returncode == 2
    allowed = "must be 'claimed', 'verified', 'unreliable' or 'diverged'"
    assert done.stderr.splitlines() == [
        f"leaderboard: error: {bad}: field status is 'proven': {allowed}",
        f"leaderboard: error: {worse}: cannot be read: No such file or directory",
    ]
    assert done.stdout.startswith(f"{good}: valid: ")


def test_no_arguments_print_help():
    done = leaderboard()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == leaderboard("--help").stdout
    assert all(command in done.stdout for command in ("render", "list", "validate"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rendr"], "command 'rendr' must be render or list or validate; did you mean 'render'?"),
        (["render", "--entry", "x"], "option '--entry' of render must be --entries or --output or --help"),
        (["list", "--output", "x"], "option '--output' of list must be --entries or --help"),
        (["--entries", "x", "render"], "command 'x' must be render or list or validate"),
        (["-q"], "option '-q' of leaderboard must be --help"),
        (["render", "--entries"], "argument --entries: expected one argument"),
        (["render", "extra"], "unrecognized arguments: extra"),
        (["validate"], "validate needs at least one FILE, got none"),
        (["render", "--entries", "test"], "--entries 'test' must be an existing folder; did you mean 'tests'?"),
        (["render", "--entries", "README.md/x"], "--entries 'README.md/x' must be an existing folder"),
        (["list", "--entries", "{empty}"], "must hold entries (<scenario>/<method>.json), and holds none"),
        (["render", "--entries", "{folder}", "--output", "{empty}"], "cannot be written: Is a directory"),
    ],
)
def test_mistake_is_one_clear_line(arguments, message, folder, tmp_path):
    (tmp_path / "empty").mkdir()
    done = leaderboard(*(text.format(empty=tmp_path / "empty", folder=folder) for text in arguments))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("leaderboard: error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_terminal_that_knows_only_ascii_is_served(folder):
    done = leaderboard("render", "--entries", folder, PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "| 0.0 ? 0.0 |" in done.stdout


def test_reader_may_leave_early(folder):
    command = f"'{sys.executable}' -m leaderboard render --entries '{folder}' | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_rendering_never_imports_a_heavy_library(folder):
    script = (
        "import sys, leaderboard.cli\n"
        f"status = leaderboard.cli.main(['render', '--entries', {str(folder)!r}])\n"
        "heavy = {'torch', 'lightning', 'scipy.stats', 'sklearn', 'transformers', 'benchmark'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy or status else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_importing_the_room_leaves_scipy_special_for_later():
    script = "import sys, leaderboard; sys.exit('scipy.special' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0


def test_curated_names_are_exactly_what_can_be_imported():
    script = (
        "import leaderboard, types\n"
        "names = {name for name, value in vars(leaderboard).items()\n"
        "         if not name.startswith('_') and not isinstance(value, types.ModuleType)}\n"
        "print(sorted(names ^ set(leaderboard.__all__)))\n"
    )
    assert subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True) == "[]\n"
