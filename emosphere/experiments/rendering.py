"""Results tables for notebooks, READMEs and programs: HTML, Markdown, CSV; and all formats as files."""

import csv
import html
from pathlib import Path

from IPython.display import HTML

from ..utils import harmless, markdown, replacing
from .latex import to_latex
from .sheet import Sheet, one_line

PAGE = '<!doctype html>\n<meta charset="utf-8">\n<meta name="color-scheme" content="light dark">\n'


def show(table):
    """A table as a notebook shows it.

    Returns
    -------
    IPython.display.HTML
    """
    return HTML(to_html(table))


def to_html(table):
    """Part of a page: caption, table, notes.

    JupyterLab drops style sheets from notebooks that somebody else has executed, hence styles stand in the elements;
    text keeps the colour of its surroundings for dark themes.

    Returns
    -------
    str
    """
    sheet, line = Sheet.of(table), "1px solid rgba(128,128,128,0.5)"
    starts = {columns[0] for columns in sheet.groups.values()}

    def element(column, content, style="", tag="td", attributes=""):
        style = f"text-align:{'right' if column else 'left'};vertical-align:top;padding:0.35em 0.8em;{style}"
        style += f"border-left:{line}" if column in starts else ""
        return f'<{tag}{attributes} style="{style}">{content}</{tag}>'

    def heading(column, content, style, attributes=""):
        return element(column, html.escape(content), style, "th", attributes)

    def cell(column, cell):
        content = f"<b>{html.escape(cell.text)}</b>" if cell.bold else html.escape(cell.text)
        if cell.mark:  # it takes no room, so digits stay below each other
            content += f'<span style="display:inline-block;width:0">&nbsp;{cell.mark}</span>'
        for small in cell.below:
            content += f'<br><span style="font-size:0.8em;opacity:0.8">{html.escape(small)}</span>'
        if column:
            return element(column, content, "white-space:nowrap;")
        return element(column, content, "font-weight:normal;min-width:7em;", "th", ' scope="row"')

    sides = [heading(0, "", "")]
    for side, columns in sheet.groups.items():
        sides.append(heading(columns[0], side, "text-align:center;", f' colspan="{len(columns)}"'))
    names = [heading(column, name, f"border-bottom:{line};") for column, name in enumerate(sheet.headings)]
    rows = [sides, names, *([cell(*entry) for entry in enumerate(row)] for row in sheet.rows)]
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f"""<p style="max-width:60em"><b>{html.escape(sheet.title)}.</b> {html.escape(sheet.caption)}</p>
<div style="overflow-x:auto"><table style="border-collapse:collapse;margin:0">
{body}
</table></div>
<p style="max-width:60em;margin-top:0.6em;font-size:0.9em">{html.escape(sheet.notes)}</p>
"""


def to_markdown(table):
    """A pipe table as GitHub shows it, between its caption and its notes.

    Returns
    -------
    str
    """
    sheet = Sheet.of(table)
    names = sheet.headings[:1]
    names += [f"{sheet.headings[column]} ({side})" for side, columns in sheet.groups.items() for column in columns]

    def cell(cell):
        text = f"**{markdown(cell.text)}**" if cell.bold else markdown(cell.text)
        return "<br>".join([f"{text} \\*" if cell.mark else text, *map(markdown, cell.below)])

    rows = [map(markdown, names), [":--"] + ["--:"] * (len(names) - 1), *(map(cell, row) for row in sheet.rows)]
    body = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"**{markdown(sheet.title)}.** {markdown(sheet.caption)}\n\n{body}\n\n{markdown(sheet.notes)}\n"


def to_csv(table):
    """Every number of a table for programs, with flat names of columns; the last line is the caption.

    Labels that a spreadsheet would take for formulas have a ' in front.

    ``pandas.read_csv(..., index_col=0, comment="#", na_values="not run")`` reads it.

    Returns
    -------
    str
    """
    flat = table.astype(object)
    missing = ~(table["ours", "seeds", "value"] > 0)
    for column in flat.columns:
        if column[0] == "ours" and column[2] == "value":
            flat[column] = flat[column].mask(missing & flat[column].isna(), "not run")
    flat.columns = [f"{figure} ({side})" + ("" if part == "value" else f" {part}") for side, figure, part in flat]
    flat.index.name = harmless(flat.index.name)
    flat = flat.rename(index=harmless, columns=harmless).map(harmless)
    # in quotes, a # of a label begins no comment
    return flat.to_csv(quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n") + f"# {one_line(table.attrs['caption'])}\n"


def export(tables, folder):
    """Writes each table as CSV, Markdown, LaTeX and HTML; a file of the same name is replaced at once or not at all.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Names of the files, without ending.
    folder : path-like

    Returns
    -------
    list of pathlib.Path
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
