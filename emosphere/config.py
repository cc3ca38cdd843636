"""Every parameter of a run, its default, its presets, and the checks on what a person types.

The configuration is flat on purpose: papermill overrides flat names, `notebooks/experiments.yaml` states flat
differences, and one name means one thing everywhere.
"""

import ast
import difflib
import json
import textwrap
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

from .checks import BELOW_1, FROM_0, Amount, Bound, Count, checked
from .sphere import RegionGrid
from .utils import EmoSphereError, write_json

NAMED = {"whisper-tiny.en": "openai/whisper-tiny.en"}
"""Encoders with a name of their own, which are had without the Hub, and their names there."""

BASELINES = ("mean", "probe", "egemaps")
"""Models that are fitted without a training: the mean of the training split, ridge regression on mean and deviation of
a frozen encoder's frames, support vector regression on openSMILE's eGeMAPS functionals."""

PRESETS = tomllib.loads(Path(__file__).with_name("presets.toml").read_text(encoding="utf-8"))


class ConfigError(EmoSphereError, ValueError):
    """A parameter that does not exist, or a value that it cannot have."""


_FOLDS = Bound(lambda value: value >= 2, "must be at least 2, not {}: who is tested must not be trained on")
_TWO = Bound(lambda value: value >= 2, "must be at least 2, not {}: the CCC of one utterance is undefined")


@dataclass(frozen=True, kw_only=True)
class Config:
    """The parameters of one run. Defaults are the paper's (section 3), but for the offline corpus.

    Build one with `Config.create`, which starts from a preset, or `Config.from_notebook`.

    Examples
    --------
    >>> config = Config.create("tiny", epochs=3)
    >>> config.epochs, config.encoder, config.azimuth * config.elevation
    (3, 'tiny', 8)
    >>> Config.create("tiny", epochz=3)
    Traceback (most recent call last):
    emosphere.config.ConfigError: There is no parameter 'epochz'; did you mean 'epochs'?
    """

    preset: str = "paper"
    # corpus: an adapter of emosphere.corpora, its folder and its options
    corpus: str = "embedded"
    root: str | None = None
    corpus_options: dict = field(default_factory=dict)
    preprocessing: bool = True  # leave utterances without agreement (X) out of training
    limit: Count | None = None  # at most this many utterances a split, for a quick look
    allow_missing_audio: bool = False  # train although most audio of a split is missing or broken
    # in place of the corpus' own splits: every speaker is tested once, by one of so many trainings; and which of them
    folds: Annotated[int, _FOLDS] | None = None
    fold: Annotated[int, FROM_0] | None = None
    tested: Literal["test", "all"] = "test"  # of a trained model: the test split, or whatever is rated
    # regions
    azimuth: int = 4
    elevation: int = 2
    spacing: Literal["angle", "area"] = "angle"
    # model: "emosphere" is trained here; one of `BASELINES` is fitted; a run's folder, or the folder or name on the Hub
    # of a model that `emosphere.prediction.load_model` loads, is tested as it is
    model: str = "emosphere"
    # a name on the Hub, a folder, "whisper-tiny.en" (also without the Hub), or "tiny": small and randomly initialised
    encoder: str = "microsoft/wavlm-large"
    # the hidden state that is pooled: "last", its number from 0, or "weighted": a learned mean
    layer: int | str = "last"
    frame_stride: Count = 1  # so many neighbouring frames are meaned before pooling
    # "lora": small matrices beside the attention's projections alone, which become part of the weights in the end
    encoder_trained: Literal["all", "all but the front end", "lora", "nothing"] = "all but the front end"
    lora_rank: Count = 8
    start: str | None = None  # folder of a run, from whose trained encoder, pooling and heads this one goes on
    # hide spans of frames in training as the encoder's own configuration says; nothing is hidden from a frozen one
    spec_augment: bool = True
    pooling: Literal["style", "statistics"] = "style"
    style_width: Count = 1024
    head_width: Count = 1024
    head_dropout: Annotated[float, BELOW_1] = 0.5
    # loss
    auxiliary: Literal["region", "category", "none"] = "region"
    weighted: bool = True  # inverse-frequency class weights in the auxiliary cross entropy
    schedule: Literal["decay", "constant"] = "decay"
    decay_epochs: Amount | None = None  # None: the first quarter of the epochs
    # training
    epochs: Count = 20
    batch_size: Annotated[int, _TWO] = 32  # utterances of a step, on all devices together
    batch_seconds: Amount | None = None  # of a step, padding counted, in place of batch_size
    learning_rate: Amount = 1e-5
    learning_rate_schedule: Literal["constant", "cosine", "one-cycle"] = "constant"
    weight_decay: Annotated[float, FROM_0] = 0.01  # AdamW's default
    clip_gradient: Amount | None = None  # largest norm of the gradient
    max_seconds: Amount = 12.0  # of an utterance, in training only
    precision: Literal["auto", "no", "bf16"] = "auto"  # auto: bf16 where the device has it
    threads: Count | None = None  # of PyTorch on CPU; their number changes rounding, and so the result; None: all
    seed: Annotated[int, FROM_0] = 0
    # how, not what: these change speed and memory, and results only as rounding and other dropout draws do
    workers: Annotated[int, FROM_0] = 0  # processes that decode audio; 0: the training process itself
    micro_batch_seconds: Amount | None = None  # audio that goes through the model at a time; the gradient stays exact
    gradient_checkpointing: bool = False  # less memory, a third more time
    # WavLM's: "fused" keeps less for the backward pass, "recomputed" nothing of frames x frames; auto: fused on a GPU
    attention: Literal["auto", "plain", "fused", "recomputed"] = "auto"
    compile: bool = False  # torch.compile on the encoder; needs a C++ compiler
    fast_allocator: bool = True  # on CPU with glibc
    tracker: Literal[None, "trackio", "tensorboard", "mlflow", "wandb"] = None  # who is also told how it goes

    def __post_init__(self) -> None:
        try:  # as they are stored, so that a run is itself again: a tuple is a list
            object.__setattr__(self, "corpus_options", json.loads(json.dumps(self.corpus_options)))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"corpus_options must be texts, numbers and lists of these: {error}.") from None
        try:
            for name, annotation in get_type_hints(type(self), include_extras=True).items():
                object.__setattr__(self, name, checked(name, getattr(self, name), annotation))
        except ValueError as error:
            raise ConfigError(str(error)) from None
        if self.batch_seconds is not None and self.batch_seconds < 2 * self.max_seconds:
            raise ConfigError(
                f"batch_seconds must be at least twice max_seconds, {2 * self.max_seconds:g}, not "
                f"{self.batch_seconds:g}."
            )
        if self.layer not in ("last", "weighted") and not (isinstance(self.layer, int) and self.layer >= 0):
            raise ConfigError(f'layer is "last", "weighted" or a number from 0, not {self.layer!r}.')
        close = difflib.get_close_matches(self.model, ("emosphere", *BASELINES), 1, 0.75)
        if self.is_tested and close and not Path(self.model).exists():
            raise ConfigError(f"There is no model {self.model!r}; did you mean {close[0]!r}?")
        if self.fold is not None and self.fold >= (self.folds or 0):
            raise ConfigError(f"fold is one of the folds, counted from 0: of {self.folds} there is no {self.fold}.")
        if self.tested == "all" and not self.is_tested:
            raise ConfigError(
                f'tested="all" is for a model that is trained already; {self.model!r} learns from the other splits.'
            )
        if self.folds and self.is_tested:
            raise ConfigError('folds are for what learns; a model that is trained already is tested with tested="all".')
        if self.start is not None and not self.is_trained:
            raise ConfigError(f"start is for a training of the paper's model; with model={self.model!r} there is none.")
        if self.model == "probe" and self.encoder_trained != "nothing":
            raise ConfigError('model="probe" describes the frames of a frozen encoder: set encoder_trained="nothing".')
        try:
            RegionGrid(self.azimuth, self.elevation, self.spacing)
        except ValueError as error:
            raise ConfigError(str(error)) from None

    @classmethod
    def create(cls, preset: str = "small", **changes: Any) -> "Config":
        """A preset with changes; a change of None means "as in the preset", and "none" is the word for a limit, a clip
        or another number that is not to be.

        Raises
        ------
        ConfigError
            For an unknown preset or parameter, a wrong type or an impossible value; it names the parameter.
        """
        if preset not in PRESETS:
            raise ConfigError(f"There is no preset {preset!r}; there are {', '.join(PRESETS)}.")
        known = [f.name for f in fields(cls)]
        for name in changes:
            if name not in known:
                close = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}."
                if name == "freeze_features":
                    hint = 'it has become encoder_trained: "all but the front end" for True, "all" for False.'
                raise ConfigError(f"There is no parameter {name!r}; {hint}")
        changes = {name: value for name, value in changes.items() if value is not None}
        for name in changes:
            if changes[name] == "none" and cls.can_be_off(name):
                changes[name] = None
        return cls(**{**PRESETS[preset], **changes, "preset": preset})

    @classmethod
    def can_be_off(cls, name: str) -> bool:
        """Whether a parameter is a number or nothing, so that "none" switches it off."""
        kinds = get_args(get_type_hints(cls)[name])  # a decay_epochs of None decays in a quarter of the epochs
        return type(None) in kinds and str not in kinds and name != "decay_epochs"

    @classmethod
    def refuse_null(cls, parameters: dict[str, Any]) -> None:
        """Raise ConfigError for a None that a person wrote: it would mean "as in the preset", not "off"."""
        preset, hints = asdict(cls.create(parameters.get("preset") or "small")), get_type_hints(cls)
        for name, value in parameters.items():
            if value is not None or preset.get(name) is None:
                continue
            words = [word for word in ("none", "no", "nothing", "constant") if word in get_args(hints[name])]
            off = "none" if cls.can_be_off(name) else "false" if hints[name] is bool else next(iter(words), "")
            instead = f'write "{off}" to switch it off, or ' if off else ""
            raise ConfigError(
                f"{name} is null, which is no value of its own: {instead}leave it out to have it as "
                f"in the preset ({preset[name]!r})."
            )

    @classmethod
    def from_notebook(cls, namespace: dict[str, Any], also: Sequence[str] = ()) -> "Config":
        """The configuration that a notebook's parameters cells describe.

        Papermill puts overrides into a cell of their own and only logs a warning for a name that the notebook does
        not know. Here such a name is an error, before any long work starts.

        Parameters
        ----------
        namespace
            The notebook's ``globals()``.
        also
            Parameters of the notebook that are not part of a run, such as its folder.
        """
        names = []
        for source in namespace["In"]:
            if source.lstrip().startswith("# Parameters"):
                assigned = (node.targets for node in ast.parse(source).body if isinstance(node, ast.Assign))
                names += [target.id for targets in assigned for target in targets if isinstance(target, ast.Name)]
        if not names:  # nbval executes cells without keeping their source
            names = [f.name for f in fields(cls) if f.name in namespace]
        changes = {name: namespace[name] for name in names if name not in also}
        return cls.create(changes.pop("preset", None) or "small", **changes)

    @property
    def is_trained(self) -> bool:
        """Whether it is the paper's model, trained here, so that another seed gives another one."""
        return self.model == "emosphere"

    @property
    def is_tested(self) -> bool:
        """Whether it is a model that was trained before, and is tested as it is."""
        return not self.is_trained and self.model not in BASELINES

    @property
    def grid(self) -> RegionGrid:
        """The `emosphere.sphere.RegionGrid` of this run."""
        return RegionGrid(self.azimuth, self.elevation, self.spacing)

    def save(self, path: str | Path) -> None:
        """Writes every value, presets resolved, as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: str | Path) -> "Config":
        """Reads what `save` wrote.

        Raises
        ------
        ConfigError
            If the file is absent or damaged, or its parameters are not those of a run; it names the file.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            if "freeze_features" in content:  # written when an encoder could not yet be frozen whole
                content["encoder_trained"] = "all but the front end" if content.pop("freeze_features") else "all"
            return cls(**content)
        except (OSError, ValueError, TypeError, OverflowError, RecursionError) as error:
            reason = textwrap.shorten(str(error), 300)
            raise ConfigError(f"{path} cannot be read as the configuration of a run: {reason}") from None

    def differences(self, other: "Config") -> dict[str, tuple[Any, Any]]:
        """The parameters in which two runs differ, as {name: (here, there)}.

        Examples
        --------
        >>> Config.create("tiny").differences(Config.create("tiny", seed=3))
        {'seed': (0, 3)}
        """
        here, there = asdict(self), asdict(other)
        return {name: (here[name], there[name]) for name in here if here[name] != there[name]}


WHERE = ("root", "allow_missing_audio")
"""Parameters on which nothing hangs but where the corpus is found, and whether enough of it; what is found has
fingerprints (`emosphere.training.provenance`)."""

RESUMABLE = (
    *("workers", "micro_batch_seconds", "gradient_checkpointing", "attention", "compile", "fast_allocator", "tracker"),
)
"""Parameters that may change while a run is under way, for instance when memory was too small."""
