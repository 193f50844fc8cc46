"""Where stages run: worker processes on this machine."""

from benchmark.executors.local import LocalExecutor, available_cores

__all__ = ["LocalExecutor", "available_cores"]
