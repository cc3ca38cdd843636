"""What a page of widgets needs from the browser itself; see the JavaScript beside this file."""

from pathlib import Path

import anywidget
import traitlets


class Touch(anywidget.AnyWidget):
    """Invisible part of a widget whose outermost box has the class "emosphere".

    Gives its plots their width and its lists their arrow keys, which JupyterLab would take for its own. In the figure
    below the class `target`, clicks go through translucent bodies to the points, and a click beside them is sent here
    as ``{"direction": [x, y, z]}``, where its ray enters the unit sphere.
    """

    _esm = Path(__file__).with_suffix(".js")
    target = traitlets.Unicode("none").tag(sync=True)
