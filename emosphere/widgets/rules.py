"""What the rules of the synthesiser made of an emotion, as a table for people: bars, values, words."""

import numpy as np

from ..synthesis import derive_prosody, derive_quality

# Rows of the two tables: name, explanation, field, unit, the largest change from neutral, words for less and more
RULES = (
    (
        ("pitch", "mean fundamental frequency", "pitch", "%", 50, "lower", "higher"),
        (
            "pitch slope",
            "fall or rise of pitch over the sentence",
            "pitch_dynamics",
            "%",
            60,
            "falls more",
            "falls less",
        ),
        ("pitch range", "from the lowest to the highest tone", "range", "semitones", 4, "flatter", "wider"),
        ("accents", "how much stressed syllables stand out", "accent_prominence", "%", 100, "weaker", "stronger"),
        ("accent shape", "movement of the pitch on stressed syllables", "accent_shape", "", 0, "", ""),
        ("sentence end", "tone at the end of the sentence", "boundary", "", 0, "", ""),
        ("volume", "loudness from 0 to 100; 50 is neutral", "volume", "of 100", 33, "softer", "louder"),
    ),
    (
        ("speed", "speaking rate", "rate", "%", 70, "slower", "faster"),
        ("vowels", "duration beyond what the speed does", "sonorant_duration", "%", 60, "shorter", "longer"),
        ("pauses *", "how many there are", "pauses", "%", 70, "fewer", "more"),
        ("smile", "shift of formants 2 and 3: spread lips shorten the tract", "smile", "%", 18, "frowning", "smiling"),
        ("effort", "energy above 2 kHz: a strained voice is brighter", "effort", "dB", 14, "relaxed", "strained"),
        ("breath", "breath noise from 0 to 1", "breath", "of 1", 1, "", "breathy"),
        ("roughness", "irregular voicing from 0 to 1", "roughness", "of 1", 1, "", "rough"),
    ),
)
NOTE = "Changes from neutral speech. * A rule for longer texts; one sentence has no pauses."
SAME = '<span style="opacity:.7">as neutral</span>'
CELL = "padding:0 10px 0 0; text-align:left; white-space:nowrap; font-weight:normal"
WIDTHS = "".join(f'<col style="width:{width}px">' for width in (92, 120, 122, 128))


def signed(value: float, decimals: int) -> str:
    """A number with its sign and a true minus; what rounds to 0 is +0.

    Examples
    --------
    >>> signed(-0.351, 2), signed(-0.001, 2)
    ('−0.35', '+0.00')
    """
    return f"{value:+z.{decimals}f}".replace("-", "−")


def table_of_rules(vad: np.ndarray) -> str:
    """What the rules made of a point in the sphere (order of `emosphere.sphere.DIMENSIONS`), as two HTML tables."""
    now, usual = (vars(derive_prosody(point)) | vars(derive_quality(point)) for point in (vad, np.zeros(3)))
    tables = "".join(
        f'<table style="border-collapse:collapse; table-layout:fixed; width:462px; line-height:1.65">{WIDTHS}'
        f"{''.join(_row(*row, now[row[2]], usual[row[2]]) for row in rows)}</table>"
        for rows in RULES
    )
    return (
        f'<div style="display:flex; flex-wrap:wrap; gap:0 34px">{tables}</div>'
        f'<p style="font-size:12px; opacity:.75; line-height:1.5">{NOTE}</p>'
    )


def _row(name, explanation, field, unit, reach, less, more, now, usual):
    """One line: name, bar, value with its unit, and a word for the change."""
    if isinstance(now, str):
        bar, shown, word = "", now, f"instead of {usual}" if now != usual else SAME
    else:
        change, decimals = (now - usual) / reach, 2 if reach == 1 else 1 if reach < 20 else 0
        shown = signed(now, decimals) if unit in ("%", "dB") else f"{now:.{decimals}f}"
        bar, word = _bar(change), SAME if abs(change) < 0.005 else more if change > 0 else less
    return (
        f'<tr title="{explanation}"><th scope="row" style="{CELL}">{name}</th><td style="{CELL}">{bar}</td>'
        f'<td style="{CELL}; text-align:right; font-variant-numeric:tabular-nums"><b>{shown}</b> {unit}</td>'
        f'<td style="{CELL}">{word}</td></tr>'
    )


def _bar(change):
    """A bar from the middle to the left or right, for a change from -1 to 1."""
    left, width, color = 50 + 50 * min(change, 0), 50 * abs(change), "#D55E00" if change > 0 else "#0072B2"
    return (
        '<div aria-hidden="true" style="position:relative; width:110px; height:10px; border-radius:5px; '
        'background:linear-gradient(#777, #777) 50%/1px 100% no-repeat, #8883"><div style="position:absolute; '
        f'left:{left:.1f}%; width:{width:.1f}%; height:100%; background:{color}"></div></div>'
    )
