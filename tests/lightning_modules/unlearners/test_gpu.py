"""Methods on a GPU: everything they keep lies where the network lies."""

import pytest
import torch

from benchmark.conformance.setting import digits
from benchmark.stages.unlearn import run_unlearner
from lightning_modules import UNLEARNERS

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
    pytest.mark.filterwarnings("ignore:.*does not have a deterministic implementation"),
]


@pytest.mark.parametrize("method", UNLEARNERS.all())
def test_runs_on_a_gpu(method):
    setting = digits()
    result = run_unlearner(
        UNLEARNERS.get(method)(),
        setting.network(),
        *setting.sets(),
        passes=3000,
        batch_size=32,
        forget_batch_size=8,
        seed=0,
    )
    assert result.ledger.passes == result.plan.passes
    after = dict(result.network.named_parameters())
    assert all(tensor.device.type == "cpu" and torch.isfinite(tensor).all() for tensor in after.values())
    assert any(not torch.equal(tensor, setting.weights[name]) for name, tensor in after.items())
