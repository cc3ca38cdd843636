"""Words in widgets, safe from whatever a label says."""

import html
from collections.abc import Mapping


def message(text: str) -> str:
    """A sentence in place of something that cannot be shown, as HTML.

    Examples
    --------
    >>> "&lt;script&gt;" in message("There is no <script>.")
    True
    """
    return f'<div role="status" style="padding:.5em .8em;border-left:4px solid #E69F00">{html.escape(text)}</div>'


def heading(text: str) -> str:
    """A line in bold, as HTML."""
    return f'<b style="font-size:1.15em">{html.escape(text)}</b>'


def description(facts: Mapping[str, object]) -> str:
    """Names and values as an HTML table."""
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left;font-weight:normal;padding-right:1em;vertical-align:top;'
        f'opacity:.7;white-space:nowrap">{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>'
        for name, value in facts.items()
    )
    return f'<table style="line-height:1.5">{rows}</table>'
