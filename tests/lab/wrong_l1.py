"""What students write in lab 1 before they are right, and a piece of the hint that should come."""

WRONG = {
    "L1-1": [
        (
            """
def normalise(ratings, low, high):
    return (ratings - low) / (high - low)
""",
            "Stretch by two",
        ),
        (
            """
def normalise(ratings, low, high):
    return (ratings - 4) / 3
""",
            "right for 1 to 7 only",
        ),
        (
            """
def normalise(ratings, low, high):
    return ratings / high
""",
            "Compute it by hand",
        ),
        (
            """
def normalise(ratings, low, high):
    return 2 * ratings / (high - low) - 1
""",
            "subtract `low`",
        ),
        (
            """
def normalise(ratings, low, high):
    top, bottom = ratings.max(), ratings.min()
    return 2 * (ratings - bottom) / (top - bottom) - 1
""",
            "scale's own ends",
        ),
        (
            """
def normalise(ratings, low, high):
    middle = (low + high) / 2
    return (ratings - middle) / (high - low)
""",
            "half of the scale's length",
        ),
        (
            """
def normalise(ratings, low, high):
    ratings -= low
    return 2 * ratings / (high - low) - 1
""",
            "changes what it was given",
        ),
        (
            """
def normalise(ratings, low, high):
    print(2 * (ratings - low) / (high - low) - 1)
""",
            "returns nothing",
        ),
        (
            """
def normalise(ratings, low, high):
    return 2 * (rating - low) / (high - low) - 1
""",
            "NameError",
        ),
        ("normalise = 2 * (np.array([4.0]) - 1) / 6 - 1", "should be a function"),
        (
            """
def normalise(ratings, low, high):
    return (2 * (ratings - low) / (high - low) - 1).mean()
""",
            "the shape ()",
        ),
        (
            """
def normalise(ratings, low, high):
    return (ratings - (low + high) // 2) / ((high - low) / 2)
""",
            "On ([1. , 2.5, 3. ], 1, 4)",
        ),
        (
            """
def normalise(ratings, low, high):
    return (ratings - (low + high) / 2) / ((high - low) // 2)
""",
            "On ([1. , 2.5, 3. ], 1, 4)",
        ),
    ],
    "L1-2": [
        (
            """
def to_spherical(valence, arousal, dominance):
    r = np.linalg.norm([valence, arousal, dominance])
    return r, np.degrees(np.arctan2(arousal, valence)) % 360, np.degrees(np.arcsin(dominance / r))
""",
            "which of the two comes first",
        ),
        (
            """
def to_spherical(valence, arousal, dominance):
    r = np.linalg.norm([valence, arousal, dominance])
    return r, np.arctan2(valence, arousal) % (2 * np.pi), np.arcsin(dominance / r)
""",
            "np.degrees",
        ),
        (
            """
def to_spherical(valence, arousal, dominance):
    r = np.linalg.norm([valence, arousal, dominance])
    return r, np.degrees(np.arctan2(valence, arousal)), np.degrees(np.arcsin(dominance / r))
""",
            "% 360",
        ),
        (
            """
def to_spherical(valence, arousal, dominance):
    r = np.linalg.norm([valence, arousal, dominance])
    return r, np.degrees(np.arctan(valence / arousal)) % 360, np.degrees(np.arcsin(dominance / r))
""",
            "opposite emotions",
        ),
        (
            """
def to_spherical(valence, arousal, dominance):
    r = np.linalg.norm([valence, arousal, dominance])
    return r, np.degrees(np.arctan2(valence, arousal)) % 360, np.degrees(np.arccos(dominance / r))
""",
            "from the pole",
        ),
        (
            """
def to_spherical(valence, arousal, dominance):
    r = np.linalg.norm([valence, arousal, dominance])
    return r, np.degrees(np.arctan2(valence, arousal)) % 360, np.degrees(np.arcsin(dominance))
""",
            "Divide dominance by the radius",
        ),
        (
            """
def to_spherical(valence, arousal, dominance):
    r = np.linalg.norm([valence, arousal, dominance])
    return r, np.degrees(np.arcsin(dominance / r)), np.degrees(np.arctan2(valence, arousal)) % 360
""",
            "the two angles are swapped",
        ),
        (
            """
def to_spherical(valence, arousal, dominance):
    r = np.linalg.norm([valence, arousal, dominance])
    if arousal > 0:
        azimuth = np.degrees(np.arctan(valence / arousal)) % 360
    if arousal < 0:
        azimuth = 180 + np.degrees(np.arctan(valence / arousal))
    return r, azimuth, np.degrees(np.arcsin(dominance / r))
""",
            "UnboundLocalError",
        ),
        (
            """
def to_spherical(valence, arousal, dominance):
    r = np.linalg.norm([valence, arousal, dominance])
    azimuth = np.degrees(np.arctan(valence / (arousal + 1e-9)))
    if arousal < 0 and valence != 0:
        azimuth += 180
    return r, azimuth % 360, np.degrees(np.arcsin(dominance / r))
""",
            "On (0, -0.6, 0.3)",
        ),
        (
            """
def to_spherical(valence, arousal, dominance):
    r = np.linalg.norm([valence, arousal, dominance])
    azimuth = np.degrees(np.arctan2(valence, arousal)) % 360 if arousal else 90
    return r, azimuth, np.degrees(np.arcsin(dominance / r))
""",
            "On (-0.7, 0, -0.3)",
        ),
    ],
    "L1-3": [
        (
            """
def assign(azimuth, elevation, across, down):
    row = min(int((elevation + 90) // (180 / down)), down - 1)
    return row * across + int(azimuth // (360 / across))
""",
            "from the bottom",
        ),
        (
            """
def assign(azimuth, elevation, across, down):
    row = min(int((90 - elevation) // (180 / down)), down - 1)
    return row * across + int(azimuth // (360 / across))
""",
            "Zero counts as positive",
        ),
        (
            """
def assign(azimuth, elevation, across, down):
    row = down - 1 - int((elevation + 90) // (180 / down))
    return row * across + int(azimuth // (360 / across))
""",
            "at the upper pole",
        ),
        (
            """
def assign(azimuth, elevation, across, down):
    row = down - 1 - min(int((elevation + 90) // (180 / down)), down - 1)
    return row * down + int(azimuth // (360 / across))
""",
            "a band holds `across` regions",
        ),
        (
            """
def assign(azimuth, elevation, across, down):
    row = down - 1 - min(int((elevation + 90) // (180 / down)), down - 1)
    return row * across + int(azimuth // (360 / across)) + 1
""",
            "Python counts from 0",
        ),
        (
            """
def assign(azimuth, elevation, across, down):
    column = int(np.ceil(azimuth / (360 / across))) - 1
    row = down - 1 - min(int((elevation + 90) // (180 / down)), down - 1)
    return row * across + column
""",
            "On (0, 20, 4, 2)",
        ),
        (
            """
def assign(azimuth, elevation, across, down):
    row = min(int((90 - elevation) // (180 / down)), down - 1)
    if elevation == 0:
        row -= 1
    return row * across + int(azimuth // (360 / across))
""",
            "On (100, 0, 6, 3)",
        ),
        (
            """
def assign(azimuth, elevation, across, down):
    row = min(int((90 - elevation) / (180 / down)), down - 1)
    if elevation == 0 and down == 2:
        row = 0
    return row * across + int(azimuth // (360 / across))
""",
            "On (45, 45, 8, 4)",
        ),
        (
            """
def assign(azimuth, elevation, across, down):
    row = down - 1 - min(int((elevation + 90) // (180 / down)), down - 1)
    return row * across + int(azimuth // (360 // across))
""",
            "On (356.7, -42.4, 16, 8)",
        ),
        (
            """
def assign(azimuth, elevation, across, down):
    row = down - 1 - min(int((elevation + 90) // (180 // down)), down - 1)
    return row * across + int(azimuth // (360 / across))
""",
            "On (64.5, 44.7, 16, 8)",
        ),
        (
            """
def assign(azimuth, elevation, across, down):
    row = down - 1 - min(int(round(elevation + 90) // (180 / down)), down - 1)
    return row * across + int(azimuth // (360 / across))
""",
            "On (10, -0.5, 4, 2)",
        ),
    ],
    "L1-4": [
        (
            """
def weights(regions, count):
    counts = np.bincount(regions, minlength=count)
    return len(regions) / (count * counts)
""",
            "infinite weight",
        ),
        (
            """
def weights(regions, count):
    counts = np.bincount(regions, minlength=count)
    return np.where(counts > 0, 1 / np.maximum(counts, 1), 0)
""",
            "divide by the number of regions",
        ),
        (
            """
def weights(regions, count):
    return np.bincount(regions, minlength=count)
""",
            "these are the counts",
        ),
        (
            """
def weights(regions, count):
    counts = np.bincount(regions)
    return len(regions) / (count * counts)
""",
            "minlength=count",
        ),
        (
            """
def weights(regions, count):
    counts = np.bincount(regions, minlength=count)
    return 1 - counts / len(regions)
""",
            "divide, don't subtract",
        ),
    ],
}
