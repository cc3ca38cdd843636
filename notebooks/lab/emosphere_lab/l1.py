"""Lab 1, VAD and the sphere: question and checks of notebooks/lab/L1_sphere.ipynb (paper section 2.1)."""

import numpy as np

from emosphere.sphere import Scale, inverse_frequency_weights, vad_to_spherical
from emosphere_lab.checking import Exercise, hint
from emosphere_lab.l1_pictures import show_point, show_regions
from emosphere_lab.questions import Question

__all__ = [
    "check_assign",
    "check_normalise",
    "check_to_spherical",
    "check_weights",
    "question",
    "show_point",
    "show_regions",
]


def question() -> Question:
    """The concept question of the lab."""
    return Question(
        "One speaker is mildly annoyed, another is furious. Both are unpleasant, excited and dominant in the same "
        "proportions. What differs between their two points in VAD space?",
        {
            "the azimuth": "The azimuth tells the mixture of valence and arousal, and that is the same.",
            "the elevation": "The elevation tells how much of the emotion is dominance. The proportions are the same.",
            "the radius": "Right: same direction, other distance from the neutral middle. Direction says which "
            "emotion, radius how strong.",
            "the region": "Regions cut the directions and ignore the distance, so both points lie in one region.",
        },
    )


NORMALISE = Exercise(
    "L1-1",
    lambda ratings, low, high: Scale(low, high).to_sphere(ratings),
    [
        (np.array([1.0, 4.0, 7.0]), 1, 7),
        (np.array([2.5, 6.1]), 1, 7),
        (np.array([0.0, 30.0, 100.0]), 0, 100),
        (np.array([1.0, 2.5, 3.0]), 1, 4),
        (np.array([-3.0, 0.0, 1.5]), -3, 2),
    ],
    [
        (
            lambda x, low, high: (x - low) / (high - low),
            "the lowest rating becomes 0 and the highest 1; on the sphere they are -1 and 1. Stretch by two and shift.",
        ),
        (
            lambda x, low, high: 2 * (x - low) / (high - low),
            "you stretched to a length of 2, but it begins at 0. What moves it so that neutral is 0?",
        ),
        (
            lambda x, low, high: (x - 4) / 3,
            "that is right for 1 to 7 only. Use `low` and `high`: other corpora have other scales.",
        ),
        (
            lambda x, low, high: 2 * x / (high - low) - 1,
            "a scale need not begin at 0: subtract `low` before you divide.",
        ),
        (
            lambda x, low, high: 2 * (x - x.min()) / (x.max() - x.min()) - 1,
            "you used the smallest and largest rating at hand. The scale's own ends `low` and `high` are meant, or a "
            "rating would change its meaning with the company it is in.",
        ),
        (
            lambda x, low, high: (x - x.mean()) / x.std(),
            "that is standardising with mean and spread of the data. Here the ends of the scale are meant.",
        ),
        (
            lambda x, low, high: (x - (low + high) / 2) / (high - low),
            "neutral is 0, good; but the ends are at -0.5 and 0.5. Divide by half of the scale's length.",
        ),
    ],
    start="Which rating must become -1, which 0, which 1? Draw the line through these three.",
    praise="A 4 of 7 is 0: neutral is the middle of the sphere.",
    returns="an array as long as the ratings",
)


def _spherical(valence, arousal, dominance):
    radius, azimuth, elevation = vad_to_spherical([valence, arousal, dominance])
    return radius, np.degrees(azimuth), np.degrees(elevation)


def _angles(azimuth=lambda v, a: np.degrees(np.arctan2(v, a)) % 360, elevation=None, order=(0, 1, 2)):
    """A way to compute the three coordinates, with one thing done otherwise."""
    elevation = elevation or (lambda v, a, d, r: np.degrees(np.arcsin(d / r)))

    def mistaken(v, a, d):
        radius = np.sqrt(v**2 + a**2 + d**2)
        found = radius, azimuth(v, a), elevation(v, a, d, radius)
        return tuple(found[i] for i in order)

    return mistaken


TO_SPHERICAL = Exercise(
    "L1-2",
    _spherical,
    [
        (0.0, 1.0, 0.0),
        (-0.5, 0.6, 0.4),
        (0.4, -0.3, -0.5),
        (-0.2, -0.7, 0.1),
        (0.6, 0.3, 0.0),
        (0.0, -0.6, 0.3),
        *(tuple(map(np.float64, point)) for point in ((0.5, 0.0, 0.2), (-0.7, 0.0, -0.3))),
    ],  # NumPy divides by 0
    [
        (
            _angles(azimuth=lambda v, a: np.degrees(np.arctan2(a, v)) % 360),
            "the azimuth is counted from the arousal axis (x) towards valence (y). The function is `arctan2(y, x)`: "
            "which of the two comes first?",
        ),
        (
            _angles(azimuth=lambda v, a: np.arctan2(v, a) % (2 * np.pi), elevation=lambda v, a, d, r: np.arcsin(d / r)),
            "these angles are in radians. `np.degrees` makes degrees of them.",
        ),
        (
            _angles(azimuth=lambda v, a: np.degrees(np.arctan2(v, a))),
            "where valence is negative your azimuth is negative. It runs from 0 to 360: `% 360` turns -90 into 270.",
        ),
        *hint(
            "`arctan(y / x)` cannot tell (x, y) from (-x, -y), which are opposite emotions. `arctan2(y, x)` can.",
            _angles(azimuth=lambda v, a: np.degrees(np.arctan(v / a)) % 360),
            _angles(azimuth=lambda v, a: np.degrees(np.arctan(v / a))),
        ),
        (
            _angles(elevation=lambda v, a, d, r: np.degrees(np.arccos(d / r))),
            "that is the angle from the pole. Elevation is counted from the equator: 0 for neutral dominance, 90 at "
            "the top.",
        ),
        (
            _angles(elevation=lambda v, a, d, r: np.degrees(np.arcsin(d))),
            "the elevation must not depend on how strong the emotion is. Divide dominance by the radius first.",
        ),
        (_angles(order=(0, 2, 1)), "the order is radius, azimuth, elevation; the two angles are swapped."),
    ],
    start="Begin with the radius: Pythagoras in three dimensions. Then `np.arctan2(y, x)`: x is arousal, y valence.",
    praise="Radius is strength, the two angles are the kind of emotion.",
    returns="the three numbers radius, azimuth, elevation",
)


def _cells(
    column=lambda azimuth, across: int(azimuth // (360 / across)),
    row=lambda elevation, down: down - 1 - min(int((elevation + 90) // (180 / down)), down - 1),
    number=lambda row, column, across, down: row * across + column,
):
    return lambda azimuth, elevation, across, down: number(row(elevation, down), column(azimuth, across), across, down)


ASSIGN = Exercise(
    "L1-3",
    _cells(),
    [
        *(
            (*angles, 4, 2)
            for angles in [(10, 20), (100, 20), (275, -40), (45, 0), (45, 90), (45, -90), (0, 20), (10, -0.5)]
        ),
        *((*angles, 6, 3) for angles in [(200, -80), (130, 5), (100, 0)]),
        *((*angles, 8, 4) for angles in [(350, 50), (45, 45)]),
        (200, -30, 6, 3),
        *((*angles, 16, 8) for angles in [(356.7, -42.4), (337.6, -72.9), (64.5, 44.7)]),
    ],
    [
        (
            _cells(row=lambda e, down: min(int((e + 90) // (180 / down)), down - 1)),
            "you count the bands from the bottom. Band 0 is the uppermost, with high dominance.",
        ),
        *hint(
            "an elevation of exactly 0 lands in the lower band. Zero counts as positive: count from the bottom, "
            "`(elevation + 90) // height`, and turn the number round.",
            _cells(row=lambda e, down: min(int((90 - e) // (180 / down)), down - 1)),
            _cells(row=lambda e, down: int((90 - e) // (180 / down))),
        ),
        (
            _cells(row=lambda e, down: down - 1 - int((e + 90) // (180 / down))),
            "at the upper pole (elevation 90) your band is -1; there is none. `min(..., down - 1)` keeps the pole.",
        ),
        (
            _cells(column=lambda a, across: min(int(a // (180 / across)), across - 1)),
            "azimuth goes all the way round: 360°, not 180°.",
        ),
        (
            _cells(number=lambda row, column, across, down: row * down + column),
            "a band holds `across` regions, so the next band begins `across` numbers later, not `down`.",
        ),
        (
            _cells(number=lambda row, column, across, down: column * down + row),
            "your numbers run down first. Within a band they run along the azimuth: I, II, III, IV, then the lower "
            "band.",
        ),
        (
            _cells(number=lambda row, column, across, down: row * across + column + 1),
            "your numbers begin with 1. Python counts from 0.",
        ),
    ],
    start="How many degrees wide is a region, 360 / across? How often does that fit into the azimuth (`//`)?",
    praise="On a 4 x 2 grid these are the octants I to VIII.",
    returns="a whole number",
)


_raw = lambda regions, count: np.bincount(regions, minlength=count)

WEIGHTS = Exercise(
    "L1-4",
    inverse_frequency_weights,
    [(np.array([0, 0, 0, 1]), 2), (np.array([0, 0, 0, 2]), 3), (np.array([1, 1, 0, 3, 3, 3]), 5)],
    [
        (
            lambda r, n: len(r) / (n * _raw(r, n)),
            "a region without utterances gets an infinite weight, and the loss with it. Give it 0: it cannot occur.",
        ),
        (
            lambda r, n: np.where(_raw(r, n) > 0, 1 / np.maximum(_raw(r, n), 1), 0),
            "1 / n makes every weight tiny in a large corpus. Multiply by n and divide by the number of regions N: "
            "then the mean weight of an utterance stays near 1.",
        ),
        (
            lambda r, n: np.where(_raw(r, n) > 0, len(r) / np.maximum(_raw(r, n), 1), 0),
            "the factor 1 / N is missing: with equally filled regions every weight should be 1.",
        ),
        (_raw, "these are the counts. The weight goes the other way: the rarer, the heavier."),
        (
            lambda r, n: _raw(r, n) / len(r),
            "these are the shares. The weight goes the other way: the rarer, the heavier.",
        ),
        (
            lambda r, n: 1 - _raw(r, n) / len(r),
            "rare regions weigh more, good; but one twice as rare should weigh twice as much: divide, don't subtract.",
        ),
        (
            lambda r, n: len(r) / (n * np.bincount(r)),
            "the last regions are missing when nobody lies in them: `np.bincount(regions, minlength=count)`.",
        ),
    ],
    start="Count first: `np.bincount(regions, minlength=count)`. What about regions with a count of 0?",
    praise="Each region that occurs now has the same say in the loss.",
    returns="an array with `count` weights",
)

check_normalise, check_to_spherical = NORMALISE.check, TO_SPHERICAL.check
check_assign, check_weights = ASSIGN.check, WEIGHTS.check
