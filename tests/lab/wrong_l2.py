"""What students write in lab 2 before they are right, and a piece of the hint that should come."""

WRONG = {
    "L2-1": [
        (
            """
def ccc(truth, prediction):
    return np.corrcoef(truth, prediction)[0, 1]
""",
            "that is the correlation",
        ),
        (
            """
def ccc(truth, prediction):
    rho = np.corrcoef(truth, prediction)[0, 1]
    spreads = np.std(truth) * np.std(prediction)
    return 2 * rho * spreads / (np.var(truth) + np.var(prediction) + (np.mean(truth) - np.mean(prediction)) ** 2)
""",
            "nan comes out",
        ),
        (
            """
def ccc(truth, prediction):
    a, b = truth - truth.mean(), prediction - prediction.mean()
    rho = (a * b).sum() / ((a**2).sum() * (b**2).sum()) ** 0.5
    return 2 * rho * a.std() * b.std() / (a.var() + b.var() + (truth.mean() - prediction.mean()) ** 2)
""",
            "nan comes out",
        ),
        (
            """
def ccc(truth, prediction):
    cov = ((truth - np.mean(truth)) * (prediction - np.mean(prediction))).mean()
    return cov / (np.var(truth) + np.var(prediction) + (np.mean(truth) - np.mean(prediction)) ** 2)
""",
            "Which factor",
        ),
        (
            """
def ccc(truth, prediction):
    cov = np.cov(truth, prediction)[0][1]
    return 2 * cov / (np.var(truth) + np.var(prediction) + (np.mean(truth) - np.mean(prediction)) ** 2)
""",
            "n - 1",
        ),
        (
            """
def ccc(truth, prediction):
    cov = np.cov(truth, prediction)
    return 2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + (truth.mean() - prediction.mean()) ** 2)
""",
            "n - 1",
        ),
        (
            """
def ccc(truth, prediction):
    cov = np.cov(truth, prediction, bias=True)
    return 2 * cov / (np.var(truth) + np.var(prediction) + (np.mean(truth) - np.mean(prediction)) ** 2)
""",
            "Which entry",
        ),
        (
            """
def ccc(truth, prediction):
    cov = np.mean((truth - np.mean(truth)) * (prediction - np.mean(prediction)))
    return 2 * cov / np.var(truth) + np.var(prediction) + (np.mean(truth) - np.mean(prediction)) ** 2
""",
            "Where are brackets due",
        ),
        (
            """
def ccc(truth, prediction):
    cov = np.mean((truth - np.mean(truth)) * (prediction - np.mean(prediction)))
    return 2 * cov / (np.std(truth) + np.std(prediction) + (np.mean(truth) - np.mean(prediction)) ** 2)
""",
            "variances",
        ),
        (
            """
def ccc(truth, prediction):
    a, b = truth - truth.mean(), prediction - prediction.mean()
    return 2 * (a * b) / (truth.var() + prediction.var() + (truth.mean() - prediction.mean()) ** 2)
""",
            "a number for each utterance",
        ),
        (
            """
def ccc(truth, prediction):
    a, b = truth - truth.mean(), prediction - prediction.mean()
    return 2 * a.mean() * b.mean() / (truth.var() + prediction.var() + (truth.mean() - prediction.mean()) ** 2)
""",
            "have the mean 0",
        ),
        (
            """
def ccc(truth, prediction):
    a, b = truth - truth.mean(), prediction - prediction.mean()
    return 2 * np.dot(a, b) / (truth.var() + prediction.var() + (truth.mean() - prediction.mean()) ** 2)
""",
            "you sum the products",
        ),
        (
            """
def ccc(truth, prediction):
    a, b = truth - truth.mean(), prediction - prediction.mean()
    return 2 * np.mean(a * b) / (truth.var() + prediction.var() + np.mean((truth - prediction) ** 2))
""",
            "mean of squared differences",
        ),
        (
            """
def ccc(truth, prediction):
    a, b = truth - truth.mean(), prediction - prediction.mean()
    return 1 - 2 * np.mean(a * b) / (truth.var() + prediction.var() + (truth.mean() - prediction.mean()) ** 2)
""",
            "that is the loss",
        ),
        (
            """
def ccc(truth, prediction):
    a, b = truth - truth.mean(), prediction - prediction.mean()
    return 2 * np.mean(a * b) / (truth.var() + prediction.var())
""",
            "Where is the difference of the means",
        ),
        (
            """
def ccc(truth, prediction):
    a, b = truth - truth.mean(), prediction - prediction.mean()
    return 2 * np.mean(a * b) / (truth.var() + prediction.var() + (truth - prediction) ** 2)
""",
            "the shape (3,)",
        ),
        (
            """
def ccc(truth, prediction):
    truth -= truth.mean()
    prediction -= prediction.mean()
    return 2 * np.mean(truth * prediction) / (truth.var() + prediction.var())
""",
            "changes what it was given",
        ),
        (
            """
def ccc(truth, prediction):
    a, b = truth - truth.mean(), prediction - prediction.mean()
    a, b = a / truth.std(), b / prediction.std()
    return np.mean(a * b)
""",
            "that is the correlation",
        ),
    ],
    "L2-2": [
        (
            """
def best_factor(loss, truth, heard, factors):
    losses = [loss(truth, truth.mean() + f * (heard - heard.mean())) for f in factors]
    return np.argmin(losses)
""",
            "the position",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    best = np.inf
    for f in factors:
        best = min(best, loss(truth, truth.mean() + f * (heard - heard.mean())))
    return best
""",
            "the lowest loss",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    best = 0
    for f in factors:
        value = loss(truth, truth.mean() + f * (heard - heard.mean()))
        if value > best:
            best, chosen = value, f
    return chosen
""",
            "the worst factor",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    lowest = np.inf
    for f in factors:
        value = loss(truth, truth.mean() + f * (heard - heard.mean()))
        if value < lowest:
            lowest, chosen = value, f
        return chosen
""",
            "inside the loop",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    lowest = np.inf
    for f in factors:
        value = loss(truth, truth.mean() + f * (heard - heard.mean()))
        if value < lowest:
            chosen = f
    return chosen
""",
            "always the last factor",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    table = truth.mean() + factors[:, None] * (heard - heard.mean())
    return factors[np.argmin(loss(truth, table))]
""",
            "differ in shape",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    losses = [loss(truth, f * heard) for f in factors]
    return factors[np.argmin(losses)]
""",
            "stretch away from 0",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    losses = [loss(truth, truth.mean() + f * heard) for f in factors]
    return factors[np.argmin(losses)]
""",
            "its own mean",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    losses = [loss(truth, heard.mean() + f * (heard - heard.mean())) for f in factors]
    return factors[np.argmin(losses)]
""",
            "mean of the truth is meant",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    losses = [loss(truth, truth.mean() + f * (truth - truth.mean())) for f in factors]
    return factors[np.argmin(losses)]
""",
            "which no model knows",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    losses = [loss(truth.mean() + f * (heard - heard.mean()), truth) for f in factors]
    return factors[np.argmin(losses)]
""",
            "the truth first",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    losses = [np.mean((truth - (truth.mean() + f * (heard - heard.mean()))) ** 2) for f in factors]
    return factors[np.argmin(losses)]
""",
            "whatever `loss` is",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    losses = [loss(truth, truth.mean() + f * (heard - heard.mean())) for f in factors]
    return min(factors, key=losses)
""",
            "TypeError",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    lowest = 100
    for f in factors:
        value = loss(truth, truth.mean() + f * (heard - heard.mean()))
        if value < lowest:
            lowest, chosen = value, f
    return chosen
""",
            "UnboundLocalError",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    cost = lambda f: loss(truth, truth.mean() + f * (heard - heard.mean()))
    order = np.argsort(factors)[::-1]
    for here, there in zip(order, order[1:]):
        if cost(factors[there]) > cost(factors[here]):
            return factors[here]
    return factors[order[-1]]
""",
            "Compute it by hand",
        ),
        (
            """
def best_factor(loss, truth, heard, factors):
    slope = np.cov(truth, heard)[0, 1] / np.var(heard, ddof=1)
    if loss is not l2.mean_squared_error:
        slope = np.std(truth) / np.std(heard) * np.sign(slope)
    return factors[np.argmin(np.abs(factors - slope))]
""",
            "Compute it by hand",
        ),
    ],
    "L2-3": [
        (
            """
def weighted_cross_entropy(probabilities, regions, weights):
    losses = -np.log(probabilities[np.arange(len(regions)), regions])
    return np.mean(weights[regions] * losses)
""",
            "the number of utterances",
        ),
        (
            """
def weighted_cross_entropy(probabilities, regions, weights):
    total = 0
    for row, region in zip(probabilities, regions):
        total += weights[region] * -np.log(row[region])
    return total / weights.sum()
""",
            "sum over the regions",
        ),
        (
            """
def weighted_cross_entropy(probabilities, regions, weights):
    total = 0
    for row, region in zip(probabilities, regions):
        total -= weights[region] * np.log(row[region])
    return total
""",
            "that is a sum",
        ),
        (
            """
def weighted_cross_entropy(probabilities, regions, weights):
    p = probabilities[np.arange(len(regions)), regions]
    return np.average(np.log(p), weights=weights[regions])
""",
            "Where does the minus belong",
        ),
        (
            """
def weighted_cross_entropy(probabilities, regions, weights):
    p = probabilities[np.arange(len(regions)), regions]
    return -np.log(p).mean()
""",
            "right without weights",
        ),
        (
            """
def weighted_cross_entropy(probabilities, regions, weights):
    best = np.argmax(probabilities, axis=1)
    p = probabilities[np.arange(len(regions)), best]
    w = weights[best]
    return (w * -np.log(p)).sum() / w.sum()
""",
            "likes best",
        ),
        (
            """
def weighted_cross_entropy(probabilities, regions, weights):
    p = probabilities[:, regions]
    w = weights[regions]
    return (w * -np.log(p)).sum() / w.sum()
""",
            "a square of numbers",
        ),
        (
            """
def weighted_cross_entropy(probabilities, regions, weights):
    return -(weights * np.log(probabilities)).sum() / weights[regions].sum()
""",
            "sum over all regions",
        ),
        (
            """
def weighted_cross_entropy(probabilities, regions, weights):
    p = probabilities[np.arange(len(regions)), regions]
    return (weights * -np.log(p)).sum() / weights.sum()
""",
            "ValueError",
        ),
        (
            """
def weighted_cross_entropy(probabilities, regions, weights):
    p = probabilities[regions, np.arange(len(regions))]
    w = weights[regions]
    return (w * -np.log(p)).sum() / w.sum()
""",
            "IndexError",
        ),
        (
            """
def weighted_cross_entropy(probabilities, regions, weights):
    p = probabilities[np.arange(len(regions)), regions]
    return weights[regions] * -np.log(p) / weights[regions].sum()
""",
            "a number for each utterance",
        ),
        (
            """
def weighted_cross_entropy(probabilities, regions, weights):
    p = probabilities[np.arange(len(regions)), regions]
    return (weights[regions] * (1 - p)).sum() / weights[regions].sum()
""",
            "logarithm is missing",
        ),
        (
            """
def weighted_cross_entropy(probabilities, regions, weights):
    one_hot = np.eye(probabilities.shape[1])[regions]
    return np.mean(-np.sum(weights * one_hot * np.log(probabilities), axis=1))
""",
            "the number of utterances",
        ),
    ],
    "L2-4": [
        (
            """
def auxiliary_weight(epoch, decay_epochs):
    return 1 - 0.99 * epoch / decay_epochs
""",
            "negative",
        ),
        (
            """
def auxiliary_weight(epoch, decay_epochs):
    return max(0, 1 - 0.99 / decay_epochs * epoch)
""",
            "at epoch 5 of 5",
        ),
        (
            """
def auxiliary_weight(epoch, decay_epochs):
    if epoch > decay_epochs:
        return 0
    return 1 - 0.99 * epoch / decay_epochs
""",
            "at epoch 5 of 5",
        ),
        (
            """
def auxiliary_weight(epoch, decay_epochs):
    return 1 - epoch / decay_epochs if epoch < decay_epochs else 0
""",
            "Where is the 0.99",
        ),
        (
            """
def auxiliary_weight(epoch, decay_epochs):
    return 1 - 0.99 * (epoch // decay_epochs) if epoch < decay_epochs else 0
""",
            "keeps it",
        ),
        (
            """
def auxiliary_weight(epoch, decay_epochs):
    return 1 - 0.99 * (epoch + 1) / decay_epochs if epoch < decay_epochs else 0
""",
            "counted from 0",
        ),
        (
            """
def auxiliary_weight(epoch, decay_epochs):
    if epoch < 5:
        return 1 - 0.99 / 5 * epoch
    else:
        return 0
""",
            "Use `decay_epochs`",
        ),
        (
            """
def auxiliary_weight(epoch, decay_epochs):
    if epoch < decay_epochs:
        return np.linspace(1, 0.01, decay_epochs)[epoch]
    return 0
""",
            "one epoch too early",
        ),
        (
            """
def auxiliary_weight(epoch, decay_epochs):
    if epoch < decay_epochs:
        return 1 - 0.99 * epoch / decay_epochs
""",
            "returns nothing",
        ),
        (
            """
def auxiliary_weight(epoch, decay_epochs):
    if epoch < decay_epochs:
        weight = 1 - 0.99 * epoch / decay_epochs
    return weight
""",
            "UnboundLocalError",
        ),
        (
            """
def auxiliary_weight(epoch, decay_epochs):
    return np.where(epoch < decay_epochs, 1 - 0.99 * epoch / decay_epochs, 0.01)
""",
            "for ever",
        ),
    ],
}
