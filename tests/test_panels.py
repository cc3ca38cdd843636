"""Raters' own ratings, and what another panel would score: closed forms, simulated and generated second panels."""

import shutil

import numpy as np
import pandas as pd
import pytest
from conftest import write_corpus

from emosphere import corpora
from emosphere.corpora.panels import panel
from emosphere.metrics import concordance_cc
from emosphere.metrics.panel import panel_ceiling
from emosphere.sphere import DIMENSIONS
from emosphere.synthesis import labels

SHROUT_FLEISS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)


def table(ratings, raters):
    """A panel of (n, k, 3) ratings by (n, k) raters; NaN where none was given."""
    count, size, _ = ratings.shape
    columns = dict(zip(DIMENSIONS, ratings.reshape(-1, 3).T, strict=True))
    return pd.DataFrame({"utterance": np.repeat(np.arange(count), size), "rater": raters.ravel()} | columns)


def ceilings(ratings, raters):
    found = panel_ceiling(table(ratings, raters), range(len(ratings)))
    assert list(found) == [*(f"ccc_{name}" for name in DIMENSIONS), "ccc_mean"]
    values = np.array(list(found.values()))
    assert values[3] == pytest.approx(values[:3].mean(), nan_ok=True)
    return values[:3]


def anova(ratings):
    """Mean squares of a complete (n, k) table: between utterances, between raters, within utterances, error."""
    n, k = ratings.shape
    of_utterances, of_raters, all_of_them = ratings.mean(1), ratings.mean(0), ratings.mean()
    rest = ratings - of_utterances[:, None] - of_raters + all_of_them
    between = k * np.sum((of_utterances - all_of_them) ** 2) / (n - 1)
    raters = n * np.sum((of_raters - all_of_them) ** 2) / (k - 1)
    within = np.sum((ratings - of_utterances[:, None]) ** 2) / (n * (k - 1))
    return between, raters, within, np.sum(rest**2) / ((n - 1) * (k - 1))


def test_the_published_example():
    three = np.repeat(SHROUT_FLEISS[..., None], 3, axis=2)
    same, own = np.tile(np.arange(4), (6, 1)), np.arange(24).reshape(6, 4)
    np.testing.assert_allclose(ceilings(three, same), 0.62, atol=0.005)  # ICC(2,4)
    np.testing.assert_allclose(ceilings(three, own), 0.44, atol=0.005)  # ICC(1,4)


@pytest.mark.parametrize(("n", "k"), [(2, 2), (7, 3), (40, 5)])
def test_complete_designs_have_closed_forms(n, k):
    rng = np.random.default_rng(n)
    ratings = rng.normal(size=(n, 1, 3)) + rng.normal(size=(1, k, 3)) + rng.normal(size=(n, k, 3)) + 4
    same, own = np.tile(np.arange(k), (n, 1)), np.arange(n * k).reshape(n, k)
    crossed, nested, unnamed = (
        ceilings(ratings, raters) for raters in (same, own, np.full((n, k), None, dtype=object))
    )
    for column in range(3):
        between, raters, within, error = anova(ratings[..., column])
        assert crossed[column] == pytest.approx((between - error) / (between + (raters - error) / n))  # ICC(A,k)
        assert nested[column] == pytest.approx((between - within) / between)  # ICC(1,k)
    np.testing.assert_allclose(unnamed, nested)


def who_rates(design, count, rng):
    """(count, 4) raters: the same for all, everybody's own, or drawn from a crowd of ten."""
    if design == "same":
        return np.tile(np.arange(4), (count, 1))
    if design == "own":
        return np.arange(count * 4).reshape(count, 4)
    return rng.random((count, 10)).argsort(axis=1)[:, :4]


def rated(truth, design, missing, rng):
    """Ratings by people with biases, and the people; some cells are missing, but never a whole row."""
    raters = who_rates(design, len(truth), rng)
    bias = 0.7 * rng.normal(size=(raters.max() + 1, 3))
    ratings = truth[:, None] + bias[raters] + rng.normal(size=(*raters.shape, 3))
    gone = rng.random(raters.shape) < missing
    gone[:, 0] &= ~gone.all(axis=1)
    ratings[gone] = np.nan
    return ratings, raters


@pytest.mark.parametrize("missing", [0, 0.4])
@pytest.mark.parametrize("design", ["same", "own", "crowd"])
def test_a_second_panel_scores_what_the_first_one_says(design, missing):
    """On the average over many pairs of panels, which are of other people each."""
    rng = np.random.default_rng(0)
    expected, found = [], []
    for _ in range(150):
        truth = rng.normal(size=(150, 3))
        (mine, raters), (theirs, _) = (rated(truth, design, missing, rng) for _ in range(2))
        expected.append(concordance_cc(np.nanmean(mine, axis=1), np.nanmean(theirs, axis=1)))
        found.append(ceilings(mine, raters))
    assert np.mean(found) == pytest.approx(np.mean(expected), abs=0.012)
    if design == "same" and not missing:
        assert np.mean(found) == pytest.approx(1 / (1 + (0.49 + 1) / 4), abs=0.02)


def test_each_utterance_counts_alike_however_many_rated_it():
    rng = np.random.default_rng(0)
    truth = 3 * rng.normal(size=(20_000, 1)).repeat(3, axis=1)
    mine, theirs = truth[:, None] + 3 * rng.normal(size=(2, 20_000, 4, 3))
    few = truth[:, 0] > 1
    mine[few, 1:], theirs[few, 1:] = np.nan, np.nan  # who is loud is heard by one rater alone
    scores = concordance_cc(np.nanmean(mine, axis=1), np.nanmean(theirs, axis=1))
    np.testing.assert_allclose(ceilings(mine, who_rates("own", 20_000, rng)), scores, atol=0.01)


def test_the_sums_are_those_of_all_pairs():
    rng = np.random.default_rng(0)
    ratings, raters = rated(rng.normal(size=(12, 3)), "crowd", 0.4, rng)
    ratings -= np.nanmean(ratings, axis=(0, 1))
    heard = [
        [(who, one) for who, one in zip(*row, strict=True) if not np.isnan(one[0])]
        for row in zip(raters, ratings, strict=True)
    ]
    products, weights, squares, inside, degrees = 0, 0, 0, 0, 0
    for first in heard:
        label = sum(one for _, one in first) / len(first)
        squares += label**2 / len(heard)
        inside += sum((one - label) ** 2 for _, one in first)
        degrees += len(first) - 1
        for second in heard:
            for who, one in first:
                for other, two in second:
                    if first is not second and who != other:
                        products += one * two / len(first) / len(second)
                        weights += 1 / len(first) / len(second)
    noise = inside / degrees * np.mean([1 / len(row) for row in heard])
    np.testing.assert_allclose(ceilings(ratings, raters), 1 - noise / (squares - products / weights))


class OtherRaters(np.random.Generator):
    """Draws the emotions as the first seed says, and all that raters do as the second one does."""

    def __init__(self, emotions, raters):
        super().__init__(np.random.PCG64(raters))
        self.emotions = np.random.default_rng(emotions)

    def standard_normal(self, shape):
        return self.emotions.standard_normal(shape) if len(shape) == 2 else super().standard_normal(shape)


def test_a_second_panel_of_the_embedded_corpus():
    first, second = (labels.draw(4000, OtherRaters(0, seed)) for seed in (1, 2))
    np.testing.assert_array_equal(first.true, second.true)
    assert (first.ratings != second.ratings).any()
    scores = concordance_cc(first.consensus, second.consensus)
    np.testing.assert_allclose(ceilings(first.ratings.astype(float), first.raters), scores, atol=0.015)


def test_another_panel_scores_less_than_the_truth():
    drawn = labels.draw(4000, np.random.default_rng(0))
    truth = concordance_cc(drawn.consensus, labels.SCALE.from_sphere(drawn.true))
    assert (ceilings(drawn.ratings.astype(float), drawn.raters) < truth - 0.05).all()


@pytest.mark.filterwarnings("error")
def test_where_nothing_can_be_said():
    rng = np.random.default_rng(0)
    raters = np.tile(np.arange(3), (5, 1))
    ratings = rng.normal(size=(5, 3, 3))
    alone = ratings.copy()
    alone[:, 1:] = np.nan
    assert np.isnan(ceilings(alone, raters)).all()
    assert np.isnan(ceilings(ratings[:1], raters[:1])).all()
    assert np.isnan(list(panel_ceiling(table(ratings, raters), ["none"]).values())).all()
    ratings[..., 1], ratings[..., 2] = 4, np.nan
    assert np.isnan(ceilings(ratings, raters)).tolist() == [False, True, True]


def test_neither_the_scale_nor_other_utterances_matter():
    rng = np.random.default_rng(0)
    ratings, raters = rated(rng.normal(size=(30, 3)), "crowd", 0.3, rng)
    expected = ceilings(ratings, raters)
    np.testing.assert_allclose(ceilings(1e6 + 3 * ratings, raters), expected, atol=1e-6)
    all_of_them = pd.concat([table(ratings, raters), table(9 * ratings, raters).assign(utterance="another")])
    found = panel_ceiling(all_of_them.sample(frac=1, random_state=0), iter(range(30)))
    np.testing.assert_allclose(list(found.values())[:3], expected)


# where corpora tell them


def agrees(corpus):
    """The panel gives the labels, how many gave them, and how far apart they are."""
    given = panel(corpus).set_index("utterance").loc[lambda rows: rows.index.isin(corpus.table["utterance"])]
    groups = given[list(DIMENSIONS)].dropna(how="all").groupby(level=0)
    rows = corpus.table.set_index("utterance")
    counts = rows["raters"].reindex(groups.size().index)
    assert (counts == groups.size()).all() and (rows["raters"].drop(counts.index).fillna(0) == 0).all()
    deviations = rows.loc[counts.index, [f"{name}_sd" for name in DIMENSIONS]]
    np.testing.assert_allclose(groups.std(), deviations)
    np.testing.assert_allclose(groups.mean(), rows.loc[counts.index, list(DIMENSIONS)])


@pytest.fixture
def emotale(tmp_path):
    """Labels of four utterances: one rated by two of three, one by nobody, one by a child."""
    rows = [
        "file," + ",".join(f"a{who}_{letter}" for who in (1, 2, 3) for letter in "AVD"),
        "DK_001_A_1.wav,4.0,1.5,4.5,5.0,2.5,3.5,4.5,2.0,4.0",
        "EN_003_B_2.wav,1.5,2.0,2.0,,,,2.5,3.0,2.5",
        "DK_004_N_5.wav,,,,,,,,,",
        "DK_008_H_1.wav,4.0,4.0,4.0,4.0,4.0,4.0,4.0,4.0,4.0",
        "",
    ]
    (tmp_path / "annotations.csv").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "speaker_info.csv").write_text(
        "speaker,gender,age\n001,F,22\n003,F,23\n004,M,24\n008,F,12\n", encoding="utf-8"
    )
    return tmp_path


@pytest.fixture
def msp(tones, tmp_path):
    """A folder with consensus labels alone."""
    shutil.copytree(tones / "Labels", tmp_path / "Labels")
    return tmp_path


def test_emotale_tells_its_three_raters(emotale):
    found = panel(corpora.read("emotale", emotale))
    assert found.columns.tolist() == ["utterance", "rater", *DIMENSIONS] and len(found) == 12
    rows = found.set_index(["utterance", "rater"])
    assert rows.loc[("DK_001_A_1", "a2")].tolist() == [2.5, 5.0, 3.5]
    assert rows.loc[("EN_003_B_2", "a2")].isna().all() and ("DK_008_H_1", "a3") in rows.index  # a child, left out
    agrees(corpora.read("emotale", emotale))


def write_panel(root):
    """The tones, rated by five people each."""
    write_corpus(root)
    path = root / "Labels" / "labels_consensus.csv"
    consensus, drawn = pd.read_csv(path), labels.draw(96, np.random.default_rng(0))
    columns = {"EmoVal": 0, "EmoAct": 1, "EmoDom": 2}
    for name, column in columns.items():
        consensus[name] = drawn.consensus[:, column]
    consensus.to_csv(path, index=False)
    rows = {"FileName": np.repeat(consensus["FileName"], 5), "WorkerID": [f"w{who}" for who in drawn.raters.ravel()]}
    rows |= {name: drawn.ratings[..., column].ravel() for name, column in columns.items()}
    pd.DataFrame(rows).to_csv(root / "Labels" / "labels_detailed.csv", index=False)
    return corpora.read("msp_podcast", root), drawn


def test_msp_podcast_tells_its_raters(tmp_path):
    corpus, drawn = write_panel(tmp_path / "corpus")
    agrees(corpus)
    found = panel(corpus)
    assert found["rater"].tolist() == [f"w{who}" for who in drawn.raters.ravel()]
    by_name = panel_ceiling(found, corpus.table["utterance"])
    np.testing.assert_allclose(list(by_name.values())[:3], ceilings(drawn.ratings.astype(float), drawn.raters))
    pd.testing.assert_frame_equal(panel(corpus.replace(name="embedded")), found)


def test_a_rater_counts_once_and_may_have_no_name(msp):
    path = msp / "Labels" / "labels_detailed.csv"
    rows = ["a.wav,w1,4,3,5", "a.wav, w1 ,7,7,7", "a.wav,,1,2,3", "a.wav,,1,2,3", "a.wav,w2,,n.a.,", "b.wav,w1,1,1,"]
    path.write_text("\n".join(["FileName,WorkerID,EmoVal,EmoAct,EmoDom", *rows, ""]), encoding="utf-8")
    found = panel(corpora.read("msp_podcast", msp))
    assert found["utterance"].tolist() == ["a", "a", "a", "b"]
    assert found["rater"].fillna("").tolist() == ["w1", "", "", "w1"]
    assert found.iloc[0, 2:].tolist() == [4, 3, 5] and np.isnan(found["dominance"][3])
    path.write_text("FileName,EmoVal,EmoAct,EmoDom\na.wav,4,3,5\n", encoding="utf-8")
    assert panel(corpora.read("msp_podcast", msp))["rater"].isna().all()


@pytest.mark.parametrize("content", [None, b"", b"FileName,EmoAct\na.wav,1\n", b"\xff\xfe\xe9", b'FileName\n"open'])
def test_where_raters_are_not_told_there_is_no_panel(msp, content):
    if content is not None:
        (msp / "Labels" / "labels_detailed.csv").write_bytes(content)
    corpus = corpora.read("msp_podcast", msp)
    assert panel(corpus) is None and panel(corpus.replace(name="manifest")) is None
