import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from leaderboard.cli import main
from leaderboard.entry import write_entry
from leaderboard.export import FORMATS, export_entries
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
    line = "toy-v1 gd image claimed, budgets 4 %, seeds 5"
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
    assert all(command in done.stdout for command in ("render", "list", "export", "diff", "validate"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rendr"], "command 'rendr' must be render or list or export or diff or validate; did you mean 'render'?"),
        (["render", "--entry", "x"], "option '--entry' of render must be --entries or --output or --html or --suite"),
        (["validate", "--output", "x"], "option '--output' of validate must be --help"),
        (["--entries", "x", "render"], "command 'x' must be render or list or export or diff or validate"),
        (["list", "--entries", "{folder}", "--budget", "4%"], "--budget '4%' must be a number of at least 0, such as"),
        (["list", "--entries", "{folder}", "--budget", "nan"], "--budget 'nan' must be a number of at least 0"),
        (["render", "--entries", "{folder}", "--attack", "gausian"], "attack 'gausian' must be that of some entry: "),
        (["export", "--entries", "{folder}", "--format", "cvs"], "--format 'cvs' must be csv or parquet or latex"),
        (["export", "--entries", "{folder}", "--format", "parquet"], "--format parquet needs --output FILE"),
        (["export", "--entries", "{folder}", "--format", "latex", "--per-seed"], "--per-seed needs --format csv"),
        (["diff", "{folder}"], "the following arguments are required: B"),
        (["diff", "{folder}", "tets"], "B 'tets' must be an existing folder; did you mean 'tests'?"),
        (["diff", "{folder}", "{folder}", "--tolerance", "-1"], "--tolerance '-1' must be a number of at least 0"),
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
def test_mistake_is_one_clear_line(arguments, message, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    (tmp_path / "empty").mkdir()
    status = main([text.format(empty=tmp_path / "empty", folder=folder) for text in arguments])
    said = capsys.readouterr()
    assert (status, said.out) == (2, "")
    assert said.err.startswith("leaderboard: error: ")
    assert message in said.err
    assert said.err.count("\n") == 1


def test_filters_compose(make_entry, tmp_path, capsys):
    for scenario, modality in (("a-v1", "image"), ("b-v1", "text"), ("c-v1", "text")):
        for name, status in (("gd", "verified"), ("scrub", "claimed"), ("sham", "claimed")):
            attack = "trigger-phrase" if scenario == "b-v1" else "gaussian"
            entry = make_entry(
                name, scenario=scenario, modality=modality, attack=attack, status=status, budgets=(0.04, 0.1)
            )
            write_entry(entry, tmp_path)
    filters = ["--modality", "text", "--attack", "trigger_phrase", "--suite", "mini", "--budget", "0.1", "--verified"]
    assert main(["list", "--entries", str(tmp_path), *filters]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "b-v1 gd text verified, budgets 10 %, seeds 5",
        "b-v1 sham text claimed, budgets 10 %, seeds 5",
    ]
    assert main(["render", "--entries", str(tmp_path), *filters]) == 0
    heads = [line for line in capsys.readouterr().out.splitlines() if line.startswith("## ")]
    assert heads == ["## Index", "## Key", "## b-v1, budget 10 %"]
    assert main(["list", "--entries", str(tmp_path), "--scenario", "c-v1"]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == {"c-v1"}


def test_html_is_what_the_page_renders(folder, tmp_path, monkeypatch, make_entry):
    seen = []
    page = types.ModuleType("leaderboard.page")
    page.render_html = lambda entries, context: seen.extend([list(entries), list(context)]) or "<p>±</p>"
    monkeypatch.setitem(sys.modules, "leaderboard.page", page)
    file = tmp_path / "board.html"
    write_entry(make_entry("ga", scenario="b-v1"), folder)
    assert main(["render", "--entries", str(folder), "--html", "--output", str(file), "--scenario", "toy-v1"]) == 0
    assert file.read_text(encoding="utf-8") == "<p>±</p>"
    toys = [make_entry("gd"), make_entry("scrub")]
    assert seen == [toys, [make_entry("ga", scenario="b-v1"), *toys]]


def test_export_writes_every_format(folder, tmp_path, capsys, make_entry):
    entries = [make_entry("gd"), make_entry("scrub")]
    for form in FORMATS:
        file = tmp_path / f"board.{form}"
        assert main(["export", "--entries", str(folder), "--format", form, "--output", str(file)]) == 0
        assert file.read_bytes() == export_entries(entries, form)
    assert main(["export", "--entries", str(folder), "--per-seed"]) == 0
    assert capsys.readouterr().out.encode() == export_entries(entries, "csv", per_seed=True)


def test_diff_exits_like_diff(folder, tmp_path, capsys, make_entry):
    other = tmp_path / "other"
    write_entry(make_entry("gd"), other)
    write_entry(make_entry("scrub", [0.3, 0.35, 0.25, 0.31, 0.2801]), other)
    assert main(["diff", str(folder), str(folder)]) == 0
    assert "2 rows agree." in capsys.readouterr().out
    assert main(["diff", str(folder), str(other)]) == 1
    assert "## changed: 1" in capsys.readouterr().out
    assert main(["diff", str(folder), str(other), "--tolerance", "0.001"]) == 0


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
        "heavy = {'torch', 'lightning', 'scipy.stats', 'sklearn', 'transformers', 'benchmark', 'pyarrow'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy or status else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "heavy",
    [
        *("torch", "lightning", "transformers", "sklearn", "pandas", "pyarrow"),
        *("scipy.stats", "scipy.special", "jinja2", "matplotlib", "jsonargparse"),
    ],
)
def test_importing_the_room_loads_nothing_heavy(heavy, loaded_by_the_room):
    assert "leaderboard.statistics" in loaded_by_the_room
    assert heavy not in loaded_by_the_room


@pytest.fixture(scope="module")
def loaded_by_the_room():
    script = "import sys, leaderboard; print(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True).split())


def test_curated_names_are_exactly_what_can_be_imported():
    script = (
        "import leaderboard, types\n"
        "names = {name for name, value in vars(leaderboard).items()\n"
        "         if not name.startswith('_') and not isinstance(value, types.ModuleType)}\n"
        "print(sorted(names ^ set(leaderboard.__all__)))\n"
    )
    assert subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True) == "[]\n"
