"""The layout tells the story: rooms import only from rooms above them, and units stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "sdfshape"
# from the ground up: a room may use those before it
ROOMS = (
    "errors",
    "limits",
    "waiting",
    "types",
    "upright",
    "pieces",
    "io",
    "frame",
    "curves",
    "outliers",
    "clean",
    "thin",
    "streaming",
    "orient",
    "lipschitz",
    "losses",
    "sample",
    "train",
    "classifier",
    "field",
    "export",
    "extract",
    "render",
    "evaluate",
    "oneclass",
    "baselines",
    "trial",
    "options",
    "memory",
    "shaping",
    "account",
    "reconstruction",
    "cleaning",
    "parts",
    "comparison",
    "batch",
    "tiles",
    "viewer",
    "cli",
)
DOORS = {("types", "io"), ("reconstruction", "viewer")}  # Mesh.write, Reconstruction.show: conveniences that open the room when called
MODULES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text()) for path in MODULES}
ENTRANCES = {PACKAGE / "__init__.py", PACKAGE / "__main__.py"}  # the lazy names, and python -m sdfshape
HEAVY = ("torch", "scipy", "trimesh", "pyvista", "open3d")


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import, also those inside functions; not those for the type checker alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif _is_type_checking(child):
            yield from (found for other in child.orelse for found in imports(other))
        else:
            yield from imports(child)


def imported_rooms(path: Path) -> Iterator[tuple[str, int]]:
    """Rooms of this package that a module imports from, with the line."""
    package = ("sdfshape", *path.relative_to(PACKAGE).parts[:-1])
    for node in imports(TREES[path]):
        if isinstance(node, ast.Import):
            targets = [alias.name.split(".") for alias in node.names]
        else:
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += node.module.split(".") if node.module else []
            targets = [[*base, alias.name] for alias in node.names]
        for target in targets:
            if target[0] == "sdfshape" and len(target) > 1 and target[1] != "__version__":
                yield target[1], node.lineno


def test_every_room_is_on_the_list():
    inside = {room_of(path) for path in MODULES if path not in ENTRANCES}
    assert inside <= set(ROOMS), f"unknown rooms: {sorted(inside - set(ROOMS))}"
    assert {"errors", "types", "io", "frame", "train", "field", "extract"} <= inside


def test_rooms_import_only_from_rooms_before_them():
    wrong = []
    for path in MODULES:
        if path in ENTRANCES:
            continue
        own = room_of(path)
        for room, line in imported_rooms(path):
            known = room in ROOMS and (room == own or ROOMS.index(room) < ROOMS.index(own) or (own, room) in DOORS)
            if not known:
                wrong.append(f"{name_of(path)}:{line} imports {room}")
    assert not wrong, "\n".join(wrong)


def test_the_import_reader_reads(tmp_path):
    tree = ast.parse("from ..io import x\nif TYPE_CHECKING:\n    from ..cli import y\ndef f():\n    import sdfshape.train.run")
    TREES[PACKAGE / "orient" / "probe.py"] = tree
    assert list(imported_rooms(PACKAGE / "orient" / "probe.py")) == [("io", 1), ("train", 5)]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_have_at_most_300_lines(path):
    assert len(path.read_text().splitlines()) <= 300


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without the docstring."""
    total = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        total -= (first.end_lineno or 0) - first.lineno + 1
    return total


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_functions_have_at_most_40_lines_of_code(path):
    functions = [n for n in ast.walk(TREES[path]) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [f"{name_of(path)}:{f.lineno} {f.name} has {code_lines(f)}" for f in functions if code_lines(f) > 40]
    assert not long, "\n".join(long)


def test_no_module_is_a_drawer_for_everything():
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "base"}
    assert not [name_of(p) for p in MODULES if drawers & {part.removesuffix(".py") for part in p.relative_to(PACKAGE).parts}]


def test_the_library_never_prints():
    calls = [
        f"{name_of(path)}:{node.lineno}"
        for path, tree in TREES.items()
        if room_of(path) != "cli"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not calls


def test_nothing_is_ever_unpickled():
    wrong = []
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {a.name.split(".")[0] for a in node.names} | {(getattr(node, "module", None) or "").split(".")[0]}
                if names & {"pickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}:
                    wrong.append(f"{name_of(path)}:{node.lineno} imports a pickle")
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "torch.save", "pickle.load", "pickle.loads"):
                wrong.append(f"{name_of(path)}:{node.lineno} {ast.unparse(node.func)}")
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
                wrong.append(f"{name_of(path)}:{node.value.lineno} allow_pickle")
    assert not wrong, "\n".join(wrong)


def test_importing_sdfshape_is_light():
    code = f"import sys, sdfshape; print(*(m for m in {HEAVY} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert done.stdout.strip() == ""


def test_the_main_job_is_known_before_torch_is_loaded():
    """It loads while the points are oriented (`reconstruction`): a second of every job."""
    code = "import sys, sdfshape.reconstruction; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert done.stdout.strip() == "False"


def test_no_public_name_is_hidden_by_a_module_once_it_is_imported():
    modules = {name_of(path).removesuffix(".py").split("/")[0] for path in MODULES}
    import sdfshape

    assert not modules & set(sdfshape._HOMES)


def test_every_public_name_has_a_home_that_exists():
    import sdfshape

    homes = {home for home in sdfshape._HOMES.values() if (PACKAGE / home).exists() or (PACKAGE / f"{home}.py").exists()}
    missing = [name for name, home in sdfshape._HOMES.items() if home in homes and not hasattr(sdfshape, name)]
    assert not missing and homes == set(sdfshape._HOMES.values())
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = sdfshape.nonsense
