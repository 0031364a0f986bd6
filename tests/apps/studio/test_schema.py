"""What the interface's own description allows and forbids, sent to a real studio: every answer is as described."""

import pytest
from hypothesis import Phase, given, settings

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from schemathesis import GenerationMode  # noqa: E402
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi import checks  # noqa: E402

# not `positive_data_acceptance`: what the description allows may be refused in words, since no melody keeps the rules
CHECKS = [
    not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_schema_conformance, checks.negative_data_rejection, checks.unsupported_method,
]  # fmt: skip
PATIENCE = 90  # seconds: a machine may be busy
EXAMPLES = 8


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
def test_every_answer_is_as_described(address, mode):
    described = schemathesis.openapi.from_url(f"{address}/api/openapi.json", wait_for_schema=PATIENCE)
    asked = set()
    for found in described.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.body or operation.path_parameters or operation.query):
            continue  # there is nothing to be wrong in

        @settings(max_examples=EXAMPLES, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case):
            case.call_and_validate(checks=CHECKS, timeout=PATIENCE)

        ask()
        asked.add(operation.path)
    assert {"/api/generate", "/api/open", "/api/score", "/api/convert/{format}", "/api/sounds/{pitch}.wav"} <= asked
