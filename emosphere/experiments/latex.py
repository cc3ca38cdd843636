"""Results tables for a paper."""

import re
import unicodedata

from .sheet import Cell, Sheet

WIDEST = 8  # figures side by side in LaTeX; print has no scroll bar
MATH = r"< > | - ^{\circ} \pm \times \cdot \rightarrow \leftarrow \leq \geq \approx \alpha \beta \gamma \delta \epsilon"
MATH += r" \eta \theta \kappa \lambda \mu \pi \rho \sigma \tau \phi \chi \psi \omega \Delta \Sigma \Omega"
LATEX = dict(zip("<>|−°±×·→←≤≥≈αβγδεηθκλμπρστφχψωΔΣΩ", (f"${name}$" for name in MATH.split()), strict=True))
LATEX |= {character: rf"\{character}" for character in "&%#_{}$"}
LATEX |= {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "—": "---",
    "“": "``",
    "”": "''",
    '"': "''",
    "‘": "`",
    "’": "'",
    "ß": r"\ss{}",
    "ø": r"\o{}",
    "æ": r"\ae{}",
}
LATEX |= {"[": "{[}", "*": "{*}"}  # else arguments of the line break before them
ACCENTS = dict(zip("\u0300\u0301\u0302\u0303\u0308\u030a\u030c\u0327", "`'^~\"rvc", strict=True))


def latex_escaped(text):
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


def to_latex(table):
    """A table environment for pdflatex, at most as wide as the page; sides beyond its width follow below the others.

    Returns
    -------
    str
    """
    sheet, blocks = Sheet.of(table), [[]]
    for columns in sheet.groups.values():
        if blocks[-1] and columns[-1] - blocks[-1][0] >= WIDEST:
            blocks.append([])
        blocks[-1] += columns
    width = max(map(len, blocks))

    def text(cell):
        content = latex_escaped(cell.text)
        return (rf"\textbf{{{content}}}" if cell.bold else content) + (r"\rlap{$^{*}$}" if cell.mark else "")

    def small(cell, depth):
        return rf"\scriptsize {latex_escaped(cell.below[depth])}" if depth < len(cell.below) else ""

    lines, gaps = [], set()
    for block in blocks:
        sides, rules, rows = [""], "", [[latex_escaped(sheet.headings[i]) for i in (0, *block)]]
        for side, columns in sheet.groups.items():
            if columns[0] in block:
                first = columns[0] - block[0] + 1
                gaps.add(first)
                sides.append(rf"\multicolumn{{{len(columns)}}}{{c}}{{{latex_escaped(side)}}}")
                rules += rf"\cmidrule(lr){{{first + 1}-{first + len(columns)}}}"
        for label, *cells in sheet.rows:
            if sheet.groups["ours"][0] not in block:
                label = Cell(label.text)
            cells = [label, *(cells[i - 1] for i in block)]
            rows.append([text(cell) for cell in cells])
            deepest = max(len(cell.below) for cell in cells)
            rows += [[small(cell, depth) for cell in cells] for depth in range(deepest)] + [None]
        rest = " & " * (width - len(block)) + r" \\"
        sides, names, *rows = [r"\addlinespace" if row is None else " & ".join(row) + rest for row in (sides, *rows)]
        lines += [r"\midrule" if lines else r"\toprule", sides, rules, names, r"\midrule", *rows[:-1]]
    body = "\n".join([*lines, r"\bottomrule"])
    align = "l" + "".join(r"@{\hskip 14pt}r" if i in gaps - {1} else "r" for i in range(1, width + 1))
    # LaTeX counts tables itself
    title = "" if re.fullmatch(r"Table \d+", sheet.title) else rf"\textbf{{{latex_escaped(sheet.title)}.}} "
    return rf"""% \usepackage{{booktabs,graphicx}}
\begin{{table*}}
\centering
\caption{{{title}{latex_escaped(sheet.caption)}}}
\label{{tab:{re.sub("[^a-z0-9]+", "-", sheet.title.lower()).strip("-")}}}
\smallskip
\small
\setlength{{\tabcolsep}}{{4pt}}
\resizebox{{\ifdim\width>\linewidth\linewidth\else\width\fi}}{{!}}{{%
\begin{{tabular}}{{{align}}}
{body}
\end{{tabular}}}}

\smallskip
\parbox{{\linewidth}}{{\footnotesize {latex_escaped(sheet.notes)}}}
\end{{table*}}
"""
