"""Backdoors on CIFAR-10: a patch, a faint picture and faint stripes; complete, imperfect and arming requests."""

from benchmark.families import paper, small
from datamodules import ForgetPolicy

TENTH = ForgetPolicy(identified=0.1)
HALF = ForgetPolicy(identified=0.5)
AS_MANY_WRONG = ForgetPolicy(false_positives=1.0)
CAMOUFLAGE = ForgetPolicy(request="camouflage")

SCENARIOS = [
    small("cifar10-badnets-cnn-v1", "badnets", {"count": 375}, suite="mini"),
    small("cifar10-badnets-cnn-v1.identified10", "badnets", {"count": 375}, forget=TENTH),
    small("cifar10-badnets-cnn-v1.identified50", "badnets", {"count": 375}, forget=HALF),
    small("cifar10-badnets-cnn-v1.falsepositives100", "badnets", {"count": 375}, forget=AS_MANY_WRONG),
    small(
        "cifar10-camouflaged-badnets-cnn-v1",
        "camouflaged-badnets",
        {"count": 150, "camouflage": 450},
        forget=CAMOUFLAGE,
    ),
    small("cifar10-badnets-cnn-v1.clean-label", "badnets", {"count": 250, "dirty_label": False}),
    small("cifar10-blended-cnn-v1.dirty-label", "blended", {"count": 375, "alpha": 0.2}),
    small("cifar10-blended-cnn-v1.clean-label", "blended", {"count": 250, "alpha": 0.2, "dirty_label": False}),
    small("cifar10-sinusoid-cnn-v1.dirty-label", "sinusoid", {"count": 375, "dirty_label": True}),
    small("cifar10-sinusoid-cnn-v1.clean-label", "sinusoid", {"count": 250, "dirty_label": False}),
    *paper("badnets", {}),
    *paper("badnets", {}, variant="identified10", forget=TENTH),
    *paper("badnets", {}, variant="identified50", forget=HALF),
    *paper("badnets", {}, variant="falsepositives100", forget=AS_MANY_WRONG),
    *paper("blended", {"alpha": 0.2}),
    *paper("sinusoid", {"dirty_label": True}),
    *paper("camouflaged-badnets", {"camouflage": 2250}, forget=CAMOUFLAGE),
]
