"""Whatever is in a file, the library either reads it or says in a sentence which file is wrong, and never hangs."""

import io
import json
import zipfile
from functools import partial

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from accelerate import Accelerator
from conftest import SMALL
from fuzzing import ROUNDS, attempt, bitten, in_time, rearranged, reshaped, retold, retyped

from emosphere import audio, corpora, experiments, metrics
from emosphere import utils as files
from emosphere.audio import MIN_SECONDS, RATE, AudioError, check_rate
from emosphere.config import Config, ConfigError
from emosphere.corpora import CorpusError
from emosphere.data import read_audio
from emosphere.model import EmoSphereConfig, EmoSphereModel
from emosphere.prediction import predict
from emosphere.run import Run, refuse_changed
from emosphere.sphere import DIMENSIONS
from emosphere.training import checkpoint
from emosphere.training.live import LiveRun
from emosphere.widgets.packing import pack_utterances
from emosphere.widgets.utterances import Utterances

IEMOCAP = """\
% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes0{k}F_impro01_F000\tneu\t[2.5000, 3.5000, 1.5000]
C-E2:\tNeutral;\t()
A-E3:\tval 3; act 2; dom  2;\t()
A-E4:\tval 2; act 3; dom ;\t(mixed)

[10.0100 - 11.3925]\tSes0{k}F_impro01_M000\texc\t[4.0000, 3.0000, 2.0000]
A-E3:\tval 3; act 2; dom  2;\t()
[12.0100 - 13.3925]\tSes0{k}F_impro01_M001\tfru\t[1.0000, 4.0000, 5.0000]
"""


def cases(count):
    """Random generators of so many cases; case 17 is the same however many there are."""
    return ((number, np.random.default_rng(number)) for number in range(count * ROUNDS))


def say(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).uniform(-0.5, 0.5, 4800), 16_000)


def msp_podcast(root):
    names = [f"MSP-PODCAST_0001_{number:04d}" for number in range(6)]
    head = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"
    rows = [
        f"{name}.wav,{'NXHHAO'[n]},4.5,3.{n},5,00{n % 3},Female,{'Train' if n < 3 else 'Development'}"
        for n, name in enumerate(names)
    ]
    detailed = ["FileName,WorkerID,EmoClass_Major,EmoAct,EmoVal,EmoDom"]
    detailed += [f"{name}.wav,w{rater},Neutral,{3 + rater},4,5" for name in names[:4] for rater in range(2)]
    texts = ["FileName,Text", *(f'{name}.wav,"Well, {n}."' for n, name in enumerate(names))]
    return {
        "Labels/labels_consensus.csv": head + "\n".join(rows) + "\n",
        "Labels/labels_detailed.csv": "\n".join(detailed) + "\n",
        "Labels/transcripts.csv": "\n".join(texts) + "\n",
    }, [f"Audios/{names[0]}.wav"]


def emotale(root):
    raters = ",".join(f"a{i}_{column}" for i in (1, 2, 3) for column in ("A", "V", "D", "cat"))
    names = ["DK_001_A_1", "EN_003_B_2", "DK_004_N_5", "DK_008_H_1"]
    rows = [f"{name}.wav,4.0,1.5,4.5,A,5.0,2.5,3.5,A,,2.0,4.0,A,A" for name in names]
    return {
        "annotations.csv": "\n".join([f"file,{raters},gt_emotion", *rows, ""]),
        "speaker_info.csv": "speaker,gender,age\n001,F,22\n003,F,23\n004,M,24\n008,F,12\n",
    }, [f"wav/{names[0]}.wav"]


def iemocap(root):
    return {
        f"Session{k}/dialog/EmoEvaluation/Ses0{k}F_impro01.txt": IEMOCAP.replace("{k}", str(k)) for k in range(1, 6)
    }, ["Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"]


def manifest_table():
    n = 8
    return pd.DataFrame(
        {
            "utterance": [f"u{i}" for i in range(n)],
            "path": [f"{i}.wav" for i in range(n)],
            "speaker": [f"s{i % 4}" for i in range(n)],
            "valence": [1.0 + i % 5 for i in range(n)],
            "arousal": [3.0] * n,
            "dominance": [2.5] * n,
            "emotion": list("ASHUFDXO"),
            "gender": ["Female", "m"] * 4,
            "split": (["train", "validation", "test"] * 3)[:n],
            "text": ["Well, yes."] * n,
            "raters": [5] * n,
            "valence_sd": [0.5] * n,
            "arousal_sd": [0.5] * n,
            "dominance_sd": [0.5] * n,
            "age": [30] * n,
        }
    )


def manifest(root):
    return {"manifest.csv": manifest_table().to_csv(index=False)}, ["0.wav"]


def use(name, root, **options):
    """All that reads a corpus: its table, its findings, its picture."""
    corpus = corpora.load(name, root, **options)
    corpora.validate(corpus, progress=False)
    corpus.fingerprint()
    corpus._repr_html_()
    if corpus.table[["valence", "arousal", "dominance"]].notna().all(axis=1).any():
        view = Utterances(corpus)
        pack_utterances(view, kind="corpus")
        view.shown({"text": "a"})
    return corpus


@pytest.mark.parametrize("adapter", [msp_podcast, emotale, iemocap, manifest])
def test_label_files(tmp_path, adapter):
    files, audio = adapter(tmp_path)
    for name in audio:
        say(tmp_path / name)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    options = {"scale": (1, 5)} if adapter is manifest else {}
    use(adapter.__name__, tmp_path, **options)
    for number, rng in cases(35):
        name = list(files)[rng.integers(len(files))]
        data = retyped(files[name], rng) if rng.random() < 0.8 else bitten(files[name].encode(), rng)
        (tmp_path / name).write_bytes(data)
        named = tmp_path, adapter.__name__, "the corpus"
        attempt(partial(use, adapter.__name__, tmp_path, **options), CorpusError, *named, what=f"{name}, case {number}")
        (tmp_path / name).write_text(files[name], encoding="utf-8")


def test_parquet_manifests(tmp_path):
    say(tmp_path / "0.wav")
    file, table = tmp_path / "m.parquet", manifest_table()
    for number, rng in cases(40):
        try:
            (reshaped(table, rng) if rng.random() < 0.6 else table).to_parquet(file)
        except Exception:  # what pandas cannot write nobody will read
            continue
        if rng.random() < 0.5:
            file.write_bytes(bitten(file.read_bytes(), rng))
        attempt(lambda: use("manifest", file, scale=(1, 5)), CorpusError, tmp_path, "the corpus", what=f"case {number}")


@pytest.fixture(scope="module")
def model():
    config = EmoSphereConfig(encoder_config={"model_type": "wavlm", **SMALL}, style_width=16, head_width=16)
    return EmoSphereModel(config).eval()


SOUNDS = {
    "a.wav": {},
    "u8.wav": {"subtype": "PCM_U8"},
    "24.wav": {"subtype": "PCM_24"},
    "float.wav": {"subtype": "FLOAT"},
    "a.flac": {},
    "a.mp3": {},
    "a.ogg": {},
    "a.aiff": {},
    "a.au": {},
    "a.w64": {},
    "a.caf": {},
}


def test_audio(tmp_path, model):
    """Measured, read and predicted from: what `measure` calls sound can be read, and has as many samples."""
    tone = 0.3 * np.sin(np.arange(6400) / 5)
    for name, options in SOUNDS.items():
        soundfile.write(
            tmp_path / name, np.stack([tone, 0.5 * tone], 1) if name == "a.flac" else tone, 16_000, **options
        )
    whole = {name: (tmp_path / name).read_bytes() for name in SOUNDS}
    for number, rng in cases(90):
        name = list(SOUNDS)[number % len(SOUNDS)]
        file = tmp_path / f"broken{name}"
        file.write_bytes(bitten(whole[name], rng))
        what = f"{name}, case {number}"
        facts = attempt(partial(audio.measure, file), (), what=what)
        assert len(facts["error"].splitlines()) <= 1, what
        heard = attempt(partial(read_audio, file), AudioError, file, what=what)
        attempt(partial(read_audio, file, 0.2), AudioError, file, what=what)
        if isinstance(heard, Exception):
            refused = facts["error"] or facts["non_finite"] or facts["frames"] < MIN_SECONDS * facts["rate"]
            assert refused, f"{what}: {heard}"
        else:
            assert not facts["error"], f"{what}: {facts}"
            assert abs(len(heard) - facts["frames"] / facts["rate"] * RATE) <= 2, f"{what}: {facts}"
        if number % 8 == 0 and not isinstance(heard, Exception):
            attempt(partial(predict, model, [file]), AudioError, file, what=what)


def test_the_cache_of_a_scan(tmp_path):
    """A damaged cache costs time and nothing else."""
    msp_root = tmp_path / "corpus"
    for number in range(8):
        say(msp_root / f"{number}.wav", number)
    manifest_table().to_csv(msp_root / "manifest.csv", index=False)
    corpus = corpora.load("manifest", msp_root, scale=(1, 5))
    expected = corpora.scan(corpus, cache=tmp_path, progress=False)
    (cache,) = tmp_path.glob("*.parquet")
    whole, table = cache.read_bytes(), pd.read_parquet(cache)
    for number, rng in cases(15):
        if rng.random() < 0.8:
            cache.write_bytes(bitten(whole, rng))
        else:
            try:
                reshaped(table, rng).drop(columns="error").to_parquet(cache)
            except Exception:
                continue
        found = attempt(lambda: corpora.scan(corpus, cache=tmp_path, progress=False), (), what=f"case {number}")
        pd.testing.assert_frame_equal(found, expected)


def test_configurations(tmp_path):
    file, config = tmp_path / "config.json", Config.create("tiny", corpus_options={"seed": 1})
    config.save(file)
    content = json.loads(file.read_text())
    for number, rng in cases(250):
        file.write_bytes(retold(content, rng))
        for call in (lambda: Config.load(file), lambda: Run(tmp_path, config).is_here()):
            attempt(call, ConfigError, tmp_path, what=f"case {number}")


EXPERIMENT = """\
name: rates
seeds: 5
base: &base {style_width: 24, corpus_options: {seed: 1, text: [a, b]}}
settings: {corpus: emotale, root: /data/EmoTale, epochs: 10, learning_rate: 1e-3}
full: {}
narrow: {<<: *base, style_width: 48}
rates:
  learning_rate: [1e-3, 3e-4]
  pooling: [style, statistics]
"""

SNIPPETS = [
    "!!python/object/apply:os.system [false]",
    "!!map x",
    "!!int x",
    "!!float x",
    "2001-99-99",
    "!!binary x",
    "<<: 3",
    "<<: [1]",
    "? [1]",
    "? {a: 1}",
    "&a [*a]",
    "*a",
    "*base",
    "&a",
    "!!set {a}",
    "!!omap [a: 1]",
    "!!pairs x",
    "!x y",
    "!!timestamp x",
    "!!bool x",
    "!!null x",
    "!!str [a]",
    "!!seq x",
    "0x" + "f" * 9000,
    "0b1",
    "0o7",
    "1:30:30",
    ".nan",
    "9" * 5000,
    ".inf",
    "~",
    "yes",
    "|",
    ">",
    "- ",
    "--- ",
    "...",
    "%YAML 9.9",
    "%TAG ! x",
    "@",
    "`",
    "seeds: [-1]",
    "seeds: 99999999999",
    "seeds: 1e9",
    "[" * 900,
    "{" * 900,
    "- " * 900,
    "a: " * 900,
    "name: [1]",
    "name: ",
    "settings: []",
    "settings: {root: 3}",
    "full: [1]",
    "preset: x",
    "epochs: [1, 1]",
    "epochs: [1, 1.0]",
    "1: {}",
]


def test_experiments(tmp_path):
    file = tmp_path / "mine.yaml"
    for number, rng in cases(100):
        file.write_bytes(retyped(EXPERIMENT, rng, SNIPPETS) if rng.random() < 0.9 else bitten(EXPERIMENT.encode(), rng))
        found = attempt(lambda: experiments.load_experiment(file), ConfigError, file, what=f"case {number}")
        if not isinstance(found, Exception):
            attempt(partial(found.runs, tmp_path), ConfigError, "folder of this", found.name, what=f"case {number}")


def test_results(tmp_path):
    columns = [f"{name}{end}" for end in ("", "_predicted") for name in DIMENSIONS]
    table = pd.DataFrame(np.random.default_rng(0).uniform(1, 7, (24, 6)).round(2), columns=columns)
    table = table.assign(
        region=np.arange(24) % 8,
        region_predicted=np.arange(24) % 4,
        region_of_vad=np.arange(24) % 8,
        speaker=[f"s{n % 4}" for n in range(24)],
        utterance=[f"u{n}" for n in range(24)],
    )
    whole = {}
    for variant in ("full", "other"):
        folder = tmp_path / variant / "seed0"
        folder.mkdir(parents=True)
        Config.create("tiny").save(folder / "config.json")
        files.write_json(folder / "environment.json", {"fingerprint": "aaa", "device": "cpu"})
        files.write_json(folder / "scores.json", metrics.score_predictions(table))
        table.to_csv(folder / "predictions.csv", index=False)
        pd.DataFrame({"name": range(8), "utterances": range(8), "weight": 1.0}).to_csv(folder / "classes.csv")
    whole = {path: path.read_bytes() for path in sorted((tmp_path / "other" / "seed0").iterdir())}

    def use():
        results = experiments.read_results(tmp_path)
        results.scores.to_csv()
        for made in experiments.make_tables(results).values():
            experiments.to_html(made)
        experiments.differences(results)

    use()
    for number, rng in cases(8):
        path = list(whole)[rng.integers(len(whole))]
        if path.suffix == ".json" and rng.random() < 0.8:
            path.write_bytes(retold(json.loads(whole[path]), rng))
        else:
            path.write_bytes(retyped(whole[path].decode(), rng) if rng.random() < 0.8 else bitten(whole[path], rng))
        attempt(use, ValueError, tmp_path, "full/seed0 and other", "other", what=f"{path.name}, case {number}")
        path.write_bytes(whole[path])


def test_saved_models(tmp_path, model):
    model.save_pretrained(tmp_path)
    whole = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for number, rng in cases(30):
        path = tmp_path / ["config.json", "model.safetensors"][rng.integers(2)]
        if path.suffix == ".json" and rng.random() < 0.8:
            path.write_bytes(retold(json.loads(whole[path]), rng))
        else:
            path.write_bytes(bitten(whole[path], rng))
        attempt(
            lambda: EmoSphereModel.from_pretrained(tmp_path), ValueError, tmp_path, what=f"{path.name}, case {number}"
        )
        path.write_bytes(whole[path])


def repacked(archive, rng):
    """The bytes of a file of `torch.save` with another pickle in it."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            new.writestr(name, bitten(old.read(name), rng) if name.endswith("data.pkl") else old.read(name))
    return made.getvalue()


def test_checkpoints(tmp_path):
    """A damaged one is refused; the model, the optimiser and the generators may then be in any state."""
    made = torch.nn.Linear(4, 3)
    live = LiveRun(Run(tmp_path, Config.create("tiny")), None, made, Accelerator(cpu=True), {"audio": "12ab"})

    def parts():
        optimizer = torch.optim.AdamW(made.parameters(), lr=0.1)
        return optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)

    optimizer, scheduler = parts()
    made(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    file, states = live.run.checkpoint_file, checkpoint.gathered_random_states(live)
    checkpoint.save(live, optimizer, scheduler, states, [{"epoch": 0, "validation_loss": 1.0}])
    whole, state, outcomes = file.read_bytes(), torch.get_rng_state(), []
    content = torch.load(file, weights_only=True)
    for number, rng in cases(110):
        match number % 3:
            case 0:
                file.write_bytes(bitten(whole, rng))
            case 1:  # a whole archive with something else in it
                torch.save(rearranged(content, rng), file)
            case 2:  # one whose pickle is damaged
                file.write_bytes(repacked(whole, rng))
        load = partial(checkpoint.load, live, *parts())
        outcomes.append(attempt(load, (checkpoint.CheckpointError, ConfigError), file, what=f"case {number}"))
    assert sum(isinstance(outcome, checkpoint.CheckpointError) for outcome in outcomes) > len(outcomes) / 2
    torch.set_rng_state(state)


# what these have found


def refusal(call, error, *words):
    with in_time(), pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words) and "\\n" not in str(caught.value), str(caught.value)


def test_headers_that_promise_too_much(tmp_path):
    """Uninitialised memory counted as sound, gigabytes asked for."""
    soundfile.write(tmp_path / "a.flac", 0.3 * np.sin(np.arange(16_000) / 5), 16_000)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] |= 0x0F  # the highest of 36 bits that count the samples
    (tmp_path / "a.flac").write_bytes(data)
    facts = audio.measure(tmp_path / "a.flac")
    assert facts["error"] or facts["frames"] <= 16_000 and facts["truncated"]
    for rate in (1, 44_101, 767_999, 2_000_000_000):
        soundfile.write(tmp_path / "rate.wav", np.sin(np.arange(16_000)), 16_000)
        data = bytearray((tmp_path / "rate.wav").read_bytes())
        data[24:28] = rate.to_bytes(4, "little")
        (tmp_path / "rate.wav").write_bytes(data)
        assert f"{rate} Hz" in audio.measure(tmp_path / "rate.wav")["error"]
        refusal(lambda: read_audio(tmp_path / "rate.wav"), AudioError, "rate.wav", "cannot be converted")
    for rate in (
        8_000,
        11_025,
        22_050,
        22_255,
        32_000,
        44_056,
        44_100,
        47_952,
        48_000,
        88_200,
        96_000,
        192_000,
        384_000,
    ):
        check_rate(rate)


def test_a_long_cell_is_not_told_in_full(tmp_path):
    table = manifest_table().astype({"valence": object})
    table.loc[2, "valence"] = "a" * 50_000
    table.to_csv(tmp_path / "manifest.csv", index=False)
    with pytest.raises(CorpusError, match="row 4, column valence: 'aaa.*aaa' is not a number") as caught:
        corpora.load("manifest", tmp_path, scale=(1, 5))
    assert len(str(caught.value)) < 600


def test_a_damaged_fingerprint_is_not_told_in_full():
    for damaged in ("a b " * 50_000, {"layers": [0] * 50_000}, "a\nb"):
        with pytest.raises(ConfigError, match="mine holds a run .* the audio of the corpus") as caught:
            refuse_changed({"audio": damaged}, {"audio": "12ab"}, "runs/mine")
        assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "full: {}\nseeds: 999999999999",
        "full: {epochs: 2001-99-99}",
        "!!map x",
        "full: &a {epochs: *a}",
        "[" * 3000,
        "a: " * 3000,
        "full: !!int x",
        "full: !!bool x",
        "full: !!timestamp x",
    ],
    ids=range(9),
)
def test_yaml_that_trips_its_parser(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text)
    refusal(lambda: experiments.load_experiment(tmp_path / "mine.yaml"), ConfigError, "mine.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "3",
        '{"learning_rate": 1' + "0" * 400 + "}",
        '{"epochz": 3}',
        "\xff",
        "[" * 100_000,
        '{"seed": 1' + "0" * 5000 + "}",
    ],
    ids=range(10),
)
def test_configurations_that_are_none(tmp_path, text):
    (tmp_path / "config.json").write_bytes(text.encode("latin-1"))
    refusal(
        lambda: Config.load(tmp_path / "config.json"), ConfigError, "config.json cannot be read as the configuration"
    )
    refusal(
        lambda: Run(tmp_path, Config.create()).is_here(), ConfigError, "config.json cannot be read as the configuration"
    )


def test_a_folder_named_with_an_odd_digit_is_no_seed(tmp_path):
    folder = tmp_path / "full" / "seed²"
    folder.mkdir(parents=True)
    (folder / "scores.json").write_text("{}")
    assert experiments.read_results(tmp_path).runs == {}
