"""A model as an ONNX file: the same numbers without PyTorch, for each kind of model, and nothing half-written."""

import json
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import SMALL

from emosphere import export
from emosphere.export import ExportError, to_onnx
from emosphere.model import EmoSphereConfig, EmoSphereModel, build_model
from emosphere.model.attention import fuse_attention
from emosphere.model.encoders import ENCODERS


def small(**settings):
    torch.manual_seed(0)
    encoder = {"model_type": "wavlm", **SMALL} | settings.pop("encoder", {})
    settings = {"style_width": 24, "head_width": 16, "waveform_std": 0.2, **settings}
    return EmoSphereModel(EmoSphereConfig(encoder_config=encoder, **settings)).eval()


def compared(model, path, lengths):
    """Largest difference of each output, for noise of so many samples each."""
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    waveform = (0.3 * np.random.default_rng(7).normal(size=mask.shape) * mask).astype("float32")
    with torch.no_grad():
        expected = model(torch.tensor(waveform), torch.tensor(mask))
    session = onnxruntime.InferenceSession(path)
    found = dict(
        zip(
            [output.name for output in session.get_outputs()],
            session.run(None, {"input_values": waveform, "attention_mask": mask}),
            strict=True,
        )
    )
    return {name: float(np.abs(values - expected[name].numpy()).max()) for name, values in found.items()}


@pytest.mark.parametrize("pooling", ["style", "statistics"])
@pytest.mark.parametrize("family", ENCODERS)
def test_every_family_gives_the_same_numbers(encoders, tmp_path, family, pooling):
    torch.manual_seed(1)
    model = build_model(
        str(encoders / family), pooling=pooling, style_width=24, head_width=16, waveform_mean=0.01, waveform_std=0.2
    ).eval()
    largest = to_onnx(model, tmp_path / "model.onnx")
    assert 0 <= largest <= 1e-4
    longer = [[31 * 16000, 9000]] if family == "whisper" and pooling == "style" else []  # than it has positions for
    for lengths in ([16000, 9000, 5001], [4000], [30011] * 2, *longer):
        differences = compared(model, tmp_path / "model.onnx", lengths)
        assert differences.keys() == {"vad", "logits"}
        assert max(differences.values()) <= 1e-4, (lengths, differences)


@pytest.mark.parametrize(
    "settings",
    [
        dict(auxiliary="none", classes=0),
        dict(auxiliary="category"),
        dict(mask_encoder=False, encoder=dict(feat_extract_norm="group", do_stable_layer_norm=False)),
        dict(fused=True),
        dict(layer=1, frame_stride=4, encoder_trained="nothing"),
        dict(layer="weighted", frame_stride=3, encoder_trained="nothing"),
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_other_kinds_of_models(tmp_path, settings):
    fused = settings.pop("fused", False)
    model = small(**settings)
    if fused:
        assert fuse_attention(model.encoder)
    to_onnx(model, tmp_path / "model.onnx")
    differences = compared(model, tmp_path / "model.onnx", [20000, 7000])
    assert ("logits" in differences) == bool(model.config.classes)
    assert max(differences.values()) <= 1e-4


def test_the_file_says_what_its_numbers_mean(tmp_path):
    model = small(azimuth=6, elevation=3, spacing="area", classes=18, scale=(1, 5), trained_on="a corpus, seed 3")
    to_onnx(model, str(tmp_path / "model.onnx"))
    graph = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(graph, full_check=True)
    said = {entry.key: entry.value for entry in graph.metadata_props}
    assert said.pop("trained_on") == "a corpus, seed 3" and said.pop("auxiliary") == "region"
    said = {name: json.loads(value) for name, value in said.items()}
    assert said.pop("class_names") == list(model.config.grid.names)
    assert said == {
        "dimensions": ["valence", "arousal", "dominance"],
        "scale": [1, 5],
        "grid": {"azimuth": 6, "elevation": 3, "spacing": "area"},
        "sample_rate": 16000,
    }
    shapes = {
        value.name: [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in [*graph.graph.input, *graph.graph.output]
    }
    assert shapes == {
        "input_values": ["batch", "samples"],
        "attention_mask": ["batch", "samples"],
        "vad": ["batch", 3],
        "logits": ["batch", 18],
    }
    assert json.loads(export.metadata(small(auxiliary="category").config)["class_names"])[2] == "happy"


def test_a_file_that_computes_something_else_is_not_left(tmp_path, monkeypatch):
    model = small().train()
    with pytest.raises(ExportError, match=r"differs by \S+ from PyTorch's, and at most 1e-12 was allowed"):
        to_onnx(model, tmp_path / "model.onnx", tolerance=1e-12)
    assert list(tmp_path.iterdir()) == [] and model.training
    real = export._write

    def of_another_model(model, path):
        real(small(waveform_mean=0.5), path)

    monkeypatch.setattr(export, "_write", of_another_model)
    with pytest.raises(ExportError, match="differs by"):
        to_onnx(model, tmp_path / "model.onnx")
    with torch.no_grad():  # not a number is no small difference
        model.regression[-1].bias[0] = torch.nan
    monkeypatch.setattr(export, "_write", real)
    with pytest.raises(ExportError, match="differs by nan"):
        to_onnx(model, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_is_refused_before_any_work(tmp_path, monkeypatch):
    model = small()
    monkeypatch.setattr(export, "_write", lambda *a: pytest.fail("exported"))
    (tmp_path / "mine.onnx").write_text("mine")
    with pytest.raises(ExportError, match="mine.onnx exists already; give another name"):
        to_onnx(model, tmp_path / "mine.onnx")
    assert (tmp_path / "mine.onnx").read_text() == "mine"
    with pytest.raises(ExportError, match="There is no folder .*nowhere for a.onnx"):
        to_onnx(model, tmp_path / "nowhere" / "a.onnx")
    with monkeypatch.context() as patch, pytest.raises(ExportError, match="GiB of weights, and one ONNX file"):
        patch.setattr(export, "LIMIT", 1000)
        to_onnx(model, tmp_path / "a.onnx")
    monkeypatch.setattr(export.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ExportError, match=r'needs onnx and onnxruntime: .* -e "\.\[onnx\]"'):
        to_onnx(model, tmp_path / "a.onnx")


@pytest.mark.slow
def test_quiet(tmp_path):
    small().save_pretrained(tmp_path / "model")
    code = (
        "import sys; from emosphere.export import to_onnx; from emosphere.model import EmoSphereModel;"
        "assert 'onnx' not in sys.modules and 'onnxruntime' not in sys.modules;"
        "to_onnx(EmoSphereModel.from_pretrained(sys.argv[1]), sys.argv[2])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "model", tmp_path / "a.onnx"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
