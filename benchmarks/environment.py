"""The machine as every peer is to find it: few cores, and a BLAS left to itself.

Nothing here imports NumPy, and `prepare` must be called before anything else does.
"""

import importlib.metadata
import importlib.util
import os
import platform
import sys
from pathlib import Path

# A forced core type made OpenBLAS several times slower than what it detects itself.
FORCED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("numpy", "scipy", "scikit-learn", "numba", "torch", "jax", "jaxlib")


def prepare(threads=1):
    """Leave this process `threads` cores, or restart it where OpenBLAS was forced."""
    forced = [name for name in FORCED if os.environ.pop(name, None) is not None]
    if forced:
        print(f"restarting without {' and '.join(forced)}", flush=True)
        os.execv(sys.executable, sys.orig_argv)
    if "numpy" in sys.modules:
        raise RuntimeError("NumPy is loaded: too late to choose its threads")
    _pin(threads)
    sys.path.insert(1, str(ROOT))  # measure this checkout, not an installed sknn
    eigen = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    os.environ["XLA_FLAGS"] = f"{eigen} intra_op_parallelism_threads={threads}"
    os.environ["JAX_PLATFORMS"] = "cpu"


def _pin(threads):
    if not hasattr(os, "sched_setaffinity"):  # macOS, Windows
        print("cannot pin to cores here: thread limits alone hold the peers")
        return
    cores = sorted(os.sched_getaffinity(0))[-threads:]
    if len(cores) < threads:
        raise SystemExit(f"{threads} threads asked for, {len(cores)} cores to run on")
    os.sched_setaffinity(0, cores)  # threads started from now on inherit it


def is_installed(package):
    return importlib.util.find_spec(package) is not None


def describe(threads, packages=PACKAGES):
    """The facts a reader needs to judge the numbers, as a dict of strings."""
    import scipy.linalg.cython_blas  # noqa: F401  loads SciPy's own BLAS
    import threadpoolctl
    from llvmlite.binding import get_host_cpu_name

    facts = {"CPU": f"{_cpu_model()} ({get_host_cpu_name()})"}
    facts["cores used"] = str(threads)
    facts["Python"] = platform.python_version()
    facts.update({name: _version(name) for name in packages})
    for i, pool in enumerate(threadpoolctl.threadpool_info()):
        facts[f"pool {i}"] = _pool(pool)
    return facts


def write(facts, text, markdown=None):
    """Print the facts and what was measured; keep both in a file if one is named."""
    listed = "\n".join(f"* {name}: {value}" for name, value in facts.items())
    print(f"\n{listed}\n\n{text}")
    if markdown:
        Path(markdown).write_text(f"{listed}\n\n{text}\n")


def _pool(pool):
    core = pool.get("architecture", "unknown")
    name = f"{pool['internal_api']} {pool['version']}"
    return f"{name}, core type {core}, {pool['num_threads']} threads"


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _cpu_model():
    try:
        with open("/proc/cpuinfo") as lines:
            names = [line for line in lines if line.startswith("model name")]
        return names[0].split(":")[1].strip()
    except (OSError, IndexError):
        return platform.processor() or platform.machine()
