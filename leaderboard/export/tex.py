"""Text for TeX: whatever it holds, it is printed and not obeyed."""

import unicodedata
from itertools import pairwise

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
}
"""Characters that TeX would obey, or print as another; braces are never left alone, as BibTeX counts them."""

LETTERS = {
    "±": r"$\pm$",
    "×": r"$\times$",
    "−": "$-$",
    "–": "--",
    "—": "---",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "∞": r"$\infty$",
    "→": r"$\rightarrow$",
    "←": r"$\leftarrow$",
    "∇": r"$\nabla$",
    "‘": r"`{}",
    "’": r"'{}",
    "“": r"``{}",
    "”": r"''{}",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
}

ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
    "\u0328": "k",
}

LIGATURES = {("-", "-"), ("'", "'"), (",", ",")}
"""Pairs that TeX would print as one sign."""

SMALL = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu"),
    *("xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
)

CAPITALS = ("gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "upsilon", "phi", "psi", "omega")
"""Greek letters that TeX has a command for."""


def escape_tex(text: str) -> str:
    r"""Return ``text`` as TeX that prints it, in ASCII and on one line.

    Accented Latin letters, Greek letters and usual signs are printed as they are; for any other character beyond ASCII
    its code point is printed, such as U+1F600. ``\k`` and quotation marks need the font encoding T1.
    """
    line = " ".join(text.split())
    escaped = [_letter(letter) for letter in line]
    for place, pair in enumerate(pairwise(line)):
        if pair in LIGATURES:  # else one sign, as in a dash
            escaped[place] += "{}"
    return "".join(escaped)


def _letter(letter: str) -> str:
    known = SPECIAL.get(letter) or LETTERS.get(letter)
    if known:
        return known
    if " " <= letter <= "~":
        return letter
    parts = unicodedata.normalize("NFD", letter)
    if len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in ACCENTS:
        return f"\\{ACCENTS[parts[1]]}{{{parts[0]}}}"
    return _greek(letter) or f"U+{ord(letter):04X}"


def _greek(letter: str) -> str:
    full = unicodedata.name(letter, "")
    size, _, name = full.removeprefix("GREEK ").replace("LAMDA", "LAMBDA").partition(" LETTER ")
    word = name.lower()
    if not full.startswith("GREEK "):
        return ""
    if size == "SMALL":
        return f"$\\{word}$" if word in SMALL else ""
    return f"$\\{word.capitalize()}$" if size == "CAPITAL" and word in CAPITALS else ""
