"""What strangers give us stays data: nothing in it is run, no path leads outside, no label is HTML, no door is open."""

import ast
import contextlib
import csv
import html
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import psutil
import pytest
import soundfile
import torch
from accelerate import Accelerator
from emosphere_lab import exporting
from safetensors.torch import load_file

from emosphere import __main__, corpora, data, experiments, plots, system, widgets
from emosphere import utils as files
from emosphere.config import Config, ConfigError
from emosphere.corpora import CorpusError
from emosphere.model import EmoSphereModel, build_model, weights
from emosphere.model.encoders import EncoderError, find_encoder
from emosphere.run import Run
from emosphere.sphere import RegionGrid
from emosphere.synthesis.corpus import build as speak_corpus
from emosphere.training import checkpoint
from emosphere.training.live import LiveRun
from emosphere.utils import harmless, markdown
from emosphere.widgets.recorder import save as save_recording

ROOT = Path(__file__).parent.parent
SCRIPT, IMAGE = "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'
MARKUP = re.compile(r"<\s*/?(script|img)", re.IGNORECASE)


# nothing is unpickled, no code of others is run

LOADERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
CALLS = {
    "pd.read_pickle",
    "pandas.read_pickle",
    "yaml.unsafe_load",
    "yaml.full_load",
    "eval",
    "exec",
    "yaml.load_all",
    "os.system",
    "np.fromfile",
}


def dangers(source):
    """What a piece of code does that can run what is in a file."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name.split(".")[0] for alias in node.names} | {
                (getattr(node, "module", "") or "").split(".")[0]
            }
            found += sorted(names & LOADERS) + ["torch.load"] * (
                getattr(node, "module", "") == "torch" and "load" in names
            )
        if not isinstance(node, ast.Call):
            continue
        name, options = ast.unparse(node.func), {option.arg: ast.unparse(option.value) for option in node.keywords}
        if (
            name in CALLS
            or options.get("allow_pickle") == "True"
            or options.get("trust_remote_code", "False") != "False"
        ):
            found.append(ast.unparse(node))
        if options.get("weights_only", "True") != "True" or options.get("shell", "False") != "False":
            found.append(ast.unparse(node))
        if name == "torch.load" and options.get("weights_only") != "True":
            found.append(ast.unparse(node))
        if name == "yaml.load" and "_Loader" not in [ast.unparse(argument) for argument in node.args]:
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(x)",
        "np.load(x, allow_pickle=True)",
        "pd.read_pickle(x)",
        "f(x, trust_remote_code=True)",
        "yaml.load(x, yaml.Loader)",
        "torch.load(x, weights_only=False)",
        "torch.load(x, weights_only=safe)",
        "torch.load(x, **{'weights_only': True})",
        "load(x, weights_only=False)",
        "from torch import load",
        "subprocess.run(x, shell=True)",
        "eval(x)",
    ],
)
def test_dangers_are_seen(code):
    assert dangers(code)


def test_weights_alone_are_no_danger():
    assert not dangers("torch.load(x, map_location='cpu', weights_only=True)")


def test_no_module_can_run_what_is_in_a_file():
    modules = sorted((ROOT / "emosphere").rglob("*.py"))
    assert len(modules) > 50
    for path in modules:
        assert not dangers(path.read_text()), path
    for path in ROOT.glob("notebooks/**/*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] == "code":
                code = re.sub(r"^\s*[%!].*$", "pass", "".join(cell["source"]), flags=re.MULTILINE)
                assert not dangers(code), path


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.write_text, (self.path, "run"))


def test_a_payload_is_one(tmp_path):
    pickle.loads(pickle.dumps(Payload(tmp_path / "trace")))
    assert (tmp_path / "trace").exists()
    (tmp_path / "trace").unlink()
    torch.save({"x": Payload(tmp_path / "trace")}, tmp_path / "weights.bin")
    torch.load(tmp_path / "weights.bin", weights_only=False)
    assert (tmp_path / "trace").exists()


@pytest.fixture
def encoder(encoders, tmp_path):
    return Path(shutil.copytree(encoders / "wavlm", tmp_path / "encoder"))


@pytest.mark.parametrize("raw", [False, True])
def test_a_pickle_in_an_encoder_is_not_run(encoder, tmp_path, raw):
    (encoder / "model.safetensors").unlink()
    payload = {"feature_projection.projection.bias": Payload(tmp_path / "trace")}
    if raw:
        (encoder / "pytorch_model.bin").write_bytes(pickle.dumps(payload))
    else:
        torch.save(payload, encoder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match="The weights of the encoder .*encoder' cannot be loaded"):
        build_model(str(encoder), style_width=16, head_width=16)
    assert not (tmp_path / "trace").exists()


def test_harmless_weights_in_a_pickle_are_read(encoder):
    weights = load_file(encoder / "model.safetensors")
    torch.save(weights, encoder / "pytorch_model.bin")
    (encoder / "model.safetensors").unlink()
    loaded = build_model(str(encoder), style_width=16, head_width=16).encoder.state_dict()
    assert weights and all(torch.equal(loaded[name], tensor) for name, tensor in weights.items())


def test_a_run_folder_with_a_pickle_is_refused(encoder, tmp_path):
    model = build_model(str(encoder), style_width=16, head_width=16)
    model.save_pretrained(tmp_path / "model")
    for content in (model.state_dict(), {"regression.1.bias": Payload(tmp_path / "trace")}):
        (tmp_path / "model" / "model.safetensors").unlink(missing_ok=True)
        torch.save(content, tmp_path / "model" / "pytorch_model.bin")
        with pytest.raises(ValueError, match=rf"The model in {tmp_path / 'model'} cannot be loaded"):
            EmoSphereModel.from_pretrained(tmp_path / "model")
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("kind", ["wavlm", "mine"])
def test_code_in_an_encoder_is_not_run(encoder, tmp_path, kind):
    trace, config = tmp_path / "trace", json.loads((encoder / "config.json").read_text())
    (encoder / "mine.py").write_text(
        f"open({str(trace)!r}, 'w').close()\nfrom transformers import WavLMConfig, WavLMModel\n"
        f"class C(WavLMConfig):\n    model_type = {kind!r}\nclass M(WavLMModel):\n    config_class = C\n"
    )
    config |= {"model_type": kind, "auto_map": {"AutoConfig": "mine.C", "AutoModel": "mine.M"}}
    (encoder / "config.json").write_text(json.dumps(config))
    if kind == "wavlm":  # transformers has its own code for it
        assert build_model(str(encoder), style_width=16, head_width=16).encoder.__class__.__module__.startswith(
            "transformers."
        )
    else:
        with pytest.raises(EncoderError):
            find_encoder(str(encoder))
    assert not trace.exists()


@pytest.mark.parametrize(
    "call", ["os.system ['touch trace']", "builtins.open ['trace', 'w']", "pathlib.Path.touch [trace]"]
)
def test_yaml_runs_nothing(tmp_path, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(f"full: {{epochs: !!python/object/apply:{call}}}")
    with pytest.raises(ConfigError, match="mine.yaml cannot be read as YAML: could not determine a constructor"):
        experiments.load_experiment(tmp_path / "mine.yaml")
    assert not (tmp_path / "trace").exists()


# no path leads out of a corpus


def tone(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(np.arange(8000) / 5), 16_000)


def msp_podcast(root, name):
    (root / "Labels").mkdir(parents=True)
    head = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set"
    (root / "Labels/labels_consensus.csv").write_text(f'{head}\n"{name}",N,4,4,4,1,Female,Train\n')
    return root / "Audios"


def emotale(root, name):
    root.mkdir(parents=True)
    ratings = ",".join(f"a{i}_{letter}" for i in (1, 2, 3) for letter in "AVD")
    rows = [f'"{file}"' + ",3" * 9 for file in (name, "DK_002_A_1.wav", "DK_003_A_1.wav")]
    (root / "annotations.csv").write_text("\n".join([f"file,{ratings}", *rows]))
    (root / "speaker_info.csv").write_text("speaker,gender,age\n001,F,22\n002,F,23\n003,M,24\n")
    return root / "wav"


def iemocap(root, name):
    (root / "Session1/dialog/EmoEvaluation").mkdir(parents=True)
    line = f"[6.29 - 8.23]\t{name.removesuffix('.wav')}\tneu\t[2.5, 3.5, 1.5]\n"
    (root / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt").write_text(line)
    return root / "Session1/sentences/wav/Ses01F_impro01"


def manifest(root, name):
    root.mkdir(parents=True)
    rows = {
        "utterance": list("abc"),
        "path": [name] * 3,
        "speaker": list("xyz"),
        "valence": 3,
        "arousal": 3,
        "dominance": 3,
    }
    pd.DataFrame(rows).to_csv(root / "manifest.csv", index=False)
    return root


ADAPTERS = {msp_podcast: "a.wav", emotale: "DK_001_A_1.wav", iemocap: "Ses01F_impro01_F000.wav", manifest: "a.wav"}


@pytest.mark.posix
@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("way", ["inside", "up", "absolute", "link", "linked folder"])
def test_no_adapter_leads_outside(tmp_path, monkeypatch, adapter, way):
    root, outside = tmp_path / "corpus", tmp_path / "outside"
    name = own = ADAPTERS[adapter]
    tone(outside / own)
    if way == "up":
        name = f"{'../' * 8}{outside.relative_to('/')}/{own}"
    elif way == "absolute":
        name = str(outside / own)
    folder = adapter(root, name)
    if way == "inside":
        tone(folder / own)
    elif way == "link":
        folder.mkdir(parents=True, exist_ok=True)
        (folder / own).symlink_to(outside / own)
    elif way == "linked folder" and adapter is not manifest:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.symlink_to(outside)
    elif way == "linked folder":
        (root / "sub").symlink_to(outside)
        (root / "manifest.csv").write_text((root / "manifest.csv").read_text().replace("a.wav", "sub/a.wav"))
    opened, real = [], soundfile.SoundFile.__init__
    note = lambda self, file, *a, **k: opened.append(file) or real(self, file, *a, **k)
    monkeypatch.setattr(soundfile.SoundFile, "__init__", note)
    try:
        corpus = corpora.load(adapter.__name__, root, **({"scale": (1, 5)} if adapter is manifest else {}))
    except CorpusError as error:
        assert way in ("up", "absolute"), error  # an adapter that knows its names refuses them at once
        return
    facts, findings = corpora.scan(corpus, progress=False), corpora.validate(corpus, progress=False)
    outcomes = []
    for rows in (corpus.table.iloc[[row]] for row in range(len(corpus))):
        with contextlib.suppress(CorpusError):
            _, heard = data.Utterances(corpus, rows)[0]
            outcomes += [heard] if isinstance(heard, torch.Tensor) else []
    explorer, sent = widgets.explore(corpus), []
    explorer.send = lambda content, buffers=None: sent.append(content)
    explorer._hear({"sound": 0})
    if way == "inside":
        assert opened and outcomes and "problem" not in sent[0]
    else:
        assert not opened and not outcomes and sent[0]["problem"]
        # an absolute path behind "Audios/" is one inside
        assert set(findings["finding"]) & {"path outside the corpus", "missing file" if way == "absolute" else ""}
        assert corpora.problems(corpus, facts)["finding"][0]


# labels stay text


@pytest.fixture(params=[SCRIPT, IMAGE], ids=["script", "image"])
def evil(request, tmp_path):
    """A corpus in which everything that is text is markup."""
    bad, n = request.param, 12
    rows = {
        "utterance": [f"{i}{bad}" for i in range(n)],
        "path": [f"{i}{bad}.wav".replace("/", "") for i in range(n)],
        "speaker": [f"s{i % 4}{bad}" for i in range(n)],
        "emotion": [bad, "A", "H"] * 4,
        "text": [bad] * n,
        "gender": [bad, "female"] * 6,
        "language": [bad] * n,
        "split": ["train", "validation", "test"] * 4,
        "valence": np.linspace(1, 5, n),
        "arousal": 3.5,
        "dominance": 2.5,
        "raters": 3,
        bad: 1,
    }
    pd.DataFrame(rows).to_csv(tmp_path / "manifest.csv", index=False)
    tone(tmp_path / rows["path"][0])
    return bad, corpora.load("manifest", tmp_path, scale=(1, 5)).replace(name=bad, notes=(bad,))


def texts(value):
    """Every text in a figure, as plotly gets it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list | tuple | np.ndarray):
        for inner in value:
            yield from texts(inner)


def clean(figure):
    return not [text for text in texts(figure.to_plotly_json()) if MARKUP.search(text)]


def test_tables_of_a_corpus(evil):
    bad, corpus = evil
    findings = corpora.validate(corpus, progress=False)
    assert findings["utterance"].astype(str).str.contains(bad, regex=False).any()
    for shown in (corpus, corpus.table, findings):
        text = shown._repr_html_()
        assert not MARKUP.search(text) and html.escape(bad, quote=False) in text.replace("&quot;", '"').replace(
            "&#x27;", "'"
        )


def predictions(corpus):
    table = corpus.table[
        ["utterance", "path", "speaker", "gender", "emotion", "valence", "arousal", "dominance"]
    ].copy()
    for name in ("valence", "arousal", "dominance"):
        table[f"{name}_predicted"] = table[name] + 0.3
    grid = RegionGrid.from_angle(90)
    table["region"] = table["region_of_vad"] = table["region_predicted"] = grid.assign(corpus.points)
    return table


def test_pages_of_explorers(evil, tmp_path):
    """Labels are data in a page, never part of its text; that nothing shows them as markup is tested in a browser."""
    bad, corpus = evil
    made = predictions(corpus)
    for explorer in (widgets.explore(corpus, made), widgets.compare(corpus, {bad: made, "other": made})):
        page = explorer.page(0).content
        assert html.escape(bad) in page  # the title
        assert "<img" not in page and "<script>alert" not in page


def test_pictures(evil):
    bad, corpus = evil
    grid, made = RegionGrid.from_angle(90), predictions(corpus)
    table = pd.DataFrame({bad: [1.0, 2.0], "b": [2.0, 1.0]}, index=[bad, "y"])
    rows = pd.DataFrame(
        {"label": [bad, "b"], "group": [bad, "b"], "value": [0.5, 0.4], "low": [0.4, 0.3], "high": [0.6, 0.5]}
    )
    hover = plots.hover_texts(corpus.table)
    figures = [
        plots.sphere(corpus.points, grid, hover=hover),
        plots.arrows(corpus.points, corpus.points / 2, grid, hover=hover),
        plots.truth_against_prediction(made, corpus.scale),
        plots.label_distributions(corpus),
        plots.bars(table, title="t", y_title="y"),
        plots.lines([1, 2], {bad: [1, 2]}, title="t", x_title="x", y_title="y"),
        plots.intervals(rows, title="t"),
        plots.heatmap([[1.0, 2.0]], limits=(0, 2), title="t", x=[bad, "b"], y=[bad]),
    ]
    assert all(map(clean, figures)), [n for n, figure in enumerate(figures) if not clean(figure)]


def test_tables_of_experiments(evil):
    bad, _ = evil
    columns = {("ours", "valence", part): [0.5, 0.4] for part in ("value", "low", "high", "spread", "p")}
    columns |= {
        ("ours", bad, "value"): [0.5, 0.4],
        ("ours", "seeds", "value"): [2, 1],
        (bad, "valence", "value"): [1.0, 2.0],
    }
    table = pd.DataFrame(columns, index=pd.Index([bad, "b"], name=bad))
    table.columns = pd.MultiIndex.from_tuples(table.columns)
    table.attrs = {"title": bad, "caption": bad, "reference": bad, "seeds": [0, 1]}
    assert "lt;" in experiments.to_html(table) or "&gt;" in experiments.to_html(table)
    for text in (experiments.to_html(table), experiments.show(table).data, experiments.to_markdown(table)):
        assert not MARKUP.search(text)


# servers


@contextlib.contextmanager
def served(target, folder):
    """The server of ``make lab`` or ``make explore`` as the Makefile has it, without a browser: url, token, process."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # not of `make test`
    recipe = subprocess.run(
        ["make", "-n", "-o", "env", target], cwd=ROOT, capture_output=True, text=True, check=True, env=outside
    ).stdout
    command = recipe.replace(".venv/bin/python", sys.executable).strip()
    private = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    options = "--ServerApp.open_browser=False --ServerApp.port=0 --ServerApp.allow_root=True"
    environment = {name: value for name, value in os.environ.items() if name != "JUPYTER_TOKEN"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            ["bash", "-c", f"exec env {command} {options}"],
            cwd=ROOT,
            stdout=log,
            stderr=log,
            env={**environment, **private, "IPYTHONDIR": str(folder / "ipython")},
        )
    try:
        end = time.monotonic() + 120
        while not (found := list((folder / "runtime").glob("jpserver-*.json"))) or not found[0].read_text().endswith(
            "}"
        ):
            assert process.poll() is None and time.monotonic() < end, (folder / "log").read_text()[-3000:]
            time.sleep(0.1)
        facts = json.loads(found[0].read_text())
        yield facts["url"], facts["token"], psutil.Process(process.pid)
    finally:
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        for one in (process, *family):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()


def answer(url):
    """Status, last address and text of a page."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=60) as response:
                return response.status, response.url, response.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, url, ""
        except urllib.error.URLError:
            time.sleep(0.1)  # it writes down its address before it listens
    raise AssertionError(f"{url} does not answer")


@pytest.mark.posix
@pytest.mark.parametrize(("target", "page"), [("lab", "lab"), ("explore", "voila/render/explore.ipynb")])
def test_servers_want_a_token_and_listen_here_only(tmp_path, target, page):
    with served(target, tmp_path) as (url, token, process):
        assert len(token) >= 32
        assert answer(f"{url}api/status?token={token}")[0] == 200
        listening = [
            c.laddr.ip
            for one in (process, *process.children(recursive=True))
            for c in one.net_connections(kind="tcp")
            if c.status == psutil.CONN_LISTEN
        ]
        assert listening and set(listening) <= {"127.0.0.1", "::1"}
        for wrong in ("", "?token=", "?token=0000"):
            assert answer(f"{url}api/contents{wrong}")[0] == 403
            status, address, text = answer(f"{url}{page}{wrong}")
            assert status == 403 or "/login" in address, (status, address)
            assert "jupyter-config-data" not in text or "/login" in address


def test_nothing_switches_the_token_off():
    pages = (ROOT / "docs").glob("*.md")
    for path in (ROOT / "Makefile", *(ROOT / "notebooks" / "app").rglob("*.py"), ROOT / "README.md", *pages):
        text = path.read_text()
        assert not re.search(r"(token|password)\s*=\s*(''|\"\"|\s|$)", text, re.IGNORECASE), path
        for switch in ("disable_check_xsrf", "allow_remote_access", "allow_unauthenticated_access", "0.0.0.0", "--ip"):
            assert switch not in text, (path, switch)


def test_what_is_synced_may_be_written(tmp_path, monkeypatch):
    """Windows refuses to sync a file that was opened for reading alone."""
    fcntl = pytest.importorskip("fcntl")
    opened = []
    monkeypatch.setattr(os, "fsync", lambda handle: opened.append(fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE))
    files.write_json(tmp_path / "x.json", {})
    assert opened == [os.O_RDWR]


def test_a_reader_on_windows_only_makes_us_wait(tmp_path, monkeypatch):
    """There no file can be put in the place of one that somebody has open."""
    real, calls = os.replace, []

    def refuses_twice(old, new):
        calls.append(new)
        if len(calls) < 3:
            raise PermissionError(13, "Access is denied", str(new))
        return real(old, new)

    monkeypatch.setattr(os, "replace", refuses_twice)
    with pytest.raises(PermissionError):  # elsewhere it means what it says
        files.write_json(tmp_path / "x.json", {})
    monkeypatch.setattr(system, "WINDOWS", True)
    calls.clear()
    files.write_json(tmp_path / "x.json", {"kept": 1})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"kept": 1} and len(calls) == 3
    calls.clear()
    monkeypatch.setattr(system, "PATIENCE", -1)
    with pytest.raises(PermissionError):
        files.write_json(tmp_path / "x.json", {"kept": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_memory_is_measured_where_posix_is_not(monkeypatch):
    from types import SimpleNamespace

    from emosphere.training import provenance

    monkeypatch.delattr(os, "sysconf", raising=False)
    accelerator = SimpleNamespace(device=torch.device("cpu"), num_processes=1)
    facts = provenance.environment(accelerator, SimpleNamespace(name="x", fingerprint=lambda: "y"))
    assert facts["memory_gib"] == round(psutil.virtual_memory().total / 2**30, 1)


# a spreadsheet computes nothing that strangers wrote

FORMULAS = ["=HYPERLINK(A1)", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "-loud.wav", "＝1+1", "+"]
TEXTS = ["calm.wav", "a=b", "-0.5", "+3", "-1.5e-3", "7", "'=1", "", "ü-1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_made_harmless(text):
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", [*TEXTS, -2, 0.5, None])
def test_what_is_no_formula_stays(text):
    assert harmless(text) == text


def test_a_name_that_is_no_utf_8_can_be_written():
    assert harmless(os.fsdecode(b"=\xff.wav")).encode() == b"'=?.wav"


def computed(text):
    """Cells of a CSV file that a spreadsheet would compute."""
    rows = csv.reader(line for line in text.splitlines(keepends=True) if not line.startswith("# "))
    return [cell for row in rows for cell in row if cell != harmless(cell)]


@pytest.mark.parametrize("to", ["file", "output"])
def test_predict_writes_no_formula(tmp_path, encoders, capsys, monkeypatch, to):
    model = build_model(str(encoders / "wavlm"), style_width=16, head_width=16)
    model.save_pretrained(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    names = ["=1+1.wav", "@x.wav", "+2.wav", "good.wav"]
    for name in names:
        tone(tmp_path / name)
    (tmp_path / "=broken.wav").write_bytes(b"no sound")
    output = ["--output", "heard.csv"] if to == "file" else []
    words = ["emosphere", "predict", *names, "=broken.wav", "--model", "model", *output]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit):  # because of the broken one
        __main__.main()
    text = (tmp_path / "heard.csv").read_text(encoding="utf-8") if to == "file" else capsys.readouterr().out
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["source"].removeprefix("'") for row in rows] == [*names, "=broken.wav"]
    assert not computed(text) and float(rows[0]["valence"])


def test_tables_of_experiments_hold_no_formula(tmp_path):
    columns = {("ours", name, "value"): [-0.5, 0.4] for name in ("valence", "=1")} | {
        ("ours", "seeds", "value"): [2, 1]
    }
    table = pd.DataFrame(columns, index=pd.Index(["=1+1", "-a"], name="@method"))
    table.columns = pd.MultiIndex.from_tuples(table.columns)
    table.attrs = {"title": "t", "caption": "c", "reference": "-a", "seeds": [0, 1]}
    text = experiments.to_csv(table)
    assert not computed(text) and "-0.5" in text and "'=1+1" in text


def test_grades_hold_no_formula(tmp_path):
    gradebook = SimpleNamespace(assignments=[])
    (tmp_path / exporting.NOTES).write_text(json.dumps({"=cmd|x": ["+1 was handed in twice."]}), encoding="utf-8")
    exporting.Grades(to=str(tmp_path / "grades.csv")).export(gradebook)
    text = (tmp_path / "grades.csv").read_text(encoding="utf-8")
    assert not computed(text) and "'=cmd|x" in text and "'+1 was" in text


# names stay text in Markdown


@pytest.mark.parametrize(
    "text",
    [
        "# heading",
        "- item",
        "1. item",
        "2) item",
        "> quote",
        "a|b",
        "<b>x</b>",
        "`code`",
        "**bold**",
        "_x_ __y__",
        "~~z~~",
        "=== x",
        "--- y",
        "[a](http://b.c)",
        "![a](b)",
        "http://evil.example/a.wav",
        "www.evil.example",
        "me@evil.example",
        "$x$",
        "a\\|b",
        "<!-- x",
        "&lt;b&gt;",
        "+ x",
        "<script>alert(1)</script>",
        "= b",
    ],
)
@pytest.mark.parametrize("frame", ["- {}", "{}", "| {} |\n| --- |\n| x |", "Before {} behind"])
def test_markdown_shows_a_text_letter_by_letter(text, frame):
    import mistune

    render = mistune.create_markdown(escape=False, plugins=["strikethrough", "table", "url", "math", "footnotes"])
    for shown in (text, text.replace(" ", "\n")):
        made = render(frame.format(markdown(shown)))
        tags = set(re.findall(r"<(\w+)", made)) - {"ul", "li", "p", "table", "thead", "tbody", "tr", "th", "td"}
        read = " ".join(html.unescape(re.sub(r"</?\w[^>]*>", " ", made)).split())
        expected = " ".join(re.sub(r"^- |[|]|---$", "", frame.split("\n")[0]).format(text).split())
        assert not tags and (read.startswith(expected) or read == f"{expected} x"), made


# files may be read by whom the umask lets


def leave_everything(folder, encoders):
    """Files of every kind that the library writes."""
    speak_corpus(folder / "corpus", utterances=12, progress=False)
    model = build_model(str(encoders / "wavlm"), style_width=16, head_width=16)
    (folder / "run").mkdir()
    live = LiveRun(Run(folder / "run", Config.create("tiny")), None, model, Accelerator(cpu=True), {})
    checkpoint.keep(live, 0)
    checkpoint.settle(live.run, 0)
    optimizer = torch.optim.Adam(model.parameters())
    scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer)
    checkpoint.save(live, optimizer, scheduler, [], [])
    state = {"conv1.weight": np.zeros((64, 80, 3), "float32"), "layers.0.x": np.zeros(1, "float32")}
    weights._save(state, folder / "encoders" / "whisper")
    files.write_json(folder / "run" / "facts.json", {})
    figure = go.Figure()
    plots.save(figure, folder / "pictures" / "x.html")
    save_recording(np.zeros(16000), folder / "recordings", "silence")


@pytest.mark.posix
@pytest.mark.parametrize("mask", [0o077, 0o022, 0o002])
def test_every_file_keeps_the_umask(tmp_path, encoders, mask):
    before = os.umask(mask)
    try:
        leave_everything(tmp_path, encoders)
    finally:
        os.umask(before)
    odd = {
        str(path.relative_to(tmp_path)): oct(path.stat().st_mode & 0o777)
        for path in tmp_path.rglob("*")
        if path.stat().st_mode & 0o777 != (0o777 if path.is_dir() else 0o666) & ~mask
    }
    assert not odd
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2 and (tmp_path / "run" / "checkpoint.pt").exists()


def test_every_move_is_patient(tmp_path, monkeypatch):
    """A folder, too, is refused on Windows while a file in it is open; only `system.move` waits."""
    root = Path(files.__file__).parent
    move = r"os\.replace\(|\.rename\((?!\"|columns|index)|shutil\.move\("
    odd = [path.name for path in root.rglob("*.py") if re.search(move, path.read_text(encoding="utf-8"))]
    assert odd == ["system.py"]
    calls, real = [], os.replace

    def refuses_every_first(old, new):
        calls.append(new)
        if len(calls) % 2:
            raise PermissionError(13, "Access is denied", str(new))
        return real(old, new)

    monkeypatch.setattr(os, "replace", refuses_every_first)
    monkeypatch.setattr(system, "WINDOWS", True)
    for number in range(2):
        (tmp_path / f".model-{number}").mkdir()
        (tmp_path / f".model-{number}" / "weights").write_text(str(number), encoding="utf-8")
        checkpoint.settle(Run(tmp_path), number)
        assert (tmp_path / "model" / "weights").read_text(encoding="utf-8") == str(number)
    assert len(calls) == 6 and [path.name for path in tmp_path.iterdir()] == ["model"]
