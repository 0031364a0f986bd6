"""What the verbs print about a certificate, and the written request that it checks."""

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

SHORT_VERDICTS = {
    "kept": "certified",
    "broken": "A RULE IS BROKEN",
    "not checkable": "certified as far as its files allow",
}
"""A verdict in a few words."""
SHOWN = 5
"""Places of each broken rule that are printed; JSON has all."""


def read_request(path: Path) -> Request:
    """Read a request from a file: its fields as JSON, or the JSON file of a generated melody.

    Raises:
        FormatError: if there is no such file.
        RequestError: if it is not a request, or contradicts itself.
    """
    try:
        fields = json.loads(files.load(path))
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{path}: not JSON: {str(error)[:200]}") from None
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
    """Check a melody as it is read again from files of these formats, and from their JSON file.

    Returns:
        the worst certificate, JSON types only; ``read_from`` names the formats that gave it. Where the request has no
        rules, nothing is read.
    """
    request_text = written(request)
    unread = certify(melody, request_text, originality)
    if not unread.findings:
        return unread.as_dict() | {"read_from": []}
    readable = [suffix for suffix in (".json", *suffixes) if formats.named(suffix).read]
    found: dict[str, Certificate] = {}
    for suffix in readable:
        read = formats.read_bytes(formats.to_bytes(melody, suffix), suffix, suffix).melodies[0]
        found[suffix] = certify(read, request_text, originality)
    verdict = worst(certificate.verdict for certificate in found.values())
    worst_one = next(certificate for certificate in found.values() if certificate.verdict is verdict)
    return worst_one.as_dict() | {
        "read_from": [suffix for suffix, certificate in found.items() if certificate == worst_one]
    }


def lines_about(certificate: Certificate) -> list[str]:
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
    return f"{finding.rule.replace('_', '-')} {finding.requested}"


def _outcome(finding: Finding) -> str:
    return f"{finding.verdict}: {finding.reason}" if finding.reason else str(finding.verdict)
