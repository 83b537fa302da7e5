"""Who may import whom, and how large a function and the package may grow."""

import ast
import sys
from pathlib import Path

import pytest

import sknn
from sknn._jit import sources_with_compiled_code

# From the ground up: a module imports only from the floors below its own.
FLOORS = [
    {"_garbage", "parameters"},
    {"_bits", "_jit", "_llvm", "_tile", "records", "samples", "schedules"},
    {"_dot_tile", "_scaled_steps", "_sparse_tile"},
    {"elementary", "layers", "params", "products", "shuffling", "table_encoder"}
    | {"team"},
    {"block_gradients", "own_functions"},
    {"activations", "piecewise_linear"},
    {"loss_pieces"},
    {
        "dense",
        "embedding_layers",
        "embeddings",
        "losses",
        "normalization",
        "optimizers",
        "parametric",
    }
    | {"random", "scaling", "skips"},
    {"columns", "dropout", "initialization", "monotonic", "regularization", "sparse"},
    {"architecture", "averaging", "ways"},
    {"network"},
    {"plans"},
    {"data_driven", "rate_groups"},
    {"optimizer_state"},
    {"combinations", "old_callbacks", "training"},
    {"calibration", "callback_support", "callbacks", "members", "recipe", "targets"},
    {"fitted_network", "validation"},
    {"base"},
    {"estimators"},
    {"base_tabular"},
    {"tabular"},
    {"compilation", "tables"},
    {"__init__"},
    {"comparison"},
    {"__main__"},
]
FLOOR_OF = {module: floor for floor, names in enumerate(FLOORS) for module in names}

# The only rooms in which a third-party package may be named; numpy may in all.
ROOMS = {
    "llvmlite": {"_bits", "_dot_tile", "_llvm", "_scaled_steps", "_tile"},
    "numba": {"_bits", "_dot_tile", "_jit", "_llvm", "_scaled_steps", "_sparse_tile"}
    | {"_tile", "own_functions"},
    "joblib": {"team"},
    "scipy": {"calibration", "estimators", "training"},
    "sklearn": {"activations", "averaging", "base", "base_tabular", "callback_support"}
    | {"comparison", "embeddings", "estimators", "fitted_network", "losses"}
    | {"optimizers", "optimizer_state", "parameters", "schedules", "table_encoder"}
    | {"tables", "tabular", "targets", "training", "validation", "__main__"},
    "numpy": set(FLOOR_OF),
}

LINES_OF_A_FUNCTION = 60
LINES_OF_THE_PACKAGE = 8_640

PATHS = {path.stem: path for path in sorted(Path(sknn.__file__).parent.glob("*.py"))}
TREES = {module: ast.parse(path.read_text()) for module, path in PATHS.items()}
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def imports(module):
    """Full names of what ``module`` imports, at the top or inside of functions."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ["sknn"] if node.level else []
            package = ".".join([*package, *([node.module] if node.module else [])])
            yield from (f"{package}.{alias.name}" for alias in node.names)


def rooms_entered(module):
    """Modules of this package that ``module`` imports from; the version is no room."""
    for name in imports(module):
        top, _, rest = name.partition(".")
        if top == "sknn" and rest != "__version__":
            room = rest.partition(".")[0]
            yield room if room in FLOOR_OF else "__init__"


def _tops(module):
    """The packages that ``module`` imports from."""
    return {name.partition(".")[0] for name in imports(module)}


def docstring_lines(tree):
    """Numbers of the lines that docstrings take."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, *DEFINITIONS)) and ast.get_docstring(node):
            text = node.body[0]
            yield from range(text.lineno, text.end_lineno + 1)


def code_lines(module):
    """Numbers of the lines that are neither blank, nor comment, nor docstring."""
    documented = set(docstring_lines(TREES[module]))
    for number, line in enumerate(PATHS[module].read_text().splitlines(), start=1):
        is_code = line.strip() and not line.strip().startswith("#")
        if is_code and number not in documented:
            yield number


@pytest.mark.parametrize("module", PATHS)
def test_module_has_a_floor(module):
    assert module in FLOOR_OF, f"{module}.py stands on no floor: give it one in FLOORS"


@pytest.mark.parametrize("module", PATHS)
def test_module_imports_downwards(module):
    floor = FLOOR_OF.get(module, -1)
    upwards = {room for room in rooms_entered(module) if FLOOR_OF[room] >= floor}
    assert not upwards, f"{module}.py imports {upwards}, not on a floor below"


@pytest.mark.parametrize("module", PATHS)
def test_third_party_packages_stay_in_their_rooms(module):
    foreign = _tops(module) - sys.stdlib_module_names - {"sknn"}
    astray = {package for package in foreign if module not in ROOMS.get(package, ())}
    assert not astray, f"{module}.py is no room for {astray}: see ROOMS"


def test_cache_is_marked_with_all_compiled_code():
    compiled = {
        module
        for module in PATHS
        if {"numba", "llvmlite"} & _tops(module) or "_jit" in rooms_entered(module)
    }
    assert compiled <= {path.stem for path, _ in sources_with_compiled_code()}


@pytest.mark.parametrize("module", PATHS)
def test_module_has_a_docstring(module):
    assert ast.get_docstring(TREES[module]), f"{module}.py does not say what it is"


@pytest.mark.parametrize("module", PATHS)
def test_functions_are_short(module):
    lines = set(code_lines(module))
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            size = len(lines.intersection(range(node.lineno, node.end_lineno + 1)))
            reason = f"{module}.{node.name} has {size} lines of code"
            assert size <= LINES_OF_A_FUNCTION, f"{reason}: split it"


def test_package_keeps_its_size():
    size = sum(len(list(code_lines(module))) for module in PATHS)
    reason = f"{size} lines of code: take some away, or raise the budget on purpose"
    assert size <= LINES_OF_THE_PACKAGE, reason
