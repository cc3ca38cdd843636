"""A trained model as one ONNX file, which programs without PyTorch can run: web pages, phones, other languages.

    input_values    (batch, samples) float32   16 kHz mono in [-1, 1], as it is: normalisation is part of the model
    attention_mask  (batch, samples) bool      True inside the utterance
    vad             (batch, 3) float32         0 to 1 on the rating scale, not clipped
    logits          (batch, classes) float32   of the auxiliary head, if there is one; before the softmax

What else is needed to make sense of these numbers is in the file's metadata.
"""

import importlib.util
import json
import logging
import warnings
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from .audio import MIN_SECONDS, RATE
from .corpora import CATEGORIES
from .model import EmoSphereConfig, EmoSphereModel, ReadyModel
from .utils import EmoSphereError, replacing

INPUTS = ("input_values", "attention_mask")

OPSET = 17
"""The first one with layer normalisation as an operator of its own."""

LIMIT = 2**31 - 2**24
"""Bytes: a file cannot hold 2 GiB, and the graph needs some of it."""

# lengths in seconds of the batches with which a file is checked: alone, padded, long, many
CHECKED = ((1.0, 0.6), (MIN_SECONDS,), (2.3, 1.1, 0.5), (9.7,), (0.4,) * 5)


class ExportError(EmoSphereError, RuntimeError):
    """A model that cannot be exported; the message says why."""


class _Graph(nn.Module):
    """A model with tensors in place of its named output."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.train(model.training)  # or the exporter would give the model back ready for training

    def forward(self, input_values, attention_mask):
        output = self.model(input_values, attention_mask)
        return (output.vad,) if output.logits is None else (output.vad, output.logits)


def to_onnx(model: EmoSphereModel | ReadyModel, path: str | Path, *, tolerance: float = 0.0001) -> float:
    """Writes a model as an ONNX file and checks, with onnxruntime, that it computes what PyTorch does.

    Batch size and length are free. The file is checked on batches of other sizes and lengths than the one with which
    it was made, padded ones too.

    Parameters
    ----------
    model : EmoSphereModel or ReadyModel
    path : path-like
        Of a file that does not exist yet.
    tolerance : float
        Largest difference of any output.

    Returns
    -------
    float
        The largest difference that was found.

    Raises
    ------
    ExportError
        If the file exists or cannot be written, the packages for it are not installed, the model is too large for one
        file, or an output differs by more than the tolerance; then there is no file.

    Notes
    -----
    The metadata (``metadata_props``; all but two as JSON) are ``dimensions``, the order of the values; ``scale``, the
    lowest and highest rating: rating = low + vad (high - low); ``grid``, number and spacing of the regions;
    ``class_names`` in the order of the logits; ``auxiliary``, what they are of; ``sample_rate``; ``trained_on``.

    PyTorch's tracing exporter is used. The newer one gave the same numbers for every family of encoders, but took 6 to
    40 times as long and failed on fused attention, and onnxruntime was slower on its graph.
    """
    path = Path(path)
    absent = [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]
    if absent:
        raise ExportError(f'ONNX needs {" and ".join(absent)}: pip install -c constraints.txt -e ".[onnx]"')
    if path.exists():
        raise ExportError(f"{path} exists already; give another name, or delete it.")
    if not path.parent.is_dir():
        raise ExportError(f"There is no folder {path.parent} for {path.name}; make it, or give another.")
    size = sum(weight.numel() * weight.element_size() for weight in model.state_dict().values())
    if size > LIMIT:
        raise ExportError(f"The model has {size / 2**30:.1f} GiB of weights, and one ONNX file holds less than 2.")
    training = model.training
    model.eval()
    try:
        with replacing(path) as temporary:
            _write(model, temporary)
            return _check(model, temporary, tolerance)
    finally:
        model.train(training)


def metadata(config: EmoSphereConfig) -> dict[str, str]:
    """What a program has to know beside the graph.

    Parameters
    ----------
    config : EmoSphereConfig

    Returns
    -------
    dict of str to str
    """
    grid = config.grid
    names = {"region": grid.names, "category": tuple(CATEGORIES.values())}.get(config.auxiliary, ())
    return {
        "dimensions": json.dumps(list(config.dimensions)),
        "scale": json.dumps(list(config.scale)),
        "grid": json.dumps({"azimuth": grid.azimuth, "elevation": grid.elevation, "spacing": grid.spacing}),
        "class_names": json.dumps(list(names), ensure_ascii=False),
        "auxiliary": config.auxiliary,
        "sample_rate": json.dumps(RATE),
        "trained_on": config.trained_on,
    }


def _write(model, path):
    import onnx

    outputs = ["vad"] if model.auxiliary is None else ["vad", "logits"]
    free = {name: {0: "batch"} for name in outputs} | {name: {0: "batch", 1: "samples"} for name in INPUTS}
    with _quiet():
        torch.onnx.export(
            _Graph(model),
            _batch(model, CHECKED[0]),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=outputs,
            dynamic_axes=free,
        )
    graph = onnx.load(path)
    onnx.helper.set_model_props(graph, metadata(model.config))
    onnx.save(graph, path)


@torch.inference_mode()
def _check(model, path, tolerance):
    """The largest difference between the file's outputs and the model's."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    largest = 0.0
    for seconds in CHECKED:
        batch = _batch(model, seconds)
        expected = _Graph(model)(*batch)
        found = session.run(None, {name: values.numpy(force=True) for name, values in zip(INPUTS, batch, strict=True)})
        for one, other in zip(expected, found, strict=True):
            difference = float((one.cpu() - torch.from_numpy(other)).abs().max())
            if not difference <= tolerance:  # NaN, too
                raise ExportError(
                    f"With onnxruntime an output differs by {difference:.2g} from PyTorch's, and at most "
                    f"{tolerance:g} was allowed; no file was written."
                )
            largest = max(largest, difference)
    return largest


def _batch(model, seconds):
    """Noise as loud as the training corpus, with zeros behind the shorter ones; and its mask."""
    lengths = torch.tensor([round(length * RATE) for length in seconds])
    mask = torch.arange(int(lengths.max())) < lengths[:, None]  # (batch, samples)
    noise = torch.randn(mask.shape, generator=torch.Generator().manual_seed(0))
    waveform = (model.config.waveform_mean + model.config.waveform_std * noise) * mask
    return waveform.to(model.device), mask.to(model.device)


@contextmanager
def _quiet():
    """Without the exporter's remarks on each Python number that it meets; what matters is checked afterwards."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
