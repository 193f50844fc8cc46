import sys

import numpy as np
import pytest
import torch

from benchmark.memory import PeakMemory


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can reset the peak of a process")
def test_the_peak_is_that_of_the_work_and_not_of_what_was_before() -> None:
    cpu = torch.device("cpu")
    before = np.ones(400_000_000, dtype=np.uint8)
    del before
    with PeakMemory(cpu) as small:
        pass
    with PeakMemory(cpu) as large:
        np.ones(200_000_000, dtype=np.uint8)
    assert small.peak_bytes is not None
    assert large.peak_bytes is not None
    assert 150_000_000 < large.peak_bytes - small.peak_bytes < 300_000_000
