"""Ready models: small random weights in the layout of the released ones, against the published formulas in plain code.

The real weights are not here. The keys, their shapes' relations, the files and config.json are those of the Hub.
"""

import json
import logging
import shutil

import huggingface_hub
import numpy as np
import onnxruntime
import pytest
import soundfile
import torch
from safetensors.torch import save_file
from torch import nn
from transformers import AutoModel, Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model, WavLMConfig, WavLMModel

from emosphere import __main__ as command
from emosphere.export import to_onnx
from emosphere.model import ReadyModel, build_model, layouts, load_ready
from emosphere.model.encoders import EncoderError, find_encoder, load_encoder
from emosphere.model.weights import WeightsError
from emosphere.prediction import load_model, predict
from emosphere.run import Run
from emosphere.sphere import DIMENSIONS
from emosphere.training import evaluate

AUDEERING = "audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim"
ODYSSEY = "3loi/SER-Odyssey-Baseline-WavLM-Multi-Attributes"
MEAN, STD = -8.278621631819787e-05, 0.08485510250851999

SIZES = dict(
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=48,
    conv_dim=[8, 8, 8, 8, 12, 12, 16],
    num_conv_pos_embeddings=8,
    num_conv_pos_embedding_groups=4,
    feat_extract_norm="layer",
    do_stable_layer_norm=True,
    initializer_range=0.3,
)
LENGTHS = (16000, 9001, 4000)


def noise(samples, seed=0):
    """With an offset, and not loud: what normalisation is for."""
    return torch.tensor((0.02 + 0.1 * np.random.default_rng(seed).normal(size=samples)).astype("float32"))


def old_names(weights):
    """As PyTorch named the parts of a convolution with weight norm when the models were released."""
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    for new, name in old.items():
        weights = {key.replace(new, name): weight for key, weight in weights.items()}
    return weights


def write(folder, settings, weights, file):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    weights = {key: weight.detach().clone().contiguous() for key, weight in weights.items()}
    if file.endswith(".bin"):
        torch.save(weights, folder / file)
    else:
        save_file(weights, folder / file)
    return folder


def audeering_parts():
    torch.manual_seed(1)
    encoder = Wav2Vec2Model(Wav2Vec2Config(conv_bias=True, **SIZES)).eval()
    dense, out = nn.Linear(32, 32), nn.Linear(32, 3)
    settings = encoder.config.to_dict() | {
        "architectures": ["Wav2Vec2ForSpeechClassification"],
        "id2label": {"0": "arousal", "1": "dominance", "2": "valence"},
        "label2id": {"arousal": 0, "dominance": 1, "valence": 2},
        "finetuning_task": "wav2vec2_reg",
        "pooling_mode": "mean",
        "problem_type": "regression",
        "hidden_dropout_prob": 0.1,
        "gradient_checkpointing": False,
        "torch_dtype": "float32",
        "transformers_version": "4.17.0.dev0",
        "vocab_size": None,
    }
    weights = {f"wav2vec2.{key}": weight for key, weight in encoder.state_dict().items()}
    for name, layer in {"dense": dense, "out_proj": out}.items():
        weights |= {f"classifier.{name}.{key}": weight for key, weight in layer.state_dict().items()}
    return encoder, (dense, out), settings, old_names(weights)


def odyssey_parts():
    torch.manual_seed(2)
    encoder = WavLMModel(WavLMConfig(conv_bias=False, num_buckets=20, **SIZES)).eval()
    attend, vector = nn.Linear(32, 32), torch.randn(32, 1)
    hidden, norm, out = nn.Linear(64, 24), nn.LayerNorm(24), nn.Linear(24, 3)
    nn.init.normal_(norm.weight)
    settings = {"model_type": "ser", "ssl_type": "microsoft/wavlm-large", "mean": MEAN, "std": STD, "num_classes": 3}
    weights = {f"ssl_model.{key}": weight for key, weight in encoder.state_dict().items()}
    named = {"pool_model.sap_linear": attend, "ser_model.fc.0.0": hidden, "ser_model.fc.0.1": norm}
    for name, layer in {**named, "ser_model.out.0": out}.items():
        weights |= {f"{name}.{key}": weight for key, weight in layer.state_dict().items()}
    weights["pool_model.attention"] = vector
    return encoder, (attend, vector, hidden, norm, out), settings, old_names(weights)


PARTS = {AUDEERING: audeering_parts, ODYSSEY: odyssey_parts}


@torch.no_grad()
def reference(name, waveform):
    """What the authors publish, literally, for one utterance: arousal, dominance, valence, and the pooled vector."""
    encoder, parts, _, _ = PARTS[name]()
    if name == AUDEERING:
        dense, out = parts
        extractor = Wav2Vec2FeatureExtractor(do_normalize=True, sampling_rate=16000)
        values = extractor(waveform.numpy(), sampling_rate=16000, return_tensors="pt")["input_values"]
        pooled = encoder(values).last_hidden_state[0].mean(0)
        return out(torch.tanh(dense(pooled))), pooled
    attend, vector, hidden, norm, out = parts
    frames = encoder((waveform[None] - MEAN) / (STD + 1e-6)).last_hidden_state[0]
    weights = torch.softmax((torch.tanh(attend(frames)) @ vector)[:, 0], 0)[:, None]
    mean = (weights * frames).sum(0)
    deviation = ((weights * frames**2).sum(0) - mean**2).clamp(min=1e-5).sqrt()
    pooled = torch.cat([mean, deviation])
    return out(torch.relu(norm(hidden(pooled)))), pooled


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The released models' files: one a pickle, as it is released, the other safetensors."""
    root = tmp_path_factory.mktemp("ready")
    files = {AUDEERING: "pytorch_model.bin", ODYSSEY: "model.safetensors"}
    return {name: write(root / name, *PARTS[name]()[2:], file) for name, file in files.items()}


@pytest.fixture(params=[AUDEERING, ODYSSEY])
def name(request):
    return request.param


def changed(name, tmp_path, settings=None, **changes):
    """A copy of a model's files with weights put in place of others; None takes one away."""
    _, _, own, weights = PARTS[name]()
    weights = {key: weight for key, weight in (weights | changes).items() if weight is not None}
    return write(tmp_path / "changed", own if settings is None else settings, weights, "model.safetensors")


# ------------------------------------------------------------------ what it computes


def test_the_published_formulas(folders, name):
    model = load_ready(folders[name])
    for samples in LENGTHS:
        (arousal, dominance, valence), pooled = reference(name, noise(samples, samples))
        with torch.no_grad():
            output = model(noise(samples, samples)[None])
        expected = torch.stack([valence, arousal, dominance])
        torch.testing.assert_close(output.vad[0], expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(output.style[0], pooled, atol=1e-5, rtol=0)
        assert expected.diff().abs().min() > 0.01, "values that are alike would show no wrong order"
        assert output.logits is None


def test_an_utterance_knows_nothing_of_its_neighbours(folders, name):
    model = load_ready(folders[name])
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]
    rubbish = 3 * torch.randn(mask.shape)
    for row, samples in enumerate(LENGTHS):
        rubbish[row, :samples] = noise(samples, samples)
    with torch.no_grad():
        together = model(rubbish, mask)
        for row, samples in enumerate(LENGTHS):
            alone = model(rubbish[row : row + 1, :samples])
            torch.testing.assert_close(together.vad[row], alone.vad[0], atol=1e-5, rtol=0)
            torch.testing.assert_close(together.style[row], alone.style[0], atol=1e-5, rtol=0)


def test_normalisation_is_that_of_the_feature_extractor(folders):
    waveforms = [noise(samples, samples) * samples / 9000 for samples in LENGTHS]
    extractor = Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True, sampling_rate=16000)
    expected = extractor([w.numpy() for w in waveforms], sampling_rate=16000, padding=True, return_tensors="pt")
    mask = expected["attention_mask"].bool()
    padded = nn.utils.rnn.pad_sequence(waveforms, batch_first=True)
    found = load_ready(folders[AUDEERING]).layout.normalise(padded, mask)
    torch.testing.assert_close(found, expected["input_values"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("position, dimension", list(enumerate(["arousal", "dominance", "valence"])))
def test_each_output_is_the_dimension_that_its_authors_say(tmp_path, name, position, dimension):
    last = {AUDEERING: "classifier.out_proj", ODYSSEY: "ser_model.out.0"}[name]
    weight, bias = (PARTS[name]()[3][f"{last}.{kind}"].clone() for kind in ("weight", "bias"))
    weight[position], bias[position] = 0, 0.625  # whatever is heard
    folder = changed(name, tmp_path, **{f"{last}.weight": weight, f"{last}.bias": bias})
    row = predict(folder, noise(16000).numpy()).iloc[0]
    assert row[dimension] == pytest.approx(1 + 0.625 * 6)
    assert all(abs(row[other] - 4.75) > 1e-3 for other in DIMENSIONS if other != dimension)


def test_mean_and_deviation_of_the_waveform_may_be_those_of_the_configuration(tmp_path):
    settings = PARTS[ODYSSEY]()[2] | {"mean": 0.05, "std": 0.2}
    model = load_ready(changed(ODYSSEY, tmp_path, settings))
    one = torch.ones(1, 4000)
    torch.testing.assert_close(model.layout.normalise(one, one.bool()), (one - 0.05) / (0.2 + 1e-6))
    without = {"model_type": "ser"}
    model = load_ready(changed(ODYSSEY, tmp_path, without))
    torch.testing.assert_close(model.layout.normalise(one, one.bool()), (one - MEAN) / (STD + 1e-6))


def test_the_sizes_of_wavlm_large_are_read_off_its_weights(folders):
    """What no weight tells is as in wavlm-large's own config.json."""
    with torch.device("meta"):
        large = dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)
        settings = WavLMConfig(do_stable_layer_norm=True, feat_extract_norm="layer", **large)
        shapes = {f"ssl_model.{key}": weight.shape for key, weight in WavLMModel(settings).state_dict().items()}
    found = layouts.Odyssey.encoder_config({}, shapes).to_dict()
    assert found == settings.to_dict() | {"conv_stride": found["conv_stride"]}
    assert list(found["conv_stride"]) == list(settings.conv_stride) == [5, 2, 2, 2, 2, 2, 2]


# ------------------------------------------------------------------ what is read


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("names", ["old", "new"])
def test_files_and_names_of_every_age(folders, tmp_path, name, file, names):
    _, _, settings, weights = PARTS[name]()
    assert any(key.endswith("weight_g") for key in weights)
    if names == "new":
        model = load_ready(folders[name]).layout
        weights = {key: weight for key, weight in model.state_dict().items() if not key.endswith("masked_spec_embed")}
        assert not any(key.endswith("weight_g") for key in weights)
    folder = write(tmp_path / "model", settings, weights, file)
    waveform = noise(9000)[None]
    with torch.no_grad():
        torch.testing.assert_close(load_ready(folder)(waveform).vad, load_ready(folders[name])(waveform).vad)


def test_half_precision_becomes_whole(tmp_path, name):
    halves = {key: weight.half() for key, weight in PARTS[name]()[3].items()}
    model = load_ready(changed(name, tmp_path, **halves))
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}


HEAD = {AUDEERING: "classifier.dense.weight", ODYSSEY: "pool_model.sap_linear.weight"}
OUT = {AUDEERING: "classifier.out_proj.weight", ODYSSEY: "ser_model.out.0.weight"}


def test_keys_are_strict(tmp_path, name):
    part = HEAD[name].split(".")[0]
    changes = {HEAD[name]: None, OUT[name]: torch.zeros(8, 24)} | {f"{part}.more.{n}": torch.zeros(1) for n in range(5)}
    with pytest.raises(WeightsError) as error:
        load_ready(changed(name, tmp_path, **changes))
    said = str(error.value)
    assert f"missing ['{HEAD[name]}']" in said and f"misshapen ['{OUT[name]}']" in said
    assert f"'{part}.more.0', '{part}.more.1', '{part}.more.2'] and 2 more" in said and "more.3" not in said
    assert name in said and "\n" not in said


@pytest.mark.parametrize(
    "key",
    [
        "ssl_model.encoder.layers.0.attention.rel_attn_embed.weight",
        "ser_model.fc.0.0.weight",
        "ssl_model.feature_extractor.conv_layers.0.conv.weight",
    ],
)
@pytest.mark.parametrize("weight", [None, torch.zeros(7)])
def test_a_size_that_cannot_be_read(tmp_path, key, weight):
    with pytest.raises(WeightsError, match="sizes of .* cannot be read|misshapen") as error:
        load_ready(changed(ODYSSEY, tmp_path, **{key: weight}))
    assert key in str(error.value) or weight is not None


@pytest.mark.parametrize(
    "name, changes",
    [(AUDEERING, {"hidden_size": "wide"}), (AUDEERING, {"hidden_size": 48}), (ODYSSEY, {"std": "loud"})],
)
def test_a_configuration_that_fits_nothing(tmp_path, name, changes):
    folder = changed(name, tmp_path, PARTS[name]()[2] | changes)
    with pytest.raises(WeightsError, match="sizes of .* cannot be read|misshapen") as error:
        load_ready(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("loads", [load_ready, load_model], ids=["load_ready", "load_model"])
def test_another_layout(tmp_path, loads):
    encoder = WavLMModel(WavLMConfig(**SIZES))
    encoder.save_pretrained(tmp_path / "encoder")
    with pytest.raises(WeightsError) as error:
        loads(tmp_path / "encoder")
    said = str(error.value)
    assert "begin with encoder, feature_extractor, feature_projection" in said and "'wavlm'" in said
    assert AUDEERING in said and ODYSSEY in said and "\n" not in said


def test_classes_are_not_taken_for_dimensions(tmp_path):
    """A classifier of three emotions has the same keys and shapes."""
    settings = PARTS[AUDEERING]()[2] | {"id2label": {"0": "angry", "1": "happy", "2": "sad"}}
    with pytest.raises(WeightsError, match="another layout"):
        load_ready(changed(AUDEERING, tmp_path, settings))


def test_damaged_and_dangerous_files(folders, tmp_path, name):
    folder = shutil.copytree(folders[name], tmp_path / "copy")
    (file,) = (path for path in folder.iterdir() if path.name != "config.json")
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        load_ready(folder)
    file.unlink()
    with pytest.raises(WeightsError, match="There is no model in"):
        load_ready(folder)

    class Danger:
        def __reduce__(self):
            return (tmp_path / "was_here").touch, ()

    torch.save({"weight": Danger()}, folder / "pytorch_model.bin")
    with pytest.raises(WeightsError, match="cannot be read as weights") as error:
        load_ready(folder)
    assert not (tmp_path / "was_here").exists() and "weights_only" not in str(error.value)


def test_no_model(tmp_path):
    with pytest.raises(ValueError, match="There is no model in nobody/nothing") as error:
        load_model("nobody/nothing")
    assert AUDEERING in str(error.value)


# ------------------------------------------------------------------ the Hub


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache and no network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


@pytest.mark.parametrize("loads", [load_model, find_encoder, load_encoder])
def test_without_network(hub, name, loads):
    with pytest.raises(EncoderError if loads in (find_encoder, load_encoder) else WeightsError) as error:
        loads(name)
    assert f"`hf download {name} --local-dir FOLDER`" in str(error.value) and "\n" not in str(error.value)


def test_by_name_from_the_cache(hub, folders, name):
    place = hub / f"models--{name.replace('/', '--')}"
    shutil.copytree(folders[name], place / "snapshots" / ("0" * 40))
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("0" * 40, encoding="utf-8")
    model = load_model(name)
    assert isinstance(model, ReadyModel) and model.name_or_path == name
    assert find_encoder(name).hidden_size == 32


def test_the_licence_is_told_once(folders, name, caplog):
    layouts._tell.cache_clear()
    with caplog.at_level(logging.WARNING):
        load_ready(folders[name])
        load_ready(folders[name])
    (message,) = caplog.messages
    assert ("CC BY-NC-SA 4.0 (no commercial use" if name == AUDEERING else "licence MIT") in message
    assert name in message and "cited" in message and "MSP-Podcast" in message and "\n" not in message


# ------------------------------------------------------------------ where it is used


def test_predictions(folders, name):
    sounds = [noise(samples, samples).numpy() for samples in (20000, 9000)]
    table = predict(folders[name], sounds, windows=(0.5, 0.25))
    assert table["end"].tolist() == [0.5, 0.75, 1.0, 1.25, 0.5, 9000 / 16000]
    assert not any(column.startswith(("probability", "region_heard")) for column in table)
    whole = predict(load_model(folders[name]), sounds)
    for row, sound in zip(whole.itertuples(), sounds, strict=True):
        values, _ = reference(name, torch.from_numpy(sound))
        expected = dict(zip(("arousal", "dominance", "valence"), (1 + 6 * values).clip(1, 7), strict=True))
        for dimension in DIMENSIONS:
            assert getattr(row, dimension) == pytest.approx(float(expected[dimension]), abs=1e-4)


def test_the_command(folders, name, tmp_path, monkeypatch, capsys):
    soundfile.write(tmp_path / "speech.wav", noise(16000).numpy(), 16000)
    monkeypatch.setattr(
        "sys.argv", ["emosphere", "predict", str(tmp_path / "speech.wav"), "--model", str(folders[name])]
    )
    command.main()
    out, err = capsys.readouterr()
    assert out.startswith("source,valence,arousal,dominance,radius,azimuth,elevation,region\n")
    assert f"({name})" in err and f"https://huggingface.co/{name}" in err and "from 1 to 7" in err
    assert "[transformers]" not in err, "whose loader shows whole configurations"


def test_as_an_encoder(folders, name):
    model, encoder = load_ready(folders[name]), load_encoder(str(folders[name]))
    settings = find_encoder(str(folders[name]))
    assert settings.to_dict() == encoder.config.to_dict() and settings.layerdrop == 0
    waveform = noise(9000)[None]
    with torch.no_grad():
        torch.testing.assert_close(encoder(waveform)[0], model.encoder(waveform)[0])
        torch.testing.assert_close(encoder(waveform)[0], PARTS[name]()[0](waveform)[0])
    fresh = build_model(str(folders[name]), style_width=16, head_width=16).train()
    fresh(waveform).vad.sum().backward()
    assert fresh.config.mask_encoder and fresh.encoder.encoder.layers[0].attention.q_proj.weight.grad.abs().sum() > 0
    assert not fresh.encoder.feature_extractor.conv_layers[0].conv.weight.requires_grad


def test_an_encoder_whose_other_weights_are_not_whole(tmp_path, name):
    folder = changed(name, tmp_path, **{HEAD[name]: None})
    with pytest.raises(EncoderError, match=HEAD[name]):
        load_encoder(str(folder))


def test_an_ordinary_checkpoint_is_no_ready_model(encoders):
    assert not any(layouts.is_ready(folder) for folder in encoders.iterdir())
    with torch.no_grad():
        found, expected = (
            kind(str(encoders / "wav2vec2"))(noise(9000)[None])[0] for kind in (load_encoder, AutoModel.from_pretrained)
        )
    torch.testing.assert_close(found, expected)


def test_export(folders, name, tmp_path):
    model = load_ready(folders[name])
    assert to_onnx(model, tmp_path / "model.onnx") <= 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert json.loads(session.get_modelmeta().custom_metadata_map["dimensions"]) == list(DIMENSIONS)
    assert [output.name for output in session.get_outputs()] == ["vad"]


def test_on_a_corpus(folders, name, tones, tmp_path, caplog):
    """The run that comes out holds what `predict` hears, in points of the corpus; its card names scale and licence."""
    folder = evaluate(folders[name], tmp_path / "run", corpus="msp_podcast", root=tones, cache=tmp_path, progress=False)
    table = Run(folder).predictions()
    heard = predict(folders[name], [tones / path for path in table["path"]])
    for dimension in DIMENSIONS:
        expected = table[f"{dimension}_predicted"].clip(1, 7)  # the scale of both is 1 to 7
        np.testing.assert_allclose(heard[dimension], expected, atol=1e-3)
    assert table["region_predicted"].isna().all()
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "trained on MSP-Podcast" in card and name in card.replace("\\", "")
    assert ("CC BY-NC-SA" if name == AUDEERING else "MIT") in card
