"""Pictures: each function takes arrays or tables and returns a plotly Figure.

Colours tell regions, categories and groups apart for colour-blind readers too (`palettes`), and hovering always names
what a colour means.
"""

from .basic import DIMENSION_COLORS, bars, heatmap, intervals, lines, plain, save
from .crossing import crossing_map
from .forest import forest_plot
from .grids import grid_study
from .layers import layer_plot
from .palettes import OCTANT_COLORS, palettes, region_colors
from .panels import history, label_distributions, region_confusion, region_shares, truth_against_prediction
from .sounds import waveform
from .spheres import arrows, hover_texts, sphere
from .trajectories import over_time, trajectory, trajectory_trace

__all__ = [
    "DIMENSION_COLORS",
    "OCTANT_COLORS",
    "arrows",
    "bars",
    "crossing_map",
    "forest_plot",
    "grid_study",
    "heatmap",
    "history",
    "hover_texts",
    "intervals",
    "label_distributions",
    "layer_plot",
    "lines",
    "over_time",
    "palettes",
    "plain",
    "region_colors",
    "region_confusion",
    "region_shares",
    "save",
    "sphere",
    "trajectory",
    "trajectory_trace",
    "truth_against_prediction",
    "waveform",
]
