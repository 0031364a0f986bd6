"""The certificate shares no code with the generator: it may import little, and the contract forbids all the rest."""

import ast
import tomllib
from pathlib import Path

import melodysynthesis

PACKAGE = Path(melodysynthesis.__file__).parent
ALLOWED = {"errors", "music", "theory", "formats", "certificate"}


def imports():
    """(module, name) of everything of ours that the certificate's files import."""
    for path in (PACKAGE / "certificate").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("melodysynthesis"):
                yield from ((node.module, alias.name) for alias in node.names)
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("melodysynthesis") for alias in node.names)


def test_the_certificate_imports_only_what_is_allowed():
    found = set(imports())
    assert {module.split(".")[1] if "." in module else name for module, name in found} <= ALLOWED
    assert {one for one in found if one[0].startswith("melodysynthesis.theory")} == {
        ("melodysynthesis.theory", "spell")
    }
    assert {(module, name) for module, name in found if module.startswith("melodysynthesis.formats")} == {
        ("melodysynthesis.formats", "json")
    }


def test_the_import_contract_forbids_every_other_package():
    contracts = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = [one for one in contracts if one.get("source_modules") == ["melodysynthesis.certificate"]]
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    expected = {f"melodysynthesis.{name}" for name in there - ALLOWED if not name.startswith("__")}
    assert set(contract["forbidden_modules"]) == expected
