"""Every colour that means something, for Python and, by `palettes`, for the browser.

The colours of a set differ by at least 0.094 (octants) or 0.075 (categories, groups) in OKLab [1]_, also as the
simulation of [2]_ shows them to protanopes, deuteranopes and tritanopes; 0.02 is about what one just notices. Against
white and against #1e1e1e the octants have a contrast of 3:1 and more, as WCAG 2.1 asks of graphics, the others 2.3:1.
They come from a numerical search within chosen hues; ``tests/test_palettes.py`` measures them again.

References
----------
.. [1] Ottosson, "A perceptual color space for image processing", 2020.
.. [2] Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency",
   IEEE Transactions on Visualization and Computer Graphics 15 (6), 2009.
"""

import math
from typing import Any

from ..sphere import RegionGrid

# above each other on the sphere (I and V, II and VI, ...) stand similar hues of different lightness
OCTANT_COLORS = ("#C3810E", "#2D764C", "#4765F6", "#FC4F92", "#C62F07", "#02A1B1", "#9A84F4", "#9648B2")
# muted beside the octants; what is no emotion is grey
CATEGORY_COLORS = {
    "angry": "#953F12",
    "sad": "#7BA3EF",
    "happy": "#C39F51",
    "surprise": "#096383",
    "fear": "#B475BF",
    "disgust": "#4F9148",
    "contempt": "#724E54",
    "neutral": "#706F6F",
    "other": "#8B8A88",
    "no agreement": "#AAABAB",
}
GROUP_COLORS = (*tuple(CATEGORY_COLORS.values())[:7], "#6C62B6")
SHAPES = ("circle", "square", "triangle", "diamond", "cross", "ring", "star")  # in eight colours, 56 groups
CATEGORY_SHAPES = {"other": "ring", "no agreement": "cross"}
CIVIDIS = ("#00224E", "#35456C", "#666970", "#948E77", "#C8B866", "#FEE838")
GREY = "#8A8A8A"  # groups beyond the 56, and whatever stands back
ABSENT = "#D9D9D9"
# OKLab chroma and lightness of finer grids: from the lowest band to the highest, and up and down from sector to sector
REGIONS = {"chroma": 0.12, "low": 0.48, "high": 0.76, "step": 0.06}

# lines of runs, which stand before regions in the colours of errors: none is orange
RUN_COLORS = ("#0060D0", "#B0559F", "#159966", "#5F5F5F", "#0EABC7")
ERROR_COLORS = ("#FFF1C9", "#FEC44F", "#FE9929", "#D95F0E", "#993404", "#4A1601")  # light for small, dark for large


def region_colors(grid: RegionGrid) -> list[str]:
    """A CSS colour for each region of a grid.

    In finer grids than the octants the hue turns with the azimuth and the lightness rises with the elevation and, from
    sector to sector, goes up and down: hue alone would leave neighbours alike to colour-blind readers.

    Examples
    --------
    >>> from emosphere.sphere import RegionGrid
    >>> region_colors(RegionGrid.from_angle(90))[0], len(region_colors(RegionGrid.from_angle(45)))
    ('#C3810E', 32)
    """
    if (grid.azimuth, grid.elevation) == (4, 2):
        return list(OCTANT_COLORS)
    colors = []
    for band in range(grid.elevation):
        height = 1 - band / (grid.elevation - 1) if grid.elevation > 1 else 0.5
        for sector in range(grid.azimuth):
            up = REGIONS["step"] if sector % 2 else -REGIONS["step"]
            lightness = REGIONS["low"] + (REGIONS["high"] - REGIONS["low"]) * height + up
            colors.append(_oklch(lightness, REGIONS["chroma"], 2 * math.pi * sector / grid.azimuth))
    return colors


def _oklch(lightness, chroma, hue):
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
    bounded = [min(max(value, 0.0), 1.0) for value in linear]
    coded = [12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055 for value in bounded]
    return "#" + "".join(f"{math.floor(255 * value + 0.5):02X}" for value in coded)


def palettes() -> dict[str, Any]:
    """All colours as plain values for JSON.

    Returns
    -------
    dict
        ``octants``, ``groups`` (8 colours each), ``categories`` and ``category_shapes`` (by label), ``shapes`` (7
        names), ``sequential`` (of rising numbers), ``other``, ``absent``, ``regions`` (numbers for `region_colors`),
        ``runs`` (5), ``errors`` (of rising errors).

    Examples
    --------
    >>> len(palettes()["groups"]) * len(palettes()["shapes"])
    56
    """
    return {
        "octants": list(OCTANT_COLORS),
        "categories": dict(CATEGORY_COLORS),
        "category_shapes": dict(CATEGORY_SHAPES),
        "groups": list(GROUP_COLORS),
        "shapes": list(SHAPES),
        "sequential": list(CIVIDIS),
        "other": GREY,
        "absent": ABSENT,
        "regions": dict(REGIONS),
        "runs": list(RUN_COLORS),
        "errors": list(ERROR_COLORS),
    }
