"""``python -m leaderboard``."""

import sys

from leaderboard.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
