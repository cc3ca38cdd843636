"""The card of the embedded corpus: what it is, how it was made, how its labels compare with real ones."""

import numpy as np

from . import labels, prosody, sentences, speech, voices

CARD = """\
# The embedded corpus of emosphere

{utterances} utterances of synthetic English speech ({minutes:.0f} minutes, {shortest:.1f} to {longest:.1f} s,
mean {mean:.2f} s, 16 kHz mono), {speakers} synthetic speakers (half female, half male), seed {seed}, version
{version}, in the layout of MSP-Podcast. Its emotion is known by construction: each utterance was spoken at a
point in valence-arousal-dominance space, and five simulated raters labelled it. It lets the kit run, be
taught and be tested without licensed speech.

**It is not a reproduction of MSP-Podcast, and no number measured on it may be presented as a reproduction of
a result on real speech.** It shares a file layout and label statistics with that corpus, nothing else. The
emotion is acted by rules, the voices are of a formant synthesiser, the raters are a random generator.

## How the speech was made
- Engine: eSpeak NG 1.52 from the wheel `espeakng-loader`; resampled to 16 kHz; white noise at
  {noise:.0f} dBFS for the room; 16-bit PCM.
- Prosody: Schröder's rules for activation (arousal), evaluation (valence) and power (dominance) [1, 2].
- Speakers: seeded draws of pitch, vocal-tract length, formants, pace, liveliness, loudness, brightness,
  breathiness, roughness, flutter and one of {accents} English accents. Numbers in `SpkrID` are those of
  `emosphere.synthesis.speak`.
- Text: {neutral} neutral sentences, and {positive} positive and {negative} negative ones.
- Splits: two thirds Train, one third Development, with different speakers, women and men alike.

| rule (a, e, p from -100 to 100) | in eSpeak |
|---|---|
| pitch, % = 0.3 a + 0.1 e - 0.1 p | voice variant, `pitch` |
| pitch dynamics, % = -15 + 0.3 a - 0.3 p | approximated: half of it (its mean) changes the pitch |
| range, semitones = 4 + 0.04 a | `pitch`, times {range_factor} (it spans eSpeak's tune) |
| range dynamics, % = -40 + 1.2 a + 0.4 p (at least -100) | approximated: half of it changes the range |
| accent prominence, % = 0.5 a - 0.5 e | approximated: amplitude of stressed syllables |
| accent shape: falling (e < -20), alternating (e > 40), else rising | approximated: the nearest tune |
| accent slope, % = 1.0 a - 0.5 e | left out |
| boundary: low (p > 0), else high | a tune that ends low, or one that ends with a rise |
| rate, % = 0.5 a + 0.2 e | words per minute, from 80 (eSpeak's slowest) to 400 |
| number of pauses, % = 0.7 a | left out: the sentences are too short to pause in |
| pause duration, % = -0.2 a | left out, for the same reason |
| vowel, nasal, liquid duration, % = 0.3 e + 0.3 p | vowels only, `stressAdd` |
| plosive, fricative duration, % = 0.5 a - 0.3 e | left out (the rate shortens all sounds alike) |
| volume (0 to 100) = 50 + 0.33 a | root-mean-square level; twice the volume is 10 dB more |

### What was added, because these rules alone make valence and dominance hard to hear
With valence v, arousal a and dominance d from -1 to 1, after findings on smiled speech [3] and voice quality
[4], but with strengths of our choice:

- **Smile**: formants 2 and 3 rise by {smile:.0f} v %, formants 4 and 5 by {smile_high:.0f} v %, formant 1 by
  {smile_low:.0f} v %; formants 3 to 5 get stronger by {twang:.0f} v %.
- **Vocal effort**: energy above 2 kHz changes by {effort_a:.0f} a + {effort_d:.0f} d dB.
- **Breath noise** grows as dominance falls below 0, **roughness** (irregular voicing) as valence does.
- **Words**: a sentence with positive or negative words is taken with a probability of 1.5 |v|, at most 0.9; a
  neutral one otherwise.

## How the labels were made
A true point is drawn from a normal distribution with the means and correlations of MSP-Podcast and {true:.0%}
of its variance. Five of a crowd of {panel} raters place it on whole numbers from 1 to 7 with noise of the
same shape; `EmoVal`, `EmoAct` and `EmoDom` are their means. Each rater chooses one of eight categories whose
prototype lies near the point as perceived, or "other"; the plurality is `EmoClass`, and `X` means that two or
more categories share the first place. In {second} X utterances a second speaker interrupts or
answers. Raters have no habits of their own: their noise is independent, which real raters' is not.

| statistic | MSP-Podcast (46,160 labels) | here |
|---|---|---|
{statistics}

Categories: {categories}.

## Licence
eSpeak NG is free software under the GNU GPL, version 3 or later; that licence covers the engine and its voice
data, not the sound it produces. The generated files may be used and shared freely, under the licence of
emosphere (MIT).

## References
1. Schröder, Cowie, Douglas-Cowie, Westerdijk, Gielen, "Acoustic correlates of emotion dimensions in view of
   speech synthesis", Eurospeech 2001.
2. Schröder, "Expressing degree of activation in synthetic speech", IEEE TASLP 14(4), 2006.
3. Tartter, "Happy talk: Perceptual and acoustic effects of smiling on speech", Perception & Psychophysics 27,
   1980.
4. Gobl, Ní Chasaide, "The role of voice quality in communicating emotion, mood and attitude", Speech
   Communication 40, 2003.
5. Lotfian, Busso, "Building naturalistic emotionally balanced speech corpus by retrieving emotional speech
   from existing podcast recordings", IEEE Transactions on Affective Computing 10(4), 2019 (MSP-Podcast).
"""


def card(table, truth, seconds, settings):
    """Text of the corpus card, with the statistics of this very corpus.

    Parameters
    ----------
    table, truth : pandas.DataFrame, Labels
        What `emosphere.synthesis.corpus.plan` returned.
    seconds : list of float
        Duration of each utterance.
    settings : dict
        ``utterances``, ``seed`` and ``version``.

    Returns
    -------
    str
    """
    names, counts = np.unique(truth.emotion, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    second, undecided = int((table.second_speaker >= 0).sum()), int((truth.emotion == "X").sum())
    half = 0.4 <= second / max(undecided, 1) <= 0.6
    spelled = labels.NAMES | {"X": "no agreement"}
    return CARD.format(
        **settings,
        minutes=sum(seconds) / 60,
        shortest=min(seconds),
        longest=max(seconds),
        mean=np.mean(seconds),
        speakers=table.speaker.nunique(),
        accents=len(voices.ACCENTS),
        neutral=len(sentences.NEUTRAL),
        positive=len(sentences.POSITIVE),
        negative=len(sentences.NEGATIVE),
        range_factor=voices.RANGE_FACTOR,
        noise=speech.NOISE,
        smile=prosody.SMILE,
        smile_low=prosody.SMILE * voices.SMILED[0],
        smile_high=prosody.SMILE * voices.SMILED[-1],
        twang=prosody.SMILE * voices.TWANG[-1],
        effort_a=prosody.EFFORT_AROUSAL,
        effort_d=prosody.EFFORT_DOMINANCE,
        true=labels.TRUE_SHARE,
        panel=labels.PANEL,
        statistics="\n".join(f"| {name} | {real:.3g} | {here:.3g} |" for name, real, here in labels.statistics(truth)),
        second="about half of the" if half else f"{second} of {undecided}",
        categories=", ".join(f"{spelled[names[i]]} ({names[i]}) {counts[i] / len(truth.emotion):.1%}" for i in order),
    )
