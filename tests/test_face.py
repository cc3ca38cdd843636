"""What `import emosphere`, a bare install and transformers' own doors offer."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel

import emosphere
from emosphere.extras import EXTRAS
from emosphere.model import EmoSphereConfig, EmoSphereModel
from emosphere.model.encoders import TINY

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def run(code, *arguments):
    ran = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def model():
    torch.manual_seed(0)
    return EmoSphereModel(
        EmoSphereConfig(encoder_config={"model_type": "wavlm", **TINY}, style_width=96, head_width=32)
    )


def test_the_face_is_light():
    heavy = "torch transformers pandas numpy plotly ipywidgets papermill"
    code = f"import sys, emosphere; print([name for name in '{heavy}'.split() if name in sys.modules])"
    assert run(code).strip() == "[]"


def test_the_face_has_its_names_and_no_others():
    assert set(emosphere.__all__) <= set(dir(emosphere))
    assert emosphere.__version__ == PROJECT["project"]["version"]
    for name in set(emosphere.__all__) - {"__version__"}:
        assert getattr(emosphere, name).__module__.startswith("emosphere.")
    with pytest.raises(AttributeError, match="module 'emosphere' has no attribute 'lode'"):
        emosphere.lode  # noqa: B018


# as if nothing but the bare install were there
BARE = f"""
import sys

class Bare:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        absent = name.partition(".")[0] in {sorted({*EXTRAS, "jupyterlab", "voila", "nbgrader", "IPython", "notebook"})}
        return None if absent else self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Bare, sys.meta_path)
"""


def test_a_bare_install_predicts(tmp_path):
    model().save_pretrained(tmp_path)
    code = "import numpy as np, emosphere; print(len(emosphere.predict(sys.argv[1], np.sin(np.arange(16000) / 20))))"
    assert run(BARE + code, str(tmp_path)).strip() == "1"


@pytest.mark.parametrize("name", ["explore", "sweep"])
def test_a_bare_install_says_which_extra_is_missing(name):
    code = (
        f"import emosphere\ntry:\n    emosphere.{name}\nexcept emosphere.extras.ExtraError as error:\n    print(error)"
    )
    assert 'pip install -c constraints.txt -e ".[notebooks]" brings it' in run(BARE + code)


def test_a_command_says_which_extra_is_missing():
    code = BARE + "from emosphere.__main__ import main\nsys.argv[1:] = ['sweep']\nmain()"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert ran.returncode == 1 and ran.stderr.startswith("This needs plotly, which is not installed: ")


def test_every_extra_is_one():
    extras = PROJECT["project"]["optional-dependencies"]
    assert set(EXTRAS.values()) <= set(extras)
    assert not {*EXTRAS} & set(PROJECT["project"]["dependencies"])


def test_transformers_knows_the_model(tmp_path):
    known = model().eval()
    known.save_pretrained(tmp_path)
    assert isinstance(AutoConfig.from_pretrained(tmp_path), EmoSphereConfig)
    loaded = AutoModel.from_pretrained(tmp_path).eval()
    assert isinstance(loaded, EmoSphereModel)
    sound = torch.randn(1, 16000)
    torch.testing.assert_close(loaded(sound).vad, known(sound).vad)


def test_train_takes_the_name_of_a_preset(tones, tmp_path):
    folder = emosphere.train(
        "tiny", tmp_path / "run", cache=tmp_path, progress=False, corpus="msp_podcast", root=str(tones), epochs=1
    )
    assert (folder / "scores.json").exists()


def test_a_wheel_has_what_its_commands_need():
    """The packages and files that pyproject.toml names are those that are there."""
    tool = PROJECT["tool"]["setuptools"]
    places = {name: ROOT / tool["package-dir"].get(name, name.replace(".", "/")) for name in tool["packages"]}
    there = {path.parent for path in [*(ROOT / "emosphere").rglob("*.py"), *(ROOT / "notebooks/lab").rglob("*.py")]}
    assert there <= set(places.values())
    packed = {
        path for name, patterns in tool["package-data"].items() for each in patterns for path in places[name].glob(each)
    }
    beside = [
        path for place in there for path in place.iterdir() if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert {*beside, *(ROOT / "notebooks").glob("*.ipynb"), ROOT / "notebooks/experiments.yaml"} <= packed
    assert ROOT / "notebooks/app/voila/templates/emosphere/index.html.j2" in packed
