"""One run: from a configuration to a folder with the best model, its history, its predictions and its scores.

`emosphere.run.Run` lists what the folder holds afterwards.

References
----------
.. [1] Cho et al., "EmoSphere-SER", Interspeech 2025, section 3.1.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed

from ..config import BASELINES, Config, ConfigError
from ..corpora.corpus import check_scale
from ..model import EmoSphereModel, ReadyModel
from ..model.adapters import add_adapters
from ..model.attention import fuse_attention
from ..model.encoders import find_encoder, transformer_layers
from ..model.fingerprints import encoder_fingerprint, fingerprint
from ..prediction import load_model
from ..run import Run
from ..speakers import describe_splits
from ..utils import only_writer, write_json
from .baselines import fit_baseline
from .evaluation import predict_test, prediction_table
from .finishing import finish, write_notes
from .folds import cross_validate
from .live import LiveRun
from .loop import fit
from .notes import mapping_notes
from .preparation import framed, new_model, prepare, with_frames
from .process import attention_of, begin, precision_of
from .provenance import environment
from .starting import go_on_from, load_start, refuse_heard
from .status import Status
from .tracking import tracking

log = logging.getLogger(__package__)


def train(
    config: Config | str,
    folder: str | Path,
    *,
    cache: str | Path = "data/cache",
    progress: bool = True,
    **changes: Any,
) -> Path:
    """Trains, keeps the best checkpoint, predicts the test split and scores it.

    With another ``model`` than "emosphere" nothing is trained: a baseline is fitted, or a trained model tested as it
    is. With ``folds`` there is a run for each of them in the folder, and theirs are the predictions.

    A complete run with this configuration is used again; one that was stopped goes on after its last whole epoch and
    ends as if it had not been stopped; both only if corpus and encoder are what they were.

    Parameters
    ----------
    config : Config or str
        The parameters of the run, or a preset's name; then ``**changes`` are the parameters that differ from it.
    folder : path-like
        Where the run goes; see `emosphere.run.Run` for what it holds afterwards.
    cache : path-like
        Folder for what was measured of audio files, and for the frames of frozen encoders; converted encoders go to
        the folder ``encoders`` beside it.
    progress : bool

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    ConfigError
        If the folder holds a run with other parameters, or one whose corpus or encoder has changed since; it says what.
    CorpusError, EncoderError, FrameError
        If there is nothing to train on, or nothing to train, or a frozen encoder's frames cannot be made or kept.
    BusyError
        If another process is writing this run.
    RunError
        If the loss or its gradient is no longer a number, or memory is too small; it says which utterances, or which
        setting to lower. If the environment speaks of several processes that no launcher has started.
    CheckpointError
        If what the run would go on from is damaged.
    """
    config = replace(config, **changes) if isinstance(config, Config) else Config.create(config, **changes)
    run = Run(folder, config)
    if run.folder.is_file():
        raise ConfigError(f"{folder} is a file; a run needs a folder of its own.")
    if not (run.config_file.exists() or run.is_complete) and (run.folder / "README.md").exists():
        raise ConfigError(f"{folder} has a README.md that is of no run, and would be lost; a run needs its own folder.")
    run.config = replace(config, precision=precision_of(run))
    if config.folds and config.fold is None:
        return cross_validate(run, partial(train, cache=cache, progress=progress))
    run.is_here()  # other parameters should not come to light after the corpus has been read
    accelerator = begin(run.config, run.folder)
    with Status(run if accelerator.is_main_process and not run.is_complete else None) as status:
        return _train(run, accelerator, status, cache, progress)


def _train(run: Run, accelerator: Accelerator, status: Status, cache: str | Path, progress: bool) -> Path:
    config, shown = run.config, progress and accelerator.is_main_process
    # the others find what the main process, and the first of their machine, have made and measured
    with accelerator.main_process_first(), accelerator.local_main_process_first():
        # a wrong name should not come to light after the corpus has been read
        tested = _load(config.model) if config.is_tested else None
        begun = load_start(config) if config.start is not None else None
        encoder = None
        if config.is_trained or config.model == "probe":
            encoder = find_encoder(config.encoder, layer=config.layer, store=Path(cache).parent / "encoders")
        status.says("preparing", "reading the corpus")
        prepared = prepare(config, cache=cache, progress=shown)
        model, here = tested, dict(prepared.depends)
        if tested is not None:
            here["model_fingerprint"] = fingerprint(tested.state_dict().items())
        if encoder is not None:
            status.says("preparing", "loading the encoder")
            model = new_model(prepared, begun=begun)
            here["encoder_fingerprint"] = encoder_fingerprint(encoder, model.encoder)
            if begun is not None:
                refuse_heard(str(config.start), here["audio"], prepared.rows["test"])
                go_on_from(model, begun, str(config.start))
                here["start_fingerprint"] = fingerprint(begun.state_dict().items())
        if run.is_finished(here):
            return run.folder
        if model is not None:
            model.to(accelerator.device)
        if isinstance(model, EmoSphereModel):
            if model.frozen:
                status.says("preparing", "making frames")
            prepared = (with_frames if tested is None and begun is None else framed)(prepared, model, progress=shown)
            if config.is_trained and not model.frozen:
                _prepare_layers(model, config)
    if accelerator.num_processes > 1:
        set_seed(config.seed, device_specific=True)  # other dropout in each process
    run.folder.mkdir(parents=True, exist_ok=True)
    # a baseline that needs no frames has no model, and nothing below asks it for one
    live = LiveRun(run, prepared, cast(EmoSphereModel, model), accelerator, here, progress, status)
    with ExitStack() as stack:
        if live.is_main:
            stack.enter_context(only_writer(run.folder, ".lock", "The run"))
            stack.enter_context(_logging_to(run.log_file))
            status.owned = True
            stack.callback(setattr, status, "owned", False)
        complete = live.is_main and run.is_finished(here)  # somebody else may have been faster
        if not accelerator.reduce(torch.tensor(float(complete), device=accelerator.device)):
            with tracking(run, accelerator) as live.tracker:
                _make(live)
    return run.folder


def _prepare_layers(model: EmoSphereModel, config: Config) -> None:
    model.encoder.config.apply_spec_augment &= config.spec_augment
    if config.encoder_trained == "lora":
        add_adapters(model.encoder, config.lora_rank)
    if (attention := attention_of(config, model.device)) != "plain":
        fuse_attention(model.encoder, recompute=attention == "recomputed")
    if config.gradient_checkpointing:
        model.activation_checkpointing_enable()
    if config.compile:
        import torch._dynamo  # only here: it takes seconds

        # first and later layers, one utterance and several, training, its first pass, evaluation: more than the 8
        # after which PyTorch stops compiling, without a word that is seen
        torch._dynamo.config.recompile_limit = 256
        for layer in transformer_layers(model.encoder):  # they are alike, so one of them is compiled for all
            # dropout as without compilation, or the passes of a divided batch would each have their own
            layer.compile(dynamic=True, options={"fallback_random": True})


def _make(live: LiveRun) -> None:
    run, prepared, config = live.run, live.prepared, live.config
    notes = list(prepared.notes)
    if live.is_main:
        config.save(run.config_file)
        facts = environment(live.accelerator, prepared.corpus) | live.depends
        if config.is_trained and not live.model.frozen:
            facts["attention"] = attention_of(config, live.accelerator.device)
        facts["splits"] = describe_splits(prepared.rows, prepared.seconds)
        if config.is_tested:
            facts["trained_on"] = live.model.config.trained_on
            notes += mapping_notes(live.model, prepared.corpus, config.tested)
        write_json(run.environment_file, facts)
        if "train" in prepared.rows:
            prepared.class_table().to_csv(run.classes_file, index=False)
        write_notes(run, notes)
        log.info(
            "%s on %s, %d processes, %d threads, corpus %s %s",
            run.folder,
            *(facts[name] for name in ("device", "processes", "threads", "corpus", "fingerprint")),
        )
    if config.is_trained:
        fit(live)
        live.accelerator.free_memory()
        live.model = EmoSphereModel.from_pretrained(run.model_folder).to(live.accelerator.device)
    live.status.says("testing", "predicting the test split")
    if config.model not in BASELINES:
        predictions = predict_test(live)
    elif live.is_main:
        vad, chosen = fit_baseline(config.model, prepared, progress=live.progress)
        predictions = prediction_table(prepared, vad)
        write_notes(run, notes + chosen)
    if live.is_main:
        finish(run, predictions, prepared.corpus)
        if live.tracker is not None:
            scores = {f"test/{name}": value for name, value in run.scores().items()}
            live.tracker.log(scores, config.epochs if config.is_trained else 0)
    live.accelerator.wait_for_everyone()


def _load(name: str) -> EmoSphereModel | ReadyModel:
    try:
        model = load_model(name)
        check_scale(model.config.scale)  # from which its ratings are mapped to the corpus'
    except ValueError as error:
        raise ConfigError(f"There is nothing to test: {error}") from None
    return model


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """What the training logs goes to a file, with the traceback of an error that ends the run."""
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    except BaseException:
        log.exception("stopped")
        raise
    finally:
        log.removeHandler(handler)
        handler.close()
