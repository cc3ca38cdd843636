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
    "utils": set(),
    "extras": {"utils"},
    "sphere": set(),
    "losses": set(),
    "audio": {"utils"},
    "config": {"sphere", "utils"},
    "metrics": {"sphere", "utils"},
    "plots": {"sphere"},
    "model": {"config", "sphere", "utils"},
    "synthesis": {"audio", "metrics", "sphere", "utils"},
    "corpora": {"audio", "sphere", "synthesis", "utils"},
    "data": {"audio", "corpora", "extras", "losses", "model", "sphere", "utils"},
    "run": {"config", "corpora", "sphere", "utils"},
    "prediction": {"audio", "data", "model", "sphere", "utils"},
    "export": {"audio", "corpora", "model", "utils"},
    "speakers": {"run", "utils"},
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
        "utils",
    },
    "experiments": {
        *("config", "corpora", "metrics", "model", "plots", "prediction", "run", "speakers", "sphere", "training"),
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
        "utils",
    },
}


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
    assert wanted - {"emosphere[notebooks,cluster,teach,onnx,baselines]"} <= pinned
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
    parts = [(path, code) for path, code in sources() if "benchmarks" not in path.parts]
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


@pytest.mark.parametrize("odd", ODD)
def test_make_hands_every_value_on_as_it_is(odd):
    words = made("sweep", EXPERIMENTS=odd, SEEDS=odd, SCHEDULER=odd, RESOURCES=odd, MANY=odd)
    assert words[words.index("sweep") + 1 :] == [odd, "--seeds", odd, "--scheduler", odd, "--resources", odd, "--many"]
    words = made("lab-grade", SUBMISSIONS=odd, OUTPUT=odd, JOBS=odd)
    assert words[words.index("grade") + 1 :] == [odd, "--output", odd, "--jobs", odd]
    words = made("explore", CORPUS=odd, ROOT=odd, OPTIONS=odd)
    assert words[:3] == [f"EMOSPHERE_CORPUS={odd}", f"EMOSPHERE_ROOT={odd}", f"EMOSPHERE_OPTIONS={odd}"]


def test_make_leaves_out_what_is_not_given():
    assert made("sweep")[-1] == "sweep" and made("lab-grade")[-1] == ""


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


def test_what_the_readme_says_without_make_exists():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^(?:py|\.venv\\Scripts).*$", readme, re.MULTILINE)
    assert [shlex.split(line, posix=False)[1:] for line in lines] == [
        ["-3.11", "-m", "venv", ".venv"],
        ["-m", "pip", "install", "-c", "constraints.txt", "-e", '".[test,offline]"'],
        ["-m", "emosphere", "run"],
    ]
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
