"""What a run depends on is what it is compared by: when it goes on, when it is used again, in sweeps and in tables."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from conftest import write_corpus
from safetensors.torch import load_file, save_file

from emosphere import corpora, experiments
from emosphere.config import Config, ConfigError
from emosphere.corpora import CorpusError
from emosphere.run import RecordError, Run
from emosphere.sphere import DIMENSIONS
from emosphere.training import pipeline as training
from emosphere.training import preparation
from emosphere.training.process import precision_of


def write(root, speakers=8, **columns):
    """A manifest of six utterances a speaker, and their sounds."""
    names = [f"s{speaker:02}_{number}" for speaker in range(speakers) for number in range(6)]
    rng = np.random.default_rng(0)
    for name in names:
        root.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(int(name[1:3]) * 10 + int(name[-1])).uniform(-0.3, 0.3, 8000)
        soundfile.write(root / f"{name}.wav", noise, 16000)
    rows = {"utterance": names, "path": [f"{name}.wav" for name in names], "speaker": [name[:3] for name in names]}
    rows |= {dimension: rng.uniform(1.5, 6.5, len(names)).round(2) for dimension in DIMENSIONS}
    pd.DataFrame(rows | columns).to_csv(root / "manifest.csv", index=False)
    return root


def config(root, encoders, **changes):
    settings = {
        "corpus": "manifest",
        "root": str(root),
        "corpus_options": {"scale": [1, 7]},
        "batch_size": 8,
        "epochs": 2,
        "encoder": str(encoders / "wavlm"),
        "style_width": 32,
        "head_width": 8,
    }
    return Config.create("tiny", **(settings | changes))


def train(config, folder):
    return training.train(config, folder, cache=folder.parent / "cache", progress=False)


class Stopped(BaseException):
    pass


def stop(monkeypatch, config, folder):
    """A run that ends after its first epoch."""
    real = training.fit

    def stopping(*args, **options):
        with monkeypatch.context() as patch:
            patch.setattr("emosphere.training.loop._Training.epoch", once(patch))
            real(*args, **options)

    def once(patch):
        from emosphere.training.loop import _Training

        epoch, calls = _Training.epoch, []

        def limited(*args):
            if calls:
                raise Stopped
            calls.append(1)
            return epoch(*args)

        return limited

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(training, "fit", stopping)
        train(config, folder)
    assert Run(folder).is_stopped and not Run(folder).is_complete


@pytest.fixture
def root(tmp_path):
    return write(tmp_path / "corpus")


def another_speaker(root, encoder):
    write(root, 9)


def another_rating(root, encoder):
    table = pd.read_csv(root / "manifest.csv")
    table.loc[3, "arousal"] += 0.01
    table.to_csv(root / "manifest.csv", index=False)


def another_sound(root, encoder):
    samples, rate = soundfile.read(root / "s00_0.wav")
    soundfile.write(root / "s00_0.wav", samples * 0.5, rate)


def a_lost_sound(root, encoder):
    (root / "s00_0.wav").unlink()


def other_weights(root, encoder):
    weights = load_file(encoder / "model.safetensors")
    weights["encoder.layers.0.feed_forward.output_dense.bias"] += 1e-3
    save_file(weights, encoder / "model.safetensors", metadata={"format": "pt"})


CHANGES = {
    another_speaker: "labels, splits or scale",
    another_rating: "labels, splits or scale",
    another_sound: "the audio",
    a_lost_sound: "the audio",
    other_weights: "the encoder's weights",
}


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_a_run_is_not_gone_on_with_or_used_again(root, encoders, tmp_path, monkeypatch, change, complete):
    encoder = shutil.copytree(encoders / "wavlm", tmp_path / "wavlm")
    here = config(root, tmp_path, epochs=1 if complete else 2)
    if complete:
        train(here, tmp_path / "run")
    else:
        stop(monkeypatch, here, tmp_path / "run")
    (tmp_path / "run/status.json").unlink(missing_ok=True)  # which tells what was tried last
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()}
    change(root, encoder)
    with pytest.raises(ConfigError, match=f"another state of {CHANGES[change]}|another state of the {CHANGES[change]}"):
        train(here, tmp_path / "run")
    (tmp_path / "run/status.json").unlink(missing_ok=True)
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert after == before


def test_a_checkpoint_knows_by_itself(root, encoders, tmp_path, monkeypatch):
    stop(monkeypatch, config(root, encoders), tmp_path / "run")
    another_rating(root, None)
    facts = Run(tmp_path / "run").environment()
    for name in ("fingerprint", "audio", "encoder_fingerprint"):
        facts.pop(name)
    (tmp_path / "run" / "environment.json").write_text(json.dumps(facts))
    with pytest.raises(ConfigError, match="checkpoint.pt holds a run that began with another state of the labels"):
        train(config(root, encoders), tmp_path / "run")


def test_where_the_corpus_lies_is_not_what_it_is(root, encoders, tmp_path, monkeypatch):
    stop(monkeypatch, config(root, encoders), tmp_path / "run")
    shutil.move(root, tmp_path / "elsewhere")
    run = train(config(tmp_path / "elsewhere", encoders), tmp_path / "run")
    straight = train(config(tmp_path / "elsewhere", encoders), tmp_path / "straight")
    assert (run / "predictions.csv").read_bytes() == (straight / "predictions.csv").read_bytes()
    shutil.copytree(tmp_path / "elsewhere", root)
    again = config(root, encoders, allow_missing_audio=True, workers=1)
    assert train(again, tmp_path / "run") == run and Run(run).is_complete


@pytest.mark.parametrize("scale", [(1, 7), [1, 7], (1.0, 7.0), np.array([1, 7]).tolist()])
def test_values_are_compared_as_they_are_stored(root, encoders, tmp_path, scale):
    options = {"scale": scale, "seed": 0}
    one = config(root, encoders, corpus_options=options)
    one.save(tmp_path / "config.json")
    assert one == Config.load(tmp_path / "config.json") and Run(tmp_path, one).is_here()
    assert Config.create("tiny", corpus_options={"scale": {"deep": (1, (2, 3))}}).corpus_options == {
        "scale": {"deep": [1, [2, 3]]}
    }


def test_options_that_cannot_be_stored_are_refused():
    with pytest.raises(ConfigError, match="corpus_options must be texts, numbers and lists of these"):
        Config.create("tiny", corpus_options={"scale": {1, 7}})


def test_precision_is_recorded_as_what_it_became(root, encoders, tmp_path, monkeypatch):
    auto = config(root, encoders, precision="auto", epochs=1)
    run = train(auto, tmp_path / "run")
    assert Run(run).config.precision == "no"
    assert Run(run, auto).is_here() and train(auto, run) == run
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)  # what began without goes on without
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **options: True)
    assert precision_of(Run(run, auto)) == "no" and precision_of(Run(tmp_path / "new", auto)) == "bf16"
    with pytest.raises(ConfigError, match="precision"):
        Run(run, config(root, encoders, precision="bf16", epochs=1)).is_here()


def test_sweeps_and_tables_compare_the_same(root, encoders, tmp_path, monkeypatch):
    monkeypatch.setattr(experiments.engines, "execute", lambda *a: pytest.fail("nothing may run"))
    encoder = shutil.copytree(encoders / "wavlm", tmp_path / "wavlm")
    settings = {
        "preset": "tiny",
        "corpus": "manifest",
        "root": str(root),
        "corpus_options": {"scale": [1, 7]},
        "batch_size": 8,
        "epochs": 1,
        "encoder": str(encoder),
        "style_width": 32,
        "head_width": 8,
    }
    experiment = experiments.Experiment("mine", {"full": {}, "other": {"weighted": False}}, settings=settings)
    first, second = experiment.runs(tmp_path / "runs")
    for run in (first, second):
        training.train(run.config, run.folder, cache=tmp_path / "cache", progress=False)
    results = experiments.sweep(experiment, runs=tmp_path / "runs", progress=False)
    assert results.about.startswith("corpus manifest")
    other_weights(root, encoder)
    with pytest.raises(ConfigError, match="another state of the encoder's weights"):
        experiments.sweep(experiment, runs=tmp_path / "runs", progress=False)
    shutil.rmtree(second.folder)
    training.train(second.config, second.folder, cache=tmp_path / "cache", progress=False)
    with pytest.raises(ValueError, match="do not belong into one table: the weights of the encoder"):
        experiments.read_results(tmp_path / "runs" / "mine").about  # noqa: B018
    another_rating(root, encoder)
    with pytest.raises(ConfigError, match="another state of the labels"):
        experiments.sweep(experiment, runs=tmp_path / "runs", progress=False)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("auxiliary: null", "auxiliary is null.*write \"none\" to switch it off.*\\('region'\\)"),
        ("auxiliary:", "auxiliary is null"),
        ("clip_gradient: ~", 'clip_gradient is null.*write "none"'),
        ("weighted: null", 'weighted is null.*write "false".*leave it out to have it as in the preset \\(True\\)'),
        ("threads: null", 'threads is null.*write "none"'),
        ("clip_gradient: [null, 0.5]", "clip_gradient is null"),
        ("epochs: null", "epochs is null"),
    ],
)
def test_null_in_an_experiment(tmp_path, line, words):
    (tmp_path / "e.yaml").write_text(f"full: {{}}\nmine:\n  {line}\n")
    with pytest.raises(ConfigError, match=words):
        experiments.load_experiment(tmp_path / "e.yaml").runs(tmp_path)
    (tmp_path / "e.yaml").write_text(f"settings:\n  {line}\nfull: {{}}\n")
    if "[" not in line:
        with pytest.raises(ConfigError, match=words):
            experiments.load_experiment(tmp_path / "e.yaml").runs(tmp_path)


def test_words_for_off(tmp_path):
    lines = {
        "clip_gradient": "none",
        "threads": "none",
        "limit": "none",
        "auxiliary": "none",
        "precision": "no",
        "batch_seconds": "null",
    }
    text = "full: {}\nmine: {" + ", ".join(f"{name}: {word}" for name, word in lines.items()) + "}\n"
    (tmp_path / "e.yaml").write_text(text)
    found = experiments.load_experiment(tmp_path / "e.yaml").runs(tmp_path)[1].config
    assert [getattr(found, name) for name in lines] == [None, None, None, "none", "no", None]
    assert Config.create("small").clip_gradient is not None  # so that there was something to switch off
    for name in Config.__dataclass_fields__:  # every number that may be None has the word
        if Config.can_be_off(name):
            assert getattr(Config.create("small", **{name: "none"}), name) is None


def prepared(root, encoders, **changes):
    return preparation.prepare(config(root, encoders, **changes), cache=root.parent / "cache", progress=False)


def splits(root, **columns):
    """A corpus with splits of its own: 24 utterances for training, 12 each for the others."""
    return write(root, split=(["train"] * 4 + ["validation", "test"] * 2) * 6, **columns)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_most_of_a_split_is_missing(tmp_path, encoders, split):
    root = splits(tmp_path / "corpus")
    paths = pd.read_csv(root / "manifest.csv").query("split == @split")["path"].tolist()
    for number, path in enumerate(paths):
        if number < len(paths) / 2:
            (root / path).unlink()
    (note,) = [note for note in prepared(root, encoders).notes if "left out" in note]
    assert (
        f"{len(paths) // 2} {split} utterances left out: missing file ({len(paths) // 2}), such as {paths[0]}" in note
    )
    (root / paths[-1]).write_bytes(b"version https://git-lfs.github.com/spec/v1\n" * 9)
    with pytest.raises(CorpusError) as caught:
        prepared(root, encoders)
    for words in (
        f"{len(paths) // 2 + 1} of the {len(paths)} rated utterances of the {split} split",
        "git lfs pull",
        f"such as {paths[0]}",
        "allow_missing_audio=True",
    ):
        assert words in str(caught.value)
    found = prepared(root, encoders, allow_missing_audio=True)
    assert len(found.rows[split]) == len(paths) // 2 - 1


def test_speakers_of_two_splits_are_noted(tmp_path, encoders):
    root = splits(tmp_path / "corpus")
    notes = prepared(root, encoders).notes
    assert "8 speakers of test in train, too (s00, s01, s02, ...)." in notes
    speakers = [f"{split}{number % 3}" for number, split in enumerate((["a"] * 4 + ["b", "c"] * 2) * 6)]
    assert not [note for note in prepared(splits(root, speaker=speakers), encoders).notes if "speaker" in note]
    speakers = ["unknown" if name[0] == "c" else name for name in speakers]
    (note,) = [note for note in prepared(splits(root, speaker=speakers), encoders).notes if "speaker" in note]
    assert note == "12 test utterances by unknown speakers, who may be in train, too."


@pytest.mark.parametrize("emotion", [None, "boredom", "X", "A", "O"])
def test_no_category_no_auxiliary_task(tmp_path, encoders, emotion):
    root = splits(tmp_path / "corpus", emotion=emotion)
    with pytest.raises(CorpusError, match="auxiliary=category needs training utterances of two categories|usable"):
        prepared(root, encoders, auxiliary="category")
    root = splits(root, emotion=["anger", "sadness"] * 24)
    counts = prepared(root, encoders, auxiliary="category").class_table()["utterances"]
    assert counts.tolist() == [12, 12, 0, 0, 0, 0, 0, 0]


def test_too_little_says_why(tmp_path, encoders):
    root = write_corpus(tmp_path / "tones")
    labels = root / "Labels/labels_consensus.csv"
    table = pd.read_csv(labels)
    table.loc[table["Split_Set"] == "Train", "EmoDom"] = np.nan
    table.to_csv(labels, index=False)
    here = Config.create("tiny", corpus="msp_podcast", root=str(root), encoder=str(encoders / "wavlm"))
    # that none has the rating says more than an example of one that has not
    with pytest.raises(CorpusError, match=r"train split of msp_podcast has 0 usable.*none of its \d+ .* of dominance"):
        preparation.prepare(here, cache=tmp_path, progress=False)
    assert corpora.load("msp_podcast", root).table["dominance"].notna().any()


def test_a_folder_without_its_configuration_is_left_alone(root, encoders, tmp_path, monkeypatch):
    stop(monkeypatch, config(root, encoders), tmp_path / "run")
    (tmp_path / "run" / "config.json").unlink()
    with pytest.raises(ConfigError, match="holds a run, but no config.json that says which"):
        train(config(root, encoders, learning_rate=0.5), tmp_path / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file; a run needs a folder"):
        train(config(root, encoders), tmp_path / "file")


def test_settings_of_an_encoder_are_part_of_it(root, encoders, tmp_path):
    encoder = shutil.copytree(encoders / "wavlm", tmp_path / "wavlm")
    here = config(root, tmp_path, epochs=1)
    run = train(here, tmp_path / "run")
    settings = json.loads((encoder / "config.json").read_text())
    (encoder / "config.json").write_text(json.dumps(settings | {"transformers_version": "9", "dtype": "float16"}))
    assert train(here, run) == run  # which makes no difference
    (encoder / "config.json").write_text(json.dumps(settings | {"layer_norm_eps": 0.1}))
    with pytest.raises(ConfigError, match="another state of the encoder's weights, or their settings"):
        train(here, run)


def test_a_sweep_compares_the_sound_and_whatever_variant_comes_first(root, encoders, tmp_path, monkeypatch):
    monkeypatch.setattr(experiments.engines, "execute", lambda *a: pytest.fail("nothing may run"))
    encoder = shutil.copytree(encoders / "wavlm", tmp_path / "wavlm")
    settings = {
        "preset": "tiny",
        "corpus": "manifest",
        "root": str(root),
        "corpus_options": {"scale": [1, 7]},
        "batch_size": 8,
        "epochs": 1,
        "encoder": str(encoder),
        "style_width": 32,
        "head_width": 8,
    }
    experiment = experiments.Experiment("mine", {"new": {"weighted": False}, "full": {}}, settings=settings)
    run = experiment.runs(tmp_path / "runs")[1]
    training.train(run.config, run.folder, cache=tmp_path / "cache", progress=False)
    copy = shutil.copytree(run.folder, run.folder.parent.parent / "new" / "seed0")
    facts = Run(copy).environment()
    (copy / "environment.json").write_text(json.dumps(facts | {"audio": "ffffffffffff"}))
    with pytest.raises(ValueError, match="do not belong into one table: they differ in state of its audio"):
        experiments.read_results(tmp_path / "runs" / "mine").about  # noqa: B018
    shutil.rmtree(copy)
    another_sound(root, encoder)
    with pytest.raises(ConfigError, match="another state of the audio"):
        experiments.sweep(experiment, runs=tmp_path / "runs", progress=False)


@pytest.mark.parametrize("damage", [lambda path: path.write_text("{"), lambda path: path.unlink()])
def test_a_damaged_record_is_a_sentence(root, encoders, tmp_path, damage):
    here = config(root, encoders, epochs=1)
    run = train(here, tmp_path / "run")
    damage(run / "environment.json")
    with pytest.raises(RecordError, match="environment.json is damaged"):
        train(here, run)


@pytest.mark.parametrize("text", ["mine: false", "mine: 0", "mine: []", "settings: false\nmine: {}"])
def test_nothing_that_looks_like_off_is_taken_for_nothing(tmp_path, text):
    (tmp_path / "e.yaml").write_text(f"full: {{}}\n{text}\n")
    with pytest.raises(ConfigError, match="maps? parameters to values"):
        experiments.load_experiment(tmp_path / "e.yaml").runs(tmp_path)


def test_null_on_the_command_line_and_as_a_name(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "emosphere", "train", str(tmp_path / "r"), "clip_gradient=None"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and 'write "none" to switch it off' in done.stderr and "Traceback" not in done.stderr
    (tmp_path / "e.yaml").write_text("name: null\nfull: {}\n")
    assert experiments.load_experiment(tmp_path / "e.yaml").name == "e"


def test_what_a_run_knows_of_its_sounds_is_noted(tmp_path, encoders):
    root = splits(tmp_path / "corpus", end=[0.5] * 47 + [9.0])
    shutil.copy(root / "s00_0.wav", root / "s00_5.wav")  # train and test
    notes = prepared(root, encoders).notes
    assert "1 sound of test in train, too (validate lists them)." in notes
    assert "1 utterance shorter than the file's header or the column end says." in notes
    root = splits(root, emotion=["A", "H", "frustrated", "S", "A", "H"] * 8)
    (note,) = [note for note in prepared(root, encoders, auxiliary="category").notes if "eight categories" in note]
    assert note.startswith("4 train utterances with none of the eight")


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: [lines[0], lines[1].replace(",", ',"', 1), lines[2].replace(".wav", '.wav"', 1), *lines[3:]],
        lambda lines: [*lines[:-1], lines[-1][: len(lines[-1]) // 2]],
        lambda lines: [f"{lines[0]},utterance", *(f"{line},x" for line in lines[1:])],
        lambda lines: [*lines[:-1], lines[-1].rsplit(",", 1)[0] + ",x"],
    ],
    ids=["swallowed", "cut short", "a column twice", "no number"],
)
def test_predictions_are_read_as_strictly_as_labels(root, encoders, tmp_path, damage):
    run = train(config(root, encoders, epochs=1), tmp_path / "run")
    whole = Run(run).predictions()
    assert whole["region"].dtype.kind == "i" and len(whole)
    path = run / "predictions.csv"
    path.write_text("\n".join(damage(path.read_text().splitlines())) + "\n")
    with pytest.raises(RecordError, match="predictions.csv is damaged"):
        Run(run).predictions()


def test_names_of_any_kind_go_through_a_run(tmp_path, encoders):
    """From the label file through training to predictions, card and table, as they are."""
    names = ["NA", "007", "1e1", "None", "nan", "=1+1", "1_000", "TRUE"]
    root = splits(tmp_path / "corpus")
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    test = table.index[table["split"] == "test"][: len(names)]
    table.loc[test, "utterance"] = names
    table.loc[test, "speaker"] = names[::-1]
    table.to_csv(root / "manifest.csv", index=False)
    run = train(config(root, encoders, epochs=1), tmp_path / "runs" / "full" / "seed0")
    read = Run(run).predictions().set_index("utterance")
    assert read["speaker"][names].tolist() == names[::-1]
    (predictions,) = experiments.read_results(tmp_path / "runs").predictions["full"].values()
    assert predictions["utterance"].isin(names).sum() == len(names)


def test_a_run_of_before_is_used_again(root, encoders, tmp_path):
    """It has the corpus' fingerprint, none of the sound, and one of the weights without their settings."""
    here = config(root, encoders, epochs=1)
    run = train(here, tmp_path / "run")
    facts = Run(run).environment()
    del facts["audio"], facts["encoder_fingerprint"]
    (run / "environment.json").write_text(json.dumps(facts | {"encoder": "0123456789ab"}))
    assert train(here, run) == run
