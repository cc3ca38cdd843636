"""Results on paper: tables as HTML, Markdown, LaTeX and, for programs, CSV; and all that an experiment has to show."""

import csv
import html
import itertools
import re
import unicodedata
from pathlib import Path

import pandas as pd
from IPython.display import HTML

from ..plots import forest_plot, grid_study, layer_plot, save
from ..utils import harmless, markdown, replacing
from .results import Results
from .tables import against_baselines, differences, layers, make_tables
from .wording import Cell, one_line, texts, worded

LINE = "1px solid rgba(128,128,128,0.5)"
START = "\0"  # marks the first column of a side until the cells have their styles
PAGE = '<!doctype html>\n<meta charset="utf-8">\n<meta name="color-scheme" content="light dark">\n'

WIDEST = 8  # scores side by side in LaTeX; print has no scroll bar
MATH = r"< > | - ^{\circ} \pm \times \cdot \rightarrow \leftarrow \leq \geq \approx \alpha \beta \gamma \delta \epsilon"
MATH += r" \eta \theta \kappa \lambda \mu \pi \rho \sigma \tau \phi \chi \psi \omega \Delta \Sigma \Omega"
LATEX = dict(zip("<>|−°±×·→←≤≥≈αβγδεηθκλμπρστφχψωΔΣΩ", (f"${name}$" for name in MATH.split()), strict=True))
LATEX |= {character: rf"\{character}" for character in "&%#_{}$"}
LATEX |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "—": "---"}
LATEX |= {"“": "``", "”": "''", '"': "''", "‘": "`", "’": "'", "ß": r"\ss{}", "ø": r"\o{}", "æ": r"\ae{}"}
LATEX |= {"[": "{[}", "*": "{*}"}  # else arguments of the line break before them
ACCENTS = dict(zip("\u0300\u0301\u0302\u0303\u0308\u030a\u030c\u0327", "`'^~\"rvc", strict=True))


def show(table: pd.DataFrame) -> HTML:
    """A table as a notebook shows it."""
    return HTML(to_html(table))


def to_html(table: pd.DataFrame) -> str:
    """Part of a page: caption, table, notes.

    JupyterLab drops style sheets from notebooks that somebody else has executed, hence styles stand in the elements;
    text keeps the colour of its surroundings for dark themes.
    """

    def shown(cell):
        text = f"<b>{html.escape(cell.text)}</b>" if cell.bold else html.escape(cell.text)
        if cell.mark:  # it takes no room, so digits stay below each other
            text += f'<span style="display:inline-block;width:0">&nbsp;{cell.mark}</span>'
        small = (f'<br><span style="font-size:0.8em;opacity:0.8">{html.escape(line)}</span>' for line in cell.below)
        return "".join([text, *small])

    def styled(match):
        label, tag, attributes, start = match.groups()
        style = "text-align:left;min-width:7em" if label else f"text-align:right{';white-space:nowrap' * (tag == 'td')}"
        style = "text-align:center" if "colspan" in attributes else style
        if label and "<tbody>" in match.string[: match.start()]:
            style, attributes = f"{style};font-weight:normal", ' scope="row"'
        style += f";vertical-align:top;padding:0.35em 0.8em{f';border-left:{LINE}' * bool(start)}"
        return f'{label or ""}<{tag}{attributes.rstrip()} style="{style}">'

    words, columns, before = worded(table), {}, ""
    for (side, score), cells in words.items():
        start, before = START * (side != before), side
        columns[START + html.escape(side), start + html.escape(score)] = [start + shown(cell) for cell in cells]
    frame = pd.DataFrame(columns, index=words.index.map(shown))
    frame = frame.rename_axis(columns=[html.escape(name) for name in words.columns.names])
    body = frame.style.to_html(exclude_styles=True)
    body = re.sub(rf"(<tr>\s*)?<(t[dh])( [^>]*)>({START})?", styled, body)
    body = body.replace("<table>", '<table style="border-collapse:collapse;margin:0">')
    body = body.replace("<thead>", f'<thead style="border-bottom:{LINE}">')
    title, caption, notes = map(html.escape, texts(table))
    return f"""<p style="max-width:60em"><b>{title}.</b> {caption}</p>
<div style="overflow-x:auto">{body}</div>
<p style="max-width:60em;margin-top:0.6em;font-size:0.9em">{notes}</p>
"""


def to_markdown(table: pd.DataFrame) -> str:
    """A pipe table as GitHub shows it, between its caption and its notes."""

    def shown(cell):
        text = f"**{markdown(cell.text)}**" if cell.bold else markdown(cell.text)
        return "<br>".join([f"{text} \\*" if cell.mark else text, *map(markdown, cell.below)])

    words = worded(table)
    names = [words.columns.names[1], *(f"{score} ({side})" for side, score in words)]
    rows = [map(markdown, names), [":--"] + ["--:"] * len(words.columns)]
    rows += [map(shown, [label, *cells]) for label, cells in zip(words.index, words.to_numpy(), strict=True)]
    body = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    title, caption, notes = map(markdown, texts(table))
    return f"**{title}.** {caption}\n\n{body}\n\n{notes}\n"


def latex_escaped(text: str) -> str:
    r"""A text that pdflatex sets as it stands; letters that its standard fonts lack appear as their code.

    Examples
    --------
    >>> print(latex_escaped("λ_0 = 5 % → é, 감"))
    $\lambda$\_0 = 5 \% $\rightarrow$ \'{e}, {[}U+AC10]
    """

    def escaped(character):
        if character in LATEX or (character.isascii() and character.isprintable()):
            return LATEX.get(character, character)
        letter, *accents = unicodedata.normalize("NFKD", character)
        if letter.isascii() and letter.isalpha() and len(accents) == 1 and accents[0] in ACCENTS:
            return rf"\{ACCENTS[accents[0]]}{{{letter}}}"
        return rf"{{[}}U+{ord(character):04X}]"

    return "".join(map(escaped, unicodedata.normalize("NFC", text)))


def to_latex(table: pd.DataFrame) -> str:
    """A table environment for pdflatex, at most as wide as the page; sides beyond its width follow below the others."""
    words = worded(table)
    blocks: list[list[str]] = [[]]
    sides = words.columns.get_level_values(0)
    for side in sides.unique():
        if blocks[-1] and sides.isin([*blocks[-1], side]).sum() > WIDEST:
            blocks.append([])
        blocks[-1].append(side)
    body = "\n\n\\medskip\n".join(_tabular(words[block]) for block in blocks)
    title, caption, notes = texts(table)
    # LaTeX counts tables itself
    bold = "" if re.fullmatch(r"Table \d+", title) else rf"\textbf{{{latex_escaped(title)}.}} "
    return rf"""% \usepackage{{booktabs,graphicx}}
\begin{{table*}}
\centering
\caption{{{bold}{latex_escaped(caption)}}}
\label{{tab:{re.sub("[^a-z0-9]+", "-", title.lower()).strip("-")}}}
\smallskip
\small
\setlength{{\tabcolsep}}{{4pt}}
{body}

\smallskip
\parbox{{\linewidth}}{{\footnotesize {latex_escaped(notes)}}}
\end{{table*}}
"""


def _tabular(words):
    """Labels and some sides: a line for each row of the table, and one for each small line of its cells."""

    def lines(cell):
        text = latex_escaped(cell.text)
        text = (rf"\textbf{{{text}}}" if cell.bold else text) + r"\rlap{$^{*}$}" * bool(cell.mark)
        return [text, *(rf"\scriptsize {latex_escaped(line)}" for line in cell.below)]

    rows = []
    for label, cells in zip(words.index, words.to_numpy(), strict=True):
        label = label if "ours" in words else Cell(label.text)
        first, *small = itertools.zip_longest(*map(lines, (label, *cells)), fillvalue="")
        rows += [(r"\addlinespace " * bool(rows) + first[0], *first[1:]), *small]
    align, rules, place = "l", "", 2
    for count in words.columns.get_level_values(0).value_counts(sort=False):
        align += r"@{\hskip 14pt}" * (place > 2) + "r" * count
        rules += rf"\cmidrule(lr){{{place}-{place + count - 1}}}"
        place += count
    labels, *columns = zip(*rows, strict=True)
    headings = [tuple(map(latex_escaped, heading)) for heading in words]
    frame = pd.DataFrame(dict(zip(headings, columns, strict=True)), index=labels)
    frame = frame.rename_axis(columns=list(map(latex_escaped, words.columns.names)))
    text = frame.style.to_latex(column_format=align, hrules=True, multicol_align="c")
    text = text.replace("\\\\\n", f"\\\\\n{rules}\n", 1)  # below the sides
    return rf"""\resizebox{{\ifdim\width>\linewidth\linewidth\else\width\fi}}{{!}}{{%
{text.rstrip()}}}"""


def to_csv(table: pd.DataFrame) -> str:
    """Every number of a table for programs, with flat names of columns; the last line is the caption.

    Labels that a spreadsheet would take for formulas have a ' in front.

    ``pandas.read_csv(..., index_col=0, comment="#", na_values="not run")`` reads it.
    """
    flat = table.astype(object)
    missing = ~(table["ours", "seeds", "value"] > 0)
    for column in flat.columns:
        if column[0] == "ours" and column[2] == "value":
            flat[column] = flat[column].mask(missing & flat[column].isna(), "not run")
    flat.columns = [f"{score} ({side})" + ("" if part == "value" else f" {part}") for side, score, part in flat]
    flat.index.name = harmless(flat.index.name)
    flat = flat.rename(index=harmless, columns=harmless).map(harmless)
    # in quotes, a # of a label begins no comment
    return flat.to_csv(quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n") + f"# {one_line(table.attrs['caption'])}\n"


def write_tables(tables: dict[str, pd.DataFrame], folder: str | Path) -> list[Path]:
    """Writes each table as CSV, Markdown, LaTeX and HTML; a file of the same name is replaced at once or not at all.

    Parameters
    ----------
    tables
        By the names of their files, without ending.
    """
    folder, paths = Path(folder), []
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        texts = {"csv": to_csv(table), "md": to_markdown(table), "tex": to_latex(table), "html": PAGE + to_html(table)}
        for ending, text in texts.items():
            path = folder / f"{name}.{ending}"
            with replacing(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
            paths.append(path)
    return paths


def report(results: Results, folder: str | Path, *, preliminary: bool = False) -> list[Path]:
    """Writes the tables of an experiment, each run's scores, and as HTML the forest plot, layers and grids.

    Parameters
    ----------
    results
    folder
    preliminary
        Whether more runs are to come: captions and titles say so, and of how many runs they are.
    """
    folder = Path(folder)
    found = make_tables(results)
    mark = f"Preliminary: {len(results.runs)} of {results.planned} runs. " if preliminary else ""
    for table in found.values():
        table.attrs["caption"] = mark + table.attrs["caption"]
    written = write_tables(found, folder)
    pictures = {}
    for name, compared in (("forest", differences(results)), ("forest_baselines", against_baselines(results))):
        if len(compared):
            pictures[name] = forest_plot(compared)
    if len(by_layer := layers(results)):
        pictures["layer_study"] = layer_plot(by_layer)
    if "grids" in found:
        pictures["grid_study"] = grid_study(found["grids"])
    for name, figure in pictures.items():
        if mark:
            figure.layout.title.text = f"{mark}{figure.layout.title.text}"
        save(figure, folder / f"{name}.html")
        written.append(folder / f"{name}.html")
    results.scores.map(harmless).to_csv(folder / "runs.csv", index=False)
    return [*written, folder / "runs.csv"]
