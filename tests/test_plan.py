"""Experiments as data: what a YAML file becomes, and what is said about its mistakes before anything runs."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosphere import experiments
from emosphere.config import Config, ConfigError
from emosphere.experiments.plan import MANY

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def written(folder, text, name="mine.yaml"):
    (folder / name).write_text(text)
    return folder / name


def test_the_nine_variants_differ_as_the_paper_says():
    experiment = experiments.load_experiment(NOTEBOOKS / "experiments.yaml", beside=NOTEBOOKS)
    full = Config.create("paper")
    differences = {
        name: full.differences(Config.create("paper", **changes)) for name, changes in experiment.variants.items()
    }
    assert {name: {key: there for key, (_, there) in found.items()} for name, found in differences.items()} == {
        "full": {},
        "no_preprocessing": {"preprocessing": False},
        "no_style_pooling": {"preprocessing": False, "pooling": "statistics"},
        "no_auxiliary": {"preprocessing": False, "pooling": "statistics", "auxiliary": "none"},
        "constant_weight": {"schedule": "constant"},
        "category_auxiliary": {"auxiliary": "category"},
        "plain_cross_entropy": {"weighted": False},
        "angle_60": {"azimuth": 6, "elevation": 3},
        "angle_45": {"azimuth": 8, "elevation": 4},
    }
    assert set(experiments.PUBLISHED) == set(experiment.variants)
    assert experiment.name == "embedded"
    assert experiment.settings["root"] == "../data/embedded"


def test_the_grids_of_the_angle_study():
    experiment = experiments.load_experiment(NOTEBOOKS / "angles.yaml")
    grids = [Config.create(**{**experiment.settings, **changes}).grid for changes in experiment.variants.values()]
    assert len(set(grids)) == len(grids)
    assert {(4, 2), (6, 3), (8, 4)} <= {(grid.azimuth, grid.elevation) for grid in grids}
    assert {"angle", "area"} == {grid.spacing for grid in grids}
    for changes in experiment.variants.values():
        assert set(changes) <= {"azimuth", "elevation", "spacing"}


def test_lists_make_a_grid(tmp_path):
    file = written(
        tmp_path,
        """
name: rates
seeds: [3, 1]
settings: {corpus: manifest, root: data, epochs: 4}
full: {}
rates:
  learning_rate: [1e-3, 3e-4]
  pooling: [style, statistics]
  epochs: 2
""",
    )
    experiment = experiments.load_experiment(file, beside=tmp_path / "notebooks")
    assert (experiment.name, experiment.seeds) == ("rates", (3, 1))
    assert list(experiment.variants) == [
        "full",
        "rates,learning_rate=0.001,pooling=style",
        "rates,learning_rate=0.001,pooling=statistics",
        "rates,learning_rate=0.0003,pooling=style",
        "rates,learning_rate=0.0003,pooling=statistics",
    ]
    runs = experiment.runs(tmp_path / "runs")
    assert len(runs) == 10
    assert [run.seed for run in runs] == [3] * 5 + [1] * 5
    assert runs[1].config == Config.create(
        corpus="manifest", root="../data", epochs=2, learning_rate=0.001, pooling="style", seed=3
    )
    assert runs[1].folder == tmp_path / "runs" / "rates" / "rates,learning_rate=0.001,pooling=style" / "seed3"


@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3), seeds=st.integers(1, 3))
def test_a_grid_has_every_combination_once(tmp_path_factory, sizes, seeds):
    names = ["epochs", "style_width", "batch_size"][: len(sizes)]
    lines = [f"  {name}: {[2 + n for n in range(size)]}" for name, size in zip(names, sizes, strict=True)]
    file = written(tmp_path_factory.mktemp("grid"), "\n".join(["grid:", *lines]))
    runs = experiments.load_experiment(file, seeds=seeds).runs("runs")
    expected = seeds
    for size in sizes:
        expected *= size
    assert len({run.folder for run in runs}) == expected
    assert len({str(run.config) for run in runs}) == expected


def test_the_example_of_the_documentation(tmp_path):
    text = (NOTEBOOKS.parent / "docs" / "experiments.md").read_text(encoding="utf-8")
    block, baselines = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    experiment = experiments.load_experiment(written(tmp_path, block))
    assert (experiment.name, len(experiment.seeds), len(experiment.variants)) == ("rates", 5, 6)
    assert experiment.settings["root"] == "/data/EmoTale"
    assert len(experiments.load_experiment(written(tmp_path, baselines)).variants) == 7


def test_names_of_values_are_names_of_folders(tmp_path):
    file = written(tmp_path, "a: {corpus_options: [{seed: 0}, {seed: 1}], encoder: [tiny, /models/wavlm base]}")
    assert list(experiments.load_experiment(file).variants)[1] == "a,corpus_options=seed-0,encoder=models-wavlm-base"
    assert len(experiments.load_experiment(file).runs("runs")) == 4


def test_arguments_win_over_the_file(tmp_path):
    file = written(tmp_path, "seeds: 2\nsettings: {epochs: 4, preset: base}\nfull: {}")
    assert experiments.load_experiment(file).name == "mine"
    changed = experiments.load_experiment(file, name="other", seeds=[7], epochs=1, limit=None)
    assert (changed.name, changed.seeds) == ("other", (7,))
    assert changed.settings == {"epochs": 1, "preset": "base"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("full: {epohcs: 3}", r"mine.yaml, variant 'full': There is no parameter 'epohcs'; did you mean 'epochs'"),
        ("settings: {epohcs: 3}\nfull: {}", "There is no parameter 'epohcs'"),
        ("settings: 3\nfull: {}", "settings must map"),
        ("full: 3", "variant 'full': its difference maps"),
        ("- full", "must map names of variants"),
        ("full: [", "cannot be read as YAML"),
        ("seeds: 3", "has no variants"),
        ("full: {}\nfull: {epochs: 2}", "'full' comes twice, line 1"),
        ("full: {epochs: 2, epochs: 3}", "'epochs' comes twice"),
        ("full: {seed: 3}", "seed is set for all variants alike"),
        ("full: {epochs: []}", "an empty list"),
        (f"full: {{epochs: {list(range(1, 400))}, batch_size: {list(range(2, 402))}}}", "lists make 159,600 variants"),
        ("full: {epochs: [2, two]}", "variant 'full,epochs=two': epochs must be int, not str"),
        ("grid: {corpus_options: [{a: 1}, {a: 1}]}", "would both be called"),
        ("seeds: 0\nfull: {}", "seeds is a number from 1"),
        ("seeds: [1, x]\nfull: {}", "seeds is a number from 1"),
        ("seeds: yes\nfull: {}", "seeds is a number from 1"),
        ("1: {}", "the name of a variant is a word, not 1"),
        ("full: {epochs: !!python/name:os.system }", "cannot be read as YAML"),
    ],
)
def test_mistakes_in_a_yaml_file_are_named(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        experiments.load_experiment(written(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="none.yaml cannot be read"):
        experiments.load_experiment(tmp_path / "none.yaml")


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "", "a b", "x" * 200])
def test_names_that_are_no_folders(tmp_path, name):
    with pytest.raises(ConfigError, match="cannot name the folder of this variant"):
        experiments.Experiment("mine", {name: {}}).runs(tmp_path)
    with pytest.raises(ConfigError, match="cannot name the folder of this experiment"):
        experiments.Experiment(name, {"full": {}}).runs(tmp_path)


@pytest.mark.slow
def test_many_runs_are_asked_about(tmp_path):
    file = written(tmp_path, f"grid: {{epochs: {list(range(1, 101))}, batch_size: {list(range(2, 102))}}}")
    experiment = experiments.load_experiment(file)
    with pytest.raises(ConfigError, match=r"mine asks for 10,000 runs \(10,000 variants, 1 seeds\).* many=True"):
        experiment.runs("runs")
    assert len(experiment.runs("runs", many=True)) == 10_000
    assert len(experiments.Experiment("mine", {"full": {}}, tuple(range(MANY))).runs("runs")) == MANY


def test_a_file_includes_the_variants_of_another(tmp_path):
    """Beside it, before its own; names, seeds and settings stay its own."""
    (tmp_path / "nine.yaml").write_text(
        "name: nine\nseeds: 7\nsettings: {epochs: 3}\nfull: {}\nwide: {style_width: 64}\n"
    )
    mine = tmp_path / "mine.yaml"
    mine.write_text("include: nine.yaml\nseeds: 2\nprobe: {model: probe}\n")
    found = experiments.load_experiment(mine)
    assert list(found.variants) == ["full", "wide", "probe"]
    assert (found.name, found.seeds, found.settings) == ("mine", (0, 1), {})
    for text, words in (
        ("include: nine.yaml\nfull: {}\n", "both have a variant 'full'"),
        ("include: other.yaml\n", "other.yaml cannot be read"),
        ("include: [nine.yaml]\n", "include names one file"),
        ("include: mine.yaml\na: {}\n", "include names one file, which includes none itself"),
    ):
        mine.write_text(text)
        with pytest.raises(ConfigError, match=words):
            experiments.load_experiment(mine)


def test_the_experiment_on_human_speech_is_the_papers_and_more():
    folder = Path(__file__).parents[1] / "notebooks"
    nine = experiments.load_experiment(folder / "experiments.yaml").variants
    found = experiments.load_experiment(folder / "human_speech.yaml")
    assert {name: found.variants[name] for name in nine} == nine
    assert found.seeds == (0, 1, 2, 3, 4)
    runs = found.runs("runs")
    assert len(runs) == 9 * 5 + 8
    assert {run.config.folds for run in runs} == {3}
    assert sorted(run.config.layer for run in runs if run.variant.startswith("layer")) == [0, 1, 2, 3, 4]


def test_the_folder_of_a_model_is_relative_to_the_file(tmp_path):
    """As root is; a baseline is no folder, whatever lies there, and a model of the Hub stays a name."""
    for name in ("models/mine", "models/other", "mean"):
        (tmp_path / name).mkdir(parents=True)
    file = written(
        tmp_path,
        "settings: {model: models/mine}\nfull: {}\nmean: {model: mean}\nhub: {model: somebody/something}\n"
        f"list: {{model: [models/other, {(tmp_path / 'models').as_posix()}]}}",
    )
    experiment = experiments.load_experiment(file, beside=tmp_path / "notebooks")
    assert [run.config.model for run in experiment.runs(tmp_path / "runs")] == [
        "../models/mine",
        "mean",
        "somebody/something",
        "../models/other",
        (tmp_path / "models").as_posix(),
    ]


def test_the_run_that_others_start_from_is_relative_to_the_file(tmp_path):
    """Whether it is there already or not: it may be one of the same file."""
    file = written(tmp_path, f"here: {{start: runs/first}}\nthere: {{start: {tmp_path.as_posix()}}}")
    experiment = experiments.load_experiment(file, beside=tmp_path / "notebooks")
    assert [run.config.start for run in experiment.runs("runs")] == ["../runs/first", tmp_path.as_posix()]
