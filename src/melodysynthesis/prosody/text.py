"""A text to sing: lines of words, read from what is typed, divided into syllables, with their stresses."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from melodysynthesis import prosody
from melodysynthesis.errors import RequestError, unknown

MAX_SYLLABLES = 800
MAX_CHARACTERS = 20_000
LONGEST_LINE = 16
"""Syllables; a longer line is divided, at punctuation where it can be."""
_PUNCTUATION = '.,;:!?…"“”„»«()'
_DASHES = re.compile(r"\s*(?:--+|[–—])\s*")
_WORD = re.compile(rf"[^\W\d_]+(?:[{prosody.APOSTROPHES}-]+[^\W\d_]+)*[{prosody.APOSTROPHES}]?")
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ]")


class Word(NamedTuple):
    """A word of a text: its `syllables` with the punctuation around them; `divided` if the text says the division."""

    syllables: tuple[str, ...]
    divided: bool

    def __str__(self) -> str:
        return "-".join(self.syllables)


class Lyrics(NamedTuple):
    """A text to sing: lines of words."""

    lines: tuple[tuple[Word, ...], ...]

    def syllable_count(self) -> int:
        """Number of syllables."""
        return sum(len(word.syllables) for line in self.lines for word in line)


def parse_lyrics(text: str) -> Lyrics:
    """The lines and words of a text, each line ended by a line break or a slash.

    Raises:
        RequestError: if there is no syllable, too much text, or a word in another script.
    """
    if len(text) > MAX_CHARACTERS:
        raise RequestError(f"lyrics: {len(text):,} characters are more than {MAX_CHARACTERS:,}")
    lines = [_words(line) for line in re.split(r"[\r\n/|]+", _DASHES.sub(" ", text))]
    lines = [line for line in lines if line]
    if not lines:
        raise RequestError(
            'lyrics: there is no word: expected lines of a text, such as "Twinkle, twinkle / little star"'
        )
    return Lyrics(tuple(lines))


def parse_language(text: str) -> str:
    """One of `prosody.LANGUAGES`.

    Raises:
        RequestError: for any other.
    """
    name = {"english": "en", "german": "de", "deutsch": "de"}.get(text.strip().lower(), text.strip().lower())
    if name not in prosody.LANGUAGES:
        raise RequestError(unknown("language", text.strip()[:40], prosody.LANGUAGES))
    return name


def format_lyrics(lyrics: Lyrics) -> str:
    """The inverse of `parse_lyrics`: syllables separated by hyphens, lines by slashes."""
    return " / ".join(" ".join(map(str, line)) for line in lyrics.lines)


def _words(line: str) -> tuple[Word, ...]:
    found = []
    for chunk in line.split():
        match = _WORD.search(chunk)
        if match is None:
            if re.search(r"\d", chunk):
                raise RequestError(f"lyrics {chunk[:20]!r}: write numbers as words")
            continue
        bare = match[0].strip("-")
        for letter in bare:
            if letter.isalpha() and not _LATIN.match(letter):
                raise RequestError(f"lyrics {bare[:20]!r}: expected a text in English or German, in Latin letters")
        if re.search(r"\d", chunk):
            raise RequestError(f"lyrics {chunk[:20]!r}: write numbers as words")
        before = "".join(c for c in chunk[: match.start()] if c in _PUNCTUATION + prosody.APOSTROPHES)
        after = "".join(c for c in chunk[match.end() :] if c in _PUNCTUATION + prosody.APOSTROPHES)
        parts = [part[:60] for part in bare.split("-") if part]
        parts[0], parts[-1] = before + parts[0], parts[-1] + after
        found.append(Word(tuple(parts), len(parts) > 1))
    return tuple(found)


def divide(lyrics: Lyrics, language: str) -> Lyrics:
    """The text with each word divided into its syllables, and long lines into shorter ones.

    Raises:
        RequestError: if there are too many syllables.
    """
    lines = [[_divide(word, language) for word in line] for line in lyrics.lines]
    count = sum(len(word.syllables) for line in lines for word in line)
    if count > MAX_SYLLABLES:
        raise RequestError(f"lyrics: {count:,} syllables are more than {MAX_SYLLABLES}")
    return Lyrics(tuple(part for line in lines for part in _shorter(tuple(line))))


def _divide(word: Word, language: str) -> Word:
    if word.divided:
        return word
    (text,) = word.syllables
    match = _WORD.search(text)
    assert match is not None
    parts = list(prosody.syllables(match[0], language))
    parts[0], parts[-1] = text[: match.start()] + parts[0], parts[-1] + text[match.end() :]
    return Word(tuple(parts), len(parts) > 1)


def _shorter(line: tuple[Word, ...]) -> list[tuple[Word, ...]]:
    total = sum(len(word.syllables) for word in line)
    if total <= LONGEST_LINE or len(line) < 2:
        return [line]
    best, so_far = (float("inf"), 1), 0
    for number, word in enumerate(line[:-1], 1):
        so_far += len(word.syllables)
        ends = word.syllables[-1][-1] in _PUNCTUATION
        best = min(best, (abs(so_far - total / 2) - (total / 3 if ends else 0), number))
    return [*_shorter(line[: best[1]]), *_shorter(line[best[1] :])]


def language_of(lyrics: Lyrics, requested: str | None) -> str:
    """The language that is requested, or else a guess."""
    return requested or prosody.guess(
        ["".join(word.syllables).strip(_PUNCTUATION) for line in lyrics.lines for word in line]
    )


@cache
def stresses_of(lyrics: Lyrics, language: str) -> tuple[tuple[bool, ...], ...]:
    """Of each line which syllables are stressed."""
    return tuple(tuple(flag for word in line for flag in _stresses(word, language)) for line in lyrics.lines)


def _stresses(word: Word, language: str) -> tuple[bool, ...]:
    bare = [re.sub(rf"[{re.escape(_PUNCTUATION)}]", "", part) for part in word.syllables]
    return prosody.stresses(tuple(bare), language)
