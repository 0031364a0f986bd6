"""What the verbs tell of a certificate, and the written request that it is about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from melodysynthesis import formats
from melodysynthesis.certificate import Certificate, Finding, Verdict, certify, worst
from melodysynthesis.errors import RequestError
from melodysynthesis.formats import files
from melodysynthesis.generation.request import Request
from melodysynthesis.music import Melody

CERTIFIED = {"kept": "certified", "broken": "A RULE IS BROKEN", "not checkable": "certified as far as its files say"}
"""A verdict in a few words."""
SHOWN = 5
"""Places of each broken rule that are told to people; JSON has all."""


def read_request(path: Path) -> Request:
    """The request of a file: its fields, or the JSON beside a melody that was generated.

    Raises:
        FormatError: if there is no such file.
        RequestError: if it is no request, or one that contradicts itself.
    """
    try:
        fields = json.loads(files.load(path))
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{path}: no JSON: {str(error)[:200]}") from None
    if isinstance(fields, dict) and "provenance" in fields:
        fields = fields["provenance"]
        fields = fields.get("request") if isinstance(fields, dict) else fields
    if not isinstance(fields, dict):
        raise RequestError(f'{path}: expected the fields of a request, such as {{"bars": 8, "key": "G major"}}')
    try:
        return Request(**fields)
    except RequestError as error:
        raise RequestError(f"{path}: {error}") from None


def written(request: Request) -> dict[str, Any]:
    """A request as `certificate.certify` takes it; JSON types only."""
    return request.model_dump(mode="json")


def certified(
    melody: Melody, request: Request, suffixes: Sequence[str], originality: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The certificate of a melody as it is read again from files of these formats; JSON types only.

    Of several the worst. ``read_from`` names the formats that it is of; the JSON beside a melody is always one of them.
    """
    readable = [suffix for suffix in (".json", *suffixes) if formats.named(suffix).read]
    asked = written(request)
    found: dict[str, Certificate] = {}
    for suffix in readable:
        read = formats.read_bytes(formats.to_bytes(melody, suffix), suffix, suffix).melodies[0]
        found[suffix] = certify(read, asked, originality)
    verdict = worst(certificate.verdict for certificate in found.values())
    told = next(certificate for certificate in found.values() if certificate.verdict is verdict)
    return told.as_dict() | {"read_from": [suffix for suffix, certificate in found.items() if certificate == told]}


def told(certificate: Certificate) -> list[str]:
    """Lines for people: each rule, and the first places where it is broken."""
    kept = sum(finding.verdict is Verdict.KEPT for finding in certificate.findings)
    lines = [f"certificate: {certificate.verdict}; {kept} of {len(certificate.findings)} rules kept"]
    for finding in certificate.findings:
        lines += [f"  {_named(finding)}: {_outcome(finding)}"]
        lines += [f"    {breach}" for breach in finding.breaches[:SHOWN]]
        if len(finding.breaches) > SHOWN:
            lines += [f"    and {len(finding.breaches) - SHOWN} more"]
    return lines


def _named(finding: Finding) -> str:
    return f"{finding.rule.replace('_', '-')} {finding.asked}"


def _outcome(finding: Finding) -> str:
    return f"{finding.verdict}: {finding.reason}" if finding.reason else str(finding.verdict)
