"""The front end of all explorers: the browser's part out of static/, and the traits that Python and browser share."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import numpy.typing as npt
import pandas as pd
import traitlets
from ipywidgets import Widget, widget_serialization
from plotly import __version__ as plotly_version
from plotly.offline import get_plotlyjs

from ..corpora import CorpusError
from ..sphere import RegionGrid

FURTHEST = 3e38
"""What stands for an end of a filter that is open; see static/controls.js."""

STATIC = Path(__file__).parent / "static"
IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";$', re.MULTILINE)


def _modules(name: str, found: dict[str, str]) -> dict[str, str]:
    """A module of static/ and, before it, those that it imports: name and code."""
    if name not in found:
        code = (STATIC / f"{name}.js").read_text("utf-8")
        for _, wanted in IMPORT.findall(code):
            _modules(wanted, found)
        found[name] = code
    return found


def _enclosed(name, code):
    """A module as a function that is called once, so that its own names stay its own."""
    exported = re.findall(r"^export (?:async )?(?:const|class|function) (\w+)", code, re.MULTILINE)
    code = re.sub(r"^export ", "", IMPORT.sub(r"const \1 = _\2;", code), flags=re.MULTILINE)
    return f"const _{name} = (() => {{\n{code}\nreturn {{ {', '.join(exported)} }};\n}})();\n"


@cache
def script(name: str = "page") -> str:
    """A module and all that it imports as one, for a browser that loads no other file."""
    return "".join(_enclosed(name, code) for name, code in _modules(name, {}).items())


@cache
def style() -> str:
    """All style sheets of the front end."""
    return "\n".join(path.read_text("utf-8") for path in sorted(STATIC.glob("*.css")))


@cache
def live_script(name: str, mount: str) -> str:
    """A module, of which a function shows a model in an element, as that of an anywidget."""
    return f"{script(name)}export default {{ render: ({{ model, el }}) => _{name}.{mount}(model, el) }};\n"


def pack(values: npt.ArrayLike, kind: npt.DTypeLike = "float32") -> dict[str, Any]:
    """Numbers for the browser.

    Examples
    --------
    >>> pack([1.0, 2.0])
    {'dtype': 'float32', 'bytes': b'\\x00\\x00\\x80?\\x00\\x00\\x00@'}
    """
    array = np.ascontiguousarray(values, dtype=kind)
    return {"dtype": str(array.dtype), "bytes": array.tobytes()}


class Plotly(Widget):
    """plotly's code, sent once for all widgets of a kernel."""

    code = traitlets.Unicode().tag(sync=True)
    version = traitlets.Unicode(plotly_version).tag(sync=True)
    shared = None

    @classmethod
    def get(cls) -> "Plotly":
        """The one that all share; another one if somebody has closed it, as `Widget.close_all` does."""
        if cls.shared is None or cls.shared.comm is None:
            cls.shared = cls(code=get_plotlyjs())
        return cls.shared


def _to_positions(names: Sequence[str], front: "Front") -> bytes:
    return np.array([front.positions[name] for name in names], dtype="<i4").tobytes()


def _from_positions(data: Any, front: "Front") -> tuple[str, ...]:
    return tuple(front.names[i] for i in np.frombuffer(data, "<i4"))


def _to_pairs(distances: Mapping[str, float], front: "Front") -> list[tuple[int, float]]:
    return [(front.positions[name], float(distance)) for name, distance in distances.items()]


def _optional(to: Callable, back: Callable) -> dict[str, Any]:
    """Tags of a trait whose None is -1 in the browser."""
    return dict(
        sync=True,
        to_json=lambda value, front: -1 if value is None else to(value, front),
        from_json=lambda value, front: None if value < 0 else back(value, front),
    )


class Front(anywidget.AnyWidget):
    """Utterances on the sphere, with all that a hand does to them in the browser; base of all explorers.

    Parameters
    ----------
    data
        What the browser shows, as `emosphere.widgets.packing` makes it.
    **traits

    Attributes
    ----------
    selection : tuple of str
        Names of the utterances selected. May be set, also as a table with a column ``utterance``.
    focus : str or None
        The utterance in the player.
    grid : RegionGrid
    region : int or None
        The region selected.
    colour : str
        What colours the points.
    filters : dict
        Of a group the labels that pass, as ``{"split": ["test"]}``, of a number the ends, as ``{"radius": [0.5, 2]}``;
        ``text`` is searched for; ``only`` and ``hidden`` are lists of names.
    named : dict of str to list of str
        Selections kept under a name.
    marks : list of dict
        Lines and points in the sphere beside the utterances; see marks.js. A click on one with ``press`` is a message
        ``{"pressed": press, "index": number of its point}``.
    now : list of dict
        Further ones, which change often.
    distances : dict of str to float
        What stands in the column ``distance`` of some utterances, in explorers that have it.

    All can be observed, whoever changes them.
    """

    _esm, _css = live_script("explorer", "mountExplorer"), style()
    _data = traitlets.Dict().tag(sync=True)
    _key = traitlets.Unicode().tag(sync=True)
    _plotly = traitlets.Instance(Widget).tag(sync=True, **widget_serialization)
    selection = traitlets.Any(()).tag(sync=True, to_json=_to_positions, from_json=_from_positions)
    focus = traitlets.Unicode(None, allow_none=True).tag(
        **_optional(lambda name, front: front.positions[name], lambda i, front: front.names[i])
    )
    grid = traitlets.Instance(RegionGrid).tag(
        sync=True,
        to_json=lambda grid, front: dict(azimuth=grid.azimuth, elevation=grid.elevation, spacing=grid.spacing),
        from_json=lambda value, front: RegionGrid(**value),
    )
    region = traitlets.Int(None, allow_none=True).tag(**_optional(lambda i, front: i, lambda i, front: i))
    colour = traitlets.Unicode("region").tag(sync=True)
    filters = traitlets.Dict().tag(sync=True)
    named = traitlets.Dict().tag(sync=True)
    marks: traitlets.List = traitlets.List().tag(sync=True)
    now: traitlets.List = traitlets.List().tag(sync=True)
    distances = traitlets.Dict().tag(sync=True, to_json=_to_pairs)
    run = traitlets.Unicode("").tag(sync=True)

    def __init__(self, data: Mapping[str, Any], **traits: Any) -> None:
        self.names: list[str] = data["table"]["names"]
        self.positions = {name: i for i, name in enumerate(self.names)}
        super().__init__(_data=data, _key=secrets.token_hex(8), _plotly=Plotly.get(), **traits)
        self.on_msg(lambda widget, content, buffers: self._hear(content))

    @traitlets.default("grid")
    def _first_grid(self):
        return RegionGrid.from_angle(90)

    @traitlets.validate("selection")
    def _check_selection(self, proposal):
        chosen = proposal["value"]
        chosen = chosen["utterance"] if isinstance(chosen, pd.DataFrame) else chosen
        chosen = (chosen,) if isinstance(chosen, str) else tuple(chosen)
        for name in chosen:
            self._check_name(name)
        return tuple(dict.fromkeys(chosen))

    @traitlets.validate("filters")
    def _check_filters(self, proposal):
        return {name: self._filter(name, value) for name, value in proposal["value"].items()}

    def _filter(self, name, value):
        """A filter as JSON has it, whatever array, table or set it was, or a sentence on what is wrong with it."""
        if name == "text":
            if not isinstance(value, str):
                raise ValueError(f"The filter text is words to look for, not {value!r}.")
            return value
        kinds = {column["name"]: column["kind"] for column in self._data["table"]["columns"]}
        if name not in (*kinds, "only", "hidden"):
            raise ValueError(f"There is no column {name!r} to filter by; there are {', '.join(kinds)}.")
        if isinstance(value, pd.DataFrame):
            value = value["utterance"]
        value = [value] if isinstance(value, str) else list(value) if np.iterable(value) else value
        if kinds.get(name) != "number":
            if not isinstance(value, list):
                raise ValueError(f"The filter {name} is a list of those that pass, not {value!r}.")
            return [str(one) for one in value]
        try:
            ends = [float(one) for one in value]
        except (TypeError, ValueError):
            ends = [np.nan]
        if ends and (len(ends) != 2 or np.isnan(ends).any()):
            raise ValueError(f"The filter {name} is its two ends, such as [0.5, 2], not {value!r}.")
        return np.clip(ends, -FURTHEST, FURTHEST).tolist()  # JSON has no infinity

    @traitlets.validate("named")
    def _check_named(self, proposal):
        named = {}
        for title, chosen in proposal["value"].items():
            chosen = chosen["utterance"] if isinstance(chosen, pd.DataFrame) else chosen
            named[str(title)] = [chosen] if isinstance(chosen, str) else list(chosen)
            for name in named[str(title)]:
                self._check_name(name)
        return named

    @traitlets.validate("region")
    def _check_region(self, proposal):
        if proposal["value"] is not None and proposal["value"] < 0:
            raise ValueError(f"Regions have numbers from 0, not {proposal['value']}; none is None.")
        return proposal["value"]

    @traitlets.validate("focus")
    def _check_focus(self, proposal):
        if proposal["value"] is not None:
            self._check_name(proposal["value"])
        return proposal["value"]

    def _check_name(self, name):
        if name not in self.positions:
            raise CorpusError(f"There is no utterance {name!r} {self.among}; a selection is a list of their names.")

    @traitlets.validate("colour")
    def _check_colour(self, proposal):
        known = self._data["colourings"]
        if proposal["value"] not in known:
            raise ValueError(f"Points are coloured by {', '.join(known)}, not {proposal['value']!r}.")
        return proposal["value"]

    among = "here"
    """Where a selected utterance was looked for, in words."""

    def _hear(self, content: dict[str, Any]) -> None:
        """A message of the browser."""
