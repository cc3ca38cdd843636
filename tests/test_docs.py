"""The README and the pages of docs/: what they link to, name and command is there, and the README stays short."""

import ast
import importlib
import json
import re
import sys
import tomllib
import unicodedata
from pathlib import Path

import pytest

import emosphere.__main__

ROOT = Path(__file__).parent.parent
README, DOCS = ROOT / "README.md", sorted((ROOT / "docs").glob("*.md"))
GUIDES = [README, *DOCS, ROOT / "notebooks" / "lab" / "README.md", ROOT / "tests" / "benchmarks" / "README.md"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("0*.ipynb")) + sorted((ROOT / "notebooks" / "lab").glob("*.ipynb"))
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def text_of(path):
    """A page, or the Markdown cells of a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def prose(path):
    return BLOCK.sub("", text_of(path))


def anchors(path):
    """What the headings of a page are called in links, as GitHub makes them: no signs, hyphens for spaces."""
    for heading in re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE):
        kept = [sign for sign in heading.lower() if sign in "-_ " or unicodedata.category(sign)[0] in "LN"]
        yield "".join(kept).strip().replace(" ", "-")


def dead_links(path):
    for _, target in LINK.findall(prose(path)):
        place, _, anchor = target.partition("#")
        if re.match(r"\w+:", target):
            continue
        page = (path.parent / place) if place else path
        if not page.exists() or (anchor and anchor not in anchors(page)):
            yield target


def words(text):
    """How many words a reader reads: no code blocks, no text that stands for a picture, no address of a link."""
    text = LINK.sub(lambda link: "" if link[1] else link[0].partition("](")[0], BLOCK.sub("", text))
    return sum(any(map(str.isalnum, word)) for word in text.split())


def commands(path):
    """Lines of a page's blocks of commands, those that go on joined, without what stands behind a #."""
    for _, language, block in BLOCK.findall(text_of(path)):
        if not language:
            yield from (line.partition(" #")[0].strip() for line in block.replace("\\\n", " ").splitlines())


def not_there(name):
    """Whether a dotted name is neither a module nor something in one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            if not hasattr(found, part):
                return part not in getattr(found, "__dataclass_fields__", ())
            found = getattr(found, part)
        return False
    return True


@pytest.mark.parametrize("path", [*GUIDES, *NOTEBOOKS], ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    assert not list(dead_links(path))


def test_dead_links_are_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A (first) page\n[a](#a-first-page) [b](#second) ![c](c.png) [d](page.md#a-first-page) [e](page.md#x) "
        "[f](https://example.org/#x)\n```\n# no heading [g](g.md)\n```\n",
        encoding="utf-8",
    )
    assert list(dead_links(page)) == ["#second", "c.png", "page.md#x"]


def test_the_readme_is_short():
    assert words("one `two`\n| three | - |\n![not read](x.png) [four](long/address.md)\n```\nno word\n```\n") == 4
    assert 800 < words(text_of(README)) < 1200


def test_every_page_and_notebook_can_be_found():
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in (README, ROOT / "docs" / "README.md")
        for _, target in LINK.findall(prose(page))
    }
    assert len(DOCS) > 5 and {*DOCS, *NOTEBOOKS} <= linked


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_exist(path, monkeypatch, capsys):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    spans = [span for span in re.findall(r"`([^`\n]+)`", prose(path)) if span.startswith(("make ", "emosphere "))]
    for line in [*commands(path), *spans]:
        if made := re.match(r"make ([\w-]+)", line):
            assert made[1] in targets, line
        if ours := re.search(r"(?:^|[/\\]|-m )emosphere (\w+)", line):
            monkeypatch.setattr(sys, "argv", ["emosphere", ours[1], "--help"])
            with pytest.raises(SystemExit) as ended:
                emosphere.__main__.main()
            assert ended.value.code == 0, f"{line}: {capsys.readouterr().err}"
        for module in re.findall(r"-m (tests[\w.]+)", line):
            assert (ROOT / f"{module.replace('.', '/')}.py").exists(), line


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_exist(path):
    spans = re.findall(r"`([^`\n]+)`", prose(path))
    names = [found[1] for span in spans if (found := re.match(r"(emosphere(?:\.\w+)+)\b", span))]
    assert not [name for name in names if not_there(name)]
    files = [
        span for span in spans if re.fullmatch(r"(tests|notebooks|docs|emosphere)/[\w/]+(\.(py|yaml|md|ipynb))?", span)
    ]
    assert not [name for name in files if not (ROOT / name).exists() and name != "notebooks/student"]


def test_names_that_are_not_there_are_seen():
    for name in ("emosphere.nowhere", "emosphere.config.Config.epochz", "emosphere.sphere.Region"):
        assert not_there(name)
    for name in ("emosphere.RegionGrid", "emosphere.config.Config.limit", "emosphere.training.train"):
        assert not not_there(name)


def test_examples_in_python_use_what_is_there():
    """Each parses, and what it takes out of emosphere, or asks of what it took, is there."""
    for path in GUIDES:
        for _, language, block in BLOCK.findall(text_of(path)):
            if language != "python":
                continue
            taken = {"emosphere": "emosphere"}
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and node.module.startswith("emosphere"):
                    taken |= {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            used = [
                f"{taken[node.value.id]}.{node.attr}"
                for node in ast.walk(ast.parse(block))
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in taken
            ]
            assert not [name for name in [*taken.values(), *used] if not_there(name)], path


def test_the_parts_of_an_installation_are_those_of_the_project():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    table = text_of(ROOT / "docs" / "install.md").partition("| part |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(extras)


def test_the_citation_is_of_this_version():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", citation, re.MULTILINE)[1] == emosphere.__version__
