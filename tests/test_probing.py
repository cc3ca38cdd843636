"""Ridge regression on hidden states: scikit-learn as oracle, and the layer that knows is found."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler
from test_frames import frozen, prepared_for

from emosphere.training import probing
from emosphere.training.probing import PENALTIES, described, layer_scores, ridge


@pytest.mark.parametrize("features", [5, 80])
def test_ridge_is_that_of_scikit_learn(features):
    rng = np.random.default_rng(0)
    inputs, truth, others = rng.normal(3, 2, (40, features)), rng.normal(size=(40, 3)), rng.normal(3, 2, (7, features))
    scaler = StandardScaler().fit(inputs)
    for penalty, (found,) in zip(PENALTIES, ridge(inputs, truth, [others]), strict=True):
        model = Ridge(alpha=penalty).fit(scaler.transform(inputs), truth)
        np.testing.assert_allclose(found, model.predict(scaler.transform(others)), atol=1e-6)


def test_utterances_are_described_by_mean_and_deviation():
    frames = torch.randn(9, 2, 3)
    (found,) = described([(0, frames)])
    np.testing.assert_allclose(found, np.concatenate([frames.mean(0), frames.std(0, correction=0)], 1), atol=1e-6)


def test_the_layer_that_knows_is_found(tones, encoders, tmp_path, monkeypatch):
    """All states are noise but the second, which holds the ratings."""
    prepared, _ = prepared_for(frozen(tones, encoders), tmp_path)
    rng = np.random.default_rng(0)

    def told(utterances):
        split = next(name for name in prepared.rows if len(prepared.rows[name]) == len(utterances))
        values = rng.normal(size=(len(utterances), 3, 6))
        values[:, 1, :3] = prepared.corpus.ratings[prepared.rows[split].index]
        return values

    monkeypatch.setattr(probing, "described", told)
    table = layer_scores(prepared)
    assert table.shape == (3, 3) and table.columns.tolist() == ["valence", "arousal", "dominance"]
    assert (table.loc[1] > 0.95).all() and (table.drop(index=1) < 0.7).all(axis=None)
