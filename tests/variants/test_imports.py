"""In every variant, imports point one way: config -> apps -> realtime -> serving."""

import ast
from functools import cache

# From the top down: a package imports from those below its own, and not from its neighbours.
LAYERS = [{"config"}, {"chat", "echo", "users"}, {"realtime"}, {"serving"}]
PACKAGES = set().union(*LAYERS)

# Standard library alone, so that a script or another program may take them as they are.
ALONE = "serving/close_codes.py"


@cache  # most files are the same in many variants
def imported(text: str) -> frozenset[str]:
    """Return the first names of all modules that a file imports, wherever the import stands."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            names.add(node.module)
    return frozenset(name.partition(".")[0] for name in names)


def allowed(package: str) -> set[str]:
    """Return the project's packages from which a package may import."""
    place = next(number for number, layer in enumerate(LAYERS) if package in layer)
    return {package}.union(*LAYERS[place + 1 :])


def test_imports_point_one_way(variant):
    for name, text in variant.files.items():
        package = name.partition("/")[0]
        if name.endswith(".py") and package in PACKAGES:
            upward = imported(text) & PACKAGES - allowed(package)
            assert not upward, f"{name} imports from {upward}"


def test_every_package_has_its_place(variant):
    found = {name.partition("/")[0] for name in variant.files if name.endswith("/__init__.py")}
    assert found - {"tests"} <= PACKAGES


def test_close_codes_stand_alone(variant):
    assert imported(variant.files[ALONE]) == {"enum"}


@cache
def integers(text: str) -> frozenset[int]:
    nodes = ast.walk(ast.parse(text))
    constants = (node.value for node in nodes if isinstance(node, ast.Constant))
    return frozenset(value for value in constants if type(value) is int)


def test_close_codes_stand_once(variant):
    """Numbers of close codes are in one Python module; tests and pages may repeat them."""
    for name, text in variant.files.items():
        if name.endswith(".py") and not name.startswith("tests/") and name != ALONE:
            assert not [number for number in integers(text) if 4000 <= number < 4300], name


def test_a_wrong_import_would_be_noticed():
    assert imported("import realtime.hub\ndef f():\n    from chat import rooms") == {
        "chat",
        "realtime",
    }
    assert allowed("realtime") == {"realtime", "serving"}
    assert allowed("chat") == {"chat", "realtime", "serving"}
