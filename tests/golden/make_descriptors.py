"""Makes descriptors.json: some of the original study's generated melodies with its own figures for them.

    python tests/golden/make_descriptors.py FOLDER

FOLDER holds the study's lstm_outputs.txt, lstm_eval.csv, transformer_outputs.txt and transformer_eval.csv (Ghoshal et
al. 2026, arXiv 2603.21282; MIT licence, see descriptors.LICENSE.txt). Chosen are the first melodies of each file and
those in which the study's program does something of note.
"""

import csv
import json
import sys
from itertools import pairwise
from pathlib import Path

# Lines, from 1. From 93 and 462 on: sounds longer than a segment. Added to these: rests beside rests or at
# the beginning.
CHOSEN = {
    "lstm": (1, 2, 3, 4, 5, 6, 93, 319, 483, 527, 719, 740, 823, 890, 926, 952),
    "transformer": (1, 2, 3, 4, 5, 6, 462),
}
OF_EACH = 17


def main(folder: Path) -> None:
    """Write descriptors.json beside this script."""
    melodies = []
    for model, lines in CHOSEN.items():
        texts = [line.split() for line in (folder / f"{model}_outputs.txt").read_text().splitlines()]
        with (folder / f"{model}_eval.csv").open() as file:
            rows = list(csv.reader(file))[1:]
        special = [n for n, tokens in enumerate(texts, 1) if tokens[0] == "r" or rests_in_a_row(tokens)]
        for line in sorted({*lines, *special[: OF_EACH - len(lines)]}):
            figures = [float(cell) for cell in rows[line - 1][1:]]
            melodies.append({"model": model, "line": line, "tokens": " ".join(texts[line - 1]), "figures": figures})
    made = {
        "source": "MelodySynthesis, Ghoshal et al. 2026, arXiv 2603.21282",
        "licence": "MIT, Copyright (c) 2025 Soudeep Ghoshal and Sandipan Chakraborty; descriptors.LICENSE.txt",
        "melodies": melodies,
    }
    target = Path(__file__).with_name("descriptors.json")
    target.write_text(json.dumps(made, indent=1) + "\n")


def rests_in_a_row(tokens: list[str]) -> bool:
    """Whether a rest stands beside a rest."""
    sounds = [token for token in tokens if token != "_"]
    return any(a == b == "r" for a, b in pairwise(sounds))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
