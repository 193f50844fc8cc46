"""``python -m benchmark report``."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.provenance import command_line
from benchmark.report.material import Material
from benchmark.report.write import build_report, write_report
from benchmark.store import ArtifactStore
from leaderboard import read_entries


@dataclass(frozen=True)
class ReportOptions:
    """Build the paper's analysis of a run: an HTML page, figures as SVG and PDF, data as CSV.

    Args:
        output: folder of the run, which holds its entries.
        store: folder of artifacts that the entries name.
        report: where the report is written; by default `report` below the run's folder.
    """

    output: Path = Path("output/mini")
    store: Path = Path("output/store")
    report: Path | None = None


def run_report(options: ReportOptions, console: Console) -> int:
    """Build and write the report, and say how long each part took.

    Raises:
        EntryError: if the run has no entries.
        StoreError: if the store is of another version.
    """
    store = ArtifactStore(options.store) if options.store.is_dir() else None
    material = Material(read_entries(options.output / "entries"), store, command_line())
    report = build_report(material)
    page = write_report(report, material, options.report or options.output / "report")
    total = sum(report.seconds.values())
    for name, seconds in report.seconds.items():
        console.print(f"{name:20} {seconds:6.1f} s  {100 * seconds / total:3.0f} %")
    for judged in report.claims:
        console.print(f"{judged.finding.verdict:18} {judged.claim.text}")
    console.print(f"report: {page}, in {total:.0f} s")
    return 0
