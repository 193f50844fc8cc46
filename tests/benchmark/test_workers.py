import logging
import warnings

import pytest
import torch

from benchmark.workers import prepare_worker


def test_float32_means_float32_on_every_backend() -> None:
    """Also where a version of torch does not hand the general setting on to convolutions."""
    backends = torch.backends
    for place in (backends, backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn):
        place.fp32_precision = "none"  # type: ignore[attr-defined]
    prepare_worker()
    assert {
        backends.fp32_precision,  # type: ignore[attr-defined]
        backends.cuda.matmul.fp32_precision,
        backends.cudnn.conv.fp32_precision,  # type: ignore[attr-defined]
        backends.cudnn.rnn.fp32_precision,  # type: ignore[attr-defined]
    } == {"ieee"}


def test_a_worker_has_one_thread_and_no_chatter() -> None:
    torch.set_num_threads(2)
    prepare_worker()
    assert torch.get_num_threads() == 1
    assert logging.getLogger("lightning.pytorch").level == logging.WARNING


def test_other_deprecations_are_still_told() -> None:
    prepare_worker()
    with pytest.warns(FutureWarning, match="something else"):
        warnings.warn("something else", FutureWarning, stacklevel=1)
