"""Builds the report and writes it."""

import csv
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits

from benchmark.report.claims import Judged, judge_claims
from benchmark.report.convex import study
from benchmark.report.evidence import Evidence
from benchmark.report.material import Material
from benchmark.report.membership import measure_memberships
from benchmark.report.page import render_page
from benchmark.report.section import Section, Table
from benchmark.report.sections.budgets import budgets
from benchmark.report.sections.matrix import matrix
from benchmark.report.sections.membership import membership
from benchmark.report.sections.sensitivity import sensitivity
from benchmark.report.sections.shift import shift
from benchmark.report.sections.subspace import subspace
from benchmark.report.sections.tradeoff import tradeoff
from benchmark.report.style import save

PAGE = "index.html"

FROM_ENTRIES: Mapping[str, Callable[[Material], Section]] = {
    "(a)": tradeoff,
    "(b)": budgets,
    "(f)": matrix,
    "(g)": sensitivity,
}
FROM_EVIDENCE: Mapping[str, Callable[[Evidence], Section]] = {"(c)": membership, "(d)": shift, "(e)": subspace}


@dataclass(frozen=True)
class Report:
    """What was built.

    Attributes:
        sections: in order.
        claims: with their verdicts.
        seconds: wall-clock seconds by part.
    """

    sections: Sequence[Section]
    claims: Sequence[Judged]
    seconds: dict[str, float]


def build_report(material: Material) -> Report:
    """Return the report; what is missing is said in its section."""
    seconds: dict[str, float] = {}
    sections: list[Section] = []
    with threadpool_limits(limits=1):
        for name, make in FROM_ENTRIES.items():
            with _timed(seconds, name):
                sections.append(make(material))
        with _timed(seconds, "measuring (c)"):
            memberships = measure_memberships(material)
        with _timed(seconds, "measuring (d), (e)"):
            shifts, alignments = study(material)
        evidence = Evidence(material, memberships, shifts, alignments)
        for name, judge in FROM_EVIDENCE.items():
            with _timed(seconds, name):
                sections.append(judge(evidence))
        with _timed(seconds, "claims"):
            claims = judge_claims(evidence)
    return Report(sorted(sections, key=lambda section: section.letter), claims, seconds)


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - start


def write_report(report: Report, material: Material, folder: Path) -> Path:
    """Write the page, its figures as SVG and PDF and all data as CSV below ``folder``; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    with _timed(report.seconds, "writing"):
        pictures = {}
        for section in report.sections:
            for drawing in section.drawings:
                pictures[drawing.name] = save(drawing.figure, folder, drawing.name)
                write_csv(drawing.data, folder)
            for table in section.tables:
                write_csv(table, folder)
        write_csv(claims_table(report.claims), folder)
    path = folder / PAGE
    path.write_text(render_page(report.sections, report.claims, _facts(report, material), pictures), encoding="utf-8")
    return path


def claims_table(claims: Sequence[Judged]) -> Table:
    """Return claims and verdicts as data."""
    rows = [
        [one.claim.text, one.claim.reference, one.finding.verdict, one.finding.statistic, one.claim.rule_text]
        for one in claims
    ]
    return Table("claims", ("claim", "reference", "verdict", "statistic", "rule"), rows)


def write_csv(table: Table, folder: Path) -> None:
    """Write a table as ``<name>.csv``; None is an empty cell."""
    with (folder / f"{table.name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table.columns)
        writer.writerows(["" if cell is None else cell for cell in row] for row in table.rows)


def _facts(report: Report, material: Material) -> list[tuple[str, str]]:
    entries = material.entries
    devices = sorted({entry.provenance.device for entry in entries})
    commits = sorted({entry.provenance.commit for entry in entries})
    shares = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in report.seconds.items())
    return [
        ("made by", material.command),
        ("entries", f"{len(entries)} of {len(material.scenarios)} scenarios, made on {', '.join(devices)}"),
        ("code", f"commit {', '.join(commits)}"),
        ("built in", f"{sum(report.seconds.values()):.0f} s ({shares})"),
    ]
