"""The player bar: what it measures of a sound, against numpy, and what a person can do with it."""

import io

import numpy as np
import pytest
import soundfile

from emosphere import corpora

MEASURE = """async ([name, rate]) => {
    const sound = await import("http://kit/sound.js");
    const samples = new Float32Array(await (await fetch("samples")).arrayBuffer());
    const found = sound[name](samples, rate);
    const plain = (value) => (Number.isNaN(value) ? null : value);
    return Object.fromEntries(Object.entries(found).map(([key, value]) =>
        [key, ArrayBuffer.isView(value) ? Array.from(value, plain) : value]));
}"""

DECODE = """async (name) => {
    const {decodeSound} = await import("http://kit/sound.js");
    const bytes = await (await fetch(name)).arrayBuffer();
    const {samples, rate, seconds} = await decodeSound(bytes);
    return [Array.from(samples), rate, seconds, bytes.byteLength];
}"""

# The explorer as the player sees it: five utterances, the table shows three of them and one whose sound is gone
HOST = """async ([names, durations]) => {
    const {playerBar} = await import("http://kit/player.js");
    const columns = {
        valence: {kind: "number", values: Float32Array.of(2.5, 5.25, 4, 3, 1.5)},
        arousal: {kind: "number", values: Float32Array.of(6, 3.1, NaN, 4, 6.5)},
        dominance: {kind: "number", values: Float32Array.of(-5.5, 4, 4, 4, 2)},
        category: {kind: "group", values: Int32Array.of(1, 0, -1, 0, 1), labels: ["Happy", "<b>Angry</b>"]},
        speaker: {kind: "text", values: ["24", "27", "", "1", "2"]},
        duration: {kind: "number", values: Float32Array.from(durations)},
    };
    window.host = {
        table: {n: 5, names, column: (name) => columns[name]},
        state: {focus: -1}, derived: {order: Int32Array.of(3, 1, 0, 4)}, play: false, said: [],
        say: (text) => host.said.push(text),
        async sound(position) {
            if (position === 4) throw new Error("The sound of <i>this</i> utterance is gone.");
            if (window.slow) await new Promise((resolve) => setTimeout(resolve, position === 1 ? 600 : 0));
            const bytes = await (await fetch(`${position}.wav`)).arrayBuffer();
            return {bytes, cut: position === 1 ? 30 : null};
        },
        set(changes, {play = false} = {}) {
            Object.assign(host.state, changes);
            requestAnimationFrame(() => {
                host.play = play;
                bar.update(new Set(Object.keys(changes)));
                host.play = false;
            });
        },
    };
    window.bar = playerBar(host);
    document.body.append(bar.element);
    bar.element.style.cssText = "position: fixed; inset: auto 0 0 0";
    bar.update(new Set(["focus", "order"]));
    window.audio = bar.element.querySelector(".es-audio");
    window.heard = [];
    const watch = () => {
        if (!audio.paused) heard.push(audio.currentTime);
        requestAnimationFrame(watch);
    };
    watch();
}"""

SHOWN = """(position) => ((label) => label.includes(`of ${host.table.names[position]}:`) && label.includes("decibels"))(
    document.querySelector(".es-player-canvas").ariaLabel)"""


def pulses(hertz, rate=16000, highest=8000, first=1):
    """Pulses whose F0 (Hz) each sample of `hertz` tells: all harmonics from the first below `highest`."""
    phase = 2 * np.pi * np.cumsum(hertz) / rate
    harmonics = range(first, int(min(highest, rate / 2) / np.max(hertz)))
    return sum(np.cos(harmonic * phase) for harmonic in harmonics) / 40


def yin(samples, rate, times, longest=1 / 60, threshold=0.1):
    """F0 by de Cheveigné & Kawahara (2002), NaN where no period fits: another method than the one under test."""
    lags, width = int(longest * rate), int(0.03 * rate)
    found = np.full(len(times), np.nan)
    for i, time in enumerate(times):
        start = round(time * rate) - (width + lags) // 2
        if start < 0 or start + width + lags + 1 > len(samples):
            continue
        part = samples[start : start + width + lags + 1]
        apart = np.array([np.sum((part[:width] - part[lag : lag + width]) ** 2) for lag in range(lags + 1)])
        if not apart.any():
            continue
        apart[1:] *= np.arange(1, lags + 1) / np.maximum(np.cumsum(apart[1:]), 1e-12)
        apart[0] = 1
        below = np.flatnonzero(apart[rate // 500 : -1] < threshold)
        if not len(below):
            continue
        lag = rate // 500 + below[0]
        while lag + 1 < lags and apart[lag + 1] < apart[lag]:
            lag += 1
        before, here, after = apart[lag - 1 : lag + 2]
        found[i] = rate / (lag + (before - after) / (2 * (before - 2 * here + after)))
    return found


@pytest.fixture
def measure(kit):
    def measure(name, samples, rate=16000):
        kit.files["samples"] = np.asarray(samples, "<f4").tobytes()
        found = kit.evaluate(MEASURE, [name, rate])
        return {key: np.array(value, float) if isinstance(value, list) else value for key, value in found.items()}

    return measure


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("hertz", [65.4, 187.7, 331.7, 437.3])
def test_f0_of_sines_and_pulses(measure, rate, hertz):
    steady = np.full(rate // 2, hertz)
    for sound in (0.3 * np.sin(2 * np.pi * np.cumsum(steady) / rate), pulses(steady, rate, 24000)):
        found = measure("fundamental", sound, rate)["hertz"]
        assert len(found) > 40
        np.testing.assert_allclose(found, hertz, rtol=0.01)


def test_f0_that_glides_and_f0_without_a_fundamental(measure):
    glide = 110 * 3 ** np.linspace(0, 1, 24000)
    for first in (1, 2):
        found = measure("fundamental", pulses(glide, highest=3500, first=first))
        truth = np.interp(found["times"], np.arange(24000) / 16000, glide)
        np.testing.assert_allclose(found["hertz"], truth, rtol=0.01)


def test_no_f0_in_noise_and_silence(measure):
    rng = np.random.default_rng(17)
    assert np.isnan(measure("fundamental", np.zeros(16000))["hertz"]).all()
    assert not len(measure("fundamental", np.zeros(300))["hertz"])
    for rate in (8000, 16000, 48000):
        white = 0.1 * rng.normal(size=2 * rate)
        assert np.mean(np.isnan(measure("fundamental", white, rate)["hertz"])) > 0.98
    mixed = np.concatenate([white[:16000], pulses(np.full(16000, 150)), white[:16000]])
    found = measure("fundamental", mixed)
    voiced = (found["times"] > 1.05) & (found["times"] < 1.95)
    np.testing.assert_allclose(found["hertz"][voiced], 150, rtol=0.01)
    assert np.isnan(found["hertz"][(found["times"] < 0.95) | (found["times"] > 2.05)]).all()


def test_f0_of_speech(measure, embedded):
    corpus = corpora.load("embedded", embedded)
    apart, voiced = [], []
    for path in corpus.rows("test")["path"][:30]:
        samples, rate = soundfile.read(corpus.audio_path(path))
        found = measure("fundamental", samples, rate)
        other = yin(samples, rate, found["times"])
        apart.append(12 * np.log2(found["hertz"] / other))
        voiced.append(np.isfinite(found["hertz"][np.isfinite(other)]))
    apart = np.abs(np.concatenate(apart))
    apart = apart[~np.isnan(apart)]
    print(
        f"median difference {np.median(apart):.3f} semitones, 95 % below {np.quantile(apart, 0.95):.2f}: {len(apart)}"
    )
    assert len(apart) > 500
    assert np.mean(np.concatenate(voiced)) > 0.9
    assert np.median(apart) < 0.1
    assert np.mean(apart > 6) < 0.02  # wrong octaves


def test_intensity_against_numpy(measure):
    rng = np.random.default_rng(17)
    samples = rng.normal(size=32000) * np.linspace(0.001, 0.3, 32000)
    found = measure("intensity", samples)
    weights = np.sin(np.pi * (np.arange(640) + 0.5) / 640) ** 2
    centres = np.round(found["times"] * 16000).astype(int)
    inner = (centres >= 320) & (centres < 32000 - 320)
    parts = [samples[centre - 320 : centre + 320] for centre in centres[inner]]
    truth = [20 * np.log10(np.sqrt(np.average(part**2, weights=weights))) for part in parts]
    np.testing.assert_allclose(found["decibels"][inner], truth, atol=0.01)
    sine = measure("intensity", 0.5 * np.sin(2 * np.pi * 200 * np.arange(16000) / 16000))["decibels"]
    np.testing.assert_allclose(sine, 20 * np.log10(0.5 / np.sqrt(2)), atol=0.1)
    np.testing.assert_allclose(measure("intensity", np.zeros(8000))["decibels"], -120)


@pytest.mark.parametrize("rate", [16000, 48000])
def test_spectrogram_against_numpy(measure, rate):
    rng = np.random.default_rng(17)
    time = np.arange(rate) / rate
    samples = np.sin(2 * np.pi * 1234 * time) + 0.01 * rng.normal(size=rate)
    found = measure("spectrogram", samples, rate)
    spectra = found["decibels"].reshape(found["columns"], found["rows"])
    length = round(0.025 * rate)
    shape = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    size = 2 ** int(np.ceil(np.log2(length)))
    for column in (7, 100, 101, 150):
        start = int(np.floor(column * found["step"] * rate - length / 2 + 0.5))
        spectrum = np.fft.rfft(samples[start : start + length] * shape, size)[: found["rows"]]
        truth = 20 * np.log10(np.abs(spectrum) * 2 / shape.sum())
        np.testing.assert_allclose(spectra[column], truth, atol=0.05)
        assert abs(truth.max()) < 1.5  # a sine of amplitude 1, between two bins
        peak = spectra[column].argmax() / found["rows"] * found["highest"]
        assert abs(peak - 1234) < rate / size
    assert 5400 < found["highest"] < 5600


def test_a_minute_is_measured_in_longer_steps(measure):
    samples = pulses(np.full(60 * 16000, 140), highest=1000)
    assert measure("spectrogram", samples)["columns"] <= 800
    assert len(measure("fundamental", samples)["times"]) <= 1500
    assert len(measure("intensity", samples)["times"]) <= 1500


@pytest.mark.parametrize("format", ["WAV", "FLAC", "MP3"])
def test_decoding(kit, format):
    rng = np.random.default_rng(17)
    samples = 0.2 * rng.normal(size=(11025, 2)).clip(-3, 3)
    file = io.BytesIO()
    soundfile.write(file, samples, 22050, format=format)
    kit.files["sound"] = file.getvalue()
    found, rate, seconds, left = kit.evaluate(DECODE, "sound")
    assert left == len(kit.files["sound"])  # the bytes are still there for the player
    if format == "MP3":
        assert rate == 48000
        assert abs(seconds - 0.5) < 0.1
    else:
        assert (rate, seconds) == (22050, 0.5)
        np.testing.assert_allclose(found, samples.mean(axis=1), atol=1e-3)


@pytest.fixture
def player(kit, embedded):
    """The page with a player and five utterances of which it has the sounds."""
    corpus = corpora.load("embedded", embedded)
    paths = corpus.rows("test")["path"][:4]
    files = [corpus.audio_path(path) for path in paths]
    for number, file in enumerate(files):
        kit.files[f"{number}.wav"] = file.read_bytes()
    names = [*(file.name for file in files), "gone.wav"]
    kit.evaluate(HOST, [names, [*(soundfile.info(file).duration for file in files), 1]])
    return kit


def show(player, position, play=False):
    player.evaluate("([focus, play]) => host.set({focus}, {play})", [position, play])
    player.wait_for_function(SHOWN, arg=position)


def drag(player, start, end):
    """Drags over the picture, from and to shares of its sound; returns both in seconds."""
    box = player.locator(".es-player-canvas").bounding_box()
    left, width = box["x"] + 48, box["width"] - 48 - 44
    xs = [left + share * width for share in (start, end)]
    player.mouse.move(xs[0], box["y"] + 60)
    player.mouse.down()
    player.mouse.move(sum(xs) / 2, box["y"] + 62)
    player.mouse.move(xs[1], box["y"] + 64)
    player.mouse.up()
    seconds = player.evaluate("audio.duration")
    return start * seconds, end * seconds


def test_the_first_press_plays_the_first_of_the_table(player):
    hint = player.get_by_text("Click a point, or press Space, to hear an utterance.")
    assert hint.is_visible()
    player.get_by_role("button", name="Play").click()
    player.wait_for_function("!audio.paused && audio.currentTime > 0.1")
    assert player.evaluate("host.state.focus") == 3
    assert not hint.is_visible()
    player.wait_for_function(SHOWN, arg=3)
    player.get_by_role("button", name="Pause").click()
    assert player.evaluate("audio.paused")
    before = player.evaluate("audio.currentTime")
    player.wait_for_function(
        "document.querySelector('.es-player-clock').textContent.startsWith(audio.currentTime.toFixed(2) + ' / ')"
    )
    player.get_by_role("button", name="Play").click()
    player.wait_for_function(f"audio.ended || audio.currentTime > {before} + 0.1")
    player.wait_for_function("audio.ended", timeout=20000)
    player.get_by_role("button", name="Play").click()  # again from the beginning
    player.wait_for_function("!audio.paused && audio.currentTime < 1")


def test_next_and_previous_follow_the_table(player):
    followed = []
    for label in ["Next", "Next", "Next", "Next", "Next", "Previous", "Previous"]:
        player.get_by_role("button", name=label).click()
        player.wait_for_timeout(50)
        followed.append(player.evaluate("host.state.focus"))
    assert followed == [3, 1, 0, 4, 3, 4, 0]
    player.wait_for_function("!audio.paused && audio.currentTime > 0.05")
    facts = player.locator(".es-player-controls").inner_text()
    assert "V 2.50 · A 6.00 · D −5.50" in facts
    assert "<b>Angry</b> · speaker 24 · " in facts
    show(player, 1)
    facts = player.locator(".es-player-controls").inner_text()
    assert "the first 30 seconds" in facts
    assert player.evaluate("audio.paused")  # in focus without being asked to play
    player.evaluate("host.derived.order = new Int32Array(0); bar.step(1)")
    show(player, 2)
    assert "V 4.00 · D 4.00" in player.locator(".es-player-controls").inner_text()
    player.evaluate("host.set({focus: -1})")
    player.get_by_text("Click a point, or press Space, to hear an utterance.").wait_for()


def test_a_stretch_is_heard_and_nothing_else(player):
    show(player, 0)
    start, end = drag(player, 0.6, 0.4)[::-1]
    assert np.allclose(player.evaluate("bar.stretch"), [start, end], atol=0.02)
    player.wait_for_function(f"audio.paused && audio.currentTime > {end} - 0.02")
    for again in ("bar.toggle()", "document.querySelector('.es-player-play').click()"):
        player.evaluate(again)
        player.wait_for_function(f"!audio.paused || audio.currentTime < {end} - 0.1")
        player.wait_for_function(f"audio.paused && audio.currentTime > {end} - 0.02")
    player.keyboard.press("Space")  # the picture has the focus since the drag
    player.wait_for_function(f"audio.paused && audio.currentTime > {end} - 0.02")
    heard = np.array(player.evaluate("heard"))
    assert len(heard) > 10
    assert start - 0.03 < heard.min()
    assert heard.max() < end + 0.1
    assert player.evaluate("audio.currentTime") == pytest.approx(end, abs=0.05)
    numbers = player.locator(".es-player-numbers")
    assert f"stretch {end - start:.2f} s" in numbers.inner_text()
    player.keyboard.press("Escape")
    assert player.evaluate("bar.stretch") is None
    assert "stretch" not in numbers.inner_text()
    player.evaluate("bar.toggle()")
    player.wait_for_function(f"audio.currentTime > {end} + 0.2 || audio.ended")


def test_a_click_plays_from_there_and_clears_the_stretch(player):
    show(player, 0)
    drag(player, 0.2, 0.3)
    box = player.locator(".es-player-canvas").bounding_box()
    player.mouse.click(box["x"] + 48 + 0.7 * (box["width"] - 92), box["y"] + 20)
    duration = player.evaluate("audio.duration")
    player.wait_for_function(f"audio.currentTime > {0.7 * duration} && audio.currentTime < {0.9 * duration}")
    assert player.evaluate("bar.stretch") is None


def test_keys_alone(player):
    show(player, 0)
    place = player.get_by_role("slider")
    place.focus()
    player.keyboard.press("Home")
    for _ in range(4):
        player.keyboard.press("ArrowRight")
    for _ in range(5):
        player.keyboard.press("Shift+ArrowRight")
    assert np.allclose(player.evaluate("bar.stretch"), [0.4, 0.9], atol=0.01)
    player.wait_for_function("document.querySelector('[role=slider]').ariaValueNow === '0.90'")
    player.evaluate("heard.length = 0")
    player.keyboard.press("Space")
    player.wait_for_function("heard.length && audio.paused")
    heard = player.evaluate("heard")
    assert min(heard) > 0.38
    assert max(heard) < 1
    player.evaluate("""() => {
        window.escaped = 0;
        document.addEventListener("keydown", () => (escaped += 1));
    }""")
    player.keyboard.press("Escape")
    assert player.evaluate("[bar.stretch, escaped]") == [None, 0]
    player.keyboard.press("Escape")  # nothing more to clear here: the explorer's
    assert player.evaluate("escaped") == 1


def test_what_the_picture_says(player):
    show(player, 0)
    label = player.get_by_role("img").get_attribute("aria-label")
    duration = player.evaluate("audio.duration")
    assert f"{duration:.2f} seconds, mean F0" in label
    assert "mean intensity −" in label
    box = player.locator(".es-player-canvas").bounding_box()
    said = set()
    for share in np.linspace(0.1, 0.9, 30):
        player.mouse.move(box["x"] + 48 + share * (box["width"] - 92), box["y"] + 70)
        said.add(player.locator(".es-player-hover").inner_text())
    assert any("Hz" in text for text in said)
    assert all(" s · " in text and text.endswith(" dB") for text in said)
    player.mouse.move(5, 5)
    assert not player.locator(".es-player-hover").is_visible()


def test_a_sound_that_is_not_there(player):
    player.evaluate("host.set({focus: 4}, {play: true})")
    message = "The sound of <i>this</i> utterance is gone."
    player.get_by_text(message).wait_for()
    assert player.evaluate("[host.said, audio.hasAttribute('src')]") == [[message], False]
    player.files["2.wav"] = b"no sound at all"
    player.evaluate("host.set({focus: 2})")
    player.get_by_text("This browser cannot decode the sound.").wait_for()
    show(player, 0, play=True)
    player.wait_for_function("!audio.paused")


def test_who_goes_on_hears_and_sees_only_the_last(player):
    player.evaluate("window.slow = true; host.set({focus: 1}, {play: true})")
    player.wait_for_timeout(100)
    show(player, 0, play=True)
    player.wait_for_timeout(900)
    size = player.evaluate("async () => (await (await fetch(audio.src)).blob()).size")
    assert size == len(player.files["0.wav"]) != len(player.files["1.wav"])
    assert player.evaluate("document.querySelector('.es-player-canvas').ariaLabel.includes(host.table.names[0])")
    player.evaluate("window.over = []; URL.revokeObjectURL = (url) => over.push(url); null")
    first = player.evaluate("audio.src")
    show(player, 3)
    assert player.evaluate("over") == [first]


def test_the_cursor_follows_the_sound(player):
    show(player, 0, play=True)
    for moment in (0.2, 0.8):
        player.wait_for_function(f"audio.currentTime > {moment}")
        # between the two panels nothing but the cursor is painted
        seconds, seen = player.evaluate("""() => new Promise((resolve) => requestAnimationFrame(() => {
            const canvas = document.querySelector(".es-player-canvas");
            const {data} = canvas.getContext("2d").getImageData(0, 36, canvas.width, 1);
            const dark = [...Array(canvas.width).keys()].filter((x) => data[4 * x] < 60 && data[4 * x + 3] > 128);
            const middle = (dark[0] + dark.at(-1) + 1) / 2;
            resolve([audio.currentTime, (middle - 48) / (canvas.width - 48 - 44) * audio.duration]);
        }))""")
        assert seen == pytest.approx(seconds, abs=0.06)


def test_looks(player, screenshots):
    """Light and dark, wide and narrow; nothing is cut."""
    show(player, 0)
    drag(player, 0.3, 0.45)
    player.wait_for_function("audio.paused")
    for scheme, width in [("light", 1366), ("dark", 1366), ("light", 390), ("dark", 800)]:
        player.emulate_media(color_scheme=scheme)
        player.set_viewport_size({"width": width, "height": 768})
        player.wait_for_timeout(200)
        player.locator(".es-player").screenshot(path=screenshots / f"player_{scheme}_{width}.png")
        assert player.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert player.locator(".es-player-numbers").get_by_text("intensity").is_visible()
        boxes = [button.bounding_box() for button in player.get_by_role("button").all()]
        assert min(min(box["width"], box["height"]) for box in boxes) >= 32
