"""Command line: ``python -m leaderboard render | list | export | diff | validate``."""

import os
import sys
from collections.abc import Sequence

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from leaderboard.commands import UsageError, complain, run_command, say
from leaderboard.complaints import did_you_mean
from leaderboard.entry import EntryError
from leaderboard.export import MissingLibraryError
from leaderboard.options import COMMANDS, build_parser
from leaderboard.selection import SelectionError


def main(arguments: Sequence[str]) -> int:
    """Run one command and return the exit status: 0, 1 if ``diff`` finds differences, 2 after a mistake of the user."""
    try:
        return _run(list(arguments))
    except (UsageError, EntryError, SelectionError, MissingLibraryError) as error:
        return complain(error)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(arguments: list[str]) -> int:
    parser = build_parser()
    given = _parse(parser, arguments)
    if given.subcommand is None:
        say(parser.format_help())
        return 0
    return run_command(given.subcommand, given[given.subcommand])


def _parse(parser: ArgumentParser, arguments: list[str]) -> Namespace:
    command = next((argument for argument in arguments if not argument.startswith("-")), None)
    if command is not None and command not in COMMANDS:
        hint = did_you_mean(command, COMMANDS)
        raise UsageError(f"command {command!r} must be {' or '.join(COMMANDS)}{hint}")
    if command == "validate" and len(arguments) == 1:
        raise UsageError("validate needs at least one FILE, got none")
    try:
        return parser.parse_args(arguments)
    except ArgumentError as error:
        known = [*COMMANDS[command].options, "--help"] if command else ["--help"]
        unknown = [text.split("=")[0] for text in arguments if text.startswith("-")]
        wrong = [option for option in unknown if option not in known]
        if wrong:
            where = command or "leaderboard"
            hint = did_you_mean(wrong[0], known)
            raise UsageError(f"option {wrong[0]!r} of {where} must be {' or '.join(known)}{hint}") from error
        raise UsageError(" ".join(str(error).replace(f"{command}.", "").split())) from error
