import re
import shutil
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leaderboard.entry import MethodCard
from leaderboard.export import export_entries
from leaderboard.export.tex import escape_tex

NAMES = {
    "textbackslash": "\\",
    "textbraceleft": "{",
    "textbraceright": "}",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
    "textquotedbl": '"',
    "textasciigrave": "`",
}
ACTIVE = re.compile(r"\\([A-Za-z]+)\{\}|\\([$&%#_])|(\{\})|([\\{}$&%#_~^])")
NASTY = '100 % & _under_ #1 $x^2$ {a} \\input{/etc/passwd} ~ "q" `b\' <i> |p| -- é ł λ Ω ± ∞ 中 \U0001f600'


def printed(tex):
    """What TeX prints of text that :func:`escape_tex` made from ASCII; fails on anything that TeX would obey."""

    def one(match):
        command, sign, _, bare = match.groups()
        assert bare is None, f"{bare!r} is active in {tex!r}"
        return NAMES[command] if command else sign or ""

    return ACTIVE.sub(one, tex)


def can_compile():
    if not all(map(shutil.which, ("pdflatex", "bibtex", "kpsewhich"))):
        return False
    return subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True, check=False).returncode == 0


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
@example("a--b ''x'' ---")
def test_tex_prints_what_was_written(text):
    assert printed(escape_tex(text)) == " ".join(text.split())


@given(st.text())
@example(NASTY)
def test_whatever_is_written_becomes_ascii_on_one_line_with_paired_braces(text):
    escaped = escape_tex(text)
    assert escaped.isascii()
    assert escaped.isprintable()
    depth = 0
    for brace in re.findall(r"[{}]", escaped):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert len(re.findall(r"(?<!\\)\$", escaped)) % 2 == 0


@given(st.text(st.sampled_from("-',a")))
def test_no_two_signs_become_one(text):
    assert not re.search("--|''|,,", escape_tex(text))


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("50 % of a_b & c#d", r"50 \% of a\_b \& c\#d"),
        ("Müller, Đặng, Łukasz", r"M\"{u}ller, U+0110U+1EB7ng, \L{}ukasz"),
        ("λ Λ ς α", r"$\lambda$ $\Lambda$ U+03C2 $\alpha$"),
        ("0.5 ± 0.1", r"0.5 $\pm$ 0.1"),
        ("two\nlines", "two lines"),
    ],
)
def test_texts(text, tex):
    assert escape_tex(text) == tex


@pytest.fixture
def entries(make_entry):
    def card(name, title, paper):
        return MethodCard(name=name, title=title, paper=paper, formula="f", source="s", kind="unlearner")

    below, paper = (
        [-0.3, -0.35, -0.25, -0.31, -0.28],
        card("below", "Below_zero & co", "Ä. Author, A 2019 survey, ICML 2023"),
    )
    return [
        make_entry("below", below, method=paper),
        make_entry("gd", method=card("gd", NASTY, "A, First, 2020; B, Second, 2024")),
        make_entry("gd.tuned", [0.31] * 5, method=card("gd.tuned", "GD (tuned)", "A, First, 2020; B, Second, 2024")),
        make_entry("nan", [0.1, None, 0.1, 0.1, 0.1], method=card("nan", "NaN", f"{NASTY} }} {{")),
        make_entry("below", below, scenario="b-v1", method=paper),
        make_entry("below", [0.1], scenario="one-v1", method=paper),
        make_entry("below", [0.0, 0.1, 0.0], scenario="flat_v1", method=paper, poisoned=[0.0, 0.02, -0.01]),
    ]


def test_tables_have_booktabs_rules_and_intervals(entries):
    text = export_entries(entries, "latex").decode()
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == text.count(r"\begin{tabular}") == 5
    assert r"\label{tab:mini-4}" in text
    table = text[text.index(r"\label{tab:toy-v1-4}") : text.index(r"\end{table}", text.index(r"\label{tab:toy-v1-4}"))]
    rows = [line.removesuffix(r" \\").split(" & ") for line in table.splitlines() if line.endswith(r" \\")]
    assert {len(row) for row in rows} == {7}
    found = {row[1]: row for row in rows}
    below = found[r"Below\_zero \& co"]
    assert below[2] == "$-$0.33 [$-$0.37, $-$0.29]"
    assert below[4] == r"0.0 $\pm$ 0.0"
    assert (found["NaN"][2], found["NaN"][4], found["sham"][2]) == ("diverged", "--", "missing")
    assert "0.10 (one seed)" in text
    assert "did not take" in text
    assert [found[name][0] for name in ("GD (tuned)", r"Below\_zero \& co", "NaN", "sham")] == [
        "1--3",
        "1--3",
        "4",
        "--",
    ]


def test_labels_and_captions_are_safe(entries):
    text = export_entries(entries, "latex").decode()
    assert r"\label{tab:flat_v1-4}" in text
    assert r"\caption{flat\_v1, budget 4 \%, 3 seeds;" in text
    assert text.isascii()


def test_bibtex_has_an_item_for_each_paper_of_the_methods_shown(entries):
    text = export_entries(entries, "bibtex").decode()
    keys = re.findall(r"^@(\w+)\{([^,]+),$", text, re.MULTILINE)
    assert keys == [("inproceedings", "pawelczyk2025machine"), ("misc", "below"), ("misc", "gd"), ("misc", "nan")]
    assert text.count("{") == text.count("}")
    items = dict(zip([key for _, key in keys], re.split(r"^@", text, flags=re.MULTILINE)[1:], strict=True))
    assert "  year = {2023},\n" in items["below"]
    assert '  note = {\\"{A}. Author, A 2019 survey, ICML 2023},\n' in items["below"]
    assert "  year = {2020},\n" in items["gd"]
    assert "year" not in items["nan"]


def test_a_variant_with_another_paper_has_its_own_item(make_entry):
    entries = [make_entry("gd"), make_entry("gd.other")]
    other = entries[1].method.model_copy(update={"paper": "somebody 2021"})
    text = export_entries([entries[0], entries[1].model_copy(update={"method": other})], "bibtex").decode()
    assert re.findall(r"^@misc\{(.*),$", text, re.MULTILINE) == ["gd", "gd.other"]


def test_anchors_have_no_paper(make_entry):
    assert "@misc" not in export_entries([make_entry("sham")], "bibtex").decode()


@pytest.mark.skipif(not can_compile(), reason="needs pdflatex with booktabs, and bibtex")
def test_latex_compiles_it(entries, tmp_path):
    (tmp_path / "tables.tex").write_bytes(export_entries(entries, "latex"))
    (tmp_path / "methods.bib").write_bytes(export_entries(entries, "bibtex"))
    (tmp_path / "board.tex").write_text(
        "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{textcomp}\\usepackage{booktabs}\n"
        "\\begin{document}\\input{tables}\\nocite{*}\\bibliographystyle{plain}\\bibliography{methods}\\end{document}\n"
    )
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "board"]
    for command in (latex, ["bibtex", "board"], latex):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, errors="replace")
        assert done.returncode == 0, done.stdout[-2000:]
    assert "Warning" not in done.stdout.replace("LaTeX Warning: There were undefined references.", "").replace(
        "LaTeX Warning: Label(s) may have changed. Rerun to get cross-references right.", ""
    ).replace("LaTeX Font Warning", "")
