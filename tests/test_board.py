"""The board reads what runs leave, as they leave it: states, plans, half-written files; cheaply, and never writes."""

import json
import os
import time
import urllib.error
import urllib.request

import numpy as np
import pandas as pd
import pytest

from emosphere.board import Board, board, reading
from emosphere.config import Config, ConfigError
from emosphere.experiments import engines, plan
from emosphere.serving import Server, ServingError
from emosphere.utils import write_json

SCORES = {"ccc_valence": 0.61, "ccc_arousal": 0.75, "ccc_dominance": 0.7, "ccc_mean": 0.69}


def begun(folder, seed=0, epochs=12, done=0, **changes):
    """The folder of a run some of whose epochs are over."""
    folder.mkdir(parents=True, exist_ok=True)
    Config.create("small", epochs=epochs, seed=seed, **changes).save(folder / "config.json")
    rng, rows = np.random.default_rng(seed), []
    for epoch in range(done):
        loss = 0.9 + 1.6 * np.exp(-epoch / 4) + rng.normal(0, 0.02)
        cccs = {name: round(value * (1 - np.exp(-(epoch + 1) / 4)), 4) for name, value in SCORES.items()}
        rows.append({"epoch": epoch, "validation_loss": loss, **cccs, "best": True})
    if rows:
        pd.DataFrame(rows).to_csv(folder / "history.csv", index=False)
    return folder


def running(folder, epoch, seed=0, **changes):
    begun(folder, seed, done=epoch, **changes)
    status = dict(state="training", what=f"epoch {epoch} of 12", epoch=epoch, epochs=12, batch=3, batches=25, loss=1.02)
    write_json(folder / "status.json", {**status, "left": 9.5 * (12 - epoch), "updated": time.time(), "fold": None})


def complete(folder, seed=0, **changes):
    begun(folder, seed, done=12, **changes)
    rng = np.random.default_rng(seed + len(str(folder)))
    write_json(folder / "scores.json", {name: value + rng.normal(0, 0.02) for name, value in SCORES.items()})


def failed(folder, seed=0):
    begun(folder, seed, done=2)
    text = "EncoderError: No encoder in /models/none.\n\nTraceback\n  deep below\n"
    (folder / "failure.txt").write_text(text, encoding="utf-8")


def planned(folder, variants, seeds, figures=None):
    folder.mkdir(parents=True, exist_ok=True)
    runs = [{"variant": variant, "seed": seed} for seed in seeds for variant in variants]
    write_json(
        folder / "plan.json", {"name": folder.name, "begun": time.time() - 600, "figures": figures, "runs": runs}
    )


def an_experiment(folder, figures=None):
    """Nine variants and five seeds: some complete, two running, one failed, one stopped, others to come."""
    variants = ["full", "no_preprocessing", "no_style_pooling", "no_auxiliary", "constant_weight"]
    variants += ["category_auxiliary", "plain_cross_entropy", "angle_60", "angle_45"]
    planned(folder, variants, range(5), figures)
    for seed in (0, 1):
        for variant in variants:
            changes = {"preprocessing": False} if variant == "no_preprocessing" else {}
            complete(folder / variant / f"seed{seed}", seed, **changes)
    running(folder / "full" / "seed2", 5, 2)
    running(folder / "no_preprocessing" / "seed2", 3, 2, preprocessing=False)
    failed(folder / "no_style_pooling" / "seed2", 2)
    begun(folder / "no_auxiliary" / "seed2", 2, done=4)
    return folder


def states(shown):
    return {run["id"]: run["state"] for run in shown.state()["runs"]}


def test_names_are_those_of_a_sweep():
    assert (reading.PLAN, reading.FAILURE) == (plan.PLAN, engines.FAILURE)


def test_every_state_is_told(tmp_path):
    experiment = an_experiment(tmp_path / "runs" / "nine")
    shown = Board(tmp_path / "runs")
    runs = {run["id"]: run for run in shown.state()["runs"]}
    assert len(runs) == 45
    counts = pd.Series([run["state"] for run in runs.values()]).value_counts().to_dict()
    assert counts == {"complete": 18, "waiting": 23, "training": 2, "failed": 1, "stopped": 1}
    assert runs["nine/full/seed2"]["epoch"] == 5 and runs["nine/full/seed2"]["left"] == 66.5
    assert runs["nine/no_style_pooling/seed2"]["what"] == "EncoderError: No encoder in /models/none."
    assert set(runs["nine/full/seed0"]["scores"]) == set(reading.CCCS)
    assert {run["experiment"] for run in runs.values()} == {"nine"}
    assert states(Board(experiment))["full/seed2"] == "training"
    assert states(Board(experiment / "full")) == {"seed0": "complete", "seed1": "complete", "seed2": "training"}
    assert states(Board(experiment / "full" / "seed0")) == {".": "complete"}


def test_what_changes_is_read_again_and_nothing_else(tmp_path, monkeypatch):
    experiment = an_experiment(tmp_path / "nine")
    shown = Board(experiment)
    shown.state()
    read = []
    monkeypatch.setattr(
        reading, "_json", lambda path, original=reading._json: (read.append(path.name), original(path))[1]
    )
    before = {path: path.stat().st_mtime_ns for path in experiment.rglob("*")}
    shown.state()
    assert not read
    running(experiment / "full" / "seed2", 7, 2)
    complete(experiment / "no_preprocessing" / "seed2", 2)
    now = {run["id"]: run for run in shown.state()["runs"]}
    assert sorted(read) == ["scores.json", "status.json"]
    assert now["full/seed2"]["epoch"] == 7 and now["no_preprocessing/seed2"]["state"] == "complete"
    changed = {path for path in experiment.rglob("*") if path.stat().st_mtime_ns != before.get(path)}
    assert {path.parts[len(experiment.parts)] for path in changed} == {"full", "no_preprocessing"}, "it has written"


def test_a_run_that_says_nothing_more_has_stopped(tmp_path, monkeypatch):
    """By the clock of this machine: that of a cluster's may be another."""
    running(tmp_path / "full" / "seed0", 3)
    ahead = time.time() + 3600
    os.utime(tmp_path / "full" / "seed0" / "status.json", (ahead, ahead))
    shown = Board(tmp_path)
    assert states(shown) == {"full/seed0": "training"}
    later = time.time() + 2 * reading.STALE
    monkeypatch.setattr(reading.time, "time", lambda: later)
    assert states(shown) == {"full/seed0": "stopped"}
    running(tmp_path / "full" / "seed0", 4)
    assert states(shown) == {"full/seed0": "training"}


@pytest.mark.parametrize("name", ["status.json", "scores.json", "plan.json", "config.json", "history.csv"])
@pytest.mark.parametrize("text", ["", "{", "[1]", '{"state": {}}', "\0"])
def test_half_a_file_is_no_trouble(tmp_path, name, text):
    experiment = an_experiment(tmp_path / "nine")
    (experiment / "full" / "seed2" / name if name != "plan.json" else experiment / name).write_text(
        text, encoding="utf-8"
    )
    shown = Board(experiment)
    assert "full/seed2" in states(shown)
    shown.curves("full/seed2")
    shown.differences(["full/seed2", "full/seed0"])
    json.dumps(shown.state(), allow_nan=False)


def test_curves_differences_failures_and_tables(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "forest.html").write_text("<p>forest", encoding="utf-8")
    (tmp_path / "figures" / "table1.html").write_text("<p>one", encoding="utf-8")
    shown = Board(an_experiment(tmp_path / "nine", "../figures"))
    state = shown.state()
    assert state["experiments"][0]["tables"] == ["table1", "forest"]
    assert shown.table("nine", "table1")["html"] == "<p>one"
    assert len(shown.curves("full/seed2")["validation_loss"]) == 5
    assert shown.differences(["full/seed0", "no_preprocessing/seed0"]) == {"preprocessing": ["true", "false"]}
    assert shown.differences(["full/seed0", "full/seed1"]) == {}, "but for the seed"
    assert shown.failure("no_style_pooling/seed2")["details"] == "Traceback\n  deep below\n"
    for ask in (lambda: shown.curves("../nine/full/seed0"), lambda: shown.table("nine", "../table1")):
        with pytest.raises(ConfigError, match="There is no run|has no table"):
            ask()
    with pytest.raises(ConfigError, match="There is no folder"):
        Board(tmp_path / "none")


def test_the_fold_that_is_at_work_tells_of_its_run(tmp_path):
    run = begun(tmp_path / "folded" / "seed0", folds=3)
    complete(run / "fold0")
    running(run / "fold1", 4)
    (found,) = Board(tmp_path).state()["runs"]
    assert (found["id"], found["state"], found["epoch"]) == ("folded/seed0", "training", 4)


def test_the_page_is_for_those_who_have_its_token(tmp_path):
    an_experiment(tmp_path / "nine")
    with board(tmp_path, browser=False) as server:
        address = f"http://127.0.0.1:{server.port}/state"
        answer = urllib.request.urlopen(f"{address}?token={server.token}")
        assert len(json.loads(answer.read())["runs"]) == 45
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address)


STRANGE = [
    "NaN",
    "1e999",
    '"x"',
    "[]",
    "{}",
    "true",
    '"\\u0000"',
    '[{"variant": "/etc", "seed": 0}]',
    '[{"seed": 1e999}]',
]


@pytest.mark.parametrize("text", [*STRANGE, '[{"variant": "..", "seed": 0}]', "[" * 100_000])
def test_a_stranger_s_values_are_no_trouble(tmp_path, text):
    experiment = an_experiment(tmp_path / "nine")
    run = experiment / "full" / "seed2"
    (run / "failure.txt").write_bytes(b"\xff: no UTF-8\n\n\xfe")
    (run / "history.csv").write_text("epoch,validation_loss,best,loss\n0,1,True,abc\n", encoding="utf-8")
    plan_of = {"name": "nine", "begun": 0, "figures": "", "runs": []}
    names = ("state", "what", "epoch", "loss", "left", "updated")
    for path, entries in ((run / "status.json", names), (experiment / "plan.json", ("begun", "figures", "runs"))):
        for name in entries:
            content = {**(plan_of if path.name == "plan.json" else {"state": "training"}), name: "?"}
            path.write_text(json.dumps(content).replace('"?"', text), encoding="utf-8")
            shown = Board(experiment)
            found = {each["id"]: each for each in shown.state()["runs"]}
            assert all(not place.startswith(("/", "..")) for place in found)
            told = found["full/seed2"]
            assert isinstance(told["state"], str)
            assert all(told[name] is None or isinstance(told[name], int | float) for name in ("epoch", "loss", "left"))
            shown.curves("full/seed2")
            assert "no UTF-8" in shown.failure("full/seed2")["reason"]


def test_a_link_back_is_not_followed(tmp_path):
    experiment = an_experiment(tmp_path / "nine")
    (experiment / "back").symlink_to(tmp_path, target_is_directory=True)
    assert len(states(Board(tmp_path))) == 45


def test_whatever_an_answer_does_the_page_hears_of_it(tmp_path):
    def fails(query, sent):
        raise KeyError("nobody has foreseen it")

    (tmp_path / "page.html").write_text("<p>", encoding="utf-8")
    answers = {"/fails": fails, "/nan": lambda query, sent: {"loss": [float("nan"), 1.5]}}
    with Server(tmp_path / "page.html", answers) as server:
        address = f"http://127.0.0.1:{server.port}"
        with pytest.raises(urllib.error.HTTPError, match="500") as error:
            urllib.request.urlopen(f"{address}/fails?token={server.token}")
        assert "cannot be answered" in json.load(error.value)["error"]
        assert json.load(urllib.request.urlopen(f"{address}/nan?token={server.token}")) == {"loss": [None, 1.5]}
    for host, port in (("127.0.0.1", 70000), ("a" * 70 + ".b", 0)):
        with pytest.raises(ServingError, match="cannot be used"):
            Server(tmp_path / "page.html", {}, host=host, port=port)
