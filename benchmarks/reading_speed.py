"""Reading speed beside an older state of the sources, in one run.

    python benchmarks/reading_speed.py FOLDER ... --before OLD/src [--rounds 15]

Both states read the small score files of the folders, a process each, in alternation; files that one of them refuses
are left out. Printed is, for each format and for files with and without words, the milliseconds of processor time a
file, and the median over the rounds of the ratios now to before.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LARGEST = 2**16
"""Bytes of a file."""

Kinds = dict[str, list[tuple[str, bytes]]]  # format and words -> source and bytes of each file


def main() -> None:
    """Print the table, or, where a state is measured, answer each line with its times."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--before", type=Path, help="the older sources, a folder with the package in it")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--files", type=int, default=150, help="at most so many of a format")
    options = parser.parse_args()
    if options.before is None:
        serve(kinds_of(options.folders, options.files))
        return
    command = [sys.executable, __file__, *map(str, options.folders), "--files", str(options.files)]
    now, before = (started(command, path) for path in (os.environ.get("PYTHONPATH", "src"), str(options.before)))
    refused = [path for process in (now, before) for path in asked(process, [])["refused"]]  # this is the warming up
    pairs = [(asked(now, refused), asked(before, refused)) for _ in range(options.rounds)]
    for kind, count in pairs[0][0]["files"].items():
        if not count:
            continue
        own, old = ([1000 * one["seconds"][kind] / count for one in side] for side in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in zip(own, old, strict=True))
        print(f"{kind:24} {count:4} files  {min(own):7.3f} ms now  {min(old):7.3f} ms before  ratio {ratio:.2f}")
    for process in (now, before):
        process.terminate()


def started(command: list[str], sources: str) -> subprocess.Popen[str]:
    """A process that measures the state of such sources."""
    environment = os.environ | {"PYTHONPATH": sources}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def asked(process: subprocess.Popen[str], left_out: Sequence[str]) -> dict[str, Any]:
    """The seconds and the number of files of each kind, of one round, and the files that were refused."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(left_out) + "\n")
    process.stdin.flush()
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def serve(kinds: Kinds) -> None:
    """Measure a round for each line that comes."""
    from melodysynthesis import formats

    for line in sys.stdin:
        left_out, seconds = set(json.loads(line)), {}
        refused: list[str] = []
        for kind, files in kinds.items():
            start = time.process_time()
            for source, data in files:
                if source not in left_out:
                    try:
                        formats.read_bytes(data, kind.split()[0], source)
                    except Exception:  # one that this state can't read
                        refused.append(source)
            seconds[kind] = time.process_time() - start
        counts = {kind: sum(source not in left_out for source, _ in files) for kind, files in kinds.items()}
        print(json.dumps({"seconds": seconds, "files": counts, "refused": refused}), flush=True)


def kinds_of(folders: list[Path], most: int) -> Kinds:
    """The small files of the folders by format and words."""
    from melodysynthesis import formats

    suffixes = {suffix: format.name for format in formats.FORMATS.values() if format.read for suffix in format.suffixes}
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes)
    kinds: Kinds = {}
    for path in paths:
        if path.stat().st_size <= LARGEST:
            data = path.read_bytes()
            words = " with words" if suffixes[path.suffix] == "midi" and b"\xff\x05" in data else ""
            kinds.setdefault(suffixes[path.suffix] + words, []).append((str(path), data))
    return {kind: files[:: 1 + len(files) // most] for kind, files in sorted(kinds.items())}


if __name__ == "__main__":
    main()
