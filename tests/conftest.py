"""What holds for every test: one thread, so that sums have one order, and no chatter from Lightning."""

import logging
import os

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is first imported

for name in ("lightning.pytorch.utilities.rank_zero", "lightning.fabric.utilities.rank_zero"):
    logging.getLogger(name).setLevel(logging.WARNING)
