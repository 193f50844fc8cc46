"""``python -m benchmark new``: a method to start from, as one commented file."""

import re
from pathlib import Path

from lightning_modules import UNLEARNERS

TEMPLATE = Path(__file__).parent / "templates" / "my_method.py"


def write_template(path: Path) -> str:
    """Write a method that keeps the contract as it is, called after the file, and return its reference.

    Args:
        path: ``folder/my_method.py``; the name of the file gives the names of class and row.

    Raises:
        ValueError: if the file exists, cannot be written, or its name would give no name for a row.
    """
    name = path.stem
    if path.suffix != ".py" or re.fullmatch(r"[a-z][a-z0-9_]{1,39}", name) is None:
        raise ValueError(
            f"the file names the method, in lower-case letters, digits and _, like my_method.py: got {path.name!r}"
        )
    if name in UNLEARNERS.all():
        raise ValueError(f"a shipped method is called {name!r}; name the file otherwise")
    words = [word for word in name.split("_") if word]
    class_name = "".join(word.capitalize() for word in words)
    text = TEMPLATE.read_text(encoding="utf-8").replace("MyMethod", class_name).replace("my_method", name)
    text = text.replace("My method", " ".join(words).capitalize())
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ValueError(f"{path} exists; it is left as it is, name another file") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}") from error
    return f"{path}:{class_name}"
