"""Playing live over the studio's WebSocket: round trip, what is due when, and how long before that it is here.

    python benchmarks/studio_live.py [--model NAME|FILE] [--phrases N] [--players N]

A studio is started as people start it, and phrases of four notes are played to it by programs, `players` at once:

    ping          from a client to the studio and back
    round trip    from the last note-off to the message of the first answering note
    until due     from the same note-off to when that note is due, which the pause and the way to the beat decide
    off the tick  how far from a tick of the music clicks and answers are due: the jitter of what is heard, as a page
                  plays what it has to the sample
    in hand       how long before it is due a note is here; what has less than nothing is heard late
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Ping, Request, TextMessage

SOURCE = Path(__file__).parents[1] / "src"
TEMPO = 120
QUARTER = 60 / TEMPO
TICK = QUARTER / 24
CLICKS = 9
SERVE = "from melodysynthesis.apps.cli import main; main()"


class Socket:
    """A WebSocket to the studio."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self._wire = reader, writer, WSConnection(ConnectionType.CLIENT)
        self._text = ""

    @classmethod
    async def open(cls, port: int) -> "Socket":
        """Connect."""
        socket = cls(*await asyncio.open_connection("127.0.0.1", port))
        socket._writer.write(socket._wire.send(Request(host=f"localhost:{port}", target="/api/live")))
        return socket

    def send(self, **message: Any) -> None:
        """Send a message."""
        self._writer.write(self._wire.send(TextMessage(data=json.dumps(message))))

    async def listen(self, heard: Any) -> None:
        """Tell messages with the times at which they came, until the socket is closed."""
        while data := await self._reader.read(65_536):
            self._wire.receive_data(data)
            for event in self._wire.events():
                if isinstance(event, AcceptConnection):
                    heard({"type": "open"}, time.monotonic())
                elif isinstance(event, Ping):
                    self._writer.write(self._wire.send(event.response()))
                elif isinstance(event, TextMessage):
                    self._text += event.data
                    if event.message_finished:
                        heard(json.loads(self._text), time.monotonic())
                        self._text = ""

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


@dataclass
class Person:
    """One who plays, and what is measured."""

    socket: Socket
    heard: asyncio.Queue[tuple[dict[str, Any], float]] = field(default_factory=asyncio.Queue)
    pings: list[float] = field(default_factory=list)
    trips: list[float] = field(default_factory=list)
    dues: list[float] = field(default_factory=list)
    off: list[float] = field(default_factory=list)
    hand: list[float] = field(default_factory=list)
    written: list[float] = field(default_factory=list)
    answers: list[tuple[float, float]] = field(default_factory=list)
    _clicks: float | None = None

    def take(self, message: dict[str, Any], at: float) -> None:
        """A message has come."""
        if message["type"] == "pong":
            self.pings.append(at - message["sent"])
        elif message["type"] == "written":
            self.written.append(message["seconds"])
        elif message["type"] == "midi" and message["data"][0] & 0xF0 == 0x90:
            self._note(message["data"][0] & 0x0F, message["at"], at)
        elif message["type"] in ("ready", "open", "mistake"):
            self.heard.put_nowait((message, at))

    def _note(self, channel: int, due: float, at: float) -> None:
        if channel == CLICKS and self._clicks is None:
            self._clicks = due  # the first bar line
        if self._clicks is not None:
            ticks = (due - self._clicks) / TICK
            self.off.append(abs(ticks - round(ticks)) * TICK)
        self.hand.append(due - at)
        if channel != CLICKS:
            self.answers.append((at, due))

    async def until(self, kind: str) -> None:
        """Wait for a message of a kind."""
        while (message := (await self.heard.get())[0])["type"] != kind:
            if message["type"] == "mistake":
                raise SystemExit(message["message"])

    async def play(self, model: str, phrases: int) -> None:
        """Play phrases, each after the answer to the one before."""
        await self.until("open")
        self.socket.send(type="play", tempo=TEMPO, click=True, at="beat", pause=0.5, bars=1,
                         request={"model": model, "seed": 1})  # fmt: skip
        await self.until("ready")
        await asyncio.sleep(1)
        for number in range(phrases):
            self.answers.clear()
            for pitch in (67, 69, 71, 67 + number % 5):
                self.socket.send(type="midi", data=[0x90, pitch, 80], at=time.monotonic())
                await asyncio.sleep(0.8 * QUARTER)
                last = time.monotonic()
                self.socket.send(type="midi", data=[0x80, pitch, 0], at=last)
                self.socket.send(type="ping", sent=time.monotonic())
                await asyncio.sleep(0.2 * QUARTER)
            await asyncio.sleep(8 * QUARTER)  # until the answer of a bar is over
            if self.answers:
                self.trips.append(self.answers[0][0] - last)
                self.dues.append(self.answers[0][1] - last)
        self.socket.close()


def spread(seconds: list[float], percent: int = 99) -> str:
    """Median and a percentile in milliseconds."""
    if not seconds:
        return "nothing measured"
    median, high = np.percentile(np.array(seconds) * 1000, [50, percent])
    return f"median {median:.2f} ms, p{percent} {high:.2f} ms, {len(seconds):,} measured"


async def measure(port: int, model: str, phrases: int, players: int) -> list[Person]:
    """Have some play at once."""
    people = [Person(await Socket.open(port)) for _ in range(players)]
    listening = [asyncio.create_task(person.socket.listen(person.take)) for person in people]
    await asyncio.gather(*(person.play(model, phrases) for person in people))
    for task in listening:
        task.cancel()
    return people


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="lstm")
    parser.add_argument("--phrases", type=int, default=20)
    parser.add_argument("--players", type=int, default=1, choices=(1, 2), help="the studio takes two from one address")
    chosen = parser.parse_args()
    command = (sys.executable, "-c", SERVE, "studio", "--port", "0", "--no-browser", "--model", chosen.model)
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(SOURCE)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        found = re.search(r"http://\S+:(\d+)", server.stdout.readline())
        assert found is not None
        name = Path(chosen.model).stem if Path(chosen.model).exists() else chosen.model
        try:
            people = asyncio.run(measure(int(found[1]), name, chosen.phrases, chosen.players))
        finally:
            server.terminate()
    print(f"{chosen.model}, {chosen.players} at once, {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}")

    def of_all(name: str) -> list[float]:
        return [value for person in people for value in getattr(person, name)]

    print(f"ping:         {spread(of_all('pings'))}")
    print(f"answered:     {len(of_all('trips'))} of {chosen.phrases * chosen.players} phrases")
    print(f"round trip:   {spread(of_all('trips'))}")
    print(f"until due:    {spread(of_all('dues'))}")
    print(f"model:        {spread(of_all('written'))}, to its first note")
    print(f"off the tick: {spread(of_all('off'))}")
    hand = of_all("hand")
    print(f"in hand:      {spread(hand, 1)}; {sum(value < 0 for value in hand) / max(1, len(hand)):.2%} late")


if __name__ == "__main__":
    main()
