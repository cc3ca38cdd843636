"""Sweeps: through papermill, on Dask with a worker that dies, stopped by Ctrl-C; nothing lost, nothing done twice."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pandas as pd
import psutil
import pytest
import yaml
from distributed import Client

from emosphere import corpora, experiments
from emosphere import utils as files
from emosphere.config import ConfigError
from emosphere.corpora import CorpusError
from emosphere.experiments import SweepError, engines, read_results
from emosphere.run import Run
from emosphere.sphere import DIMENSIONS
from emosphere.training import pipeline as training

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
EPOCHS = 25  # so many that there is time to stop a run in the middle
LEFT = ("history.csv", "predictions.csv", "scores.json", "model/model.safetensors")


@pytest.fixture(scope="module")
def settings(tones, encoders):
    return dict(
        preset="tiny",
        corpus="msp_podcast",
        root=str(tones),
        encoder=str(encoders / "wavlm"),
        epochs=1,
        batch_size=8,
        style_width=16,
        head_width=16,
    )


def experiment(settings, variants=None, seeds=(0,), name="tones", **changes):
    variants = variants or {"full": {}, "no_auxiliary": {"auxiliary": "none"}}
    return experiments.Experiment(name, variants, seeds, {**settings, **changes})


def wait_for(condition, what, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.05)


def straight(run, folder):
    """The run without papermill, sweep or interruption."""
    return training.train(run.config, folder / run.variant / run.folder.name, cache=folder / "cache", progress=False)


def assert_like_straight(planned, folder):
    for run in planned:
        expected = straight(run, folder)
        for name in LEFT:
            assert (run.folder / name).read_bytes() == (expected / name).read_bytes(), f"{run.folder.name}: {name}"


def epochs_trained(run):
    return [int(epoch) for epoch in re.findall(r"epoch (\d+) of \d+: loss", (run.folder / "log.txt").read_text())]


def test_an_unknown_parameter_stops_before_anything_runs(tmp_path):
    with pytest.raises(ConfigError, match="05_training.ipynb has no parameter 'epoch'"):
        experiments.run_notebook(NOTEBOOKS / "05_training.ipynb", tmp_path / "out.ipynb", {"epoch": 1})
    assert not list(tmp_path.iterdir())


@pytest.mark.posix
@pytest.mark.slow
def test_a_sweep_then_what_is_missing_then_evaluation(settings, tmp_path, capsys):
    """A run that fails is recorded and stops nobody; the next call tries it again, and only it."""
    mine = experiment(settings, {"broken": {"encoder": str(tmp_path / "later")}, "full": {}}, seeds=(3,))
    results = experiments.sweep(mine, runs=tmp_path, progress=False)
    assert list(results.runs) == [("full", 3)]
    failure = (tmp_path / "tones" / "broken" / "seed3" / "failure.txt").read_text()
    assert failure.startswith("EncoderError: No encoder")
    assert "training.train" in failure, "the traceback"
    assert "\x1b" not in failure
    assert "broken, seed 3: failed. EncoderError" in capsys.readouterr().out
    folder = results.runs["full", 3].folder
    assert {path.name for path in folder.iterdir()} >= {
        "05_training.ipynb",
        "config.json",
        "environment.json",
        "log.txt",
        "history.csv",
        "predictions.csv",
        "scores.json",
        "model",
    }

    before = (folder / "05_training.ipynb").stat().st_mtime_ns
    (tmp_path / "later").symlink_to(settings["encoder"])
    results = experiments.sweep(mine, runs=tmp_path, progress=False)
    assert list(results.runs) == [("broken", 3), ("full", 3)]
    assert not (tmp_path / "tones" / "broken" / "seed3" / "failure.txt").exists()
    assert (folder / "05_training.ipynb").stat().st_mtime_ns == before

    parameters = {"folder": str(folder), "figures": str(tmp_path / "figures"), "others": ["broken/seed3"]}
    experiments.run_notebook(
        NOTEBOOKS / "06_evaluation.ipynb", tmp_path / "06.ipynb", {**parameters, "interactive": False}
    )
    assert (tmp_path / "figures" / "msp_podcast" / "arrows.html").exists()
    printed = json.dumps(nbformat.read(tmp_path / "06.ipynb", 4))
    assert "Corpus msp_podcast, preset tiny, seed 3" in printed


def fake_run(run, fingerprint="0", **changes):
    """A complete run folder without any training."""
    run.folder.mkdir(parents=True)
    run.config.save(run.folder / "config.json")
    files.write_json(run.folder / "environment.json", {"fingerprint": fingerprint})
    files.write_json(run.folder / "scores.json", {"ccc_mean": 0.5})
    return run.folder


def test_a_run_with_other_settings_is_never_overwritten(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(experiments.engines, "execute", lambda *a: pytest.fail("nothing may run"))
    for run in experiment(settings).runs(tmp_path):
        fake_run(run)
    with pytest.raises(ConfigError, match=r"other parameters: epochs \(1 there, 2 asked for\)"):
        experiments.sweep(experiment(settings, epochs=2), runs=tmp_path, progress=False)


def test_runs_that_do_not_belong_together_get_a_sentence(settings, tmp_path):
    """Complete runs with other test sets: the command says why there is no table."""
    content = {"name": "tones", "settings": settings, "splits": {"corpus_options": [{"seed": 0}, {"seed": 1}]}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    for run in experiments.load_experiment(tmp_path / "mine.yaml").runs(tmp_path / "runs"):
        speech = corpora.load("msp_podcast", settings["root"], **run.config.corpus_options)
        folder = fake_run(run, fingerprint=speech.fingerprint())
        table = speech.rows("test")[["utterance", "speaker", *DIMENSIONS]].assign(region=0, region_predicted=0)
        table[[f"{name}_predicted" for name in DIMENSIONS]] = 4.0
        table.to_csv(folder / "predictions.csv", index=False)
    done = subprocess.run(
        [sys.executable, "-m", "emosphere", "sweep", "mine.yaml"], cwd=tmp_path, text=True, capture_output=True
    )
    assert done.returncode == 1
    assert "2 of 2 runs are complete" in done.stderr
    assert "do not belong into one table: they differ in state of the corpus" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_state_of_the_corpus_is_refused(settings, tmp_path):
    (run, *_) = experiment(settings).runs(tmp_path)
    fake_run(run, fingerprint="123456789abc")
    with pytest.raises(
        ConfigError, match=r"another state of the labels, splits or scale of the corpus \(123456789abc, now"
    ):
        experiments.sweep(experiment(settings), runs=tmp_path, progress=False)


def test_a_corpus_that_is_not_there_stops_before_anything_runs(settings, tmp_path):
    with pytest.raises(CorpusError):
        experiments.sweep(experiment(settings, root=str(tmp_path / "none")), runs=tmp_path / "runs", progress=False)
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def fake_notebook(tmp_path):
    """A notebook with the parameters of 05 that does something else."""

    def make(source):
        book = nbformat.read(NOTEBOOKS / "05_training.ipynb", 4)
        (cell,) = [cell for cell in book.cells if "parameters" in cell.metadata.get("tags", [])]
        path = tmp_path / "notebooks" / "05_training.ipynb"
        path.parent.mkdir()
        code = [cell, nbformat.v4.new_code_cell(source)]
        nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=book.metadata), path)
        return path

    return make


@pytest.mark.parametrize(
    "error",
    [
        'OSError(28, "No space left on device")',
        'ValueError("Error while serializing: I/O error: No space left on device (os error 28)")',  # safetensors
    ],
)
def test_a_full_disk_stops_the_sweep(settings, tmp_path, fake_notebook, error):
    notebook = fake_notebook(f"raise {error}")
    with pytest.raises(SweepError, match="is full. Make room and give the same command again"):
        experiments.sweep(experiment(settings), runs=tmp_path / "runs", notebook=notebook, progress=False)
    assert not (tmp_path / "runs" / "tones" / "no_auxiliary").exists(), "the second run was tried"


def test_a_kernel_that_is_killed_fails_one_run(settings, tmp_path, fake_notebook):
    notebook = fake_notebook("import os\nos.kill(os.getpid(), 9)")
    results = experiments.sweep(experiment(settings), runs=tmp_path / "runs", notebook=notebook, progress=False)
    assert not results.runs
    for variant in results.variants:
        text = (results.folder / variant / "seed0" / "failure.txt").read_text()
        assert "Out of memory, perhaps: try a smaller batch_size" in text


def test_a_run_that_somebody_else_is_at_is_left_alone(settings, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    mine = experiment(settings, {"full": {}})
    (run,) = mine.runs(tmp_path)
    run.folder.mkdir(parents=True)
    with files.only_writer(run.folder, ".sweep-lock", "The run"):
        assert engines.execute(run, NOTEBOOKS / "05_training.ipynb").state == "busy"
        results = experiments.sweep(mine, runs=tmp_path, progress=False)
    assert not results.runs
    assert "full, seed 0: busy. The run in" in capsys.readouterr().out
    assert not (run.folder / "failure.txt").exists()


def test_a_sweep_of_an_installed_package(settings, tmp_path):
    """Where the notebooks lie among the packages, everything still goes to, and comes from, the current directory."""
    site, here = tmp_path / "site" / "emosphere", tmp_path / "here"
    shutil.copytree(NOTEBOOKS.parent / "emosphere", site, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(NOTEBOOKS, site / "notebooks", ignore=shutil.ignore_patterns("lab", "app", "student"))
    shutil.copytree(settings["root"], here / "data" / "tones")
    shutil.copytree(settings["encoder"], here / "models" / "wavlm")
    content = {"settings": {**settings, "root": "data/tones", "encoder": "../models/wavlm"}, "full": {}}
    (here / "mine.yaml").write_text(yaml.safe_dump(content))
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*")}
    done = subprocess.run(
        [sys.executable, "-m", "emosphere", "sweep", "mine.yaml"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(site.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in here.iterdir()} == {"data", "figures", "mine.yaml", "models", "notebooks", "runs"}
    assert {path.name for path in (here / "data").iterdir()} == {"cache", "tones"}
    assert [path.name for path in (here / "notebooks").iterdir()] == ["05_training.ipynb"]
    assert (here / "figures" / "mine" / "variants.csv").exists()
    assert Run(here / "runs" / "mine" / "full" / "seed0").config.root == "../data/tones"
    assert {path: path.stat().st_mtime_ns for path in site.rglob("*")} == before


def test_a_copied_notebook_is_its_owner_s(tmp_path, monkeypatch):
    (tmp_path / "packaged").mkdir()
    (tmp_path / "packaged" / "mine.ipynb").write_text("as it came")
    monkeypatch.setattr(experiments.notebooks, "PACKAGED", tmp_path / "packaged")
    monkeypatch.chdir(tmp_path)
    copy = experiments.find_notebook("mine.ipynb")
    assert copy == tmp_path / "notebooks" / "mine.ipynb" and copy.read_text() == "as it came"
    copy.write_text("changed")
    assert experiments.find_notebook("mine.ipynb").read_text() == "changed"


def kernels(folder):
    """Processes that train below a folder, by the files that they hold open."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(folder) in file.path for file in process.open_files()):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.posix
@pytest.mark.slow
@pytest.mark.parametrize("scheduler", [None, "processes=2"])
def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(settings, tmp_path, scheduler):
    content = {"name": "tones", "settings": {**settings, "epochs": EPOCHS}, "full": {}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    command = [sys.executable, "-m", "emosphere", "sweep", "mine.yaml", "--runs", "runs", "--figures", "figures"]
    command += ["--scheduler", scheduler] if scheduler else []
    folder = tmp_path / "runs" / "tones" / "full" / "seed0"
    process = subprocess.Popen(
        command, cwd=tmp_path, start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    wait_for(lambda: (folder / "history.csv").exists(), "the first epoch")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Stopped. 0 of 1 runs are complete; the same command goes on from here" in said
    assert "Traceback" not in said
    assert "distributed" not in said, "Dask's log is not for the user"
    wait_for(lambda: not kernels(folder), "the end of the kernel", 10)
    assert not (folder / "scores.json").exists(), "too late to be a test"
    assert not (folder / "failure.txt").exists()

    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "1 of 1 runs are complete" in done.stdout
    planned = experiments.load_experiment(tmp_path / "mine.yaml").runs(tmp_path / "runs")
    assert_like_straight(planned, tmp_path / "straight")
    assert epochs_trained(planned[0]) == list(range(EPOCHS))
    assert (tmp_path / "figures" / "tones" / "variants.csv").exists()


@pytest.fixture
def cluster(tmp_path):
    """A Dask scheduler and two workers as processes of their own: the address, and the workers by address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    log = open(tmp_path / "dask.log", "w")  # noqa: SIM115  as long as the processes
    dask = [sys.executable, "-m", "dask"]
    options = dict(stdout=log, stderr=log, cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"})
    processes = [subprocess.Popen([*dask, "scheduler", "--host", address, "--no-dashboard"], **options)]
    for name in ("one", "two"):
        worker = [
            "worker",
            address,
            "--name",
            name,
            "--nthreads",
            "1",
            "--no-nanny",
            "--no-dashboard",
            "--resources",
            "GPU=1",
            "--host",
            "127.0.0.1",
        ]
        processes.append(subprocess.Popen([*dask, *worker], **options))
    try:
        with Client(address, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            yield address, dict(zip(("one", "two"), processes[1:], strict=True)), client
    finally:
        for process in processes:
            process.kill()
            process.wait()
        log.close()


@pytest.mark.slow
def test_a_worker_that_dies_loses_nothing(settings, tmp_path, cluster):
    """Two workers, one killed in the middle of a run: the other one goes on with it, and no epoch is kept twice."""
    address, workers, client = cluster
    mine = experiment(settings, seeds=(0, 1), epochs=EPOCHS)
    planned = {str(run.folder): run for run in mine.runs(tmp_path / "runs")}
    found = {}
    sweeping = threading.Thread(
        target=lambda: found.update(
            results=experiments.sweep(
                mine, runs=tmp_path / "runs", scheduler=address, resources={"GPU": 1}, progress=False
            )
        )
    )
    sweeping.start()
    names = {facts["name"]: where for where, facts in client.scheduler_info(n_workers=-1)["workers"].items()}

    def at_work():
        keys = set(client.processing().get(names["one"], ())) & set(planned)
        return [Path(key) for key in keys if (Path(key) / "history.csv").exists()]

    wait_for(at_work, "the first epoch")
    (victim,) = at_work()
    workers["one"].kill()
    sweeping.join(timeout=300)
    assert len(found["results"].runs) == 4
    log = (victim / "log.txt").read_text()
    assert "goes on after epoch" in log, "it was killed too late"
    assert log.count(": test CCC") == 1
    for run in planned.values():
        assert pd.read_csv(run.folder / "history.csv")["epoch"].tolist() == list(range(EPOCHS))
        assert epochs_trained(run) == list(range(EPOCHS)), f"{run.folder}: an epoch was trained twice"
        assert run.folder == victim or "goes on" not in (run.folder / "log.txt").read_text()
    assert_like_straight(planned.values(), tmp_path / "straight")

    with pytest.raises(SweepError, match="No worker offers GPU=2, so nothing would ever run"):
        experiments.sweep(
            experiment(settings, name="more"),
            runs=tmp_path / "runs",
            scheduler=address,
            resources={"GPU": 2},
            progress=False,
        )


@pytest.mark.linux
@pytest.mark.slow
def test_the_slurm_script_of_the_documentation_runs(settings, tmp_path):
    """Word for word but for the data, with commands in place of Slurm's that start the job script here."""
    page = (NOTEBOOKS.parent / "docs" / "clusters.md").read_text(encoding="utf-8")
    (script,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "SLURMCluster" in block]
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"settings": settings, "full": {}}))
    for old, new in {
        '"notebooks/experiments.yaml"': '"mine.yaml"',
        'preset="paper", ': "",
        "seeds=5": "seeds=1",
        "jobs=4": "jobs=1",
        "/path/to/MSP-Podcast": settings["root"],
        ".venv/bin/python": sys.executable,
        "64GB": "2GB",
    }.items():
        assert old in script
        script = script.replace(old, new)
    (tmp_path / "slurm.py").write_text(script)
    for name, line in {
        "sbatch": 'cp "$1" job.sh; setsid bash job.sh >job.log 2>&1 & echo "Submitted batch job $!"',
        "scancel": 'kill -- -"$1"',
    }.items():
        command = tmp_path / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(f"#!/bin/bash\n{line}\n")
        command.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "DASK_JOBQUEUE__SLURM__INTERFACE": "lo",
    }
    done = subprocess.run(
        [sys.executable, "slurm.py"], cwd=tmp_path, env=environment, text=True, capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr + (tmp_path / "job.log").read_text()
    assert "#SBATCH --gres=gpu:1" in done.stdout
    assert (tmp_path / "runs" / "paper" / "full" / "seed0" / "scores.json").exists()
    assert (tmp_path / "figures" / "paper" / "variants.tex").exists()


def test_schedulers_that_are_none(settings, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="'processes=N' with N from 1"):
        experiments.sweep(experiment(settings), runs=tmp_path, scheduler="processes=none", progress=False)
    monkeypatch.setattr(experiments.engines, "PATIENCE", 1)
    with pytest.raises(SweepError, match="No Dask scheduler answers at 'tcp://127.0.0.1:1'"):
        experiments.sweep(experiment(settings), runs=tmp_path, scheduler="tcp://127.0.0.1:1", progress=False)


@pytest.mark.parametrize(("chosen", "expected"), [(None, ["0", "1", "2"]), ("2,5", ["2", "5"])])
def test_each_local_worker_has_a_gpu_of_those_that_may_be_used(monkeypatch, chosen, expected):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if chosen:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    assert experiments.engines._visible_gpus() == expected
    built = {}
    monkeypatch.setattr("distributed.SpecCluster", lambda **options: built.update(options))
    experiments.engines._local_cluster(4)
    gpus = [worker["options"]["env"]["CUDA_VISIBLE_DEVICES"] for worker in built["workers"].values()]
    assert gpus == (expected * 2)[:4]


def test_only_complete_runs_count(settings, tmp_path):
    first, second = experiment(settings).runs(tmp_path)
    fake_run(first)
    second.folder.mkdir(parents=True)
    (tmp_path / "tones" / "notes" / "seedling").mkdir(parents=True)
    (tmp_path / "tones" / "notes" / "seedling" / "scores.json").write_text("{}")
    assert list(read_results(tmp_path / "tones").runs) == [("full", 0)]


def test_another_model_under_the_same_name_is_noticed(settings, tmp_path):
    """A variant that is a model tested as it is; complete runs of it are not used again once it is another one."""
    for seed in (0, 1):
        run = experiment(settings, {"full": {}}, seeds=[seed]).runs(tmp_path)[0]
        training.train(run.config, run.folder, cache=tmp_path / "cache", progress=False)
    model = tmp_path / "model"
    shutil.copytree(run.folder.with_name("seed0") / "model", model)
    tested = {**settings, "model": str(model)}
    planned = experiment(tested, {"ready": {}}).runs(tmp_path)[0]
    training.train(planned.config, planned.folder, cache=tmp_path / "cache", progress=False)
    again = experiments.sweep(experiment(tested, {"ready": {}}), runs=tmp_path, progress=False)
    assert len(again.runs) == 1
    shutil.copy(run.folder / "model" / "model.safetensors", model)
    with pytest.raises(ConfigError, match="another state of the weights of the model that is tested"):
        experiments.sweep(experiment(tested, {"ready": {}}), runs=tmp_path, progress=False)
