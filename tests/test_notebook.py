"""A melody in a notebook is its score and its sound, and no text of a file is markup."""

import base64
import io
import re
import subprocess
import sys
import wave
from dataclasses import replace

import numpy as np
import pytest

from melodysynthesis.music import Melody
from melodysynthesis.notation import parse_key, parse_meter, parse_notes
from melodysynthesis.notebook import LONGEST, html

TUNE = replace(parse_notes("G4:1 A4:1/2 B4:1/2 D5:1 C5:2 B4:1"), meters=(parse_meter("3/4"),), key=parse_key("G major"))
SHOW = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import melodysynthesis.music, sys
assert "melodysynthesis.formats" not in sys.modules
from melodysynthesis.notation import parse_notes
data, _ = shell.display_formatter.format(parse_notes("G4:1 A4:1"))
assert data["text/html"].startswith("<figure"), data
assert data["text/plain"].startswith("Melody(")
assert "text/html" not in shell.display_formatter.format(3)[0]
"""


def data_of(page, kind):
    return base64.b64decode(re.search(rf'src="data:{re.escape(kind)};base64,([^"]+)"', page)[1])


def test_the_score_is_a_picture_and_the_sound_is_not_silent():
    page = html(TUNE)
    assert data_of(page, "image/svg+xml").startswith(b"<svg")
    assert 'alt="Score: G major, 3/4, 2 bars, 6 notes"' in page
    with wave.open(io.BytesIO(data_of(page, "audio/wav"))) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
        assert (sound.getnchannels(), sound.getframerate()) == (1, 24_000)
        seconds = TUNE.duration / 24 / 2 + 1  # at two quarters a second, and until the last note has faded
        assert sound.getnframes() / 24_000 == pytest.approx(seconds, abs=0.1)
    assert np.abs(samples).max() > 1000


def test_a_title_is_text():
    page = html(replace(TUNE, source='<img src=x onerror="alert(1)">'))
    assert page.count("<img") == 1
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;" in page


def test_what_has_no_notes_or_too_many_is_shown_as_far_as_it_can_be():
    assert "0 notes" in html(Melody((), 96))
    repeated = "G4:4 " * round(LONGEST / 2 + 2)
    page = html(replace(parse_notes(repeated), meters=(parse_meter("4/4"),)))
    assert "<audio" not in page
    assert "formats.write" in page


def test_ipython_shows_it_and_loads_nothing_before():
    pytest.importorskip("IPython", reason="IPython is not installed")
    subprocess.run([sys.executable, "-W", "ignore", "-c", SHOW], check=True)
