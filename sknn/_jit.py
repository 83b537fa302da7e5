"""How everything is compiled: nopython, nogil, cached on disk, never stale.

All is made of *pieces* (an epoch, a product, an activation, a loss, an update rule): C
functions that Python and other pieces call through their addresses, which are data.  So
a network compiles the pieces it is made of and no others, and a new piece compiles no
other again.

Numba stamps a cached function with the contents of its own file only, so an upgrade
that changes ``elementary.py`` would leave the losses that inline it as they were.
Here the stamp covers every file of the package with compiled code.
"""

import contextlib
import ctypes
import hashlib
import pickle
import time
from functools import cache, cached_property, update_wrapper
from pathlib import Path

import numba
import numpy as np
from numba import carray as as_array  # noqa: F401  (what a piece reads a VECTOR with)
from numba import types
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.extending import typeof_impl

from ._garbage import no_garbage_collection

# The flags that keep NaN and infinity what they are: never nnan or ninf; reassoc only
# in a reduction, for it would undo the two-part constants of elementary.py.
_OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
}

# An upgrade may change the sources under a process that has the old ones.
_IMPORTED_AT = time.time()

# What a piece takes: a pointer to numbers of its dtype, or to float64; a zero of its
# dtype, or another number.  A dtype of records stands for a pointer to such a record.
VECTOR, SETTINGS, ZERO, INTEGER, REAL = "vector", "settings", "zero", "integer", "real"
_KINDS = {
    SETTINGS: types.CPointer(types.float64),
    INTEGER: types.intp,
    REAL: types.float64,
}
_C_NUMBERS = {INTEGER: ctypes.c_ssize_t, REAL: ctypes.c_double}


# What Numba looks for in vain in each piece: it takes a tenth of the compiler's time.
_UNUSED_PASSES = [
    "WithLifting", "InlineClosureLikes", "RewriteSemanticConstants", "DeadBranchPrune",
    "RewriteDynamicRaises", "MakeFunctionToJitFunction", "FindLiterallyCalls",
    "LiteralUnroll", "LiteralPropagationSubPipelinePass", "InlineOverloads",
    "NopythonRewrites",
]  # fmt: skip


class _PieceCompiler(CompilerBase):
    """Numba's compiler without those passes: a piece has loops, numbers and calls."""

    def define_pipelines(self):
        pipeline = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes, unused = pipeline.passes, _UNUSED_PASSES
        pipeline.passes = [each for each in passes if each[0].__name__ not in unused]
        pipeline.finalize()
        return [pipeline]


class _Part:
    """A function that is compiled with whatever calls it, when that is compiled.

    Python can call it too, which compiles it once more.  A dispatcher of Numba's for
    each part of the package would take longer than to import it: so it is made late.
    """

    def __init__(self, function):
        self.py_func = function
        update_wrapper(self, function)

    def __call__(self, *arguments):
        return self._for_python(*arguments)

    def __reduce__(self):
        return self.__qualname__  # copies and pickles are the same object

    @cached_property
    def _for_python(self):
        return numba.njit(**_OPTIONS)(self.py_func)


@typeof_impl.register(_Part)
def _type_of_part(part, context):
    return typeof_impl(part.dispatcher, context)


class inlined(_Part):  # noqa: N801  (a decorator)
    """Make a function a paragraph of each piece that calls it.

    A function of its own is optimised once by itself and again inside every caller;
    a paragraph only there, which halves the time that compiling takes.
    """

    targetoptions = {"inline": "always"}

    @cached_property
    def dispatcher(self):
        return numba.njit(**self.targetoptions, **_OPTIONS)(self.py_func)


class scalar(_Part):  # noqa: N801  (a decorator)
    """Compile a function of numbers once, and put it into each loop that calls it.

    Where it calls paragraphs in turn, copying them takes Numba longer than this.
    """

    @cached_property
    def dispatcher(self):
        return subroutine(self.py_func, forceinline=True)


def subroutine(function, **options):
    """Compile ``function`` with the pieces that call it, which alone can.

    It has no door to Python and no file of its own in the cache.
    """
    no_doors = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    options = {"pipeline_class": _PieceCompiler} | _OPTIONS | no_doors | options
    return numba.njit(**options)(function)


def reduction(function):
    """A subroutine whose sums may be taken in any order, so that they vectorise."""
    return subroutine(function, fastmath=_OPTIONS["fastmath"] | {"reassoc"})


def piece(*arguments):
    """Make a function of these kinds of arguments a `Piece`."""
    return lambda function: Piece(function, arguments)


def piece_of(*arguments):
    """Make a function that builds pieces of these kinds of arguments.

    It is given scalar functions and returns the loop round them.
    """

    def decorate(build):
        def build_piece(*functions):
            return Piece(build(*functions), arguments, functions)

        return build_piece

    return decorate


def with_setting(function):
    """A function of one number as one of a number and a setting."""
    if function.py_func.__code__.co_argcount > 1:
        return function

    def ignoring_setting(number, setting):
        return function(number)

    return inlined(ignoring_setting)


class Piece:
    """A C function for each dtype, compiled or loaded when its address is asked for."""

    def __init__(self, function, arguments, parts=()):
        self._function, self._arguments, self._parts = function, arguments, parts
        self._compiled, self._callable = {}, {}
        self.name = function.__name__

    def __deepcopy__(self, memo):
        return self  # machine code is the same in every copy

    def address(self, dtype):
        """Where the machine code for numbers of ``dtype`` lies."""
        if dtype not in self._compiled:
            # of threads that compile at once, all must use what stays
            self._compiled.setdefault(dtype, self._compile(dtype))
        return self._compiled[dtype].address

    def __call__(self, *arguments):
        """Call it from Python, on arrays of one dtype and numbers."""
        function = self.from_python(arguments[0].dtype)
        # an array that ctypes were to convert would turn an interrupt into its error
        function(*map(_address_or_number, arguments))

    def from_python(self, dtype):
        """The same as a function of addresses and numbers."""
        if dtype not in self._callable:
            numbers = _C_NUMBERS | {ZERO: np.ctypeslib.as_ctypes_type(dtype)}
            kinds = [numbers.get(kind, ctypes.c_void_p) for kind in self._arguments]
            self._callable[dtype] = ctypes.CFUNCTYPE(None, *kinds)(self.address(dtype))
        return self._callable[dtype]

    def _compile(self, dtype):
        kinds = [
            _kind(argument, numba.from_dtype(dtype)) for argument in self._arguments
        ]
        signature = tuple(kinds), types.void
        compiled = CFunc(self._function, signature, {}, _OPTIONS, _PieceCompiler)
        names = tuple(f"{part.__module__}.{part.__qualname__}" for part in self._parts)
        # the stamp does not cover a part that a user wrote
        if all(name.startswith(f"{__package__}.") for name in names):
            with contextlib.suppress(RuntimeError):
                compiled._cache = _KernelCache(self._function, names)
        with no_garbage_collection():
            compiled.compile()
        return compiled


def _address_or_number(argument):
    return argument.ctypes.data if isinstance(argument, np.ndarray) else argument


def _kind(argument, scalar):
    """Numba's type of an argument of a piece for this type of numbers."""
    kinds = {ZERO: scalar, VECTOR: types.CPointer(scalar), **_KINDS}
    if isinstance(argument, str):
        return kinds[argument]
    return numba.from_dtype(argument)


def sources_with_compiled_code():
    """The files of the package that name what compiles, and their contents."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        source = path.read_bytes()
        if any(name in source for name in (b"_jit", b"numba", b"llvmlite")):
            yield path, source


@cache
def _source_stamp():
    """A mark of the sources; a RuntimeError if they are not those that are imported."""
    digest = hashlib.sha256()
    for path, source in sources_with_compiled_code():
        if path.stat().st_ctime > _IMPORTED_AT:
            raise RuntimeError(f"{path} has changed: its kernels are not cached.")
        digest.update(source)
    return digest.digest()


class _MarkedFiles(IndexDataCacheFile):
    """A file for each key, marked with all that its machine code depends on.

    Numba's own are numbered, by an index: of two processes that compile at once both
    may take the same number, and then one's code is found under the other's key.
    """

    def save(self, key, data):
        path, mark = self._path_and_mark(key)
        with self._open_for_write(path) as file:
            file.write(mark + self._dump(data))

    def load(self, key):
        path, mark = self._path_and_mark(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        return pickle.loads(content[len(mark) :]) if content.startswith(mark) else None

    def _path_and_mark(self, key):
        key, version = repr(key).encode(), self._version.encode()
        name = hashlib.sha256(key).hexdigest()[:16]
        mark = hashlib.sha256(self._source_stamp + version + key).digest()
        return Path(self._index_path).with_suffix(f".{name}.nbc"), mark


class _KernelCache(FunctionCache):
    """Numba's file cache, stamped with all sources; a damaged file is a miss."""

    def __init__(self, function, parts=()):
        super().__init__(function)
        self._parts = parts
        base = self._impl.filename_base
        self._cache_file = _MarkedFiles(self._cache_path, base, _source_stamp())

    def _index_key(self, sig, codegen):
        # Numba tells closures apart by what they hold, which differs in each process.
        if self._parts:
            return sig, codegen.magic_tuple(), self._parts
        return super()._index_key(sig, codegen)

    def load_overload(self, sig, target_context):
        # a killed process can leave any kind of half a pickle
        with contextlib.suppress(Exception):
            return super().load_overload(sig, target_context)

    def save_overload(self, sig, data):
        # A full or read-only disk costs the next process a compilation, no more.
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)
