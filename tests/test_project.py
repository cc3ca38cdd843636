"""What holds the project together: who imports whom, one set of pins, one way to install."""

import ast
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "emosphere").rglob("*.py"))

ALLOWED = {
    "system": set(),
    "utils": {"system"},
    "extras": {"utils"},
    "cloud": {"system"},
    "serving": {"utils"},
    "board": {"config", "records", "run", "serving", "system", "utils"},
    "sphere": set(),
    "losses": set(),
    "audio": {"system", "utils"},
    "checks": set(),
    "config": {"checks", "sphere", "utils"},
    "metrics": {"sphere", "utils"},
    "plots": {"sphere"},
    "model": {"config", "extras", "sphere", "system", "utils"},
    "synthesis": {"audio", "metrics", "sphere", "system", "utils"},
    "corpora": {"audio", "extras", "sphere", "synthesis", "system", "utils"},
    "data": {"audio", "corpora", "extras", "losses", "model", "sphere", "system", "utils"},
    "run": {"config", "corpora", "records", "sphere", "utils"},
    "records": {"utils"},
    "prediction": {"audio", "data", "model", "sphere", "utils"},
    "export": {"audio", "corpora", "model", "utils"},
    "speakers": {"run", "utils"},
    "sharing": {"run", "utils"},
    "card": {"config", "corpora", "metrics", "run", "speakers", "sphere", "utils"},
    "training": {
        "audio",
        "card",
        "config",
        "corpora",
        "data",
        "extras",
        "losses",
        "metrics",
        "model",
        "prediction",
        "run",
        "speakers",
        "sphere",
        "synthesis",
        "system",
        "utils",
    },
    "experiments": {
        "config",
        "corpora",
        "metrics",
        "model",
        "plots",
        "prediction",
        "run",
        "speakers",
        "sphere",
        "system",
        "training",
        "utils",
    },
    "widgets": {
        "audio",
        "config",
        "corpora",
        "data",
        "extras",
        "metrics",
        "model",
        "plots",
        "prediction",
        "run",
        "sphere",
        "synthesis",
        "system",
        "utils",
    },
}
ALLOWED["commands"] = set(ALLOWED)  # and nothing but __main__ imports them


def part(path):
    return path.relative_to(ROOT / "emosphere").with_suffix("").parts[0]


def imported(path):
    """Parts of the library that a module imports, also inside functions."""
    found = set()
    package = ["emosphere", *path.relative_to(ROOT / "emosphere").parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{stem}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("emosphere.")}
    return found & set(ALLOWED)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    own = part(path)
    assert own in ("__init__", "__main__") or imported(path) - {own} <= ALLOWED[own]


@pytest.mark.parametrize("module", ["sphere", "corpora", "metrics", "plots"])
def test_light_modules_load_without_torch(module):
    code = f"import sys, emosphere.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    pinned = {name.lower().replace("_", "-") for name in pins}
    wanted = {*project["dependencies"], *sum(project["optional-dependencies"].values(), [])}
    assert wanted - {"emosphere[notebooks,cluster,teach,onnx,baselines,lora]"} <= pinned
    assert pins["torch"] == pins["torchaudio"] == "2.11.0"


def test_conda_and_make_install_the_same():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (pip,) = [entry["pip"] for entry in conda if isinstance(entry, dict)]
    assert pip == ["--constraint constraints.txt", "--editable .[test,offline]"]
    makefile = (ROOT / "Makefile").read_text()
    assert '-c constraints.txt -e ".[test]"' in makefile and '-c constraints.txt -e ".[offline]"' in makefile
    python = [entry for entry in conda if isinstance(entry, str) and entry.startswith("python=")]
    assert python == ["python=3.11"]


def test_ci_runs_the_tests_and_the_checkers_alone():
    assert (ROOT / ".ci" / "run").read_text().split("&& ")[1].strip() == "make test lint"


# what holds on Windows, by the documented rules: nothing of this was run there

OPENERS = {"open": 1, "io.open": 1, "os.fdopen": 1, "gzip.open": 1, "bz2.open": 1, "lzma.open": 1}  # place of the mode
BINARY = {"os.open", "wave.open", "zipfile.ZipFile.open", "webbrowser.open", "Image.open"}  # no text, or no file
TEMPORARY = {"NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile"}
TABLES = {"np.savetxt", "np.loadtxt", "np.genfromtxt", "numpy.savetxt", "numpy.loadtxt", "io.TextIOWrapper"}
POSIX = {"fcntl", "resource", "pwd", "grp", "termios", "pty", "tty", "syslog"}
NAMES = {
    "os.fork",
    "os.getuid",
    "os.geteuid",
    "os.getgid",
    "os.sysconf",
    "os.killpg",
    "os.setsid",
    "os.getpgid",
    "os.O_DIRECTORY",
    "os.chown",
    "os.mkfifo",
    "os.uname",
    "os.getloadavg",
    "os.sched_getaffinity",
    "signal.SIGKILL",
    "signal.SIGHUP",
    "signal.SIGALRM",
    "signal.alarm",
    "signal.pause",
    "time.tzset",
}


def without_encoding(source):
    """Calls that read or write text in whatever encoding the machine has."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name, last = ast.unparse(node.func), getattr(node.func, "attr", getattr(node.func, "id", ""))
        options = {option.arg: ast.unparse(option.value) for option in node.keywords}
        if "encoding" in options or None in options:
            continue
        if last in ("read_text", "write_text"):
            wrong = len(node.args) < (1 if last == "read_text" else 2)
        elif name in TABLES:
            wrong = True
        elif name in OPENERS or last in TEMPORARY or (last == "open" and name not in BINARY):
            place, usual = (0, "'w+b'") if last in TEMPORARY else (OPENERS.get(name, 0), "'r'")
            mode = options.get("mode", ast.unparse(node.args[place]) if len(node.args) > place else usual)
            # an open of something else than files takes another first word than a mode
            wrong = "b" not in mode and (
                name in OPENERS or last in TEMPORARY or bool(re.fullmatch("'[rwaxt+U]+'", mode))
            )
        else:
            wrong = "True" in (options.get("text"), options.get("universal_newlines"))
        if wrong:
            found.append(ast.unparse(node))
    return found


def only_posix(source):
    """Names that Python has not got on Windows."""
    tree, found = ast.parse(source), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found += sorted(POSIX & set(modules))
            found += [f"{modules[0]}.{alias.name}" for alias in node.names if f"{modules[0]}.{alias.name}" in NAMES]
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in NAMES:
            found.append(ast.unparse(node))
        elif isinstance(node, ast.keyword) and node.arg == "preexec_fn":
            found.append("preexec_fn")
    return found


PLATFORM = {"os.name", "sys.platform", "sys.getwindowsversion", "sys.winver"}
PLATFORM_MODULES = {"ctypes", "_ctypes", "msvcrt", "platform", "resource", "signal", "webbrowser", "winreg"}
OWN_REASONS = {
    "emosphere/experiments/forking.py": {"os.dup2", "signal"},  # a script of its own, of Linux alone
    "emosphere/synthesis/espeak.py": {"ctypes"},  # the types of its functions, everywhere the same
    "notebooks/lab/emosphere_lab/kernel.py": {"ctypes", "sys.platform"},  # Landlock, a script of its own
}


def by_platform(source):
    """Names by which code asks on what it runs, or does what differs there."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            found |= {name.partition(".")[0] for name in modules} & PLATFORM_MODULES
            found |= {f"{modules[0]}.{alias.name}" for alias in node.names} & PLATFORM
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in PLATFORM | {"os.dup2", "os.fsync", "os.replace"}:
            found.add(ast.unparse(node))
    return found


@pytest.mark.parametrize(
    "code",
    [
        "if os.name == 'nt': pass",
        "from os import name",
        "sys.platform == 'win32'",
        "import signal",
        "import ctypes.util",
        "from platform import machine",
        "os.fsync(handle)",
    ],
)
def test_a_question_for_the_platform_is_seen(code):
    assert by_platform(code)


def test_one_module_alone_asks_on_what_it_runs():
    paths = [*(ROOT / "emosphere").rglob("*.py"), *(ROOT / "notebooks" / "lab" / "emosphere_lab").rglob("*.py")]
    asked = {path.relative_to(ROOT).as_posix(): by_platform(path.read_text(encoding="utf-8")) for path in paths}
    assert len(asked.pop("emosphere/system.py")) > 5
    assert {path: names for path, names in asked.items() if names} == OWN_REASONS


@pytest.mark.parametrize(
    "code",
    [
        "path.read_text()",
        "path.write_text('x')",
        "path.read_text(errors='replace')",
        "open(path)",
        "open(path, 'a')",
        "open(path, mode='w')",
        "path.open()",
        "path.open('w', newline='')",
        "run(x, text=True)",
        "os.fdopen(handle, 'w')",
        "Popen(x, universal_newlines=True)",
        "tempfile.NamedTemporaryFile('w')",
        "gzip.open(path, 'rt')",
        "NamedTemporaryFile(mode='w+')",
        "np.savetxt(path, table)",
        "io.TextIOWrapper(raw)",
    ],
)
def test_text_without_an_encoding_is_seen(code):
    assert without_encoding(code)


@pytest.mark.parametrize(
    "code",
    [
        "path.read_text('utf-8')",
        "path.write_text(x, 'utf-8')",
        "open(path, 'rb')",
        "path.open('wb')",
        "os.open(path, 1)",
        "open(path, encoding='utf-8')",
        "tempfile.NamedTemporaryFile()",
        "run(x, text=True, encoding='utf-8')",
        "path.read_bytes()",
        "notebook.open('scratch.ipynb')",
        "zipfile.ZipFile(path, 'w')",
    ],
)
def test_bytes_and_utf_8_are_no_fault(code):
    assert not without_encoding(code)


@pytest.mark.parametrize(
    "code",
    [
        "import fcntl",
        "from resource import getrlimit",
        "os.kill(pid, signal.SIGKILL)",
        "os.geteuid()",
        "os.fork()",
        "from signal import SIGHUP",
        "run(x, preexec_fn=f)",
        "os.open(folder, os.O_DIRECTORY)",
        "os.sysconf('SC_PAGE_SIZE')",
    ],
)
def test_what_windows_has_not_got_is_seen(code):
    assert only_posix(code)


def sources():
    """Every piece of code that people run: the library, benchmarks, cells of notebooks."""
    for path in [
        *(ROOT / "emosphere").rglob("*.py"),
        *(ROOT / "tests" / "benchmarks").glob("*.py"),
        *(ROOT / "notebooks").rglob("*.py"),
    ]:
        yield path, path.read_text(encoding="utf-8")
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code" and ".ipynb_checkpoints" not in path.parts:
                yield path, re.sub(r"^\s*[%!].*$", "pass", "".join(cell["source"]), flags=re.MULTILINE)


def test_all_text_has_an_encoding():
    found = {str(path.relative_to(ROOT)): wrong for path, code in sources() if (wrong := without_encoding(code))}
    assert not found


def test_nothing_is_for_posix_alone():
    parts = [(path, code) for path, code in sources() if "benchmarks" not in path.parts and path.name != "forking.py"]
    assert not {str(path.relative_to(ROOT)): wrong for path, code in parts if (wrong := only_posix(code))}


def test_the_doctests_texts_have_an_encoding_too():
    for path in MODULES:
        lines = re.findall(r"^\s*(?:>>>|\.\.\.) (.*)", path.read_text(encoding="utf-8"), re.MULTILINE)
        bare = [line for line in lines if re.search(r"\.(read|write)_text\((?!.*encoding)", line)]
        assert not bare, path


# what people type after make reaches the programme as it is

ODD = [
    "my exp.yaml",
    "it's mine.yaml",
    "a;b.yaml",
    "$HOME.yaml",
    'say "x".yaml',
    "a,b.yaml",
    "x&y.yaml",
    "`id`.yaml",
    "(1).yaml",
    "*.yaml",
    "ünder.yaml",
    "a|b>c.yaml",
]


OUTSIDE = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # not of `make test`


def made(target, **variables):
    """The words of a target's command as a shell understands them, without running it."""
    command = ["make", "-n", "-o", "env", "-o", "lab-release", target, *(f"{k}={v}" for k, v in variables.items())]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True, env=OUTSIDE).stdout
    spoken = subprocess.run(["sh", "-c", f"printf '%s\\0' {text}"], capture_output=True, encoding="utf-8", env=OUTSIDE)
    return spoken.stdout.split("\0")[:-1]


@pytest.mark.posix
@pytest.mark.parametrize("odd", ODD)
def test_make_hands_every_value_on_as_it_is(odd):
    words = made("sweep", EXPERIMENTS=odd, SEEDS=odd, SCHEDULER=odd, RESOURCES=odd, MANY=odd)
    assert words[words.index("sweep") + 1 :] == [odd, "--seeds", odd, "--scheduler", odd, "--resources", odd, "--many"]
    words = made("lab-grade", SUBMISSIONS=odd, OUTPUT=odd, JOBS=odd)
    assert words[words.index("grade") + 1 :] == [odd, "--output", odd, "--jobs", odd]
    words = made("explore", CORPUS=odd, ROOT=odd, OPTIONS=odd)
    assert words[words.index("explore") + 1 :] == ["--corpus", odd, "--root", odd, "--options", odd]


@pytest.mark.posix
def test_make_leaves_out_what_is_not_given():
    assert made("sweep")[-1] == "sweep" and made("explore")[-1] == "explore" and made("lab-grade")[-1] == ""


def test_make_only_makes_the_environment_and_calls_our_commands():
    recipes = re.sub(r"\\\n", "", (ROOT / "Makefile").read_text(encoding="utf-8"))
    lines = re.findall(r"^\t(.*)", recipes[recipes.index("\nrun:") :], re.MULTILINE)
    assert len(lines) > 8 and all(line.startswith("$(EMOSPHERE) ") for line in lines)


@pytest.mark.posix
def test_a_python_in_a_folder_with_a_space():
    text = subprocess.run(
        ["make", "-n", "-B", ".venv/ready", "PYTHON=/my pythons/python"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
        env=OUTSIDE,
    ).stdout
    assert shlex.split(text.splitlines()[0]) == ["/my pythons/python", "-m", "venv", ".venv"]


WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))
INSTALL = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")


def test_public_ci_does_what_the_documentation_says():
    job = WORKFLOW["jobs"]["tests"]
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert runs == ['python -m pip install -c constraints.txt -e ".[test,offline]"', "emosphere test", "emosphere lint"]
    assert runs[0].removeprefix("python -m ") in INSTALL
    for run in runs[1:]:
        ran = subprocess.run([sys.executable, "-m", *run.split(), "--help"], capture_output=True, cwd=ROOT)
        assert ran.returncode == 0, run


def test_public_ci_has_each_system_and_the_oldest_and_newest_python():
    matrix = WORKFLOW["jobs"]["tests"]["strategy"]["matrix"]
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert matrix["python"] == [versions[0], versions[-1]] and len(versions) > 2
    assert project["requires-python"].removeprefix(">=").startswith(versions[0])
    assert all(f"| {version} |" in INSTALL for version in versions)


def test_public_ci_has_no_secrets_and_an_end():
    assert WORKFLOW["permissions"] == {"contents": "read"} and WORKFLOW["concurrency"]["cancel-in-progress"]
    for job in WORKFLOW["jobs"].values():
        assert job["timeout-minutes"] <= 120
        assert not re.search(r"secrets|token", str(job)) and "permissions" not in job
        kinds = [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]
        assert set(kinds) == {"actions/checkout", "actions/setup-python"}
    (python,) = (step["with"] for step in job["steps"] if "setup-python" in step.get("uses", ""))
    assert python["cache"] == "pip" and {"constraints.txt", "pyproject.toml"} <= {
        *python["cache-dependency-path"].split()
    }


def test_what_the_readme_says_without_make_exists():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for line in ("python -m venv .venv", 'pip install -c constraints.txt -e ".[test,offline]"', "emosphere run"):
        assert f"\n{line}\n" in readme
    for module in ("emosphere", "emosphere_lab"):
        assert subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, cwd=ROOT).returncode == 0


def test_the_readme_tells_of_every_room():
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## The library")[2].partition("\n## ")[0]
    named = {name for row in table.splitlines() for name in re.findall("`(\\w+)`", row.partition(" | ")[0])}
    there = {part(path) for path in (ROOT / "emosphere").rglob("*.py")} - {"__init__", "__main__"}
    assert named == there


def test_the_wrong_answers_that_the_labs_were_tested_with_are_counted():
    wrong = [runpy.run_path(str(path))["WRONG"] for path in sorted((ROOT / "tests" / "lab").glob("wrong_l*.py"))]
    count = sum(len(answers) for each in wrong for answers in each.values())
    assert f"and {count} wrong answers" in (ROOT / "docs" / "tests.md").read_text(encoding="utf-8")
