"""A model to the Hub and back, against a stand-in that speaks its protocol."""

import json
import os
import subprocess
import sys

import huggingface_hub
import numpy as np
import pytest
import soundfile
import yaml
from hub import Hub
from test_card import made, table_of  # noqa: F401 (a fixture)

from emosphere.card import write_card
from emosphere.prediction import load_model, predict
from emosphere.sharing import FILES, ShareError, pack, send

NAMES = ["anna", "Jörg", "p3", "dora", "x_y", "007"]


@pytest.fixture
def hub():
    there = Hub()
    yield there
    there.close()


@pytest.fixture
def at_hub(hub, tmp_path, monkeypatch):
    """This process talks to the stand-in, as somebody who may write."""
    for name, value in (
        ("ENDPOINT", hub.address),
        ("HF_HUB_OFFLINE", False),
        ("HF_HUB_CACHE", str(tmp_path / "cache")),
    ):
        monkeypatch.setattr(huggingface_hub.constants, name, value)
    template = hub.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(huggingface_hub.file_download, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
    monkeypatch.setattr(huggingface_hub._commit_api, "is_xet_available", lambda: False)  # the protocol before Xet
    monkeypatch.setenv("HF_TOKEN", "writer")
    return hub


@pytest.fixture
def run(made):  # noqa: F811
    predictions = table_of()
    predictions["speaker"] = [NAMES[i] for i in predictions["speaker"]]
    notes = (
        "3 files left out.\n2 speakers of test in train, too (anna, Jörg).\n"
        "4 speakers of validation in train, too (Zoë, b_1, c, ...).\n"
        "2 train utterances left out: silent (2), such as homes/Walter/1.wav: peak 0 (validate lists all).\n"
        "Remarks are not used: /home/walter/remarks.csv is damaged.\nThe voice of dora was cut.\n"
    )
    folder = made(predictions=predictions, corpus="manifest", notes=notes)
    (folder / "scores.json").write_text("{}")
    (folder / "recordings").mkdir()
    (folder / "model" / "secret.wav").write_bytes(b"x")
    write_card(folder)
    return folder


def test_there_and_back(run, at_hub, tmp_path):
    address = send(pack(run, "anna/my-model", licence="cc-by-nc-4.0"))
    assert address == f"{at_hub.address}/anna/my-model" and at_hub.private["anna/my-model"]
    sent = at_hub.files["anna/my-model"]
    assert sorted(sent) == sorted(FILES)
    for name in ("config.json", "model.safetensors"):
        assert sent[name] == (run / "model" / name).read_bytes()
    soundfile.write(tmp_path / "a.wav", 0.1 * np.random.default_rng(0).normal(size=16000), 16000)
    here, there = (predict(model, [tmp_path / "a.wav"]) for model in (load_model(run), load_model("anna/my-model")))
    assert here.equals(there)
    assert send(pack(run, "anna/my-model", licence="mit")) == address  # a second commit


def test_the_card_that_is_sent_names_nobody(run):
    parcel = pack(run, "anna/my-model", licence="cc-by-nc-4.0")
    front = yaml.safe_load(parcel.card.split("---\n")[1])
    assert front["license"] == "cc-by-nc-4.0" and "license_name" not in front
    assert "This model is shared under cc-by-nc-4.0." in parcel.card
    assert "3 files left out" in parcel.card and 'predict("anna/my-model"' in parcel.card
    assert "speakers of test in train" in (run / "model" / "README.md").read_text(encoding="utf-8")
    assert "- 2 speakers of test in train, too.\n- 4 speakers of validation in train, too.\n- 2 train" in parcel.card
    assert "- 2 train utterances left out.\n" in parcel.card
    assert not any(name in parcel.card for name in ("Jörg", "dora", "(anna", "Zoë", "b_1", "alter", "b\\_1"))
    said = parcel.describe()
    assert all(name in said for name in FILES) and "secret" not in said and "private" in said
    assert "public; licence mit" in pack(run, "a/b", licence="mit", private=False).describe()
    other = yaml.safe_load(pack(run, "a/b", licence="other").card.split("---\n")[1])
    assert other["license_name"] == "see-licence-below"


@pytest.mark.parametrize("corpus", ["msp_podcast", "iemocap", "emotale"])
def test_owners_are_asked_first(made, corpus):  # noqa: F811
    folder = made(corpus=corpus)
    (folder / "scores.json").write_text("{}")
    write_card(folder)
    with pytest.raises(ShareError, match="permission"):
        pack(folder, "a/b", licence="mit")
    later = made(corpus="manifest", start=str(folder))  # it has learned from there, too
    (later / "scores.json").write_text("{}")
    write_card(later)
    with pytest.raises(ShareError, match="permission"):
        pack(later, "a/b", licence="mit")
    card = pack(folder, "a/b", licence="mit", permission="its authors, by letter").card
    assert "Permission: its authors, by letter." in card


def test_what_cannot_be_shared(run, tmp_path):
    for changes, words in (
        (dict(repository="my-model"), "OWNER/NAME, not 'my-model'"),
        (dict(licence="CC BY"), "such as cc-by-nc-4.0"),
        (dict(folder=tmp_path), "has no README.md"),
    ):
        with pytest.raises(ShareError, match=words):
            pack(**{"folder": run, "repository": "a/b", "licence": "mit", **changes})
    (run / "model" / "README.md").unlink()
    with pytest.raises(ShareError, match="has no README.md"):
        pack(run, "a/b", licence="mit")
    (tmp_path / "folds" / "fold0").mkdir(parents=True)
    with pytest.raises(ShareError, match="a model for each fold"):
        pack(tmp_path / "folds", "a/b", licence="mit")


def test_the_hub_refuses(run, at_hub, monkeypatch, tmp_path):
    parcel = pack(run, "anna/m", licence="mit")
    at_hub.files["anna/m"], at_hub.private["anna/m"] = {"README.md": b"old"}, False
    with pytest.raises(ShareError, match="is there already, and public"):
        send(parcel)
    assert at_hub.files["anna/m"] == {"README.md": b"old"}
    monkeypatch.setenv("HF_TOKEN", "wrong")
    with pytest.raises(ShareError, match="the token is not valid"):
        send(parcel)
    monkeypatch.setenv("HF_TOKEN", "reader")
    at_hub.private["anna/m"] = True
    with pytest.raises(ShareError, match="the right to write"):
        send(parcel)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(ShareError, match="hf auth login"):
        send(parcel)


def test_no_network(run, at_hub, monkeypatch):
    parcel = pack(run, "anna/m", licence="mit")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    huggingface_hub.close_session()
    with pytest.raises(ShareError, match="HF_HUB_OFFLINE"):
        send(parcel)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    huggingface_hub.close_session()
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ShareError, match="cannot be reached"):
        send(parcel)


@pytest.mark.parametrize("place", ["./runs/typo", "../runs/typo", "/runs/typo", "~/typo", "runs/typo", "a/b/c", "typo"])
def test_a_mistyped_path_is_told_without_the_network(at_hub, tmp_path, monkeypatch, place):
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="There is no model in .*: no such folder is here; give") as error:
        load_model(place)
    assert place in str(error.value) and not at_hub.requests


def test_names_that_the_hub_does_not_have(at_hub):
    with pytest.raises(ValueError, match="There is no model in anna/none: no such folder is here"):
        load_model("anna/none")
    at_hub.files["anna/bert"], at_hub.private["anna/bert"] = {"config.json": b'{"model_type": "bert"}'}, False
    with pytest.raises(ValueError, match="none of this kit"):
        load_model("anna/bert")


def test_the_command_shows_before_it_sends(run, hub, tmp_path):
    environment = os.environ | {"HF_ENDPOINT": hub.address, "HF_TOKEN": "writer", "HF_HUB_OFFLINE": "0"}
    environment |= {"HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}  # the protocol before Xet
    line = [sys.executable, "-m", "emosphere", "share", str(run), "anna/model", "--licence", "mit"]
    options = dict(capture_output=True, text=True, encoding="utf-8", env=environment, stdin=subprocess.DEVNULL)
    done = subprocess.run(line, **options)
    assert done.returncode == 1 and "model.safetensors" in done.stdout and "Nothing is sent" in done.stderr
    assert not hub.requests
    done = subprocess.run([*line, "--yes"], **options)
    assert done.returncode == 0, done.stderr
    assert f"It is at {hub.address}/anna/model" in done.stdout and hub.private["anna/model"]
    assert json.loads(hub.files["anna/model"]["config.json"])["model_type"] == "emosphere"
