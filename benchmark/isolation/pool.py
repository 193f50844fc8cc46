"""The sandboxes that this process keeps, one for each submission, so that only the first job waits for libraries."""

import atexit

from benchmark.isolation.sandbox import Sandbox

KEPT = 2
_sandboxes: dict[tuple[str, str], Sandbox] = {}


def sandbox_of(file: str, sha256: str, content: bytes) -> Sandbox:
    """Return the sandbox of a file, with the file in its inbox; a new one where there is none or it has ended.

    Raises:
        SubmissionError: if it does not start.
    """
    key = (file, sha256)
    kept = _sandboxes.pop(key, None)
    if kept is not None and not kept.alive:
        kept.close()
        kept = None
    while len(_sandboxes) >= KEPT:
        _sandboxes.pop(next(iter(_sandboxes))).close()
    sandbox = kept or Sandbox()
    if kept is None:
        (sandbox.inbox / file).write_bytes(content)
    _sandboxes[key] = sandbox
    return sandbox


def close_sandboxes() -> None:
    """End all sandboxes of this process."""
    while _sandboxes:
        _sandboxes.popitem()[1].close()


atexit.register(close_sandboxes)
