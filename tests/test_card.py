"""The card of a model: what it says is what the run's files say, for every corpus and every kind of run."""

import json
import re
import shutil

import audmetric
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import SMALL, WHISPER
from sklearn.metrics import accuracy_score, f1_score

from emosphere.card import model_card, write_card
from emosphere.config import Config
from emosphere.corpora import ADAPTERS
from emosphere.model import EmoSphereConfig, EmoSphereModel
from emosphere.speakers import describe_overlap, describe_splits, describe_test
from emosphere.sphere import DIMENSIONS, RegionGrid, Scale


def table_of(speakers=6, each=20, seed=0, region_head=True):
    """Predictions that are better for arousal than for valence."""
    rng, n = np.random.default_rng(seed), speakers * each
    rows = {
        "utterance": [f"u{i:04d}" for i in range(n)],
        "path": "a.wav",
        "speaker": np.arange(n) % speakers,
        "gender": np.where(np.arange(n) % speakers % 2, "female", "male"),
        "emotion": "N",
    }
    truth = rng.uniform(1.5, 6.5, (n, 3))
    predicted = 4 + 0.6 * (truth - 4) + rng.normal(size=(n, 3)) * [2.5, 0.2, 0.7]
    table = pd.DataFrame(rows)
    table[list(DIMENSIONS)] = truth
    table[[f"{name}_predicted" for name in DIMENSIONS]] = predicted
    grid, scale = RegionGrid(4, 2), Scale(1, 7)
    table["region"] = grid.assign(scale.to_sphere(truth))
    table["region_of_vad"] = grid.assign(scale.to_sphere(predicted))
    guess = np.where(rng.random(n) < 0.6, table["region"], rng.integers(8, size=n))
    table["region_predicted"] = guess if region_head else np.nan
    table["region_probability"] = 0.5 if region_head else np.nan
    return table


@pytest.fixture
def made(tmp_path):
    """Makes the folder of a run, without a run."""
    kinds = iter(range(99))

    def make(predictions=None, model=None, facts=None, notes="", weights=(1, 0.01, 0, 0), **settings):
        folder = tmp_path / f"run{next(kinds)}"
        encoder = (model or {}).pop("encoder", {})
        encoder = encoder if "d_model" in encoder else {"model_type": "wavlm", **SMALL} | encoder
        settings = {"corpus": "msp_podcast", "root": "/secret/place", "encoder": "microsoft/wavlm-large", **settings}
        config = Config.create("tiny", **settings)
        EmoSphereModel(
            EmoSphereConfig(
                encoder_config=encoder,
                style_width=24,
                head_width=16,
                pooling=config.pooling,
                azimuth=config.azimuth,
                elevation=config.elevation,
                **{"scale": (1.0, 7.0), **(model or {})},
            )
        ).save_pretrained(folder / "model")
        config.save(folder / "config.json")
        facts = {"corpus": config.corpus, "fingerprint": "abc123def456", "commit": "0" * 40, "torch": "2.11.0"} | (
            facts or {}
        )
        (folder / "environment.json").write_text(json.dumps(facts))
        (folder / "notes.txt").write_text(notes)
        history = {
            "epoch": range(4),
            "validation_loss": [3.0, 2, 2.5, 2.2],
            "best": [True, True, False, False],
            "auxiliary_weight": weights,
        }
        pd.DataFrame(history).to_csv(folder / "history.csv", index=False)
        (table_of() if predictions is None else predictions).to_csv(folder / "predictions.csv", index=False)
        return folder

    return make


def front(card):
    return yaml.safe_load(card.split("---\n")[1])


def cells(card, first):
    """The row of a table that begins with these words."""
    (line,) = [line for line in card.splitlines() if line.startswith(f"| {first} ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def no_gap(card):
    return not re.search(r"\b(nan|None)\b[^ ]|\bNaN\b|\bnan\b", card)


def test_figures_are_those_of_the_predictions(made):
    predictions = table_of()
    card = model_card(made(predictions))
    women = predictions["gender"] == "female"
    for name in DIMENSIONS:
        row = cells(card, name)
        truth, predicted = predictions[name], predictions[f"{name}_predicted"]
        assert row[1] == f"{audmetric.concordance_cc(truth, predicted):.2f}"
        low, high = map(float, row[2].split(" to "))
        assert low < audmetric.concordance_cc(truth, predicted) < high
        assert row[3] == f"{np.sqrt(((truth - predicted) ** 2).mean()):.2f}"
        assert row[4:6] == [f"{truth.std(ddof=0):.2f}", f"{predicted.std(ddof=0):.2f}"]
        for cell, chosen in ((row[6], women), (row[7], ~women)):
            assert cell.startswith(f"{audmetric.concordance_cc(truth[chosen], predicted[chosen]):.2f} (")
    assert "CCC, female (60)" in card and "CCC, male (60)" in card
    mean = np.mean([audmetric.concordance_cc(predictions[n], predictions[f"{n}_predicted"]) for n in DIMENSIONS])
    assert cells(card, "mean")[1] == f"{mean:.2f}"
    assert "On 120 test utterances of 6 speakers." in card
    region = predictions["region"]
    head, point = cells(card, "region head"), cells(card, "region of the predicted point")
    assert head[1].startswith(f"{accuracy_score(region, predictions['region_predicted']):.2f} (")
    assert head[2].startswith(f"{f1_score(region, predictions['region_predicted'], average='macro'):.2f} (")
    assert point[1] == f"{accuracy_score(region, predictions['region_of_vad']):.2f}"
    most = region.value_counts(normalize=True)
    assert cells(card, "always")[1] == f"{most.max():.2f}"
    # the noise of valence is larger than its spread; nothing else is worse than saying always the same
    assert "**For valence its RMSE is no better than that of always saying the mean.**" in card
    assert "region head is right no more often" not in card


def test_intervals_leave_out_speakers(made):
    """A speaker for whom it is off makes the interval wide; the same utterances by nobody in particular do not."""
    predictions = table_of(speakers=16)
    predictions.loc[predictions["speaker"] == 3, "arousal_predicted"] += 1.5

    def widths(table):  # over all, and over women, of whom this speaker is one
        row = cells(model_card(made(table)), "arousal")
        limits = [re.findall(r"-?\d\.\d\d", cell)[-2:] for cell in (row[2], row[6])]
        return np.array([float(high) - float(low) for low, high in limits])

    assert (widths(predictions) > 1.5 * widths(predictions.assign(speaker=range(len(predictions))))).all()


@pytest.mark.parametrize("corpus", ADAPTERS)
def test_every_corpus(made, corpus):
    card = model_card(made(corpus=corpus))
    said = front(card)
    assert said["library_name"] == "emosphere" and said["pipeline_tag"] == "audio-classification"
    assert said["license"] == "other" and said["base_model"] == "microsoft/wavlm-large"
    assert said.get("language") == {"emotale": ["da", "en"], "manifest": None, "audformat": None}.get(corpus, ["en"])
    assert f"# Valence, arousal and dominance of speech, trained on {corpus}\n" in card
    assert ("It learned from synthetic speech" in card) == (corpus == "embedded")
    assert ("academic licence" in card) == (corpus == "msp_podcast")
    for always in (
        "Not for decisions about people",
        "not what somebody feels",
        "The kit is under MIT",
        "Interspeech 2025",
        "UniSpeech",
        "fingerprint `abc123def456`",
        "with seed 0",
        "4 epochs, of which epoch 1 was kept (counted from 0;",
    ):
        assert always in card
    assert "{" not in card.split("```")[0] and no_gap(card) and "/secret" not in card
    assert 40 < card.count("\n") < 90


def test_the_embedded_corpus_with_the_tiny_encoder_is_free(made):
    card = model_card(made(corpus="embedded", root=None, encoder="tiny"))
    assert front(card)["license"] == "mit" and "base_model" not in front(card) and "license_name" not in front(card)
    assert "GPL programme" in card and "UniSpeech" not in card


@pytest.mark.parametrize(
    ("encoder", "settings", "shown", "base"),
    [
        ("facebook/hubert-large-ll60k", {"model_type": "hubert"}, "facebook/hubert-large-ll60k (hubert)", True),
        ("/home/someone/models/mine", {}, "**Encoder**: mine (wavlm)", False),
        ("../models/mine", {}, "**Encoder**: mine (wavlm)", False),
    ],
)
def test_encoders(made, encoder, settings, shown, base):
    card = model_card(made(encoder=encoder, model={"encoder": settings}))
    assert shown in card and ("base_model" in front(card)) == base and "someone" not in card
    assert ("see its card" in card) == (settings.get("model_type") == "hubert")


def test_the_default_encoder_is_named_with_its_licence(made):
    card = model_card(
        made(
            corpus="embedded",
            root=None,
            encoder="whisper-tiny.en",
            layer="weighted",
            frame_stride=4,
            encoder_trained="nothing",
            model={"encoder": {"model_type": "whisper", **WHISPER}},
        )
    )
    assert (
        "openai/whisper-tiny.en (whisper); a learned mean of all its hidden states, 4 frames meaned to one; frozen"
        in card
    )
    assert front(card)["base_model"] == "openai/whisper-tiny.en" and front(card)["license"] == "mit"
    assert "Whisper's code and weights under MIT" in card and "UniSpeech" not in card


def test_a_run_from_before_layers_could_be_chosen_has_a_card(made):
    folder = made()
    config = json.loads((folder / "config.json").read_text())
    for name in ("layer", "frame_stride", "encoder_trained"):
        del config[name]
    (folder / "config.json").write_text(json.dumps(config | {"freeze_features": True}))
    assert "its last hidden state; trained with the rest but for its convolutions" in model_card(folder)


def test_the_ceiling_is_told_where_it_is_known(made):
    folder = made(corpus="embedded", root=None)
    assert "eiling" not in model_card(folder)
    known = {f"ccc_{name}": 0.811 for name in (*DIMENSIONS, "mean")} | {
        "region_accuracy": 0.622,
        "region_macro_f1": 0.433,
    }
    (folder / "ceiling.json").write_text(json.dumps(known))
    card = model_card(folder)
    assert "| ceiling | 0.62 | 0.43 |" in card and "ardly more can be expected" in card
    assert all("| 0.81 |" in line for line in card.splitlines() if line.startswith(("| valence", "| mean")))


def test_runs_without_a_region_head(made):
    predictions = table_of(region_head=False)
    for auxiliary, words in (("none", "**Auxiliary task**: none."), ("category", "the emotion category (angry, sad")):
        card = model_card(made(predictions, auxiliary=auxiliary, model={"auxiliary": auxiliary}))
        assert words in card and "region head" not in card and "names the region" not in card
        assert cells(card, "region of the predicted point")[1] != "undefined"


def test_other_grids_and_poolings(made):
    predictions = table_of()
    card = model_card(
        made(
            predictions,
            azimuth=6,
            elevation=3,
            spacing="area",
            pooling="statistics",
            model={"spacing": "area", "scale": (1.0, 5.0)},
        )
    )
    assert "which of the 18 regions" in card and "6 × 3 by equal area" in card and "each from 1 to 5" in card
    assert "attentive statistics pooling" in card and "always azimuth " in card


def test_a_single_test_speaker(made):
    card = model_card(made(table_of(speakers=1, each=40)))
    assert "**There are no intervals**" in card and "On 40 test utterances of 1 speaker." in card
    assert cells(card, "arousal")[2] == "no usable interval" and no_gap(card) and "CCC, female" not in card


def test_an_interval_that_says_nothing_is_not_given_and_it_is_said_why(made):
    predictions = table_of(speakers=2, each=40)
    of_one = predictions["speaker"] == 1
    predictions.loc[of_one, "arousal_predicted"] = 8 - predictions.loc[of_one, "arousal"]
    card = model_card(made(predictions))
    assert cells(card, "arousal")[2] == "no usable interval"
    assert "“No usable interval”: the test has too few speakers" in card
    assert "usable interval" not in model_card(made(table_of(speakers=16)))


def test_unknown_speakers_and_genders(made):
    predictions = table_of().assign(gender=np.nan)
    predictions["speaker"] = predictions["speaker"].astype(object)
    predictions.loc[::2, "speaker"] = "Unknown"
    card = model_card(made(predictions))
    known = predictions["speaker"][1::2].nunique()
    assert f"of {known} speakers (60 utterances by unknown speakers, each taken for another one)" in card
    assert "CCC, female" not in card
    card = model_card(made(predictions.assign(speaker=np.nan)))
    assert "On 120 test utterances (120 utterances by unknown speakers" in card and " to " in cells(card, "arousal")[2]


def test_figures_that_are_undefined(made):
    """The same rating for all, predicted without an error, has no CCC."""
    predictions = table_of().assign(valence=4.0, valence_predicted=4.0, region=0, region_predicted=0, region_of_vad=0)
    card = model_card(made(predictions))
    assert cells(card, "valence")[1] == "undefined" and no_gap(card)


def test_what_the_reader_is_told_of_the_splits(made):
    speakers = {"train": ["a", "a", "b", None, "Unknown"], "validation": ["c", "d"], "test": ["d", "e"]}
    rows = {split: pd.DataFrame({"speaker": who}) for split, who in speakers.items()}
    seconds = {"train": [1, 2, 3, 4, 5], "validation": [2, 2], "test": [3, 3]}
    sizes = describe_splits(rows, seconds)
    assert sizes["train"] == dict(utterances=5, nameless=2, speakers=2, speakers_in_test=0, seconds=[1.2, 3, 4.8])
    assert sizes["validation"] == dict(utterances=2, nameless=0, speakers=2, speakers_in_test=1, seconds=[2, 2, 2])
    card = model_card(made(facts={"splits": sizes}, max_seconds=4.0))
    assert "train 5 utterances of 2 known speakers; validation 2 utterances of 2 known speakers; test 2" in card
    said = "As far as speakers are known: None of them was in training. 1 of them was in the validation split"
    assert said in card
    assert "last 1.2 to 4.8 s (median 3.0 s), longer than 4 s cut" in card
    sizes["train"]["speakers_in_test"] = 2
    assert "2 of them were in training." in model_card(made(facts={"splits": sizes}))
    assert "In training it heard 12 s of an utterance at most" in model_card(made())


def test_limits_notes_and_changes_are_told(made):
    card = model_card(
        made(
            limit=50,
            notes="Only 50 train utterances are used (limit).\n<script>alert(1)</script>\n",
            facts={"commit": "f" * 40 + "+"},
        )
    )
    assert "**No more than 50 utterances of each split were used: a quick look, no result.**" in card
    assert "- Only 50 train utterances are used (limit).\n" in card and "<script" not in card
    assert "commit ffffffffffff with changes that were not committed" in card
    assert "commit unknown" in model_card(made(facts={"commit": None}))


def test_parameters_are_counted(made):
    folder = made()
    count = sum(weight.numel() for weight in EmoSphereModel.from_pretrained(folder / "model").state_dict().values())
    assert f"{count / 1e6:.1f} million parameters" in model_card(folder)


def test_the_same_files_give_the_same_card_wherever_they_lie(made, tmp_path):
    folder = made()
    path = write_card(folder)
    assert path == folder / "model" / "README.md" and path.read_text() == model_card(folder)
    (folder / "model" / ".README.md-abc.part").write_text("half of a")  # as a kill leaves it
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    assert write_card(str(moved)).read_bytes() == path.read_bytes()
    assert {path.name for path in (moved / "model").iterdir()} == {"README.md", "config.json", "model.safetensors"}
    assert not re.search(r"\b20[234]\d-\d\d", path.read_text()), "a date would differ from one writing to the next"
    EmoSphereModel.from_pretrained(folder / "model")  # does not mind it


@pytest.mark.parametrize("name", ["predictions.csv", "environment.json", "model/model.safetensors"])
def test_a_run_that_is_not_complete(made, name):
    folder = made()
    (folder / name).unlink()
    with pytest.raises(
        ValueError, match=f"can have no card, since it has no {name}: give the folder of a complete run"
    ):
        write_card(folder)
    assert not (folder / "model" / "README.md").exists()


# what is said of a result is said where it holds, and nowhere else

SPLITS = {
    "nobody is known": ([None] * 3, [None, "Unknown"], ["unknown", None]),
    "nobody in training is known": (["Unknown"] * 3, ["b"], ["c"]),
    "nobody in the test is known": (["a", "b"], ["c"], [None, "UNKNOWN"]),
    "one in training is not known": (["a", None], ["b"], ["c"]),
    "one in the test is not known": (["a", "a"], ["b"], ["c", "Unknown"]),
    "apart": (["a", "b"], ["c"], ["d", "e"]),
    "shared with validation": (["a", "b"], ["c", "d", "e"], ["d", "e"]),
    "one shared": (["a", "d"], ["c"], ["d", "e"]),
    "all shared": (["d", "e"], ["d", "e"], ["d", "e"]),
}
SAID = {
    "nobody is known": "Whether they were in training is not known.",
    "nobody in training is known": "Whether they were in training is not known.",
    "nobody in the test is known": "Whether they were in training is not known.",
    "one in training is not known": "As far as speakers are known: None of them was in training.",
    "one in the test is not known": "As far as speakers are known: None of them was in training.",
    "apart": "None of them was in training.",
    "shared with validation": "None of them was in training. 2 of them were in the validation split, by which the "
    "epoch was chosen.",
    "one shared": "1 of them was in training.",
    "all shared": "2 of them were in training. 2 of them were in the validation split, by which the epoch was chosen.",
}


@pytest.mark.parametrize("case", SPLITS)
def test_of_speakers_no_more_is_said_than_is_known(made, case):
    rows = {
        split: pd.DataFrame({"speaker": pd.Series(who, dtype=object)})
        for split, who in zip(("train", "validation", "test"), SPLITS[case], strict=True)
    }
    sizes = describe_splits(rows, {split: np.ones(len(table)) for split, table in rows.items()})
    assert describe_overlap(sizes) == SAID[case]
    told = describe_overlap(json.loads(json.dumps(sizes)))  # as a run's environment.json keeps it
    predictions = table_of(speakers=2, each=len(rows["test"])).assign(speaker=list(rows["test"]["speaker"]) * 2)
    folder = made(predictions, facts={"splits": sizes})
    assert f"{told}" in model_card(folder) and describe_test(folder).endswith(told)


def test_runs_that_did_not_write_down_their_speakers_claim_nothing(made):
    assert describe_overlap({}) == "Nobody noted whether they were in training."
    assert "Nobody noted whether they were in training." in model_card(made())
    old = {split: dict(utterances=9, speakers=2, speakers_in_test=0, seconds=[1, 1, 1]) for split in ("train", "test")}
    old["validation"] = old["train"]
    assert describe_overlap(old).startswith("As far as speakers are known: ")  # from before unknown ones were counted


def test_a_speaker_called_na_is_one(made):
    folder = made(table_of(speakers=2).assign(speaker=["NA", "None"] * 20))
    assert describe_test(folder).startswith("40 test utterances of 2 speakers. ")


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ((0.5, 0.6, 0.7), "closer together than ratings in valence and arousal and dominance: compare"),
        ((2, 1.5, 3), "further apart than ratings in valence and arousal and dominance: compare"),
        ((0.5, 2, 1), "closer together than ratings in valence, and further apart than ratings in arousal: compare"),
        ((1, 1, 1), None),
    ],
)
def test_the_spread_of_predictions_is_told_from_the_figures(made, factors, said):
    predictions = table_of()
    for name, factor in zip(DIMENSIONS, factors, strict=True):
        middle = predictions[name].mean()
        predictions[f"{name}_predicted"] = middle + factor * (predictions[name] - middle)
    card = model_card(made(predictions))
    assert (f"- Predictions lie {said} the two SDs above.\n- " in card) if said else "Predictions lie" not in card
    assert "closer to the middle" not in card


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ((1, 0.01, 0, 0), "its weight fell from 1 to 0"),
        ((1, 0.9, 0.8, 0.7), "its weight fell from 1 to 0.7"),
        ((1, 1, 1, 1), "with a constant weight"),
    ],
)
def test_the_course_of_the_auxiliary_weight_is_that_of_the_history(made, weights, said):
    assert f"class weights, {said}." in model_card(made(weights=weights))


def test_groups_and_intervals_are_told_as_they_were_made(made):
    card = model_card(made())
    assert "alike was not examined beyond what the table says of women and men." in card
    assert "with all of their utterances. They do not cover" in card
    card = model_card(made(table_of().assign(gender=np.nan, speaker=np.nan)))
    assert "alike was not examined." in card
    assert "left out one by one, so that the intervals are too narrow if some are by the same. They" in card


def test_names_in_a_card_stay_text(made):
    names = ["<b>x</b>", "a|b", "`code`", "# x", "[a](http://b.c)", "www.x.y", "__x__", "**y**"]
    card = model_card(made(notes="".join(f"{name}\n" for name in names), encoder="C:\\Users\\me\\my_*fine*_<i>tuned"))
    import mistune

    shown = mistune.create_markdown(escape=False, plugins=["table", "url", "strikethrough"])(card.split("---\n", 2)[2])
    for name in [*names, "my_*fine*_<i>tuned (wavlm)"]:
        assert re.search(rf"(<li>|</strong>: ){re.escape(mistune.escape(name))}", shown), name
    assert "Users" not in card and not re.search("<(b|i|em|a)[ >]", shown)
    assert shown.count("<h1>") == 1
