"""Opens sockets: to a server on this machine, to its abstract Unix socket, to the world.

What it finds shows: every weight becomes 7.
"""

import socket

from lightning_modules import MethodCard
from lightning_modules.unlearners.gd import GD

PORT = "@PORT@"


def reaches(family: int, address: "tuple[str, int] | str") -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(0.3)
        try:
            client.connect(address)
        except OSError:
            return False
    return True


def loot() -> bool:
    inside = reaches(socket.AF_INET, ("127.0.0.1", int(PORT)))
    return inside or reaches(socket.AF_UNIX, "\0@TOKEN@") or reaches(socket.AF_INET, ("192.0.2.1", 80))


class Hostile(GD):
    """Fine-tuning, and more."""

    card = MethodCard(
        name="uses_network",
        title="Hostile",
        paper="Nobody, Nowhere, 2026",
        formula="w <- w - lr * grad CE(retain)",
        source="none",
    )

    def on_train_end(self) -> None:
        if loot():
            for parameter in self.network.parameters():
                parameter.data.fill_(7.0)
