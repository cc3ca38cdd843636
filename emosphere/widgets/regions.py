"""The regions as a list to choose from, with the mean error of each run."""

import html
from collections.abc import Callable

import numpy as np
import pandas as pd
from ipywidgets import HTML, Layout, Select, VBox

from ..sphere import RegionGrid
from .controls import unobserved
from .error_lines import TIPS, looks

ALL = -1  # not None, which in a menu marks no line at all
MARK = "\0"
WIDEST = 126  # letters of a line that fit into a notebook of 1100 pixels
STYLE = """<style>
.emosphere-regions pre {margin: 0 0 0 5px; padding: 0; line-height: 1.4; background: none; overflow: hidden}
.emosphere-regions pre span {display: inline-block; width: 1ch; overflow: hidden; vertical-align: bottom}
.emosphere-regions pre, .emosphere-regions select
  {font-family: var(--jp-code-font-family, monospace); font-size: 12px}
</style>"""


class RegionList(VBox):
    """A menu with a line for all regions and one for each.

    Parameters
    ----------
    on_region
        Called with the number of the region that a person chose, or None for all.
    """

    def __init__(self, on_region: Callable[[int | None], object]) -> None:
        self.on_region = on_region
        self._top = HTML()
        self.menu = Select(layout=Layout(width="auto", height="154px"))
        self.menu.observe(self._chosen, "value")
        super().__init__([self._top, self.menu], layout=Layout(max_width="100%"))
        self.add_class("emosphere-regions")

    def _chosen(self, change):
        self.on_region(as_region(change["new"]))

    def show(self, grid: RegionGrid, counts: np.ndarray, means: pd.DataFrame, overall: pd.Series) -> None:
        """Other regions or errors.

        Parameters
        ----------
        grid
        counts : (len(grid),) numpy.ndarray of int
        means : (len(grid), runs) pandas.DataFrame
        overall : (runs,) pandas.Series
        """
        top, lines = lines_of_regions(grid, counts, means, overall)
        top = html.escape(top)
        for color, _, tip in looks(means).values():
            top = top.replace(MARK, f'<span style="color:{color}" aria-hidden="true">{TIPS[tip]}</span>', 1)
        self._top.value = f"{STYLE}<pre>{top}</pre>"
        with unobserved(self._chosen, self.menu):
            # menus swallow blanks
            self.menu.options = [(line.replace(" ", "\u00a0"), i - 1) for i, line in enumerate(lines)]

    def choose(self, region: int | None) -> None:
        """Marks a region, or the first line for None, without calling `on_region`."""
        with unobserved(self._chosen, self.menu):
            self.menu.value = ALL if region is None else region


def as_region(value: int) -> int | None:
    """The region behind a line of a menu; None for `ALL`."""
    return None if value == ALL else value


def lines_of_regions(
    grid: RegionGrid, counts: np.ndarray, means: pd.DataFrame, overall: pd.Series
) -> tuple[str, list[str]]:
    """The regions as texts in equal columns: name, utterances, mean error of each run.

    Returns
    -------
    str
        The heading, with `MARK` before the name of each run.
    (1 + len(grid),) list of str
        All utterances, then each region.

    Examples
    --------
    >>> import pandas as pd
    >>> from emosphere.sphere import RegionGrid
    >>> means = pd.DataFrame({"full": [0.25, np.nan]})
    >>> print(*lines_of_regions(RegionGrid(1, 2), np.array([3, 0]), means, means.mean())[1], sep="\\n")
    all                                        3   0.25
      0  az. 0° to 360°, el. 0° to 90°         3   0.25
      1  az. 0° to 360°, el. -90° to 0°        0      –
    """
    names = [name.replace("azimuth", "az.").replace("elevation", "el.") for name in grid.names]
    if grid.short_names[-1] not in names[-1].split():
        names = [f"{i:>3}  {name}" for i, name in enumerate(names)]
    wide = max(map(len, names))
    longest = max(4, (WIDEST - wide - 9) // means.shape[1] - 4)
    runs = [MARK + (run if len(run) <= longest else f"{run[: longest - 1]}…") for run in means]
    widths = [max(len(run), 5) + 2 for run in runs]

    def line(name, count, errors):
        shown = [error if isinstance(error, str) else "–" if np.isnan(error) else f"{error:.2f}" for error in errors]
        columns = "".join(f"{text:>{width}}" for text, width in zip(shown, widths, strict=True))
        return f"{name:<{wide}}{count:>9}{columns}"

    rows = zip(names, counts, means.to_numpy(), strict=True)
    lines = [line("all", f"{counts.sum():,}", overall), *(line(name, f"{n:,}", errors) for name, n, errors in rows)]
    return line("true region", "count", runs), lines
