"""Losses against literal formulas, audmetric, and PyTorch's own unweighted sums."""

import audmetric
import numpy as np
import pytest
import torch

from emosphere.losses import IGNORED, auxiliary_loss, auxiliary_weight, ccc, ccc_loss


def literal_ccc(y, p):
    n = len(y)
    my, mp = sum(y) / n, sum(p) / n
    covariance = sum((a - my) * (b - mp) for a, b in zip(y, p, strict=True)) / n
    vy, vp = sum((a - my) ** 2 for a in y) / n, sum((b - mp) ** 2 for b in p) / n
    return 2 * covariance / (vy + vp + (my - mp) ** 2)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(32, 3, generator=generator)
    return truth, 0.6 * truth + 0.3 * torch.rand(32, 3, generator=generator)


def test_ccc_is_the_formula_and_audmetrics(batch):
    truth, prediction = batch
    for dimension, value in enumerate(ccc(truth, prediction)):
        y, p = truth[:, dimension].tolist(), prediction[:, dimension].tolist()
        assert value.item() == pytest.approx(literal_ccc(y, p), abs=1e-6)
        assert value.item() == pytest.approx(audmetric.concordance_cc(y, p), abs=1e-6)


def test_ccc_loss_sums_one_minus_ccc(batch):
    assert ccc_loss(*batch).item() == pytest.approx(sum(1 - value for value in ccc(*batch)).item())


def test_gradient_is_the_numerical_one(batch):
    truth, prediction = batch
    prediction = prediction.clone().requires_grad_()
    ccc_loss(truth, prediction).backward()
    step, bumped = 1e-2, prediction.detach().clone()
    bumped[3, 1] += step
    lowered = prediction.detach().clone()
    lowered[3, 1] -= step
    slope = (ccc_loss(truth, bumped) - ccc_loss(truth, lowered)) / (2 * step)
    assert prediction.grad[3, 1].item() == pytest.approx(slope.item(), rel=2e-2)


def test_constant_predictions_stay_finite():
    truth = torch.full((4, 3), 0.5)
    prediction = truth.clone().requires_grad_()
    loss = ccc_loss(truth, prediction)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(prediction.grad).all()


def test_half_precision_is_computed_in_full(batch):
    truth, prediction = batch
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert ccc(truth, prediction.bfloat16()).dtype == torch.float32


def test_auxiliary_loss_by_hand():
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    classes = torch.tensor([0, 1, 1, 3, IGNORED, 2])
    weights = torch.tensor([0.5, 2.0, 0.0, 1.5])
    counted = [(0, 0), (1, 1), (2, 1), (3, 3), (5, 2)]
    probabilities = (logits.exp() / logits.exp().sum(1, keepdim=True)).tolist()
    losses = [-weights[c].item() * np.log(probabilities[i][c]) for i, c in counted]
    expected = sum(losses) / sum(weights[c].item() for _, c in counted)
    assert auxiliary_loss(logits, classes, weights).item() == pytest.approx(expected, rel=1e-5)
    plain = np.mean([-np.log(probabilities[i][c]) for i, c in counted])
    assert auxiliary_loss(logits, classes).item() == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize(("classes", "weights"), [([IGNORED, IGNORED], None), ([1, 1], [1.0, 0.0])])
def test_auxiliary_loss_without_a_counted_class_is_zero(classes, weights):
    logits = torch.randn(2, 2, requires_grad=True)
    loss = auxiliary_loss(logits, torch.tensor(classes), None if weights is None else torch.tensor(weights))
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


def test_lambda_of_the_paper():
    assert [auxiliary_weight(e, 20) for e in range(7)] == pytest.approx([1, 0.802, 0.604, 0.406, 0.208, 0, 0])


def test_lambda_keeps_its_shape_in_shorter_trainings():
    assert [auxiliary_weight(e, 8) for e in range(4)] == pytest.approx([1, 1 - 0.99 / 2, 0, 0])
    assert [auxiliary_weight(e, 8, decay_epochs=4) for e in (0, 3, 4)] == pytest.approx([1, 1 - 0.99 * 3 / 4, 0])
    assert {auxiliary_weight(e, 8, "constant") for e in range(8)} == {1.0}
