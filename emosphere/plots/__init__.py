"""Pictures: each function takes arrays or tables and returns a plotly Figure.

Colours tell regions apart for colour-blind readers too (Okabe and Ito 2008 for the octants; for finer grids the hue
turns with the azimuth and the lightness rises with the elevation), and hovering always names what a colour means.
"""

from .basic import DIMENSION_COLORS, OCTANT_COLORS, bars, heatmap, intervals, lines, plain, region_colors, save
from .colouring import Colouring, color_by_group, color_by_quantity, color_by_region
from .crossing import crossing_map
from .forest import forest_plot
from .grids import grid_study
from .layers import layer_plot
from .menu import sphere_menu
from .panels import history, label_distributions, region_confusion, region_shares, truth_against_prediction
from .sounds import waveform
from .spheres import arrows, hover_texts, patches, sphere
from .trajectories import over_time, trajectory, trajectory_trace

__all__ = [
    "DIMENSION_COLORS",
    "OCTANT_COLORS",
    "Colouring",
    "arrows",
    "bars",
    "color_by_group",
    "color_by_quantity",
    "color_by_region",
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
    "patches",
    "plain",
    "region_colors",
    "region_confusion",
    "region_shares",
    "save",
    "sphere",
    "sphere_menu",
    "trajectory",
    "trajectory_trace",
    "truth_against_prediction",
    "waveform",
]
