"""The one decorator of every kernel: nopython, nogil, cached on disk, never stale.

Numba stamps a cached function with the contents of its own file only, so an upgrade
that changes ``losses.py`` would leave the cached epoch of ``network.py``, which
inlines it, as it was.  Here the stamp covers every file of the package with kernels.
"""

import contextlib
import hashlib
from functools import cache
from pathlib import Path

import numba
from numba.core.caching import FunctionCache

# The flags that keep NaN and infinity what they are: never nnan or ninf; reassoc only
# in a reduction, for it would undo the two-part constants of elementary.py.
_OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
}


def inlined(function):
    """Make ``function`` a paragraph of each kernel that calls it.

    A function of its own is optimised once by itself and again inside every caller;
    a paragraph only there, which halves the time that compiling takes.
    """
    return numba.njit(inline="always", **_OPTIONS)(function)


def reduction(function):
    """A kernel whose sums may be taken in any order, so that they vectorise."""
    return kernel(function, fastmath=_OPTIONS["fastmath"] | {"reassoc"})


def kernel(function, **options):
    """Compile ``function`` at its first call, or load it from the disk cache."""
    dispatcher = numba.njit(**(_OPTIONS | options))(function)
    if not numba.config.DISABLE_JIT:
        # RuntimeError: no directory can be written to, so nothing is cached.
        with contextlib.suppress(RuntimeError):
            dispatcher._cache = _KernelCache(function)
    return dispatcher


@cache
def _source_stamp():
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        source = path.read_bytes()
        if b"_jit" in source or b"_llvm" in source:
            digest.update(source)
    return digest.digest()


class _KernelCache(FunctionCache):
    """Numba's file cache, stamped with all sources; a damaged file is a miss."""

    def __init__(self, function):
        super().__init__(function)
        self._cache_file._source_stamp = _source_stamp()

    def load_overload(self, sig, target_context):
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a killed process can leave any kind of half a pickle
            self._forget()
            return None

    def save_overload(self, sig, data):
        # A full or read-only disk costs the next process a compilation, no more.
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)

    def _forget(self):
        with contextlib.suppress(OSError):
            self.flush()
