"""A YAML file of variants, read without YAML's surprises."""

import re
import textwrap
from collections import Counter
from pathlib import Path

import yaml

from ..config import ConfigError


def read_variants(path: Path, *, included: bool = False) -> dict:
    """What a file holds, with the variants that it includes.

    Parameters
    ----------
    path
    included
        Whether another file includes this one, which then may include none.

    Raises
    ------
    ConfigError
        Naming the file and what is wrong with it.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except Exception as error:  # an odd value makes PyYAML raise KeyError, AttributeError and others
        raise ConfigError(f"{path} cannot be read as YAML: {textwrap.shorten(str(error), 300)}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must map names of variants to their differences; it holds {short(content)}.")
    other = content.pop("include", None)
    if other is None:
        return content
    if included or not isinstance(other, str):
        raise ConfigError(f"{path}: include names one file, which includes none itself, not {short(other)}.")
    theirs = read_variants(path.parent / other, included=True)
    theirs = {name: changes for name, changes in theirs.items() if name not in ("name", "seeds", "settings")}
    if twice := [name for name in theirs if name in content]:
        raise ConfigError(f"{path} and the file that it includes both have a variant {short(twice[0])}; rename one.")
    return theirs | content


def short(value: object) -> str:
    """A value as messages show it.

    Examples
    --------
    >>> short("x" * 300)[-8:]
    'xxxxx...'
    """
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


class _Loader(yaml.SafeLoader):
    """Safe, without two of YAML's surprises: a key that comes twice counts once, and 1e-3 is a text."""

    def construct_mapping(self, node, deep=False):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        keys = Counter(key.value for key, _ in pairs if isinstance(key, yaml.ScalarNode) and key.value != "<<")
        for key, count in keys.items():
            if count > 1:
                line = node.start_mark.line + 1
                raise yaml.YAMLError(f"{short(key)} comes twice, line {line} and below; rename one.")
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)
