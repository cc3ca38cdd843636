"""A folder and a spreadsheet such as people have them, made of a corpus, with mistakes: for who has none at hand."""

import shutil
from pathlib import Path

from ..sphere import DIMENSIONS
from ..utils import known, replacing
from .columns import CorpusError
from .corpus import Corpus


def make_stand_in(corpus: Corpus, folder: str | Path, *, speakers: int = 10, each: int = 30) -> tuple[Path, Path]:
    """Copies a part of a corpus into a folder of recordings, and writes a messy spreadsheet of it.

    Parameters
    ----------
    corpus
        With known speakers.
    folder
        A new one, or one that this has made before, which is left as it is.
    speakers, each
        How many people, and utterances of each at most.

    Returns
    -------
    recordings, spreadsheet : pathlib.Path
        The spreadsheet has semicolons, decimal commas, an old encoding, names without their endings, and mistakes: a
        file that is not there, one twice, a rating off the scale, one in words, a missing speaker.

    Raises
    ------
    CorpusError
        If the corpus has too few speakers with that many utterances.
    """
    folder = Path(folder)
    recordings, spreadsheet = folder / "recordings", folder / "ratings.csv"
    if spreadsheet.exists():  # it is written last
        return recordings, spreadsheet
    table = corpus.table[corpus.table["speaker"].isin(known(corpus.table["speaker"]))]
    table = table[table[list(DIMENSIONS)].notna().all(axis=1)].sort_values("utterance")
    counts = table["speaker"].value_counts()
    chosen = sorted(counts.index[counts >= min(each, counts.iloc[0])])[:speakers] if len(counts) else []
    chosen += [name for name in counts.index if name not in chosen][: speakers - len(chosen)]
    if len(chosen) < speakers:
        raise CorpusError(f"{corpus.name} has {len(counts)} known speakers, and {speakers} are wanted.")
    lines = ["Datei;Sprecher;V;A;D;Bemerkung"]
    for number, speaker in enumerate(chosen, 1):
        (recordings / f"p{number:02}").mkdir(parents=True, exist_ok=True)
        for take, (_, row) in enumerate(table[table["speaker"] == speaker].head(each).iterrows(), 1):
            name = f"p{number:02}_{take:02}"
            shutil.copyfile(corpus.audio_path(row["path"]), recordings / f"p{number:02}" / f"{name}.wav")
            cells = [f"{row[dimension]:.2f}".replace(".", ",") for dimension in DIMENSIONS]
            lines.append(";".join([name.upper(), f"Hörprobe {number:02}", *cells, ""]))
    lines[3] = _with(lines[3], 2, "hoch")
    lines[4] = _with(lines[4], 3, f"{corpus.scale.high * 10:g}")
    lines[5] = _with(lines[5], 1, "")
    lines += [lines[1], "P99_01;Hörprobe 99;4;4;4;verloren"]
    with replacing(spreadsheet) as temporary:
        temporary.write_bytes("\r\n".join(lines).encode("cp1252"))
    return recordings, spreadsheet


def _with(line, column, cell):
    cells = line.split(";")
    return ";".join([*cells[:column], cell, *cells[column + 1 :]])
