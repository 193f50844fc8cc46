"""What can be said on the command line: commands, their options and their arguments."""

from dataclasses import dataclass

from jsonargparse import ArgumentParser

from leaderboard.export import FORMATS

FOLDERS = ("output/mini/entries", "output/*/entries", "leaderboard/entries")
"""Where entries are looked for if no folder is given: the default suite, the suite run last, what is published."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command; without a ``metavar`` it is a flag."""

    metavar: str
    explanation: str
    default: str | None = None


OPTIONS = {
    "--entries": Option("FOLDER", f"folder of entries; without it the first (and newest) of {', '.join(FOLDERS)}"),
    "--output": Option("FILE", "file to write; - prints", "-"),
    "--suite": Option("NAME", "only this suite"),
    "--modality": Option("NAME", "only image or text"),
    "--attack": Option("NAME", "only this attack"),
    "--scenario": Option("NAME", "only this scenario"),
    "--budget": Option("FRACTION", "only this budget, such as 0.1 (of the training passes)"),
    "--verified": Option("", "only methods whose entries a second run confirmed, and anchors beside them"),
    "--html": Option("", "write one self-contained page instead of Markdown"),
    "--format": Option("NAME", " or ".join(FORMATS), "csv"),
    "--per-seed": Option("", "csv, parquet: a row for each seed instead of one for each method"),
    "--tolerance": Option("NUMBER", "how much a residual, and an accuracy in [0, 1], may differ", "0"),
}

FILTERS = ("--suite", "--modality", "--attack", "--scenario", "--budget", "--verified")


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what it is for, its options, and its arguments as name, metavar and number of them."""

    purpose: str
    options: tuple[str, ...] = ()
    arguments: tuple[tuple[str, str, str | None, str], ...] = ()


COMMANDS = {
    "render": Command("show entries as Markdown tables or as a page", ("--entries", "--output", "--html", *FILTERS)),
    "list": Command("print one line per entry", ("--entries", *FILTERS)),
    "export": Command(
        "write the boards for other tools", ("--entries", "--format", "--output", "--per-seed", *FILTERS)
    ),
    "diff": Command(
        "compare two folders of entries; the exit status is 0 if they agree and 1 if they differ",
        ("--tolerance",),
        (("A", "A", None, "folder of entries"), ("B", "B", None, "another one")),
    ),
    "validate": Command(
        "check files of entries, one line each", (), (("files", "FILE", "+", "JSON file of an entry"),)
    ),
}


def build_parser() -> ArgumentParser:
    """Return the parser of all commands; it raises instead of exiting."""
    about = "Which method removes which poison, and at what cost."
    parser = ArgumentParser(prog="leaderboard", exit_on_error=False, description=about)
    subcommands = parser.add_subcommands(required=False)
    for name, command in COMMANDS.items():
        part = ArgumentParser(exit_on_error=False, description=command.purpose)
        for option in command.options:
            _add_option(part, option, OPTIONS[option])
        for argument, metavar, number, explanation in command.arguments:
            part.add_argument(argument, type=str, nargs=number, metavar=metavar, help=explanation)
        subcommands.add_subcommand(name, part, help=command.purpose)
    return parser


def _add_option(parser: ArgumentParser, name: str, option: Option) -> None:
    if option.metavar:
        parser.add_argument(name, type=str, default=option.default, metavar=option.metavar, help=option.explanation)
    else:
        parser.add_argument(name, action="store_true", help=option.explanation)
