"""The leaderboard as one HTML file that needs nothing else."""

from leaderboard.page.render import render_html

__all__ = ["render_html"]
