"""A trained model to the Hugging Face Hub: its weights, configuration and card, and nothing else of its run.

Recordings, predictions and ratings stay where they are, and so do the names of speakers.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import huggingface_hub
from huggingface_hub import CommitOperationAdd, HfApi, ModelCard
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
)

from .run import Run
from .utils import EmoSphereError, error_summary, known, markdown

FILES = ("README.md", "config.json", "model.safetensors")
"""All that is sent, by their names there and in a run's ``model`` folder."""

LIMITED = {
    "msp_podcast": "MSP-Podcast is under an academic licence, which also limits what is made from it",
    "iemocap": "IEMOCAP is under a licence of its own for research, which also limits what is made from it",
    "emotale": "EmoTale is public without a licence, so that all rights remain with its authors",
}
"""Corpora whose owners have to be asked before a model that has learned from them is given away."""


class ShareError(EmoSphereError, RuntimeError):
    """A model that cannot be shared, or that could not be sent."""


@dataclass(frozen=True)
class Parcel:
    """What would be sent, and where.

    Parameters
    ----------
    repository
        On the Hub, OWNER/NAME.
    private
        Whether only its owner sees it.
    licence
    files : dict of str to (Path or bytes)
        By their names there.
    """

    repository: str
    private: bool
    licence: str
    files: dict[str, Path | bytes]

    def describe(self) -> str:
        """What goes where, in lines."""
        sizes = [len(each) if isinstance(each, bytes) else each.stat().st_size for each in self.files.values()]
        seen = "private, for its owner alone" if self.private else "public"
        lines = [f"  {name:<20} {size / 1e6:10,.2f} MB" for name, size in zip(self.files, sizes, strict=True)]
        to = f"To {huggingface_hub.constants.ENDPOINT}/{self.repository} ({seen}; licence {self.licence}):"
        return "\n".join([to, *lines, "Recordings, ratings and predictions stay here."])

    @property
    def card(self) -> str:
        """The card as it will be read there."""
        content = self.files["README.md"]
        assert isinstance(content, bytes)
        return content.decode()


def pack(folder: str | Path, repository: str, *, licence: str, permission: str = "", private: bool = True) -> Parcel:
    """What `send` would send of a run; nothing is sent.

    Parameters
    ----------
    folder
        Of a complete run.
    repository
        On the Hub, OWNER/NAME.
    licence
        Under which the model is shared, as the Hub names it: "cc-by-nc-4.0", "mit", "other".
    permission
        Who has allowed it, where the corpus' owners have to be asked (`LIMITED`); it is written into the card.
    private
        Whether only the owner of the repository sees it.

    Returns
    -------
    Parcel

    Raises
    ------
    ShareError
        If the run has no model, no card or no scores, a name is none, or the corpus asks for a permission.
    """
    run = Run(folder)
    places = {name: run.model_folder / name for name in FILES}
    if (run.folder / "fold0").is_dir() and not run.model_folder.is_dir():
        raise ShareError(f"{folder} has a model for each fold: give one of them, such as {Path(folder) / 'fold0'}.")
    if absent := [path for path in (*places.values(), run.scores_file, run.config_file) if not path.is_file()]:
        raise ShareError(
            f"{folder} cannot be shared, since it has no {absent[0].name}: give a complete run of a model."
        )
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ShareError(f"A place on the Hub is OWNER/NAME, not {repository!r}.")
    if not re.fullmatch(r"[a-z][a-z0-9.-]*", licence):
        raise ShareError(f"A licence is named as the Hub names it, such as cc-by-nc-4.0 or mit, not {licence!r}.")
    if (asked := [corpus for corpus in _corpora(run) if corpus in LIMITED]) and not permission:
        raise ShareError(f"{LIMITED[asked[0]]}: ask its owners, and say with permission who has allowed it.")
    card = ModelCard.load(places["README.md"], ignore_metadata_errors=True)
    card.data.license, card.data.license_name = licence, "see-licence-below" if licence == "other" else None
    shared = f"This model is shared under {licence}." if licence != "other" else "What is allowed is said below."
    said = f"{shared}{f' Permission: {markdown(permission)}.' if permission else ''} "
    text = (
        str(card).replace("\n## Licence\n\n", f"\n## Licence\n\n{said}", 1).replace("path/to/this/folder", repository)
    )
    text = _without_names(text, run)
    return Parcel(repository, private, licence, {**places, "README.md": f"{text.rstrip()}\n".encode()})


def _corpora(run):
    """The corpora that a model has learned from: its run's, and those of the runs that it went on from."""
    yield run.config.corpus
    if run.config.start is not None and (begun := Run(run.config.start)).config_file.exists():
        yield from _corpora(begun)


def _without_names(text, run):
    """A card whose notes name no speaker, of whatever split, and no file: such words go, or the whole note."""
    names = known(run.predictions()["speaker"])
    named = re.compile("|".join([rf"(?<!\w){re.escape(each)}(?!\w)" for each in sorted(names)] + [r"[/\\]|, such as "]))
    kept = {}
    for note in run.notes_file.read_text(encoding="utf-8").splitlines():
        told = re.sub(r"( speakers? of \w+ in \w+, too) \(.*\)\.$", r"\1.", note)
        told = re.sub(r"( utterances? left out): .*, such as .*$", r"\1.", told)
        kept[f"- {markdown(note)}"] = None if named.search(told) else f"- {markdown(told)}"
    lines = [kept.get(line, line) for line in text.splitlines()]
    return "\n".join(line for line in lines if line is not None)


def send(parcel: Parcel) -> str:
    """Sends what `pack` has packed, as one commit; what is there already stays in the repository's history.

    Parameters
    ----------
    parcel : Parcel

    Returns
    -------
    str
        The address of the model.

    Raises
    ------
    ShareError
        Without a token or a network, if the Hub refuses, or the repository is public and the parcel private.
    """
    api, where = HfApi(), f"{huggingface_hub.constants.ENDPOINT}/{parcel.repository}"
    try:
        if huggingface_hub.get_token() is None:
            raise LocalTokenNotFoundError
        api.create_repo(parcel.repository, private=parcel.private, exist_ok=True)
        if parcel.private and not api.model_info(parcel.repository).private:
            raise ShareError(f"{where} is there already, and public: give another name, or send it as public.")
        adding = [CommitOperationAdd(name, content) for name, content in parcel.files.items()]
        api.create_commit(parcel.repository, adding, commit_message="A model and its card")
    except LocalTokenNotFoundError:
        raise ShareError(
            "The Hub has to know who you are: make a token with the right to write in its settings, and run "
            "`hf auth login`, or set HF_TOKEN."
        ) from None
    except OfflineModeIsEnabled:
        raise ShareError("The Hub is switched off here (HF_HUB_OFFLINE): unset it where there is a network.") from None
    except HFValidationError as error:
        raise ShareError(f"{parcel.repository} is no name for the Hub: {error}") from None
    except HfHubHTTPError as error:
        raise ShareError(_refused(error, where)) from None
    except (OSError, HTTPError) as error:
        raise ShareError(f"{where} cannot be reached ({error_summary(error)}): try again with a network.") from None
    return where


def _refused(error, where):
    reasons = {
        401: "the token is not valid: run `hf auth login` again",
        403: "the token may not write there: give one with the right to write, or another owner",
        404: "there is no such place",
    }
    status = error.response.status_code if error.response is not None else 0
    reason = reasons.get(status) or error.server_message or f"status {status}"
    return f"The Hub refuses {where}: {reason}."
