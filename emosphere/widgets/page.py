"""An explorer as one file that works alone: offline, by e-mail, and in a saved notebook in place of a dead widget."""

import base64
import gzip
import html
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs

from ..utils import replacing
from .front import STATIC, script, style


@cache
def _plotly() -> str:
    return _small(get_plotlyjs())


def _small(text):
    return base64.b64encode(gzip.compress(text.encode("utf-8"), 6, mtime=0)).decode()


def _plain(value):
    """Data with bytes in it as JSON."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def page_of(data: Mapping[str, Any], state: Mapping[str, Any], sounds: Mapping[int, bytes], title: str) -> str:
    """The page as HTML.

    Parameters
    ----------
    data
        As `emosphere.widgets.packing` makes it.
    state
        Values of the traits that browser and Python share, as the browser has them.
    sounds
        Files by position.
    title
    """
    data = {**data, "options": {**data["options"], "page": True}}
    ends, places = 0, {}
    for position, content in sounds.items():
        places[position] = [ends, ends + len(content)]
        ends += len(content)
    parts = dict(
        TITLE=html.escape(title),
        STYLE=style(),
        PLOTLY=_plotly(),
        DATA=_small(json.dumps(_plain(dict(data=data, state=state, sounds=places)))),
        SOUNDS=base64.b64encode(b"".join(sounds.values())).decode(),
        SCRIPT=script(),
    )
    page = (STATIC / "page.html").read_text("utf-8")
    for name, text in parts.items():
        page = page.replace(f"{{{{{name}}}}}", text)
    return page


class Page:
    """An explorer without Python behind it; notebooks show it where it is the last line of a cell."""

    def __init__(self, content: str) -> None:
        self.content = content

    def save(self, path: str | Path) -> None:
        """Writes the file, which needs no other."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(self.content, encoding="utf-8")

    def _repr_html_(self) -> str:
        # the sentence lies behind the page; it is all that JupyterLab shows of a notebook that nobody trusts yet
        return (
            '<div style="position:relative"><p style="position:absolute; margin:0">The explorer as it was saved is in '
            "here; trust this notebook to see it, or run the cell again.</p>"
            f"{self.frame}</div>"
        )

    @property
    def frame(self) -> str:
        """The page within another, as HTML."""
        return (
            f'<iframe title="explorer" srcdoc="{html.escape(self.content)}" loading="lazy" '
            'allow="autoplay; clipboard-write" '
            'style="position:relative; width:100%; height:640px; border:0; background:white"></iframe>'
        )


def stand_in(page: Page, key: str) -> str:
    """HTML that shows a page where the live explorer of that key is not: in a notebook opened again without Python."""
    return (STATIC / "saved.html").read_text("utf-8").replace("{{KEY}}", key).replace("{{PAGE}}", _small(page.frame))
