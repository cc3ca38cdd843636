"""Ways to write the right answers of lab 4, all of which are to be accepted."""

VARIANTS = [
    f"def my_variants():\n    {line}"
    for line in (
        "return {'full': {}, 'mine': {'auxiliary': 'none'}}",
        "return {'mine': {'auxiliary': 'none'}, 'full': {}}",
        "return dict(full={}, mine=dict(pooling='statistics'))",
        "return {'full': {}, 'no fading': {'schedule': 'constant'}}",
        "return {'full': {}, 'mine': {'weighted': False}}",
        "return {'full': {}, 'mine': {'azimuth': 8, 'elevation': 4}}",
        "return {'full': {}, 'mine': {'elevation': 4, 'azimuth': 8}}",
        "return {'full': {}, 'mine': {'azimuth': 8}}",
        "return {'full': {}, 'mine': {'elevation': 4}}",
        "return {'full': {}, 'mine': {'azimuth': 8, 'elevation': 2}}",
        "return {'full': {}, 'mine': {'layer': 'last'}}",
        "return {'full': {}, 'mine': {'layer': 1}}",
        "return {'full': {}, 'mine': {'learning_rate': 3e-4}}",
        "return {'full': {}, 'mine': {'learning_rate': 0.0001}}",
        "return {'full': {}, 'mine': {'style_width': 24}}",
        "return {'full': {}, 'mine': {'style_width': 24, 'pooling': 'style', 'auxiliary': 'region'}}",
        "return {'full': {}, 'mine': {'weighted': False, 'azimuth': 4, 'elevation': 2}}",
        "return {'full': {}, 'mine': {'learning_rate': 1 / 10_000}}",
        "return {'full': {}, 'mine': {'head_dropout': 0.1}}",
        "return {'full': {}, 'mine': {'weighted': False, 'spec_augment': False, 'spacing': 'area'}}",
        "return {'full': {}, 'mine': {'schedule': 'constant', 'decay_epochs': 5}}",
        "return {'full': {}, 'mine': {'decay_epochs': 6}}",
        "variants = {}\n    variants['full'] = {}\n    variants['mine'] = {'epochs': 6}\n    return variants",
        "from collections import OrderedDict\n    return OrderedDict(full={}, mine={'auxiliary': 'none'})",
    )
]


def interval(*lines):
    return "\n    ".join(["def interval(differences):", *lines])


N, MEAN = "n = len(differences)", "mean = differences.mean()"
SPREAD = "s = np.std(differences, ddof=1)"
BOTH = "return mean - half, mean + half"
INTERVAL = [
    interval(N, MEAN, SPREAD, "half = l4.t_quantile(n - 1) * s / np.sqrt(n)", BOTH),
    interval(N, MEAN, SPREAD, "half = l4.t_quantile(n - 1) * s / n**0.5", "return [mean - half, mean + half]"),
    interval(
        N, MEAN, SPREAD, "half = l4.t_quantile(n - 1) * s / np.sqrt(n)", "return np.array([mean - half, mean + half])"
    ),
    interval(N, MEAN, SPREAD, "half = l4.t_quantile(n - 1) * s / np.sqrt(n)", "return mean + half * np.array([-1, 1])"),
    interval(
        N,
        MEAN,
        SPREAD,
        "half = l4.t_quantile(n - 1) * s / np.sqrt(n)",
        "low = mean - half",
        "return low, low + 2 * half",
    ),
    interval(
        N,
        MEAN,
        SPREAD,
        "half = l4.t_quantile(n - 1) * s / np.sqrt(n)",
        "return tuple(sorted((mean + half, mean - half)))",
    ),
    interval(N, MEAN, "s = differences.std(ddof=1)", "half = s * n**-0.5 * l4.t_quantile(n - 1)", BOTH),
    interval(N, MEAN, "s = np.sqrt(np.var(differences, ddof=1))", "half = l4.t_quantile(n - 1) * s / np.sqrt(n)", BOTH),
    interval(
        N, MEAN, "s = np.std(differences) * np.sqrt(n / (n - 1))", "half = l4.t_quantile(n - 1) * s / np.sqrt(n)", BOTH
    ),
    interval(N, MEAN, "half = l4.t_quantile(n - 1) * np.std(differences) / np.sqrt(n - 1)", BOTH),
    interval(N, MEAN, "half = l4.t_quantile(n - 1) * np.sqrt(np.sum((differences - mean) ** 2) / (n * (n - 1)))", BOTH),
    interval(N, MEAN, "half = l4.t_quantile(n - 1) * np.linalg.norm(differences - mean) / (n * (n - 1)) ** 0.5", BOTH),
    interval(
        N,
        "mean = sum(differences) / n",
        "v = sum((d - mean) ** 2 for d in differences) / (n - 1)",
        "half = l4.t_quantile(n - 1) * (v / n) ** 0.5",
        BOTH,
    ),
    interval(N, MEAN, "s = np.sqrt(np.cov(differences))", "half = l4.t_quantile(n - 1) * s / np.sqrt(n)", BOTH),
    interval(
        "import math, statistics",
        N,
        "d = differences.tolist()",
        "mean = statistics.mean(d)",
        "half = l4.t_quantile(n - 1) * statistics.stdev(d) / math.sqrt(n)",
        BOTH,
    ),
    interval(
        "import pandas as pd",
        "d = pd.Series(differences)",
        "mean = d.mean()",
        "half = l4.t_quantile(len(d) - 1) * d.sem()",
        BOTH,
    ),
    interval(
        "import torch",
        N,
        "d = torch.tensor(differences)",
        "mean = d.mean()",
        "half = l4.t_quantile(n - 1) * d.std() / n**0.5",
        BOTH,
    ),
    interval("from scipy import stats", N, MEAN, SPREAD, "half = stats.t.ppf(0.975, n - 1) * s / np.sqrt(n)", BOTH),
    interval(
        "from scipy import stats",
        "return stats.t.interval(0.95, len(differences) - 1, np.mean(differences), stats.sem(differences))",
    ),
    interval("from scipy import stats", "return stats.ttest_1samp(differences, 0).confidence_interval()"),
    interval(
        "differences = np.float32(differences)", N, MEAN, SPREAD, "half = l4.t_quantile(n - 1) * s / np.sqrt(n)", BOTH
    ),
    interval(
        "n = differences.size",
        "mean = np.average(differences)",
        SPREAD,
        "half = l4.t_quantile(float(n - 1)) * s / np.sqrt(n)",
        "return float(mean - half), float(mean + half)",
    ),
]


def claim(*lines):
    return "\n    ".join(["def claim(low, high):", *lines])


CLAIM = [
    claim("if low > 0:", "    return 'better'", "if high < 0:", "    return 'worse'", "return 'cannot tell'"),
    claim(
        "if high < 0:",
        "    return 'worse'",
        "elif low > 0:",
        "    return 'better'",
        "else:",
        "    return 'cannot tell'",
    ),
    claim("return 'better' if low > 0 else 'worse' if high < 0 else 'cannot tell'"),
    claim("return 'cannot tell' if low <= 0 <= high else 'better' if low > 0 else 'worse'"),
    claim("if low <= 0 and high >= 0:", "    return 'cannot tell'", "return 'better' if high > 0 else 'worse'"),
    claim("if low * high <= 0:", "    return 'cannot tell'", "return 'better' if low > 0 else 'worse'"),
    claim(
        "if low > 0 and high > 0:",
        "    return 'better'",
        "if low < 0 and high < 0:",
        "    return 'worse'",
        "return 'cannot tell'",
    ),
    claim(
        "word = 'cannot tell'",
        "if low > 0:",
        "    word = 'better'",
        "elif high < 0:",
        "    word = 'worse'",
        "return word",
    ),
    claim("if not low > 0 and not high < 0:", "    return 'cannot tell'", "return 'better' if low > 0 else 'worse'"),
    claim(
        "if np.sign(low) == np.sign(high) == 1:",
        "    return 'better'",
        "return 'worse' if np.sign(low) == np.sign(high) == -1 else 'cannot tell'",
    ),
    claim("return {2: 'better', -2: 'worse'}.get(int(np.sign(low) + np.sign(high)), 'cannot tell')"),
    claim("return ['worse', 'cannot tell', 'better'][1 + (low > 0) - (high < 0)]"),
    claim(
        "if max(low, 0) > 0:",
        "    return 'better'",
        "if min(high, 0) < 0:",
        "    return 'worse'",
        "return 'cannot tell'",
    ),
    claim(
        "if min(low, high) > 0:",
        "    return 'better'",
        "if max(low, high) < 0:",
        "    return 'worse'",
        "return 'cannot tell'",
    ),
    claim("return (low > 0) * 'better' + (high < 0) * 'worse' or 'cannot tell'"),
    claim(
        "match (bool(low > 0), bool(high < 0)):",
        "    case (True, _):",
        "        return 'better'",
        "    case (_, True):",
        "        return 'worse'",
        "return 'cannot tell'",
    ),
    claim(
        "if all(np.array([low, high]) > 0):",
        "    return 'better'",
        "if np.all(np.array([low, high]) < 0):",
        "    return 'worse'",
        "return 'cannot tell'",
    ),
    claim("return str(np.where(low > 0, 'better', np.where(high < 0, 'worse', 'cannot tell')))"),
    claim("return np.array(['cannot tell', 'better', 'worse'])[1 if low > 0 else 2 if high < 0 else 0]"),
    claim("return np.select([low > 0, high < 0], ['better', 'worse'], 'cannot tell')"),
    claim("return np.where(low > 0, 'better', np.where(high < 0, 'worse', 'cannot tell'))"),
]

RIGHT = {"L4-1": VARIANTS, "L4-2": INTERVAL, "L4-3": CLAIM}
