"""`melody live`: play with a model over MIDI ports."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from threading import Event, Thread, Timer
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from melodysynthesis.apps.asking import asks
from melodysynthesis.apps.console import JSON_OPTION, say, say_json, say_table
from melodysynthesis.errors import FormatError, RequestError

if TYPE_CHECKING:
    from melodysynthesis.apps.ports import Ports
    from melodysynthesis.live import Player, Setting

MIDI_SUFFIXES = (".mid", ".midi")
SAVE_SECONDS = 30.0
"""At most so much of a recording is lost if the program is killed."""


class Places(NamedTuple):
    """The ports, and the names of those to listen to and to play on; None for virtual ones."""

    ports: Ports
    source: str | None
    target: str | None

    def __str__(self) -> str:
        virtual = "a virtual port, MelodySynthesis {}"
        source, target = self.source or virtual.format("in"), self.target or virtual.format("out")
        return f"Listening to {source}, playing on {target}"


@asks
def command(
    *,
    input: Annotated[str | None, typer.Option(help="MIDI port to listen to: name, piece of it, number.")] = None,
    output: Annotated[str | None, typer.Option(help="MIDI port to play on; without one a virtual port.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the MIDI ports.")] = False,
    along: Annotated[bool, typer.Option("--along", help="Play along, instead of taking turns.")] = False,
    model: Annotated[str | None, typer.Option(help="Name of a model (see `melody models`) or a file.")] = None,
    tempo: Annotated[float, typer.Option(help="Quarters a minute.")] = 100.0,
    meter: Annotated[str, typer.Option(help='Such as "3/4" or "6/8".')] = "4/4",
    key: Annotated[str | None, typer.Option(help='Such as "G major"; else what you play tells.')] = None,
    pause: Annotated[str, typer.Option(help='Silence in quarters that ends a phrase: 1, "1/2".')] = "1/2",
    at: Annotated[str, typer.Option(help="On which line answers begin: bar or beat.")] = "bar",
    trade: Annotated[int | None, typer.Option(help="Trade so many bars, without waiting for a pause.")] = None,
    bars: Annotated[int | None, typer.Option(help="Bars of an answer; as many as you played if not given.")] = None,
    click: Annotated[bool, typer.Option("--click", help="Play a metronome on channel 10.")] = False,
    sync: Annotated[bool, typer.Option("--sync", help="Follow the MIDI clock that comes in.")] = False,
    channel: Annotated[int, typer.Option(help="MIDI channel, 1 to 16, that answers are played on.")] = 1,
    asked: dict[str, Any],
    record: Annotated[Path | None, typer.Option(help="MIDI file for what both have played.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop after so long; else Ctrl-C stops.")] = None,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Play with a model: you play a phrase, it answers in time; or it plays along.

    The beat starts with your first note, or with the click, or with the sequencer whose clock is followed. Enter is
    panic: it silences everything. Ctrl-C stops. Rules are kept by each answer; they need a --key.
    """
    from melodysynthesis.apps.ports import RtMidiPorts, choose

    _check(record, minutes)
    ports = RtMidiPorts()
    try:
        if listed:
            _list(ports.inputs(), ports.outputs(), as_json)
            return
        source = choose("input", input, ports.inputs()) if input is not None else None
        target = choose("output", output, ports.outputs()) if output is not None else None
        setting = _setting(tempo=tempo, meter=meter, key=key, along=along, pause=pause, trade=trade, bars=bars, at=at,
                           sync=sync, click=click, channel=channel - 1)  # fmt: skip
        asked |= {"model": model} if model is not None else {}
        _play(Places(ports, source, target), setting, asked, record, minutes)
    finally:
        ports.close()


def _play(places: Places, setting: Setting, asked: dict[str, Any], record: Path | None, minutes: float | None) -> None:
    from melodysynthesis.apps.opening import open_model
    from melodysynthesis.apps.session import Session, SystemClock, WriterThread, punctual, watched
    from melodysynthesis.generation.request import Request
    from melodysynthesis.live import ModelImproviser, Player
    from melodysynthesis.live.improviser import check_along

    request = Request(**asked, meter=setting.meter, key=setting.key, bars=setting.bars or setting.trade)
    if setting.along:
        check_along(request)
    improviser = ModelImproviser(open_model(request.model)[0], request)
    player = Player(setting)
    session = Session(player, places.ports, places.source, places.target, say=say, clock=SystemClock())
    greeting = f"{places}. {_how(setting)}; seed {request.seed}. Enter silences, Ctrl-C stops."
    try:
        with punctual(), watched(session, places.ports), _ended(session.quit, minutes), _kept(player, record):
            _listen_to_enter(session.panic)
            session.run(WriterThread(improviser, session), greeting)
    finally:
        _save(player, record)
        if record is not None:
            yours, mine = len(player.recording.person), len(player.recording.model)
            say(f"{record}: {yours} notes of yours, {mine} of the model")


def _setting(*, meter: str, key: str | None, pause: str, **others: Any) -> Setting:
    from melodysynthesis.generation.notation import parse_key, parse_meter, parse_quarters
    from melodysynthesis.live import Setting
    from melodysynthesis.music import TICKS_PER_QUARTER

    return Setting(
        meter=parse_meter(meter),
        key=parse_key(key) if key is not None else None,
        pause=Fraction(parse_quarters(pause), TICKS_PER_QUARTER),
        **others,
    )


def _check(record: Path | None, minutes: float | None) -> None:
    """Complain of what would only show at the end."""
    if minutes is not None and not 0 < minutes < 10_000:
        raise RequestError(f"minutes {minutes:g}: expected more than 0")
    if record is None:
        return
    if record.suffix.lower() not in MIDI_SUFFIXES:
        raise RequestError(f"record {str(record)!r}: what is played is recorded as MIDI: expected a name in .mid")
    if not record.absolute().parent.is_dir():
        raise FormatError(f"can't be written: there is no folder {str(record.parent)!r}", str(record), "can't write")


def _list(inputs: list[str], outputs: list[str], as_json: bool) -> None:
    if as_json:
        say_json({"inputs": inputs, "outputs": outputs})
        return
    rows = [(kind, str(n), name) for kind, names in (("input", inputs), ("output", outputs))
            for n, name in enumerate(names, 1)]  # fmt: skip
    if rows:
        say_table(rows)
    else:
        say("there are no MIDI ports: without --input and --output virtual ones are made")


def _how(setting: Setting) -> str:
    """What is going to happen, in words."""
    beat = "the MIDI clock's tempo" if setting.sync else f"{setting.tempo:g} quarters a minute"
    start = "" if setting.sync or setting.click else ", from your first note on"
    if setting.along:
        what = "playing along"
    elif setting.trade:
        what = f"trading {setting.trade} bar{'s' * (setting.trade != 1)}"
    else:
        what = f"answering after {float(setting.pause):g} quarters of silence, at the next {setting.at} line"
    return f"{setting.meter}, {setting.key or 'key as you play'}, {beat}{start}; {what}"


@contextmanager
def _ended(quit: Callable[[], None], minutes: float | None) -> Iterator[None]:
    """End the session in order at Ctrl-C, when the terminal closes, or after some minutes."""
    signals = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, lambda *_: quit()) for number in signals}
    timer = Timer(60 * minutes, quit) if minutes is not None else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _kept(player: Player, record: Path | None) -> Iterator[None]:
    """Save what was played every now and then, so that no power cut takes a whole session."""
    over = Event()

    def keep() -> None:
        while not over.wait(SAVE_SECONDS):
            with suppress(FormatError):  # a disk that is full now is told of at the end, if it still is
                _save(player, record)

    thread = Thread(target=keep, name="recorder", daemon=True)
    if record is not None:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if record is not None:
            thread.join()


def _save(player: Player, record: Path | None) -> None:
    from melodysynthesis.formats import files

    if record is not None:
        files.save(record, player.recording.to_bytes(player.setting))


def _listen_to_enter(panic: Callable[[], None]) -> None:
    """Panic at each line that a person types; a thread that ends with the program."""
    if not sys.stdin.isatty():
        return

    def listen() -> None:
        for _ in sys.stdin:
            panic()

    Thread(target=listen, name="enter", daemon=True).start()
