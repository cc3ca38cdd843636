"""Ways to write the right answers of lab 2, all of which are to be accepted."""

COVARIANCE = "c = np.mean((truth - truth.mean()) * (prediction - prediction.mean()))"
SHIFT = "d = truth.mean() - prediction.mean()"


def ccc(*lines):
    return "\n    ".join(["def ccc(truth, prediction):", *lines])


CCC = [
    ccc(COVARIANCE, SHIFT, "return 2 * c / (truth.var() + prediction.var() + d**2)"),
    ccc(COVARIANCE, SHIFT, "return 2 * c / (np.std(truth) ** 2 + np.std(prediction) ** 2 + d * d)"),
    ccc(COVARIANCE, SHIFT, "return c / (0.5 * truth.var() + 0.5 * prediction.var() + 0.5 * d**2)"),
    ccc(COVARIANCE, "return 2 * c / (truth.var() + prediction.var() + (prediction.mean() - truth.mean()) ** 2)"),
    ccc(COVARIANCE, SHIFT, "return float(2 * c / np.sum([truth.var(), prediction.var(), np.square(d)]))"),
    ccc(SHIFT, "c = np.cov(truth, prediction, bias=True)", "return 2 * c[0, 1] / (c[0, 0] + c[1, 1] + d**2)"),
    ccc(SHIFT, "c = np.cov(truth, prediction, ddof=0)", "return 2 * c[0, 1] / (np.trace(c) + d**2)"),
    ccc(
        SHIFT,
        "n = len(truth)",
        "c = np.cov(truth, prediction) * (n - 1) / n",
        "return 2 * c[0, 1] / (c[0, 0] + c[1, 1] + d**2)",
    ),
    ccc(
        SHIFT,
        "c = np.mean(truth * prediction) - truth.mean() * prediction.mean()",
        "return 2 * c / (truth.var() + prediction.var() + d**2)",
    ),
    ccc(
        SHIFT,
        "a, b = truth - truth.mean(), prediction - prediction.mean()",
        "n = len(truth)",
        "return 2 * (a @ b) / (a @ a + b @ b + n * d**2)",
    ),
    ccc(
        SHIFT,
        "a, b = truth - truth.mean(), prediction - prediction.mean()",
        "return 2 * np.mean(a * b) / (np.mean(a**2) + np.mean(b**2) + d**2)",
    ),
    ccc(COVARIANCE, "return 2 * c / (np.mean((truth - prediction) ** 2) + 2 * c)"),
    ccc(
        "independent = np.mean((truth[:, None] - prediction[None]) ** 2)",
        "return 1 - np.mean((truth - prediction) ** 2) / independent",
    ),
    ccc(
        "if prediction.std() == 0 or truth.std() == 0:",
        "    return 0",
        "r = np.corrcoef(truth, prediction)[0, 1]",
        SHIFT,
        "return 2 * r * truth.std() * prediction.std() / (truth.var() + prediction.var() + d**2)",
    ),
    ccc(
        "r = np.nan_to_num(np.corrcoef(truth, prediction)[0, 1])",
        SHIFT,
        "return 2 * r * truth.std() * prediction.std() / (truth.var() + prediction.var() + d**2)",
    ),
    ccc(
        "truth, prediction = np.float32(truth), np.float32(prediction)",
        COVARIANCE,
        SHIFT,
        "return 2 * c / (truth.var() + prediction.var() + d**2)",
    ),
    ccc(
        "n = len(truth)",
        "a, b = sum(truth) / n, sum(prediction) / n",
        "c = sum((t - a) * (p - b) for t, p in zip(truth, prediction)) / n",
        "v = sum((t - a) ** 2 for t in truth) / n + sum((p - b) ** 2 for p in prediction) / n",
        "return 2 * c / (v + (a - b) ** 2)",
    ),
    ccc(
        "import statistics as s",
        "t, p = truth.tolist(), prediction.tolist()",
        "c = s.covariance(t, p) * (len(t) - 1) / len(t)",
        "return 2 * c / (s.pvariance(t) + s.pvariance(p) + (s.mean(t) - s.mean(p)) ** 2)",
    ),
    ccc(
        "import torch",
        "t, p = torch.tensor(truth), torch.tensor(prediction)",
        "c = ((t - t.mean()) * (p - p.mean())).mean()",
        "return 2 * c / (t.var(correction=0) + p.var(correction=0) + (t.mean() - p.mean()) ** 2)",
    ),
    ccc(COVARIANCE, SHIFT, "return np.array(2 * c / (truth.var() + prediction.var() + d**2))"),
    ccc(COVARIANCE, SHIFT, "return 2 * c / (truth.var() + prediction.var() + d**2 + 1e-12)"),
    ccc("from emosphere.metrics import concordance_cc", "return concordance_cc(truth, prediction)"),
]


def best(*lines):
    return "\n    ".join(["def best_factor(loss, truth, heard, factors):", *lines])


PREDICTED = "truth.mean() + f * (heard - heard.mean())"
BEST_FACTOR = [
    best(f"losses = [loss(truth, {PREDICTED}) for f in factors]", "return factors[np.argmin(losses)]"),
    best(f"losses = np.array([loss(truth, {PREDICTED}) for f in factors])", "return factors[losses.argmin()]"),
    best(f"losses = [loss(truth, {PREDICTED}) for f in factors]", "return factors[losses.index(min(losses))]"),
    best(
        f"losses = [loss(truth, {PREDICTED}) for f in factors]",
        "return factors[len(losses) - 1 - np.argmin(losses[::-1])]",
    ),
    best(f"return min(factors, key=lambda f: loss(truth, {PREDICTED}))"),
    best(f"return min(reversed(factors), key=lambda f: loss(truth, {PREDICTED}))"),
    best(f"return max(factors, key=lambda f: -loss(truth, {PREDICTED}))"),
    best(f"return sorted(factors, key=lambda f: loss(truth, {PREDICTED}))[0]"),
    best(f"return min((loss(truth, {PREDICTED}), f) for f in factors)[1]"),
    best(f"table = {{loss(truth, {PREDICTED}): f for f in factors}}", "return table[min(table)]"),
    best(
        "lowest = np.inf",
        "for f in factors:",
        f"    here = loss(truth, {PREDICTED})",
        "    if here < lowest:",
        "        lowest, chosen = here, f",
        "return chosen",
    ),
    best(
        "lowest = np.inf",
        "for f in factors:",
        f"    here = loss(truth, {PREDICTED})",
        "    if here <= lowest:",
        "        lowest, chosen = here, f",
        "return chosen",
    ),
    best(
        "lowest, chosen = None, None",
        "for f in sorted(factors):",
        f"    here = loss(truth, {PREDICTED})",
        "    if lowest is None or here < lowest:",
        "        lowest, chosen = here, f",
        "return chosen",
    ),
    best(
        "losses = []",
        "for f in factors:",
        "    scaled = f * heard",
        "    losses.append(loss(truth, truth.mean() + scaled - scaled.mean()))",
        "return factors[np.argmin(losses)]",
    ),
    best(
        "losses = [loss(truth, f * heard + (truth.mean() - f * heard.mean())) for f in factors]",
        "return factors[np.argmin(losses)]",
    ),
    best(
        "losses = [loss(truth, f * (heard - heard.mean()) + truth.mean()) for f in factors]",
        "return factors[np.argmin(losses)]",
    ),
    best(
        "a, b = sum(truth) / len(truth), sum(heard) / len(heard)",
        "losses = [loss(truth, np.array([a + f * (h - b) for h in heard])) for f in factors]",
        "return factors[np.argmin(losses)]",
    ),
    best(
        "truth, heard = np.float32(truth), np.float32(heard)",
        f"losses = [np.float32(loss(truth, {PREDICTED})) for f in np.float32(factors)]",
        "return factors[np.argmin(losses)]",
    ),
    best(f"losses = np.round([loss(truth, {PREDICTED}) for f in factors], 4)", "return factors[np.argmin(losses)]"),
    best(
        "table = truth.mean() + np.outer(factors, heard - heard.mean())",
        "return float(factors[np.argmin([loss(truth, row) for row in table])])",
    ),
    best(
        "table = truth.mean() + factors[:, None] * (heard - heard.mean())",
        "return factors[np.apply_along_axis(lambda row: loss(truth, row), 1, table).argmin()]",
    ),
    best(
        f"losses = np.vectorize(lambda f: loss(truth, {PREDICTED}))(factors)", "return factors[np.argsort(losses)[0]]"
    ),
    best(
        "import torch",
        f"losses = torch.tensor([loss(truth, {PREDICTED}) for f in factors])",
        "return torch.tensor(factors)[losses.argmin()]",
    ),
]


def entropy(*lines):
    return "\n    ".join(["def weighted_cross_entropy(probabilities, regions, weights):", *lines])


CHOSEN, HEAVY = "p = probabilities[np.arange(len(regions)), regions]", "w = weights[regions]"
ENTROPY = [
    entropy(CHOSEN, HEAVY, "return np.sum(w * -np.log(p)) / np.sum(w)"),
    entropy(CHOSEN, HEAVY, "return -(w * np.log(p)).sum() / w.sum()"),
    entropy(CHOSEN, HEAVY, "return (w * np.log(1 / p)).sum() / w.sum()"),
    entropy(CHOSEN, HEAVY, "return -np.log(p) @ w / w.sum()"),
    entropy(CHOSEN, HEAVY, "return np.dot(w / w.sum(), -np.log(p))"),
    entropy(CHOSEN, HEAVY, "return np.average(-np.log(p), weights=w)"),
    entropy(CHOSEN, HEAVY, "return np.mean(w * -np.log(p)) / np.mean(w)"),
    entropy(CHOSEN, HEAVY, "return -np.log(np.prod(p ** (w / w.sum())))"),
    entropy(CHOSEN, HEAVY, "return -(w * np.log(p + 1e-9)).sum() / w.sum()"),
    entropy(CHOSEN, HEAVY, "return -(w * np.log2(p)).sum() / w.sum() * np.log(2)"),
    entropy(CHOSEN, HEAVY, "return np.float32(-(w * np.log(p)).sum() / w.sum())"),
    entropy(
        "p = np.array([row[r] for row, r in zip(probabilities, regions)])",
        HEAVY,
        "return -(w * np.log(p)).sum() / w.sum()",
    ),
    entropy(
        "p = np.take_along_axis(probabilities, regions[:, None], axis=1)[:, 0]",
        HEAVY,
        "return -(w * np.log(p)).sum() / w.sum()",
    ),
    entropy("p = np.diag(probabilities[:, regions])", HEAVY, "return -(w * np.log(p)).sum() / w.sum()"),
    entropy(
        "p = np.choose(regions, probabilities.T)",
        "w = np.take(weights, regions)",
        "return -(w * np.log(p)).sum() / w.sum()",
    ),
    entropy(
        "hot = np.eye(len(weights))[regions]",
        "p, w = (hot * probabilities).sum(1), hot @ weights",
        "return -(w * np.log(p)).sum() / w.sum()",
    ),
    entropy("hot = np.eye(len(weights))[regions] * weights", "return -(hot * np.log(probabilities)).sum() / hot.sum()"),
    entropy(
        "top = below = 0",
        "for row, r in zip(probabilities, regions):",
        "    top -= weights[r] * np.log(row[r])",
        "    below += weights[r]",
        "return top / below",
    ),
    entropy(
        "import math",
        "n = range(len(regions))",
        "top = sum(weights[regions[i]] * -math.log(probabilities[i][regions[i]]) for i in n)",
        "return top / sum(weights[regions[i]] for i in n)",
    ),
    entropy(
        "n = np.bincount(regions, minlength=len(weights))",
        "top = sum(weights[k] * -np.log(probabilities[regions == k, k]).sum() for k in range(len(weights)))",
        "return top / (n * weights).sum()",
    ),
    entropy(
        "import torch",
        "from torch.nn.functional import nll_loss",
        "p, r, w = map(torch.tensor, (probabilities, regions, weights))",
        "return nll_loss(p.log(), r, w)",
    ),
    entropy(
        "import torch",
        "p, r, w = map(torch.tensor, (probabilities, regions, weights))",
        "return torch.nn.functional.cross_entropy(p.log(), r, weight=w).item()",
    ),
]


def fading(*lines):
    return "\n    ".join(["def auxiliary_weight(epoch, decay_epochs):", *lines])


SCHEDULE = [
    fading("if epoch < decay_epochs:", "    return 1 - 0.99 * epoch / decay_epochs", "return 0"),
    fading("return 1 - 0.99 * epoch / decay_epochs if epoch < decay_epochs else 0.0"),
    fading("return 0 if epoch >= decay_epochs else 1 - epoch * 0.99 / decay_epochs"),
    fading("if epoch >= decay_epochs:", "    return 0", "else:", "    return 1 - epoch / decay_epochs * 0.99"),
    fading("step = 0.99 / decay_epochs", "return 1 - step * epoch if epoch < decay_epochs else 0"),
    fading("return 1 + (0.01 - 1) * epoch / decay_epochs if epoch < decay_epochs else 0"),
    fading("t = epoch / decay_epochs", "return (1 - t) + 0.01 * t if t < 1 else 0"),
    fading("t = epoch / decay_epochs", "return (t < 1) * (1 - 0.99 * t)"),
    fading("return (1 - 0.99 * epoch / decay_epochs) * (epoch < decay_epochs)"),
    fading("return int(epoch < decay_epochs) * (decay_epochs - 0.99 * epoch) / decay_epochs"),
    fading("return np.where(epoch < decay_epochs, 1 - 0.99 * epoch / decay_epochs, 0)"),
    fading("return np.interp(epoch, [0, decay_epochs], [1, 0.01]) if epoch < decay_epochs else 0"),
    fading("return np.interp(epoch, [0, decay_epochs - 1e-9, decay_epochs], [1, 0.01, 0])"),
    fading("table = np.linspace(1, 0.01, decay_epochs + 1)[:-1]", "return table[epoch] if epoch < decay_epochs else 0"),
    fading(
        "table = [1 - 0.99 * e / decay_epochs for e in range(decay_epochs)]",
        "return dict(enumerate(table)).get(epoch, 0)",
    ),
    fading(
        "weight = 1.0",
        "for _ in range(epoch):",
        "    weight -= 0.99 / decay_epochs",
        "return weight if epoch < decay_epochs else 0",
    ),
    fading("weight = 1 - 0.99 * epoch / decay_epochs", "if weight <= 0.01 + 1e-9:", "    weight = 0", "return weight"),
    fading("if epoch > decay_epochs - 1:", "    return 0.0", "return 1 - 0.99 * epoch / decay_epochs"),
    fading("return np.float32(1 - 0.99 * epoch / decay_epochs) if epoch < decay_epochs else np.float32(0)"),
    fading("return max(0, 1 - 0.99 * epoch / decay_epochs) if epoch != decay_epochs else 0"),
    fading(
        "from fractions import Fraction",
        "t = Fraction(99 * epoch, 100 * decay_epochs)",
        "return float(1 - t) if epoch < decay_epochs else 0",
    ),
    fading("import torch", "t = torch.tensor(epoch / decay_epochs)", "return torch.where(t < 1, 1 - 0.99 * t, 0.0)"),
]

RIGHT = {"L2-1": CCC, "L2-2": BEST_FACTOR, "L2-3": ENTROPY, "L2-4": SCHEDULE}
