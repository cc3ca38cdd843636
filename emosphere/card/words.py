"""What every card says, and what comes with a corpus."""

CORPORA = {
    "embedded": (
        "the embedded corpus of emosphere, synthetic English speech",
        ["en"],
        "**It learned from synthetic speech.** The voices are of a formant synthesiser, the emotion is acted "
        "by rules, the raters are a random generator. The figures above say how well the kit works, and "
        "nothing about human speech, in English or any other language. (Models of the preset small, asked "
        "about enacted human speech, EmoTale, followed its ratings in arousal, half in dominance, and not at "
        "all in valence: correlations of 0.60, 0.43 and -0.08, mean of five.)",
        "The embedded corpus may be shared under MIT as well; eSpeak NG, which spoke it, is a GPL programme, "
        "whose licence does not cover the sound that it makes.",
    ),
    "msp_podcast": (
        "MSP-Podcast",
        ["en"],
        "It learned from English podcasts: other languages, telephone or child speech are not covered.",
        "MSP-Podcast is under an academic licence, which also limits what may be shared of what is made "
        "from it: ask before you give this model away.",
    ),
    "iemocap": (
        "IEMOCAP",
        ["en"],
        "It learned from a few actors in one room, speaking English: everyday speech is not covered.",
        "IEMOCAP is under a licence of its own, for research, which also limits what may be shared of what is "
        "made from it: ask before you give this model away.",
    ),
    "emotale": (
        "EmoTale, enacted Danish and English speech",
        ["da", "en"],
        "It learned from a few people who enacted emotions on fixed sentences: spontaneous speech is not covered.",
        "EmoTale is public without a licence, so that all rights remain with its authors: ask them before you "
        "give this model away.",
    ),
    "manifest": (
        "a corpus of its user's own",
        [],
        "It learned from one corpus: other languages, rooms and ways of speaking are not covered.",
        "The corpus has a licence of its own, which its owner knows.",
    ),
}
"""What it is, its languages, a limit that comes with it, its licence."""

CEILING = """

"Ceiling": what the corpus' true emotions score against these ratings, which are those emotions and the noise of five \
raters. Hardly more can be expected of a model."""

CARD = """\
---
{front}
---

# Valence, arousal and dominance of speech, trained on {corpus}

An emosphere model: from a recording of speech it predicts how listeners would rate its \
{dimensions} (in this order, each from {low:g} to {high:g}){auxiliary}. It was trained on {about}; this is one run, \
with seed {seed}.

## How good it is

{tested}{poor}

{figures}

{regions}{highest}

{interval} RMSE and standard deviations (SD) are in points of the scale. Always saying the mean would give a CCC of 0 \
and an RMSE as large as the SD of the ratings.

## What it is for

Research and teaching: to study emotion as listeners perceive it, to compare methods, to look through recordings.

**Not for decisions about people**, such as hiring, medicine, insurance, credit, schools, policing or borders, nor for \
watching them. It predicts how a voice would be rated, not what somebody feels.

## Limits

- {limit}
{spread}- {lengths}
- The figures say nothing about recordings unlike those of the corpus: other microphones, noise, music, several voices \
at once, children, people who are ill. These get a number, too.
- Probabilities of classes were not calibrated. Whether it treats groups of people alike was not \
examined{groups}.

## How it was made

- **Encoder**: {encoder}; {pooling}; {parameters} parameters in all.
- **Auxiliary task**: {task}.
- **Corpus**: {corpus}, fingerprint `{fingerprint}`{splits}.
- **Training**: {training}.
- **Versions**: {versions}.
{notes}
## How to use it

```python
from emosphere.prediction import predict

predict("path/to/this/folder", ["speech.wav"])  # a table: ratings, radius, angles, region
```

`python -m emosphere predict speech.wav --model path/to/this/folder` writes the same as CSV. Notebook `06_evaluation` \
shows the figures of the run, with `folder` set to the folder that this one lies in; `python -m emosphere train NEW \
--config config.json` trains it again from the file `config.json` there.

## Licence

The kit is under MIT. {encoder_licence} {corpus_licence}

## Cite

Cho et al., "EmoSphere-SER: Enhancing Speech Emotion Recognition Through Spherical Representation with Auxiliary \
Classification", Interspeech 2025, and what the encoder and the corpus ask to be cited.
"""
