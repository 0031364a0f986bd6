"""`melody live`: play with a model over MIDI ports."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from fractions import Fraction
from functools import partial
from pathlib import Path
from threading import Thread, Timer
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from melodysynthesis.apps.console import JSON_OPTION, say, say_json, say_table
from melodysynthesis.apps.help import FILES, MIDI, PLAYING, grouped
from melodysynthesis.apps.request_options import with_request_options
from melodysynthesis.errors import FormatError, RequestError

if TYPE_CHECKING:
    from melodysynthesis.apps.ports import Ports
    from melodysynthesis.live import LiveSettings, Player

MIDI_SUFFIXES = (".mid", ".midi")
SAVE_SECONDS = 30.0
"""How often the recording is saved, so that at most so much is lost if the program is killed."""


class ChosenPorts(NamedTuple):
    """The ports, and the names of those to listen to and to play on; None for a virtual port."""

    ports: Ports
    source: str | None
    target: str | None

    def __str__(self) -> str:
        virtual = "a virtual port, MelodySynthesis {}"
        source, target = self.source or virtual.format("in"), self.target or virtual.format("out")
        return f"Listening to {source}, playing on {target}"


_midi = partial(grouped, MIDI)
_playing = partial(grouped, PLAYING)


@with_request_options
def command(
    *,
    input: Annotated[str | None, _midi("Port to listen to: its name, part of its name, or its number.")] = None,
    output: Annotated[str | None, _midi("Port to play on; by default a virtual port.")] = None,
    listed: Annotated[bool, _midi("List the ports.", "--list")] = False,
    channel: Annotated[int, _midi("Channel of the answers, 1 to 16.")] = 1,
    click: Annotated[bool, _midi("Play a metronome on channel 10.", "--click")] = False,
    sync: Annotated[bool, _midi("Follow the MIDI clock of the input.", "--sync")] = False,
    along: Annotated[bool, _playing("Play along, instead of taking turns.", "--along")] = False,
    model: Annotated[str | None, _playing("Name of a model (see `melody models`), or a model file.")] = None,
    tempo: Annotated[float, _playing("Quarter notes a minute.")] = 100.0,
    meter: Annotated[str, _playing('Such as "3/4" or "6/8".')] = "4/4",
    key: Annotated[str | None, _playing('Such as "G major"; by default it is found in what you play.')] = None,
    pause: Annotated[str, _playing('Silence, in quarter notes, that ends your phrase: 1, "1/2".')] = "1/2",
    at: Annotated[str, _playing("Where answers begin: at the next bar or the next beat.")] = "bar",
    trade: Annotated[int | None, _playing("Trade so many bars in turn, without waiting for a pause.")] = None,
    bars: Annotated[int | None, _playing("Bars of an answer; by default as many as you played.")] = None,
    minutes: Annotated[float | None, _playing("Stop after so many minutes; by default Ctrl-C stops.")] = None,
    fields: dict[str, Any],
    record: Annotated[
        Path | None, typer.Option(help="MIDI file to record what both play.", rich_help_panel=FILES)
    ] = None,
    as_json: Annotated[bool, JSON_OPTION] = False,
) -> None:
    """Play with a model: you play a phrase and it answers in time, or it plays along.

    The beat starts with your first note, with the click, or with the sequencer whose clock is followed. Enter silences
    everything, Ctrl-C stops. Each answer keeps the rules; they need a --key.
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
        fields |= {"model": model} if model is not None else {}
        _play(ChosenPorts(ports, source, target), setting, fields, record, minutes)
    finally:
        ports.close()


def _play(
    chosen: ChosenPorts, setting: LiveSettings, fields: dict[str, Any], record: Path | None, minutes: float | None
) -> None:
    from melodysynthesis.apps.session import WATCH_SECONDS, Session, SystemClock, WriterThread, punctual, repeated
    from melodysynthesis.generation.request import Request
    from melodysynthesis.live import ModelImproviser, Player
    from melodysynthesis.live.improviser import check_along
    from melodysynthesis.runtime.loading import open_model

    request = Request(**fields, meter=setting.meter, key=setting.key, bars=setting.bars or setting.trade)
    if setting.along:
        check_along(request)
    improviser = ModelImproviser(open_model(request.model)[0], request)
    player = Player(setting)
    session = Session(player, chosen.ports, chosen.source, chosen.target, say=say, clock=SystemClock())

    def list_ports() -> None:
        session.present(chosen.ports.inputs(), chosen.ports.outputs())

    greeting = f"{chosen}. {_how(setting)}; seed {request.seed}. Enter silences, Ctrl-C stops."
    try:
        with (
            punctual(),
            repeated(list_ports, WATCH_SECONDS, "ports"),
            _ended(session.quit, minutes),
            _saved(player, record),
        ):
            _listen_to_enter(session.panic)
            session.run(WriterThread(improviser, session), greeting)
    finally:
        _save(player, record)
        if record is not None:
            yours, mine = len(player.recording.person), len(player.recording.model)
            say(f"{record}: {yours} notes of yours, {mine} of the model")


def _setting(*, meter: str, key: str | None, pause: str, **others: Any) -> LiveSettings:
    from melodysynthesis.live import LiveSettings
    from melodysynthesis.music import TICKS_PER_QUARTER
    from melodysynthesis.notation import parse_key, parse_meter, parse_quarters

    return LiveSettings(
        meter=parse_meter(meter),
        key=parse_key(key) if key is not None else None,
        pause=Fraction(parse_quarters(pause), TICKS_PER_QUARTER),
        **others,
    )


def _check(record: Path | None, minutes: float | None) -> None:
    """Check what would otherwise fail only at the end."""
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


def _how(setting: LiveSettings) -> str:
    """Describe in words how the session will play."""
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


def _saved(player: Player, record: Path | None) -> AbstractContextManager[None]:
    """Save the recording now and then, so that a power cut does not take a whole session."""
    from melodysynthesis.apps.session import repeated

    def save() -> None:
        with suppress(FormatError):  # a disk that is full now is reported at the end, if it still is
            _save(player, record)

    return nullcontext() if record is None else repeated(save, SAVE_SECONDS, "recorder")


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
