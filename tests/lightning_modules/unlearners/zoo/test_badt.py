"""Bad-T against a plain loop."""

import pytest
import torch

from lightning_modules import UNLEARNERS


def test_distils_from_a_fresh_network_and_from_the_one_before(zoo):
    temperature, lr = 2.0, 3e-3
    mine, batches = zoo.network().train(), zoo.batches()
    before, fresh = zoo.network().eval(), zoo.fresh().eval()
    optimizer = torch.optim.Adam(mine.parameters(), lr=lr)
    for epoch in range(2):
        for batch in batches.of("full", epoch):
            forget = batch.index < zoo.forget
            rows = torch.cat([forget.nonzero().squeeze(1), (~forget).nonzero().squeeze(1)])
            with torch.no_grad():
                teacher = torch.where(forget.unsqueeze(1), fresh(batch.inputs), before(batch.inputs))
            p = (teacher / temperature).softmax(1)
            q = torch.zeros_like(p).index_copy(0, rows, (mine(batch.inputs[rows]) / temperature).softmax(1))
            loss = temperature**2 * (p * (p.log() - q.log())).sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    run = zoo.run("badt", temperature=temperature, lr=lr, max_epochs=2)
    zoo.same(run, mine, tolerance=2e-5)  # Adam divides by the root of tiny squares
    assert run.ledger.passes == run.plan.passes == 2 * 4 * (zoo.forget + zoo.retain)


@pytest.mark.parametrize("wrong", [{"lr": 0.0}, {"temperature": -1.0}])
def test_settings_out_of_range_are_refused(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ValueError, match=f"{name} must be positive, got {value}"):
        UNLEARNERS.get("badt")(**wrong)
