"""The cache of compiled kernels: hit, never stale, never fatal.

Each test builds a package of two files round the real ``_jit.py`` and runs it in
fresh processes: ``outer.py`` inlines ``inner.py``, as the losses do the logarithm.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sknn

SOURCES = [Path(sknn.__file__).parent / name for name in ("_jit.py", "_garbage.py")]
INNER = "from ._jit import inlined\n\n@inlined\ndef inner(x):\n    return x + {}\n"
OUTER = """
from ._jit import VECTOR, as_array, piece
from .inner import inner

@piece(VECTOR)
def outer(x):
    x = as_array(x, 1)
    x[0] = inner(x[0])
"""
RUN = """
import numpy as np
from package.outer import outer
x = np.ones(1, dtype=np.int64)
outer(x)
print(x[0], outer._compiled[x.dtype].cache_hits)
"""


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    for source in SOURCES:
        (folder / source.name).write_text(source.read_text())
    (folder / "outer.py").write_text(OUTER)
    (folder / "inner.py").write_text(INNER.format(1))
    return folder


def _run(package, code=RUN, **environment):
    """The piece's result and how often the disk cache was hit, in a new process."""
    clean = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    output = subprocess.run(
        [sys.executable, "-c", code],
        cwd=package.parent,
        env=clean | {"PYTHONDONTWRITEBYTECODE": "1"} | environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    result, hits = output.split()
    return float(result), int(hits)


def test_second_process_hits(package):
    assert _run(package) == (2, 0)
    assert _run(package) == (2, 1)


def test_edit_of_an_inlined_file_recompiles(package):
    assert _run(package) == (2, 0)
    (package / "inner.py").write_text(INNER.format(10))
    assert _run(package) == (11, 0)


def test_edit_under_a_running_process_is_not_cached_as_the_new_code(package):
    """Where a package is upgraded, a process may have imported the old one."""
    edit = f"import package.outer\nopen('package/inner.py', 'w').write({INNER!r}"
    assert _run(package, f"{edit}.format(10))\n{RUN}") == (2, 0)
    assert _run(package) == (11, 0)


def test_damaged_cache_is_a_miss_and_is_mended(package):
    _run(package)
    for path in (package / "__pycache__").glob("*.nbc"):
        path.write_bytes(path.read_bytes()[:10])
    assert _run(package) == (2, 0)
    assert _run(package) == (2, 1)


def test_code_of_another_dtype_is_a_miss(package):
    """Whatever several processes that compile at once make of each other's files."""
    assert _run(package, RUN) == (2, 0)
    assert _run(package, RUN.replace("int64", "float32"))[1] == 0
    first, second = (package / "__pycache__").glob("*.nbc")
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)
    assert _run(package) == (2, 0)


def test_threads_that_compile_at_once_use_the_same_code(package, tmp_path):
    code = """
import threading
import numpy as np
from concurrent.futures import ThreadPoolExecutor
from package.outer import outer

barrier = threading.Barrier(4)

def address(_):
    barrier.wait()
    return outer.address(np.dtype(np.float64))

with ThreadPoolExecutor(4) as pool:
    print(len(set(pool.map(address, range(4)))), 0)
"""
    # without a cache, in which the others could find what the first has compiled
    assert _run(package, code, **_nowhere_to_write(package, tmp_path)) == (1, 0)


def test_cache_directory_of_the_user(package, tmp_path):
    cache = tmp_path / "cache"
    _run(package, NUMBA_CACHE_DIR=str(cache))
    assert list(cache.rglob("*.nbc"))
    assert not list(package.rglob("*.nbc"))


def test_nowhere_to_write_works_uncached(package, tmp_path):
    environment = _nowhere_to_write(package, tmp_path)
    assert _run(package, **environment) == (2, 0)
    assert _run(package, **environment) == (2, 0)


def _nowhere_to_write(package, tmp_path):
    """An environment in which no folder for the cache can be made."""
    blocked = tmp_path / "a file, not a directory"
    blocked.write_text("")
    (package / "__pycache__").write_text("")
    names = "NUMBA_CACHE_DIR", "HOME", "XDG_CACHE_HOME"
    return dict.fromkeys(names, str(blocked))
