"""Hints by number: what a lab sends of a hint holds nothing that a student wrote, and a board shows our words alone.

A hint is a text in the source of this library, or one with gaps for what a student's function did. Both sides read the
same source, so a number is enough; gaps stay gaps.
"""

import ast
import hashlib
import re
from functools import cache
from pathlib import Path

SHORT = 12
"""Letters below which a text is no hint."""


def hint_number(text: str) -> str:
    """The number of a hint; empty for a text that is none of ours.

    Examples
    --------
    >>> hint_words(hint_number("still empty. How many differences are there, n? Then the mean, then the standard "
    ...                        "deviation with `ddof=1`."))
    'How many differences are there, n? Then the mean, then the standard deviation with `ddof=1`.'
    >>> hint_words(hint_number("your function stopped with ZeroDivisionError in the line `1 / 0`: division by zero"))
    'your function stopped with …'
    >>> hint_number("my own words, which are nobody's business")
    ''
    """
    texts, patterns = _known()
    if text in texts:
        return texts[text]
    for pattern, number in patterns:
        if found := pattern.fullmatch(text):
            return next((texts[part] for part in found.groups() if part in texts), number)
    return ""


def hint_words(number: str) -> str:
    """The hint of a number, with … where it has gaps; empty for a number that this library does not know."""
    return _words().get(number, "")


@cache
def _words():
    texts, patterns = _known()
    plain = {number: re.sub(r"\\(.)", r"\1", pattern.pattern.replace("(.*?)", "…")) for pattern, number in patterns}
    return {number: re.sub(r"…[… :.]*$", "…", text).lstrip("… ") for number, text in plain.items()} | {
        number: text for text, number in texts.items()
    }


@cache
def _known():
    """Every text in the source by its number; and those with gaps as patterns, the most telling one first."""
    texts, gapped = {}, {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) >= SHORT:
                texts[node.value] = _digest(node.value)
            elif isinstance(node, ast.JoinedStr):
                fixed = [part.value if isinstance(part, ast.Constant) else None for part in node.values]
                if len("".join(filter(None, fixed))) >= SHORT:
                    pattern = "".join("(.*?)" if part is None else re.escape(part) for part in fixed)
                    gapped[pattern] = len("".join(filter(None, fixed)))
    patterns = [(re.compile(text, re.DOTALL), _digest(text)) for text in sorted(gapped, key=lambda text: -gapped[text])]
    return texts, patterns


def _digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:10]
