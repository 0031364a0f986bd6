"""The studio: how soon the page can be used, how soon notes are seen, and twenty people who generate at once.

    python benchmarks/studio.py [--people 20] [--rounds 3] [--no-browser] [--against OTHER/src]

Wall time is what a person waits for; processor time tells what of it is a busy machine's. The crowd comes over the
WebSocket, each with a request of its own for three melodies of eight bars. With `--against` another version of the
package is measured in the same run, turn about.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, Request, TextMessage

SOURCE = Path(__file__).parents[1] / "src"
SERVE = "from melodysynthesis.apps.cli import main; main()"
ASKED = {"bars": 8, "meter": "3/4", "key": "G major", "count": 3, "temperature": 0.9}
GOALS = {"page can be used": 1.0, "first note": 0.15, "first melody": 1.0}
TICKS = os.sysconf("SC_CLK_TCK")
# from the click on: when a note is drawn in the roll, and when all of the first melody's are
WATCH = """() => new Promise((resolve) => {
    const begun = performance.now();
    const found = {};
    const look = () => {
        const drawn = document.querySelectorAll("#roll .note").length;
        if (drawn && !found.note) found.note = performance.now() - begun;
        const whole = performance.getEntriesByName("melody").length;
        if (whole && drawn) return resolve({ ...found, melody: performance.now() - begun });
        requestAnimationFrame(look);
    };
    document.querySelector("#generate").click();
    look();
})"""


class Visit(NamedTuple):
    """One of a crowd: seconds until the first note, the first melody and the end; None for what never came."""

    note: float | None
    melody: float | None
    done: float | None


@contextlib.contextmanager
def studio(source: Path) -> Iterator[tuple[str, int]]:
    """Address and process of a studio whose workers are warm."""
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", SERVE, "studio", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        address = re.search(r"http://\S+", server.stdout.readline())
        assert address is not None
        try:
            time.sleep(1)
            asyncio.run(crowd(address[0], 4))  # every worker is warm
            settle(server.pid)
            yield address[0], server.pid
        finally:
            server.terminate()


def family(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return [pid, *(below for child in children.read_text().split() for below in family(int(child)))]


def used(pid: int) -> tuple[float, float]:
    """Processor seconds and resident MB of a process and all below it."""
    seconds = rule = 0.0
    for each in family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / TICKS
        rule += int(Path(f"/proc/{each}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return seconds, rule


def settle(pid: int) -> None:
    """Wait until the corpora are read and nothing works any more."""
    before = used(pid)[0]
    while True:
        time.sleep(2)
        now = used(pid)[0]
        if now - before < 0.1:
            return
        before = now


async def crowd(address: str, people: int) -> list[Visit]:
    """So many people, all at once."""
    return list(await asyncio.gather(*(visit(address, seed) for seed in range(people))))


async def visit(address: str, seed: int) -> Visit:
    """One person's request, from before the connection is made."""
    place = urlsplit(address)
    begun, seen = time.perf_counter(), dict[str, float]()
    melodies = 0
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    socket = WSConnection(ConnectionType.CLIENT)
    writer.write(socket.send(Request(host=place.netloc, target="/api/generate")))
    text = ""
    with contextlib.suppress(ConnectionError):  # the studio may have gone before it reads our goodbye
        while data := await reader.read(2**16):
            socket.receive_data(data)
            for event in socket.events():
                if isinstance(event, AcceptConnection):
                    writer.write(socket.send(TextMessage(json.dumps(ASKED | {"seed": seed}))))
                elif isinstance(event, TextMessage):
                    text += event.data
                    if event.message_finished:
                        kind, text = json.loads(text)["type"], ""
                        seen.setdefault(kind, time.perf_counter() - begun)
                        melodies += kind == "melody"
                elif isinstance(event, CloseConnection | Ping):
                    writer.write(socket.send(event.response()))
    writer.close()
    whole = melodies == ASKED["count"] and "done" in seen
    return Visit(seen.get("notes"), seen.get("melody"), seen["done"] if whole else None)


def told_of_crowd(name: str, visits: list[Visit], seconds: float, rule: tuple[float, float]) -> None:
    """Percentiles of the crowd's waiting."""
    for what in Visit._fields:
        waited = sorted(value for one in visits if (value := getattr(one, what)) is not None) or [float("nan")]
        half, most = (waited[min(len(waited) - 1, int(share * len(waited)))] for share in (0.5, 0.95))
        print(f"{name}, {what}: p50 {half:.2f} s, p95 {most:.2f} s, last {waited[-1]:.2f} s")
    lost = sum(one.done is None for one in visits)
    print(
        f"{name}: {lost} of {len(visits)} lost; {seconds / len(visits):.2f} s of processor each; "
        f"{rule[0]:,.0f} MB before, {rule[1]:,.0f} MB after; load {os.getloadavg()[0]:.1f}"
    )


def measure_crowd(name: str, source: Path, people: int, rounds: int) -> None:
    """Rounds of a crowd in one studio, told together."""
    with studio(source) as (address, pid):
        asyncio.run(crowd(address, people))  # rule grows until each worker has met everything
        visits, (before, rule) = list[Visit](), used(pid)
        for _ in range(rounds):
            visits += asyncio.run(crowd(address, people))
        after, memory_then = used(pid)
        told_of_crowd(name, visits, after - before, (rule, memory_then))


def measure_page(rounds: int) -> None:
    """One person in Chromium: from the address to a page that can be used, from the click to notes."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    found: dict[str, list[float]] = {name: [] for name in GOALS}
    with studio(SOURCE) as (address, pid), sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        before = used(pid)[0]
        for _ in range(rounds + 1):  # the first one warms Chromium
            page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
            begun = time.perf_counter()
            page.goto(address)
            page.wait_for_selector("body[data-ready]")
            found["page can be used"].append(time.perf_counter() - begun)
            seen = page.evaluate(WATCH)
            found["first note"].append(seen["note"] / 1000)
            found["first melody"].append(seen["melody"] / 1000)
            page.wait_for_selector("#stop", state="hidden")
            page.context.close()
        seconds = (used(pid)[0] - before) / (rounds + 1)
        browser.close()
    for name, all_of_them in found.items():
        waited = all_of_them[1:]
        median = statistics.median(waited)
        spread = f"{min(waited):.3f} to {max(waited):.3f}"
        met = "met" if median <= GOALS[name] else "missed"
        print(f"{name}: {median:.3f} s ({spread}); goal {GOALS[name]} s, {met}; load {os.getloadavg()[0]:.1f}")
    print(f"the server and its workers: {seconds:.2f} s of processor for a visit")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--browser", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--against", type=Path)
    chosen = parser.parse_args()
    if chosen.browser:
        measure_page(chosen.rounds)
    measure_crowd(f"{chosen.people} at once", SOURCE, chosen.people, chosen.rounds)
    if chosen.against:
        measure_crowd(f"{chosen.people} at once, {chosen.against}", chosen.against, chosen.people, chosen.rounds)


if __name__ == "__main__":
    main()
