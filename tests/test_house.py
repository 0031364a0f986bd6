"""Names of the package: each stands for one thing."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import melodysynthesis

ROOT = Path(melodysynthesis.__file__).parent
MODULES = {path.relative_to(ROOT): ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}
CONTRACTS = {"SPEC", "FORMAT", "PRESETS", "KIND", "app", "__all__"}
"""Every module of a kind says under these names what it adds to a table."""


def assigned(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Names that the module gives a value to, outside of its functions and classes, and the values as text."""
    for statement in module.body:
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
            continue
        for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
            names = getattr(target, "elts", [target])
            values = getattr(statement.value, "elts", [])
            if len(names) == 1 or len(values) != len(names):
                values = [statement.value] * len(names)
            for name, value in zip(names, values, strict=True):
                if isinstance(name, ast.Name):
                    yield name.id, ast.unparse(value)


def package_of(path: Path) -> str:
    return path.parts[0] if len(path.parts) > 1 else ""


def test_a_class_name_stands_for_one_class() -> None:
    places = defaultdict(list)
    for path, module in MODULES.items():
        for node in ast.walk(module):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_constant_has_one_value_in_a_package() -> None:
    values = defaultdict(set)
    for path, module in MODULES.items():
        for name, value in assigned(module):
            values[package_of(path), name].add(value)
    assert {name: found for name, found in values.items() if len(found) > 1 and name[1] not in CONTRACTS} == {}
