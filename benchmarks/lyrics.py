"""Melodies for poems: are all syllables set, do lines end with phrases, and are stressed syllables on strong beats?

Run: ``python benchmarks/lyrics.py [--model lstm] [--particles 4] [--songs FOLDER] [--critic]``. The
stanzas are in `poems.txt`;
with a folder of songs, scores with words, the first four lines of some English and German ones are set, too. Stress is
that of `melodysynthesis.prosody`, word by word; beside it stands the share of all syllables that are on strong beats.
Prints each stanza that falls short, totals by language with 95 % bootstrap intervals, and seconds of processor; of the
songs also how many of their words are divided into as many syllables as are sung. With ``--critic`` a critic tells the
melodies, and melodies of the same meters, bars and rules without words, from the Essen collection's test tunes.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from time import process_time

import numpy as np

from melodysynthesis import api, corpora, formats, prosody
from melodysynthesis.constraints.timeline import Timeline
from melodysynthesis.errors import RequestError
from melodysynthesis.evaluation.critic import two_sample
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody
from melodysynthesis.prosody.text import stresses_of

LEAST = 0.8
"""Share of a stanza's stressed syllables on strong beats; stanzas below are listed."""


def poems() -> Iterator[tuple[str, str, str]]:
    """Language, title and text of each stanza."""
    for block in Path(__file__).with_name("poems.txt").read_text("utf-8").split("\n\n"):
        head, _, text = block.strip().partition("\n")
        if not head.startswith("#"):
            yield head[:2], head[3:], text


SONGS_A_LANGUAGE = 65
_LANGUAGE_SHARE = 0.2
"""Of a text's words, little ones that its language must have: others are French or Italian."""


def songs(folder: Path) -> Iterator[tuple[str, str, list[tuple[str, int]]]]:
    """Language, title, and the words with the number of their syllables, of songs evenly chosen from a folder."""
    found: dict[str, list[tuple[str, str, list[tuple[str, int]]]]] = {language: [] for language in prosody.LANGUAGES}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        words = words_of(formats.read(path).melodies[0].lyrics)
        bare = [re.sub(r"[^\w'’]", "", word) for word, _ in words]
        language = prosody.guess(bare)
        little = sum(not any(prosody.stresses((word.lower(),), language)) for word in bare)
        if len(words) > 20 and little > _LANGUAGE_SHARE * len(words):
            found[language].append((language, path.stem, words))
    for own in found.values():
        yield from islice(own[:: max(1, len(own) // SONGS_A_LANGUAGE)], SONGS_A_LANGUAGE)


def words_of(lyrics: tuple[tuple[int, str], ...]) -> list[tuple[str, int]]:
    """The words of lyrics, each with the number of its syllables as it is sung."""
    words, parts = list[tuple[str, int]](), list[str]()
    for _, syllable in lyrics:
        parts.append(re.sub(r"^\d+\.?\s*", "", syllable.removesuffix("-")))  # without a verse's number
        if not syllable.endswith("-") and any(parts):
            words.append(("".join(parts), len(parts)))
            parts = []
    return words


def four_lines(words: list[tuple[str, int]]) -> str:
    """The first four lines: each ends with a punctuation mark, and has 4 to 12 syllables."""
    lines, line, count = list[str](), list[str](), 0
    for word, syllables in words:
        line.append(word)
        count += syllables
        if (count >= 4 and word[-1] in ",.;:!?") or count >= 11:
            lines.append(" ".join(line))
            line, count = [], 0
    return "\n".join(lines[:4])


def divided_alike(texts: list[tuple[str, str, list[tuple[str, int]]]]) -> str:
    """How many of the words have as many syllables as are sung."""
    rows = {
        (language, re.sub(r"[^\w'’]", "", word).lower(), count) for language, _, words in texts for word, count in words
    }
    rows = {row for row in rows if row[1] and not re.search(r"[\d_‿]", row[1])}
    shares = []
    for language in prosody.LANGUAGES:
        own = [(word, count) for of, word, count in rows if of == language]
        equal = sum(len(prosody.syllables(word, language)) == count for word, count in own)
        shares.append(f"{language} {equal} of {len(own)}")
    return "words with as many syllables as are sung: " + ", ".join(shares)


def main() -> None:
    """Set all stanzas and print what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="lstm")
    parser.add_argument("--particles", type=int, default=4)
    parser.add_argument("--songs", type=Path, help="a folder of scores with words")
    parser.add_argument("--critic", action="store_true", help="compare with melodies without words")
    asked = parser.parse_args()
    model, counts, guessed = api.load_model(asked.model), dict[str, list[tuple[int, int, int, int]]](), 0
    sung = list(songs(asked.songs)) if asked.songs else []
    texts = [*poems(), *((language, title, four_lines(words)) for language, title, words in sung)]
    unset, broken, seconds, pairs = [], [], list[float](), list[tuple[Melody, Request]]()
    for language, title, text in texts:
        start = process_time()
        try:
            request = Request(
                lyrics=text, key="G major", scale="major", cadence=True, seed=1, particles=asked.particles
            )
            (made,) = api.draw(request, model=model)
        except RequestError as error:
            unset.append(f"{title}: {str(error)[:300]}")
            continue
        seconds.append(process_time() - start)
        pairs.append((made.melody, request))
        guessed += request.language == language
        if str(api.certify(made.melody, request).verdict) != "kept":
            broken.append(title)
        strong = Timeline.of_melody(made.melody).strong
        stressed = [flag for line in stresses_of(request.lyrics, request.language) for flag in line]
        on_strong = [strong[tick] for tick, _ in made.melody.lyrics]
        hits = sum(a and b for a, b in zip(stressed, on_strong, strict=True))
        counts.setdefault(language, []).append((hits, sum(stressed), sum(on_strong), len(stressed)))
        if hits < LEAST * sum(stressed):
            print(f"{title}: {hits} of {sum(stressed)} in {request.bars} bars of {request.meter}")
    print(f"set: {sum(map(len, counts.values()))} of {len(texts)} stanzas; certified: all but {len(broken)}")
    if sung:
        print(divided_alike(sung))
    print(f"language guessed right: {guessed}")
    for line in [*unset, *broken]:
        print(f"  {line}")
    for language, rows in counts.items():
        table, random = np.array(rows), np.random.default_rng(1)
        draws = table[random.integers(len(table), size=(2_000, len(table)))].sum(axis=1)
        low, high = np.percentile(draws[:, 0] / draws[:, 1], [2.5, 97.5])
        hits, stressed, strong, syllables = table.sum(axis=0)
        print(
            f"{language}: {hits / stressed:.1%} [{low:.1%}, {high:.1%}] of {stressed} stressed syllables are strong; "
            f"of all {syllables}: {strong / syllables:.1%}"
        )
    middle, ninth, longest = np.quantile(seconds, [0.5, 0.9, 1])
    print(f"seconds of processor a stanza: median {middle:.2f}, nine in ten within {ninth:.2f}, longest {longest:.2f}")
    if asked.critic:
        print_areas(pairs, model)


def print_areas(pairs: list[tuple[Melody, Request]], model: api.OpenedModel) -> None:
    """The critic's areas with words and without."""
    people = list(corpora.load("essen-german").split("test"))
    plain = []
    for _, request in pairs:
        kept = ("meter", "pickup", "bars", "key", "scale", "cadence", "seed", "particles")
        without = Request(**{name: getattr(request, name) for name in kept})
        plain += [made.melody for made in api.draw(without, model=model)]
    for by in ("features", "tokens"):
        for name, melodies in (("with words", [melody for melody, _ in pairs]), ("without", plain)):
            test = two_sample(people, melodies, by=by)
            print(f"critic by {by}, {name}: area {test.auc} of {test.pairs} pairs")


if __name__ == "__main__":
    main()
