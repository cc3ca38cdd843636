"""Style vectors and their maps: what the model computes, whatever else is asked for; made once; stable maps."""

import shutil
import sys

import numpy as np
import pytest
import torch
from conftest import write_corpus
from test_frames import frozen, prepared_for
from test_prediction import small
from test_ready import AUDEERING, folders  # noqa: F401
from test_training import configuration

from emosphere import corpora
from emosphere.corpora import CorpusError
from emosphere.data import read_audio
from emosphere.extras import ExtraError
from emosphere.model import EmoSphereModel, ReadyModel
from emosphere.model import encoders as encoder_module
from emosphere.prediction import load_model
from emosphere.training import train
from emosphere.widgets import style_vectors as making
from emosphere.widgets.style_map import compress, pca_map, style_map, umap_map
from emosphere.widgets.style_vectors import style_vectors


@pytest.fixture(scope="module")
def corpus(tones):
    return corpora.read("msp_podcast", tones)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return small(style_width=24)


def asked(corpus, source, cache, rows=None, **options):
    rows = corpus.table if rows is None else rows
    return style_vectors(corpus, source, rows, cache=cache, progress=False, **options)


def untouched(monkeypatch):
    """From now on no encoder and no pooling may be asked."""
    for kind, name in ((EmoSphereModel, "forward"), (EmoSphereModel, "hidden_states"), (ReadyModel, "forward")):
        monkeypatch.setattr(kind, name, lambda *_, **__: pytest.fail("asked again"))


def heard(corpus, row):
    return read_audio(corpus.audio_path(row["path"]))[None]


def test_a_models_vector_is_its_style_whatever_else_is_asked_for(corpus, model, tmp_path, monkeypatch):
    vectors = asked(corpus, model, tmp_path / "all")
    assert vectors.shape == (96, 24) and vectors.dtype == np.float32
    for number in (0, 5, 95):
        with torch.no_grad():
            style = model(heard(corpus, corpus.table.iloc[number])).style[0]
        np.testing.assert_array_equal(vectors[number], style.numpy())
    some = corpus.table.iloc[[95, 3, 5, 3]]
    np.testing.assert_array_equal(asked(corpus, model, tmp_path / "few", some), vectors[[95, 3, 5, 3]])
    # as on a GPU, where several go together
    together = making.GroupedBatches
    monkeypatch.setattr(making, "GroupedBatches", lambda lengths, **_: together(lengths, 8))
    np.testing.assert_allclose(asked(corpus, model, tmp_path / "batches"), vectors, atol=1e-5)


def test_the_second_time_nothing_is_computed(corpus, model, tmp_path, monkeypatch):
    first = asked(corpus, model, tmp_path, corpus.table[:60])
    training = [model.training for _ in range(2)]
    more = asked(corpus, model, tmp_path)
    np.testing.assert_array_equal(more[:60], first)
    assert [model.training, model.training] == training
    (folder,) = (tmp_path / "styles").iterdir()
    assert len(list(folder.glob("*.safetensors"))) == 2, "what was there is left alone"
    untouched(monkeypatch)
    relabelled = corpus.replace(table=corpus.table.assign(valence=4.0)[::-1])
    np.testing.assert_array_equal(asked(relabelled, model, tmp_path), more[::-1])


def test_another_model_or_another_sound_has_another_vector(tmp_path, model):
    root = write_corpus(tmp_path / "tones", utterances=48)
    corpus = corpora.read("msp_podcast", root)
    vectors = asked(corpus, model, tmp_path)
    other = small(style_width=24)
    other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(asked(corpus, other, tmp_path), vectors)
    other.config.waveform_mean = 0.1  # no weight, and not in vain
    assert not np.isclose(asked(corpus, other, tmp_path), vectors).all(axis=1).any()
    other.config.waveform_mean = 0.0
    other.pooling.output.bias.data += 1
    np.testing.assert_allclose(asked(corpus, other, tmp_path), vectors + 1, atol=1e-5)
    one, two = (root / path for path in corpus.table["path"][:2])
    shutil.copy(two, one)
    np.testing.assert_array_equal(asked(corpus, model, tmp_path)[0], vectors[1])


def test_frames_that_a_run_has_left_are_used(corpus, tones, encoders, tmp_path, monkeypatch):
    folder = train(frozen(tones, encoders, epochs=1), tmp_path / "run", cache=tmp_path / "cache", progress=False)
    alone = asked(corpus, folder, tmp_path / "other")
    assert not (tmp_path / "other" / "frames").exists(), "frames for a map alone are not kept"
    rows = corpus.rows("train")
    with monkeypatch.context() as patch:
        patch.setattr(EmoSphereModel, "hidden_states", lambda *_: pytest.fail("made again"))
        kept = asked(corpus, folder, tmp_path / "cache", rows)
    np.testing.assert_array_equal(kept, alone[rows.index])
    np.testing.assert_array_equal(asked(corpus, load_model(folder), tmp_path / "cache"), alone)


def test_a_run_that_trains_its_encoder(corpus, tones, encoders, tmp_path):
    folder = train(configuration(tones, encoders, epochs=1), tmp_path / "run", cache=tmp_path, progress=False)
    model, row = load_model(folder), corpus.table.iloc[7]
    with torch.no_grad():
        style = model(heard(corpus, row)).style[0].numpy()
    np.testing.assert_array_equal(asked(corpus, folder, tmp_path)[7], style)
    np.testing.assert_array_equal(asked(corpus, folder / "model", tmp_path)[7], style)


@pytest.mark.parametrize("family", ["whisper", "wavlm"])
def test_an_encoders_vector_is_mean_and_deviation_of_its_frames(corpus, tones, encoders, tmp_path, family, monkeypatch):
    vectors = asked(corpus, str(encoders / family), tmp_path / "fresh")
    assert vectors.shape == (96, 64)
    prepared, _ = prepared_for(frozen(tones, encoders, family, layer="last", frame_stride=1), tmp_path / "run")
    for number, index in enumerate(prepared.rows["test"].index[:5]):
        frames = prepared.utterances("test")[number][1][:, 0].double().numpy()
        expected = np.concatenate([frames.mean(0), frames.std(0)])
        np.testing.assert_allclose(vectors[index], expected, atol=1e-5)
    monkeypatch.setattr(EmoSphereModel, "hidden_states", lambda *_: pytest.fail("made again"))
    rows = prepared.rows["train"]
    np.testing.assert_array_equal(asked(corpus, str(encoders / family), tmp_path / "run", rows), vectors[rows.index])


def test_a_preset_names_encoder_layer_and_stride(corpus, encoders, tmp_path, monkeypatch):
    few = corpus.table[:4]
    tiny = asked(corpus, "tiny", tmp_path, few)
    assert tiny.shape == (4, 192) and len(np.unique(tiny, axis=0)) == 4
    state = torch.get_rng_state()
    untouched(monkeypatch)
    np.testing.assert_array_equal(asked(corpus, "tiny", tmp_path, few), tiny)
    assert torch.equal(state, torch.get_rng_state())
    monkeypatch.undo()
    monkeypatch.setitem(encoder_module.NAMED, "whisper-tiny.en", str(encoders / "whisper"))
    monkeypatch.setattr(encoder_module, "packaged", lambda *_: None)
    assert asked(corpus, "small", tmp_path, few).shape == (4, 3 * 2 * 32), "all three states of it"
    assert asked(corpus, "whisper-tiny.en", tmp_path, few).shape == (4, 2 * 32)


def test_a_ready_model(corpus, folders, tmp_path, monkeypatch):  # noqa: F811
    vectors = asked(corpus, folders[AUDEERING], tmp_path, corpus.table[:5])
    model = load_model(folders[AUDEERING])
    with torch.no_grad():
        style = model(heard(corpus, corpus.table.iloc[4])).style[0]
    np.testing.assert_array_equal(vectors[4], style.numpy())
    untouched(monkeypatch)
    np.testing.assert_array_equal(asked(corpus, model, tmp_path, corpus.table[:5]), vectors)


def test_what_cannot_be_heard_is_nowhere(tmp_path, model):
    root = write_corpus(tmp_path / "tones", utterances=48)
    corpus = corpora.read("msp_podcast", root)
    for path in corpus.table["path"][:2]:
        (root / path).unlink()
    found = style_map(corpus, model, corpus.table, cache=tmp_path, progress=False)
    for values in (found.vectors, found.maps["PCA"]):
        assert np.isnan(values[:2]).all() and np.isfinite(values[2:]).all()
    with pytest.raises(CorpusError, match="None of these utterances can be heard: There is no such file"):
        asked(corpus, model, tmp_path, corpus.table[:2])


def test_sources_that_are_none(corpus, tmp_path):
    with pytest.raises(ValueError, match="There is no model in"):
        asked(corpus, tmp_path, tmp_path)
    with pytest.raises(ValueError, match="No encoder 'runs/gone'"):
        asked(corpus, "runs/gone", tmp_path)
    with pytest.raises(ValueError, match="There is no map 't-SNE'; there are PCA, UMAP"):
        style_map(corpus, tmp_path, corpus.table, maps=["t-SNE"])


def test_what_an_interruption_leaves_is_kept(corpus, model, tmp_path, monkeypatch):
    pooled, count = making._pooled, iter(range(9))

    def stops(*arguments):
        if next(count) == 5:
            raise KeyboardInterrupt
        return pooled(*arguments)

    monkeypatch.setattr(making, "_pooled", stops)
    with pytest.raises(KeyboardInterrupt):
        asked(corpus, model, tmp_path)
    calls = []
    monkeypatch.setattr(making, "_pooled", lambda *arguments: calls.append(1) or pooled(*arguments))
    asked(corpus, model, tmp_path)
    assert len(calls) == 96 - 5


# maps, by arithmetic alone


def cloud(n, width, seed=0):
    """Vectors of which a few directions say nearly all, as in those of models."""
    rng = np.random.default_rng(seed)
    inner = rng.normal(size=(n, 12)) * 0.8 ** np.arange(12)
    return inner @ rng.normal(size=(12, width)) + 0.3 * rng.normal(size=(n, width)) + rng.uniform(-5, 5, width)


def nearest(vectors, count=10):
    distances = np.linalg.norm(vectors[:, None].astype(float) - vectors, axis=2)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1)[:, :count]


@pytest.mark.parametrize("shape", [(60, 20), (20, 60), (30, 30), (500, 96)])
def test_components_are_those_of_a_singular_value_decomposition(shape):
    vectors = cloud(*shape)
    inputs = (vectors - vectors.mean(0)) / vectors.std(0)
    left, values, _ = np.linalg.svd(inputs, full_matrices=False)
    found = compress(vectors, 8)
    assert found.shape == (shape[0], 8) and found.dtype == np.float32
    np.testing.assert_allclose(np.abs(found), np.abs(left * values)[:, :8], atol=1e-4)
    assert (found[np.abs(found).argmax(0), np.arange(8)] > 0).all()
    np.testing.assert_array_equal(pca_map(vectors), found[:, :2])
    np.testing.assert_allclose(compress(vectors * 7 - 3, 8), found, atol=1e-4)
    order = np.random.default_rng(1).permutation(shape[0])
    np.testing.assert_allclose(compress(vectors[order], 8), found[order], atol=1e-4)


def test_few_alike_and_missing_vectors():
    assert compress(np.ones((3, 5))).tolist() == [[0.0] * 16] * 3
    assert compress(np.zeros((0, 5))).shape == (0, 16)
    assert np.isnan(compress(np.full((2, 3), np.nan))).all()
    two = compress(np.array([[1.0, 2.0], [3.0, 5.0]]))
    assert np.allclose(np.abs(two[:, 0]), 2**0.5) and not two[:, 1:].any()
    vectors = cloud(50, 20)
    gaps = np.insert(vectors, 7, np.inf, axis=0)
    np.testing.assert_array_equal(np.delete(compress(gaps), 7, axis=0), compress(vectors))
    assert np.isnan(compress(gaps)[7]).all()


def test_neighbours_survive_the_compression():
    vectors = cloud(400, 256)
    full, small = nearest((vectors - vectors.mean(0)) / vectors.std(0)), nearest(compress(vectors))
    shared = np.mean([len({*one} & {*other}) / 10 for one, other in zip(full, small, strict=True)])
    assert shared > 0.8
    assert np.mean([one[0] in other for one, other in zip(full, small, strict=True)]) > 0.98


def test_umap_is_an_extra(corpus, model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    message = r'This needs umap, which is not installed: pip install -c constraints.txt -e "\.\[maps\]" brings it.'
    with pytest.raises(ExtraError, match=message):
        umap_map(cloud(30, 8))
    with pytest.raises(ExtraError, match=message):
        style_map(corpus, model, corpus.table, maps=("PCA", "UMAP"), cache=tmp_path)
    assert not list(tmp_path.iterdir()), "it is missed before the work"


@pytest.mark.slow
def test_umap_where_it_is_installed():
    pytest.importorskip("umap")
    vectors = np.concatenate([cloud(40, 30), cloud(40, 30, seed=1) + 40])
    vectors[3] = np.nan
    found = umap_map(vectors)
    np.testing.assert_array_equal(umap_map(vectors), found)
    assert found.dtype == np.float32 and np.isnan(found[3]).all() and np.isfinite(np.delete(found, 3, 0)).all()
    assert (nearest(np.nan_to_num(found, nan=1e6), 5)[40:] >= 40).all(), "two groups stay two groups"
    np.testing.assert_array_equal(umap_map(vectors[:10]), pca_map(vectors[:10]))
