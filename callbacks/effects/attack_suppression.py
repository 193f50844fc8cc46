"""The audit of camouflaged backdoors: how well a network still ignores the trigger."""

from callbacks.effects.attack_success import AttackSuccess


class AttackSuppression(AttackSuccess):
    """Share of triggered test images of other classes that are not taken for the target class.

    It is the effect of the camouflage, and not of the poisons: higher means that more of the deleted camouflage is
    left. A method that removes it as retraining without it would switches the attack on. The rate of the attack, its
    margin and the near-miss trigger stand beside it; see :class:`AttackSuccess`.

    Source: Di, Douglas, Acharya, Kamath, Sekhari, NeurIPS 2023.
    """

    name = "attack_suppression"
    title = "attack suppression"

    def scalars(self) -> dict[str, float]:
        """Return the suppression and the success rate, both in [0, 1], and what :class:`AttackSuccess` adds."""
        found = super().scalars()
        success = found.pop("attack_success")
        return {self.name: 1 - success, "backdoor/success": success} | found
