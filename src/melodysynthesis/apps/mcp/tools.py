"""The tools: their arguments, and what each does with the studio's service. One table lists them all."""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import mcp_types as types

from melodysynthesis import formats
from melodysynthesis.apps.certificate import SHOWN
from melodysynthesis.apps.inspect import described
from melodysynthesis.apps.studio.json_schema import DOWNLOADS, MELODY, REQUEST, Json
from melodysynthesis.apps.studio.limits import MAX_BARS, MAX_OF_FIELD, check_melody
from melodysynthesis.apps.studio.pool import TooBusyError, WorkerFailedError
from melodysynthesis.apps.studio.service import Studio, collect_melodies
from melodysynthesis.apps.web.guard import MAX_BODY_BYTES
from melodysynthesis.certificate.finding import Location
from melodysynthesis.constraints.rules import NEED_TUNES, RULES
from melodysynthesis.constraints.specification import fields_of
from melodysynthesis.errors import FormatError, MelodyError, RequestError, unknown
from melodysynthesis.formats import files
from melodysynthesis.formats import json as melody_json
from melodysynthesis.generation.filling import fill_request
from melodysynthesis.generation.variation import KEPT, variation
from melodysynthesis.harmony import HARMONIC_RHYTHMS, SPICE
from melodysynthesis.harmony import MAX_ALTERNATIVES as MAX_WAYS
from melodysynthesis.music import MAX_TEMPO, MIN_TEMPO, Melody
from melodysynthesis.notation import parse_notes

WARM_SECONDS = 10.0
"""A client is answered after so long at the latest, warm or not."""
_FILE = re.compile(r"[\w()+, -][\w()+, .-]*\.\w{1,8}")
_TEXTS = ("abc", "krn", "musicxml", "json", "svg")
"""Formats whose files are text."""


class ToolResult(NamedTuple):
    """What a tool says: text to read, the same as data, and files."""

    text: str
    data: Json
    content: tuple[Any, ...] = ()


class Tool(NamedTuple):
    """A tool.

    Attributes:
        title: for people.
        description: what it does, for the program that chooses a tool.
        arguments: a JSON schema of each.
        required: arguments that must be given.
        run: the method of `Tools` that does it.
    """

    title: str
    description: str
    arguments: Json
    required: tuple[str, ...]
    run: Callable[[Tools, Json], Awaitable[ToolResult]]


class Tools:
    """The tools on one service.

    Args:
        studio: models and workers.
        folder: where files are read and written; None if they are not.
    """

    def __init__(self, studio: Studio, folder: Path | None = None) -> None:
        self._studio, self._folder = studio, folder

    async def open(self) -> None:
        """Start the workers and wait until the first model is open, so that no call has to wait for that."""
        await self._studio.pool.open()
        await self._studio.pool.until_warm(WARM_SECONDS)

    async def close(self) -> None:
        """End them."""
        await self._studio.counting.close()
        await self._studio.indexing.close()
        await self._studio.pool.close()

    def listed(self) -> list[types.Tool]:
        """The tools as the protocol lists them."""
        return [
            types.Tool(
                name=name, title=tool.title, description=tool.description,
                input_schema={
                    "type": "object", "properties": self._arguments(tool), "required": list(tool.required),
                    "additionalProperties": False,
                },
                annotations=types.ToolAnnotations(read_only_hint=name != "render" or self._folder is None),
            )
            for name, tool in TOOLS.items()
        ]  # fmt: skip

    async def call(self, name: str, arguments: Json) -> types.CallToolResult:
        """Run a tool; a mistake is an answer that says what is wrong in one line."""
        try:
            if name not in TOOLS:
                raise RequestError(unknown("tool", name, TOOLS))
            tool = TOOLS[name]
            for argument in arguments:
                if argument not in tool.arguments:
                    raise RequestError(f"{name} has no argument {argument[:40]!r}: "
                                       f"{unknown('argument', argument, tool.arguments)}")  # fmt: skip
            for argument in tool.required:
                if argument not in arguments:
                    raise RequestError(f"{name} needs the argument {argument}")
            answer = await tool.run(self, arguments)
        except MelodyError as error:
            return _mistake(" ".join(str(error).split()))
        except TooBusyError:
            return _mistake("too many requests are waiting already: try again in a moment")
        except (WorkerFailedError, ModuleNotFoundError) as error:
            return _mistake(f"this failed, which is no fault of the request: {error}")
        text = types.TextContent(text=answer.text)
        return types.CallToolResult(content=[text, *answer.content], structured_content=answer.data)

    async def generate(self, arguments: Json) -> ToolResult:
        """Melodies of a request."""
        fields = dict(arguments)
        if "primer" in fields:
            fields["primer"] = melody_json.to_dict(await self._melody(fields["primer"], "primer"))
        return await self._generated(fields)

    async def fill(self, arguments: Json) -> ToolResult:
        """Some bars of a melody, rewritten."""
        fields = dict(arguments)
        melody = await self._melody(fields.pop("melody"), "melody")
        follows = fields.pop("follow_chords", False)
        if not isinstance(follows, bool):
            raise RequestError("follow_chords is true or false")
        bars = str(fields.pop("bars"))
        request = fill_request(melody, bars, follow_chords=follows, **self._with_model(fields))
        return await self._generated(_fields(request), melody)

    async def vary(self, arguments: Json) -> ToolResult:
        """Variations of a melody."""
        fields = dict(arguments)
        motif = await self._melody(fields.pop("melody"), "melody")
        keep = fields.pop("keep", ["rhythm"])
        keep = [keep] if isinstance(keep, str) else keep
        if not isinstance(keep, list) or not all(isinstance(one, str) for one in keep):
            raise RequestError(f"keep is a list of {', '.join(KEPT)}")
        return await self._generated(_fields(variation(motif, keep, **self._with_model(fields))), motif)

    async def harmonise(self, arguments: Json) -> ToolResult:
        """Chords for a melody."""
        fields = dict(arguments)
        melody = await self._melody(fields.pop("melody"), "melody")
        for name in ("spice", "alternatives"):
            if not isinstance(fields.get(name, 1), int):
                raise RequestError(f"{name}: expected a whole number")
        for name in ("key", "harmonic_rhythm"):
            if not isinstance(fields.get(name, ""), str):
                raise RequestError(f"{name}: expected text")
        job = {"melody": melody_json.to_dict(melody), "options": fields}
        found = (await self._studio.pool.one("harmonise", job, self._studio.seconds.judge))["melodies"]
        scores = [formats.to_bytes(melody_json.from_dict(one), "abc").decode() for one in found]
        return ToolResult(
            "\n\n".join(abc.strip() for abc in scores),
            {"melodies": [{"melody": one, "abc": abc} for one, abc in zip(found, scores, strict=True)]},
        )

    async def inspect(self, arguments: Json) -> ToolResult:
        """What a melody is, and what it shares with the training tunes."""
        melody = await self._melody(arguments["melody"], "melody")
        judged = await self._judged(melody, None, searched=arguments.get("originality") is True)
        data: Json = {name: judged[name] for name in ("statistics", "descriptors", "originality") if name in judged}
        if "pending" in judged.get("originality", {}):
            del data["originality"]
        text = [described(melody), *_about_originality(data.get("originality"))]
        return ToolResult("\n".join(text), {"melody": melody_json.to_dict(melody), **data})

    async def certify(self, arguments: Json) -> ToolResult:
        """Whether a melody keeps the rules of a request."""
        melody = await self._melody(arguments["melody"], "melody")
        if not isinstance(arguments["request"], dict):
            raise RequestError("request: expected the fields of a request, as an object")
        request = self._studio.checked(arguments["request"])
        certificate = (await self._judged(melody, request, searched=bool(set(NEED_TUNES) & request.keys())))[
            "certificate"
        ]
        lines = [f"certificate: {certificate['verdict']}"]
        for finding in certificate["rules"]:
            reason = f": {finding['reason']}" if finding.get("reason") else ""
            lines.append(f"{finding['rule']} {finding['asked']}: {finding['verdict']}{reason}")
            for breach in finding.get("breaches", ())[:SHOWN]:
                where = Location(*(breach.get(name) for name in Location._fields))
                lines.append(f"  {where}: {breach['found']}, expected {breach['expected']}")
        return ToolResult("\n".join(lines), certificate)

    async def render(self, arguments: Json) -> ToolResult:
        """A melody as a file."""
        melody = await self._melody(arguments["melody"], "melody")
        format, name = arguments["format"], arguments.get("save_as")
        if format not in DOWNLOADS:
            raise FormatError(f"format {str(format)[:20]!r} is not one of {', '.join(DOWNLOADS)}")
        target = None if name is None else self._in_folder(str(name))
        if target is not None and formats.format_of(target).name != formats.named(format).name:
            raise FormatError(f"a file in {format} is not named so", target.name, "can't write")
        known = melody_json.to_dict(melody)
        known |= {field: arguments[field] for field in ("title", "tempo") if field in arguments}
        fields = {"melody": melody_json.to_dict(melody_json.from_dict(known)), "format": format}
        answer = await self._studio.pool.one("convert", fields, self._studio.seconds.convert)
        data = base64.b64decode(answer["data"])
        about: Json = {"format": format, "media_type": DOWNLOADS[format], "bytes": len(data)}
        if target is not None:
            _save(target, data)
            text = f"{target.name}: {len(data):,} bytes, in {target.parent}"
            return ToolResult(text, about | {"file": str(target)})
        return ToolResult(f"{format}, {len(data):,} bytes", about, (_content(format, data, answer["data"]),))

    async def _generated(self, fields: Json, known: Melody | None = None) -> ToolResult:
        request = self._studio.checked(self._with_model(fields))
        ranked = None if known is None else melody_json.to_dict(known)
        found = await collect_melodies(self._studio.generate(request, rank=ranked is not None, unlike=ranked))
        melodies, texts = [], [f"seed {request['seed']}; model {request['model']}"]
        for number, one in enumerate(found, 1):
            melody = melody_json.from_dict(one["melody"])
            abc = formats.to_bytes(melody, "abc").decode()
            verdict = one["certificate"]["verdict"] if one["certificate"]["rules"] else None
            kept = f"; rules: {verdict}" if verdict else ""
            texts.append(f"Melody {number}: {described(melody)}{kept}\n{abc.strip()}")
            melodies.append({"melody": one["melody"], "abc": abc,
                             **{name: one[name] for name in ("statistics", "certificate")}})  # fmt: skip
        if len(found) < request["count"]:
            texts.append(f"The model found no more than {len(found)} different melodies.")
        return ToolResult("\n\n".join(texts), {"request": request, "melodies": melodies})

    async def _judged(self, melody: Melody, request: Json | None, *, searched: bool) -> Json:
        if searched:
            model = request["model"] if request else self._studio.models[0]
            corpus = self._studio.cards[model].corpus if model in self._studio.cards else self._studio.baselines.corpus
            if corpus in self._studio.corpora:
                await self._studio.indexing.value(corpus)
        (found,) = await collect_melodies(self._studio.judge([melody_json.to_dict(melody)], request))
        return found

    async def _melody(self, value: Any, name: str) -> Melody:
        """A melody from JSON, a file of the folder, the text of a score, or notes; of any score the only melody."""
        if isinstance(value, dict):
            try:
                melody = melody_json.from_dict(value)
            except FormatError as error:
                raise RequestError(f"{name}: {error}") from None
        elif isinstance(value, str):
            is_file = _FILE.fullmatch(value) is not None and formats_by_suffix(value)
            if not is_file and "\n" not in value.strip():
                melody = parse_notes(value)
            else:
                data = files.load(self._in_folder(value), MAX_BODY_BYTES) if is_file else value.encode()
                fields = {"name": value if is_file else "", "data": base64.b64encode(data).decode(), "part": None}
                found = await self._studio.pool.one("read", fields, self._studio.seconds.read)
                if len(found["melodies"]) != 1:
                    raise RequestError(f"{name}: {len(found['melodies'])} melodies, where one is expected")
                melody = melody_json.from_dict(found["melodies"][0])
        else:
            raise RequestError(f"{name}: expected a melody as JSON, ABC, or notes such as G4:1 A4:1/2")
        check_melody(melody)
        return melody

    def _in_folder(self, name: str) -> Path:
        if self._folder is None:
            raise FormatError("this server reads and writes no files: start it with --folder", name[:80], "no folder")
        if _FILE.fullmatch(name) is None:
            raise FormatError("expected the plain name of a file in the folder", name[:80], "no such name")
        return self._folder / name

    def _with_model(self, fields: Json) -> Json:
        return {"model": self._studio.models[0]} | fields

    def _arguments(self, tool: Tool) -> Json:
        """The arguments, with the models that are on offer."""
        models = {"enum": [*self._studio.models, *self._studio.baselines.names]}
        return {name: schema | models if name == "model" else schema for name, schema in tool.arguments.items()}


def formats_by_suffix(name: str) -> bool:
    """Whether a name ends as a score that can be read."""
    suffix = Path(name).suffix.lower()
    return any(suffix in format.suffixes for format in formats.FORMATS.values() if format.read)


def _fields(request: Any) -> Json:
    fields: Json = request.model_dump(mode="json", exclude_none=True)
    return fields


def _about_originality(found: Mapping[str, Any] | None) -> list[str]:
    from melodysynthesis.apps.originality import lines_about

    if found is None:
        return []
    return [f"originality: {found['unknown']}"] if "unknown" in found else list(lines_about(dict(found)))


def _mistake(message: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=message)], is_error=True)


def _content(format: str, data: bytes, encoded: str) -> Any:
    media, uri = DOWNLOADS[format], f"melody://melody.{format}"
    if format == "png":
        return types.ImageContent(data=encoded, mime_type=media)
    if format == "wav":
        return types.AudioContent(data=encoded, mime_type=media)
    if format in _TEXTS:
        text = types.TextResourceContents(uri=uri, mime_type=media, text=data.decode())
        return types.EmbeddedResource(resource=text)
    return types.EmbeddedResource(resource=types.BlobResourceContents(uri=uri, mime_type=media, blob=encoded))


def _save(target: Path, data: bytes) -> None:
    if target.exists() and target.read_bytes() != data:
        raise FormatError("there is another file of this name: choose another", target.name, "can't write")
    files.save(target, data)


_MELODY = {
    "description": 'A melody: JSON from an earlier answer, the text of an ABC tune, notes such as "G4:1 A4:1/2 r:1" '
    "(durations in quarters), or the name of a file in the server's folder.",
    "anyOf": [{"type": "string"}, {name: MELODY[name] for name in ("type", "required")}],
}


def _request_arguments(without: tuple[str, ...] = ()) -> Json:
    """The fields of a request as arguments: one type each, the flag's help for a rule, the studio's limits."""
    helps = {field.name: field.help for field in fields_of(RULES.values())}
    limits = {"count": MAX_OF_FIELD["count"], "bars": MAX_BARS}
    found: Json = {}
    for name, schema in REQUEST["properties"].items():
        if name in {"primers", "held", "within", "rewrite", *without}:
            continue
        kind = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), {}) | schema
        found[name] = {
            word: kind[word] for word in ("type", "minimum", "maximum", "examples", "enum") if word in kind
        } | {"description": " ".join(helps.get(name, schema.get("description", "")).split())}
        if name in limits:
            found[name]["maximum"] = limits[name]
        if name == "pickup":
            found[name] = {"type": "string", "description": 'Length of the upbeat in quarters: "0", "1", "1/2".'}
    return found


_OF_MELODY = ("bars", "meter", "meters", "pickup", "max_steps")
TOOLS: dict[str, Tool] = {
    "generate": Tool(
        "Generate melodies",
        "Write melodies in a key, meter and number of bars, under rules, or going on from a primer. Every melody keeps "
        "the rules; contradictory ones are refused with the reason.",
        _request_arguments(("rules_for",)) | {"primer": _MELODY}, (), Tools.generate,
    ),
    "fill": Tool(
        "Rewrite some bars",
        "Rewrite some bars of a melody so that they fit the rest, which stays as it is. Several alternatives by count.",
        {
            "melody": _MELODY,
            "bars": {"type": "string", "description": 'The bars to rewrite: "3-4" or "3".'},
            "follow_chords": {"type": "boolean", "description": "Whether these bars follow the melody's own chords."},
        }
        | _request_arguments(_OF_MELODY), ("melody", "bars"), Tools.fill,
    ),
    "vary": Tool(
        "Vary a melody",
        "Write variations of a melody that keep its rhythm, its contour, or its notes on strong beats.",
        {
            "melody": _MELODY,
            "keep": {"type": "array", "items": {"enum": list(KEPT)}, "description": "What stays; rhythm by default."},
        } | _request_arguments(("bars", "meters", "max_steps", "rules_for")), ("melody",), Tools.vary,
    ),
    "harmonise": Tool(
        "Harmonise a melody",
        "Find chords for a melody that has a meter, by a model of harmony; the answer has them as chord symbols.",
        {
            "melody": _MELODY,
            "key": {"type": "string", "description": "The melody's key, if it does not say it."},
            "harmonic_rhythm": {"enum": list(HARMONIC_RHYTHMS), "description": "How often chords may change."},
            "spice": {"type": "integer", "minimum": SPICE[0], "maximum": SPICE[-1], "description": "0: triads."},
            "alternatives": {"type": "integer", "minimum": 1, "maximum": MAX_WAYS, "description": "How many ways."},
        }, ("melody",), Tools.harmonise,
    ),
    "inspect": Tool(
        "Inspect a melody",
        "Describe a melody: key, meter, bars, range, descriptors; and, if requested, what it shares with known tunes.",
        {
            "melody": _MELODY,
            "originality": {"type": "boolean", "description": "Search the training tunes; the first time takes long."},
        }, ("melody",), Tools.inspect,
    ),
    "certify": Tool(
        "Check rules",
        "Check every rule of a request on a melody, with code that is independent of the generator.",
        {"melody": _MELODY, "request": {"type": "object", "description": "As generate takes it, or answers with it."}},
        ("melody", "request"), Tools.certify,
    ),
    "render": Tool(
        "Render a melody",
        "Give a melody as a file: mid, musicxml, abc, krn, json, svg or png (score), wav (sound).",
        {
            "melody": _MELODY,
            "format": {"enum": list(DOWNLOADS)},
            "title": {"type": "string"},
            "tempo": {"type": "number", "minimum": MIN_TEMPO, "maximum": MAX_TEMPO, "description": "Quarters/minute."},
            "save_as": {"type": "string", "description": "Name of a file in the server's folder to write."},
        }, ("melody", "format"), Tools.render,
    ),
}  # fmt: skip
"""By name, in the order in which they are listed."""
