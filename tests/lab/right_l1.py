"""Ways to write the right answers of lab 1, all of which are to be accepted."""

NORMALISE = [
    f"def normalise(ratings, low, high):\n    {line}"
    for line in (
        "return (ratings - (low + high) / 2) / ((high - low) / 2)",
        "return 2 * (ratings - low) / (high - low) - 1",
        "return (2 * ratings - low - high) / (high - low)",
        "return -1 + (ratings - low) * (2 / (high - low))",
        "return 1 - 2 * (high - ratings) / (high - low)",
        "return (ratings - low) / (high - low) * 2 - 1",
        "return ((ratings - low) - (high - ratings)) / (high - low)",
        "return np.interp(ratings, [low, high], [-1, 1])",
        "return np.clip(2 * (ratings - low) / (high - low) - 1, -1, 1)",
        "return np.float32(2) * (ratings.astype(np.float32) - low) / (high - low) - 1",
        "return np.array([2 * (rating - low) / (high - low) - 1 for rating in ratings])",
        "return [2 * (rating - low) / (high - low) - 1 for rating in ratings]",
        "return tuple((rating - (low + high) / 2) / (high - (low + high) / 2) for rating in ratings)",
        "return np.vectorize(lambda rating: 2 * (rating - low) / (high - low) - 1)(ratings)",
        "return np.subtract(np.divide(2 * (ratings - low), high - low), 1)",
        "return np.polyval(np.polyfit([low, (low + high) / 2, high], [-1, 0, 1], 1), ratings)",
        "a = np.array(ratings, dtype=float)\n    a -= low\n    a /= high - low\n    a *= 2\n    a -= 1\n    return a",
        "result = np.empty(len(ratings))\n    for n, rating in enumerate(ratings):\n"
        "        result[n] = 2 * (rating - low) / (high - low) - 1\n    return result",
        "slope = 2 / (high - low)\n    return slope * ratings - slope * (low + high) / 2",
        "import torch\n    return 2 * (torch.tensor(ratings) - low) / (high - low) - 1",
        "from emosphere.sphere import Scale\n    return Scale(low, high).to_sphere(ratings)",
    )
]

RADIUS = "r = np.sqrt(valence**2 + arousal**2 + dominance**2)"
AZIMUTH = "a = np.degrees(np.arctan2(valence, arousal)) % 360"
ELEVATION = "e = np.degrees(np.arcsin(dominance / r))"
RETURN = "return r, a, e"


def spherical(radius=RADIUS, azimuth=AZIMUTH, elevation=ELEVATION, answer=RETURN):
    return "\n    ".join(["def to_spherical(valence, arousal, dominance):", radius, azimuth, elevation, answer])


TO_SPHERICAL = [
    spherical(),
    spherical("r = (valence**2 + arousal**2 + dominance**2) ** 0.5"),
    spherical("r = np.linalg.norm([valence, arousal, dominance])"),
    spherical("r = np.hypot(np.hypot(valence, arousal), dominance)"),
    spherical("import math\n    r = math.hypot(valence, arousal, dominance)"),
    spherical("x = np.array([valence, arousal, dominance])\n    r = np.sqrt(x @ x)"),
    spherical(azimuth="a = np.rad2deg(np.arctan2(valence, arousal)) % 360"),
    spherical(azimuth="a = np.arctan2(valence, arousal) * 180 / np.pi\n    if a < 0:\n        a += 360"),
    spherical(azimuth="a = np.mod(np.degrees(np.arctan2(valence, arousal)), 360)"),
    spherical(azimuth="a = np.degrees(np.arctan2(valence, arousal) % (2 * np.pi))"),
    spherical(azimuth="a = (np.degrees(np.arctan2(valence, arousal)) + 360) % 360"),
    spherical(azimuth="a = np.degrees(np.angle(arousal + 1j * valence)) % 360"),
    spherical(azimuth="import math\n    a = math.degrees(math.atan2(valence, arousal)) % 360"),
    spherical(
        azimuth="g = np.hypot(valence, arousal)\n    a = np.degrees(np.arccos(arousal / g))\n"
        "    a = a if valence >= 0 else 360 - a"
    ),
    spherical(
        azimuth="if arousal == 0:\n        a = 90.0 if valence > 0 else 270.0\n    else:\n"
        "        a = np.degrees(np.arctan(valence / arousal))\n"
        "        a = (a + (180 if arousal < 0 else 0)) % 360"
    ),
    spherical(elevation="e = np.degrees(np.arctan2(dominance, np.hypot(valence, arousal)))"),
    spherical(elevation="e = 90 - np.degrees(np.arccos(dominance / r))"),
    spherical(elevation="e = np.degrees(np.arctan(dominance / np.sqrt(valence**2 + arousal**2)))"),
    spherical(elevation="e = np.degrees(np.arcsin(dominance / r)) if r > 0 else 0"),
    spherical(elevation="e = np.degrees(np.arcsin(np.clip(dominance / r, -1, 1)))", answer="return [r, a, e]"),
    spherical(answer="return np.array([r, a, e])"),
    spherical(answer="return np.float32(r), np.float32(a), np.float32(e)"),
    "def to_spherical(valence, arousal, dominance):\n    from emosphere.sphere import vad_to_spherical\n"
    "    r, a, e = vad_to_spherical([valence, arousal, dominance])\n    return r, np.degrees(a), np.degrees(e)",
]


def cells(
    column="column = int(azimuth // (360 / across))",
    row="row = down - 1 - min(int((elevation + 90) // (180 / down)), down - 1)",
    answer="return row * across + column",
):
    return "\n    ".join(["def assign(azimuth, elevation, across, down):", column, row, answer])


ASSIGN = [
    cells(),
    cells("column = int(azimuth / 360 * across)"),
    cells("column = int(azimuth * across / 360)"),
    cells("column = np.floor(azimuth / (360 / across)).astype(int)"),
    cells("column = azimuth // (360 / across)"),
    cells("column = int(azimuth / (360 / across)) % across"),
    cells("column = np.digitize(azimuth, np.linspace(0, 360, across + 1)) - 1"),
    cells("column = 0\n    while (column + 1) * 360 / across <= azimuth:\n        column += 1"),
    cells("column = sum(azimuth >= n * 360 / across for n in range(1, across))"),
    cells(row="row = max(0, int(np.ceil((90 - elevation) / (180 / down))) - 1)"),
    cells(row="row = max(0, -int((elevation - 90) // (180 / down)) - 1)"),
    cells(row="row = down - 1 - int(min((elevation + 90) / 180 * down, down - 1))"),
    cells(row="row = down - 1 - np.minimum((elevation + 90) * down // 180, down - 1)"),
    cells(row="row = int((90 - elevation - 1e-9) / (180 / down))"),
    cells(
        row="up = np.digitize(elevation, np.linspace(-90, 90, down + 1)) - 1\n    row = down - 1 - min(up, down - 1)"
    ),
    cells(
        row="row = int(np.searchsorted(np.linspace(-90, 90, down + 1)[1:-1], elevation, side='right'))\n"
        "    row = down - 1 - row"
    ),
    cells(row="row = 0\n    while elevation < 90 - (row + 1) * 180 / down:\n        row += 1"),
    cells(row="row = sum(elevation < 90 - n * 180 / down for n in range(1, down))"),
    cells(
        row="if elevation == 90:\n        row = 0\n    else:\n        row = down - 1 - (elevation + 90) // (180 / down)"
    ),
    cells(answer="return float(across * row + column)"),
    cells(answer="return np.arange(across * down).reshape(down, across)[row, column]"),
    cells(answer="return np.ravel_multi_index((row, column), (down, across))"),
]

COUNTS = "n = np.bincount(regions, minlength=count)"


def weighing(*lines):
    return "\n    ".join(["def weights(regions, count):", *lines])


WEIGHTS = [
    weighing(COUNTS, "w = np.zeros(count)", "w[n > 0] = len(regions) / (count * n[n > 0])", "return w"),
    weighing(COUNTS, "return np.where(n > 0, len(regions) / (count * np.maximum(n, 1)), 0)"),
    weighing(COUNTS, "return np.where(n > 0, len(regions) / (count * n), 0)"),
    weighing(COUNTS, "return np.where(n == 0, 0, n.sum() / n / count)"),
    weighing(COUNTS, "w = len(regions) / (count * n)", "w[n == 0] = 0", "return w"),
    weighing(COUNTS, "w = len(regions) / (count * n)", "w[np.isinf(w)] = 0", "return w"),
    weighing(COUNTS, "return np.nan_to_num(len(regions) / (count * n), posinf=0)"),
    weighing(COUNTS, "return np.divide(len(regions), count * n, out=np.zeros(count), where=n > 0)"),
    weighing(COUNTS, "return [len(regions) / (count * k) if k else 0 for k in n]"),
    weighing(COUNTS, "n = n.astype(float)", "n[n == 0] = np.inf", "return len(regions) / count / n"),
    weighing(COUNTS, "return (n > 0) * regions.size / (count * (n + (n == 0)))"),
    weighing(COUNTS, "return (np.where(n, len(regions) / (count * n), 0)).astype(np.float32)"),
    weighing(
        "n = np.array([(regions == k).sum() for k in range(count)])", "return np.where(n > 0, n.sum() / (count * n), 0)"
    ),
    weighing(
        "n = np.histogram(regions, bins=np.arange(count + 1) - 0.5)[0]",
        "return np.where(n > 0, n.sum() / (count * n), 0)",
    ),
    weighing("n = (regions[:, None] == np.arange(count)).sum(0)", "return np.where(n > 0, n.sum() / (count * n), 0)"),
    weighing("n = np.eye(count)[regions].sum(axis=0)", "return np.where(n > 0, n.sum() / (count * n), 0)"),
    weighing(
        "w = np.zeros(count)",
        "for k in set(regions.tolist()):",
        "    w[k] = len(regions) / (count * np.sum(regions == k))",
        "return w",
    ),
    weighing(
        "w = np.zeros(count)",
        "k, n = np.unique(regions, return_counts=True)",
        "w[k] = len(regions) / (count * n)",
        "return w",
    ),
    weighing(
        "n = [0] * count",
        "for region in regions:",
        "    n[region] += 1",
        "return [len(regions) / count / k if k > 0 else 0.0 for k in n]",
    ),
    weighing(
        "from collections import Counter",
        "n = Counter(regions.tolist())",
        "return np.array([len(regions) / (count * n[k]) if n[k] else 0 for k in range(count)])",
    ),
    weighing(
        "n = np.zeros(count)", "np.add.at(n, regions, 1)", "return np.where(n > 0, len(regions) / (count * n), 0)"
    ),
    weighing(
        "import torch",
        "n = torch.bincount(torch.tensor(regions), minlength=count)",
        "return torch.where(n > 0, len(regions) / (count * n), 0.0)",
    ),
    weighing(
        "from emosphere.sphere import inverse_frequency_weights", "return inverse_frequency_weights(regions, count)"
    ),
]

RIGHT = {"L1-1": NORMALISE, "L1-2": TO_SPHERICAL, "L1-3": ASSIGN, "L1-4": WEIGHTS}
