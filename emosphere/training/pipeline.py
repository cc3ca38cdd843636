"""One run: from a configuration to a folder with the best model, its history, its predictions and its scores.

    config.json        every parameter
    environment.json   versions, commit, fingerprints of the corpus and of the untrained encoder, machine
    classes.csv        the auxiliary classes: training utterances and weight of each
    notes.txt          what was decided on the way: skipped files, small categories, empty regions
    log.txt            what happened when
    history.csv        a row an epoch, written as it goes
    model/             the epoch with the lowest validation loss (safetensors), and its card
    checkpoint.safetensors   while the run is not complete: what the next epoch starts from
    predictions.csv    every test utterance: truth, prediction, regions
    ceiling.json       the scores of the true emotions, for the embedded corpus, whose truth is known
    scores.json        what is reported of the run; written last, so a folder that has it is complete

References
----------
.. [1] Cho et al., "EmoSphere-SER", Interspeech 2025, section 3.1.
"""

import ctypes
import logging
import os
import platform
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import huggingface_hub
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, InitProcessGroupKwargs, set_seed

from ..card import split_sizes, write_card
from ..config import CHECKPOINT, Config, ConfigError
from ..data.memory import RunError
from ..metrics import scores
from ..model import EmoSphereModel
from ..model.attention import fuse_attention
from ..model.encoders import find_encoder, transformer_layers
from ..prediction import predict_test
from ..utils import only_writer, replacing, write_json
from .loop import fit
from .preparation import encoder_print, new_model, prepare, with_frames
from .provenance import depends, environment, finished

log = logging.getLogger(__package__)


def use_fast_allocator():
    """Tells glibc to keep freed memory: returning it after every step can halve the speed of training on CPU.

    Returns
    -------
    bool
        Whether it was done; False on another C library.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    trim_threshold, top_pad, mmap_max = -1, -2, -4  # malloc.h
    libc = ctypes.CDLL(None)
    return all(
        libc.mallopt(option, value)
        for option, value in ((mmap_max, 0), (trim_threshold, 2**31 - 1), (top_pad, 256 * 2**20))
    )


def train(config, folder, *, cache="data/cache", progress=True):
    """Trains, keeps the best checkpoint, predicts the test split and scores it.

    A complete run with this configuration is used again; one that was stopped goes on after its last whole epoch and
    ends as if it had not been stopped; both only if corpus and encoder are what they were.

    Parameters
    ----------
    config : Config
    folder : path-like
        Where the run goes; see this module's docstring for what it holds afterwards.
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
    folder = Path(folder)
    if folder.is_file():
        raise ConfigError(f"{folder} is a file; a run needs a folder of its own.")
    config = replace(config, precision=_precision(config, folder))
    config.is_in(folder)  # other parameters should not come to light after the corpus has been read
    accelerator = _accelerator(config)
    main = accelerator.is_main_process
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    if accelerator.device.type == "cpu" and config.fast_allocator:
        use_fast_allocator()
    if config.compile and not shutil.which(os.environ.get("CXX", "g++")):
        raise RunError(
            "compile needs a C++ compiler, g++ or the one that CXX names, and there is none. Install one "
            "(Debian: apt install g++), or set compile to False."
        )
    if not accelerator.is_local_main_process:  # the first of each machine fetches, the others ask the Hub for nothing
        huggingface_hub.constants.HF_HUB_OFFLINE = True
    # the others find what the main process, and the first of their machine, have made and measured
    with accelerator.main_process_first(), accelerator.local_main_process_first():
        # a wrong name should not come to light after the corpus has been read
        settings = find_encoder(config.encoder, layer=config.layer, store=Path(cache).parent / "encoders")
        prepared = prepare(config, cache=cache, progress=progress and main)
        model = new_model(config, prepared, cache=cache).to(accelerator.device)
        here = depends(prepared.corpus, prepared.digests) | {
            "encoder_fingerprint": encoder_print(settings, model.encoder)
        }
        if finished(config, folder, here):
            return folder
        prepared = with_frames(config, prepared, model, cache=cache, progress=progress and main)
    if not model.frozen:
        _prepare_layers(model, config)
    if accelerator.num_processes > 1:
        set_seed(config.seed, device_specific=True)  # other dropout in each process
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if main:
            stack.enter_context(only_writer(folder, ".lock", "The run"))
            stack.enter_context(_logging_to(folder / "log.txt"))
        complete = main and finished(config, folder, here)  # somebody else may have been faster
        if not accelerator.reduce(torch.tensor(float(complete), device=accelerator.device)):
            _run(config, prepared, model, here, accelerator, folder, progress)
    return folder


def _prepare_layers(model, config):
    model.encoder.config.apply_spec_augment &= config.spec_augment
    if config.attention != "plain":
        fuse_attention(model.encoder, recompute=config.attention == "recomputed")
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


def _processes():
    """How many processes this one was started with, by torchrun or accelerate launch."""
    count = os.environ.get("WORLD_SIZE") or "1"
    several = count != "1" or "LOCAL_RANK" in os.environ
    absent = [name for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if not count.isdecimal() or (several and absent):
        without = f", without {', '.join(absent)}" if absent else ""
        raise RunError(
            f"The environment says WORLD_SIZE={count}{without}, as no launcher does. Start several processes with "
            "torchrun or accelerate launch; for one, unset WORLD_SIZE and LOCAL_RANK."
        )
    return int(count)


def _precision(config, folder):
    """What "auto" becomes on this machine, or became where the run was begun."""
    if config.precision != "auto":
        return config.precision
    if (folder / "config.json").exists() and (begun := Config.load(folder / "config.json").precision) != "auto":
        return begun
    gpu = torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bf16" if gpu else "no"


def _accelerator(config):
    cuda = torch.cuda.is_available()
    AcceleratorState._reset_state()  # or a notebook could not change the precision from one run to the next
    return Accelerator(
        mixed_precision=config.precision,
        cpu=_processes() > 1 and not cuda,  # several processes on CPU have to be asked for
        # the auxiliary head is not used once its weight is 0, nor an encoder's mask without SpecAugment
        kwargs_handlers=[
            DistributedDataParallelKwargs(find_unused_parameters=True),
            # the others wait while one decodes a corpus, or makes its frames
            InitProcessGroupKwargs(timeout=timedelta(days=2)),
        ],
    )


def _run(config, prepared, model, here, accelerator, folder, progress):
    main = accelerator.is_main_process
    if main:
        config.save(folder / "config.json")
        facts = environment(accelerator, prepared.corpus) | here
        facts["splits"] = split_sizes(prepared.rows, prepared.seconds)
        write_json(folder / "environment.json", facts)
        prepared.class_table().to_csv(folder / "classes.csv", index=False)
        (folder / "notes.txt").write_text("".join(f"{note}\n" for note in prepared.notes), encoding="utf-8")
        log.info(
            "%s on %s, %d processes, %d threads, corpus %s %s",
            folder,
            facts["device"],
            facts["processes"],
            facts["threads"],
            facts["corpus"],
            facts["fingerprint"],
        )
    fit(config, prepared, model, accelerator, folder, depends=here, progress=progress)
    accelerator.free_memory()

    model = EmoSphereModel.from_pretrained(folder / "model").to(accelerator.device)
    predictions = predict_test(config, prepared, model, accelerator, progress=progress)
    if main:
        with replacing(folder / "predictions.csv") as temporary:
            predictions.to_csv(temporary, index=False)
        if prepared.corpus.name == "embedded":
            from ..synthesis import ceiling  # only here: it needs eSpeak

            write_json(folder / "ceiling.json", ceiling(predictions, prepared.corpus, config.grid))
        write_card(folder)
        figures = scores(predictions)
        write_json(folder / "scores.json", figures)
        (folder / CHECKPOINT).unlink(missing_ok=True)
        log.info("complete: test CCC %.4f", figures["ccc_mean"])
    accelerator.wait_for_everyone()


@contextmanager
def _logging_to(path):
    """What this module logs goes to a file, with the traceback of an error that ends the run."""
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
