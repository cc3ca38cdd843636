"""Texts that others wrote, put into what is written for others: they stay texts, and do nothing there."""

import html
import re

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def harmless(cell):
    """A cell of a CSV file that no spreadsheet takes for a formula: a text that begins like one gets a ' in front.

    Parameters
    ----------
    cell : object
        What is no text is given back as it is, and so is a text that is a number. Bytes of a file's name that are not
        UTF-8 become "?".

    Examples
    --------
    >>> harmless("=1+1"), harmless("-loud.wav"), harmless("-0.5"), harmless("calm.wav"), harmless(-2)
    ("'=1+1", "'-loud.wav", '-0.5', 'calm.wav', -2)
    """
    if not isinstance(cell, str):
        return cell
    text = cell.encode("utf-8", "replace").decode()
    formula = re.match(r"\s*[=+\-@＝＋－＠]|[\t\r\n]", text) and not NUMBER.fullmatch(text)
    return f"'{text}" if formula else text


def markdown(text):
    r"""A text as one line of Markdown that shows it letter by letter: no tags, links, emphasis, headings or cells.

    Examples
    --------
    >>> print(markdown("# a|b_c_ <img>"))
    \# a\|b\_c\_ &lt;img&gt;
    """
    text = " ".join(str(text).encode("utf-8", "replace").decode().split())
    text = re.sub(r"([\\`*_|~$\[\]])", r"\\\1", html.escape(text, quote=False))
    text = re.sub(r"^([#+=-]|\d+(?=[.)](?:\s|$)))", lambda mark: _escaped(mark[0]), text)
    # what GitHub makes links of by itself
    return re.sub(r":(?=//)|(?<=\bwww)\.|@", lambda mark: f"&#{ord(mark[0])};", text, flags=re.IGNORECASE)


def _escaped(mark):
    return f"\\{mark}" if not mark.isdigit() else f"{mark}\\"
