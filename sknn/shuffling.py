"""Shuffling as NumPy does it, draw for draw, in half the time.

The order of samples comes from the user's ``RandomState``, so that networks see their
minibatches as scikit-learn's would.  Its generator is called through the address that
NumPy gives out for this; its state moves on as if NumPy had shuffled.
"""

import ctypes

from ._jit import INTEGER, VECTOR, piece
from ._llvm import draw, load, store


class Shuffler:
    """Shuffles some integers in place, each time as ``random_state.shuffle`` does."""

    def __init__(self, random_state, rows):
        self._generator, self._rows = random_state._bit_generator, rows
        interface = self._generator.ctypes
        draw_word = ctypes.cast(interface.next_uint32, ctypes.c_void_p).value
        generator = draw_word, interface.state_address
        self._arguments = rows.ctypes.data, rows.size, *generator

    def __call__(self):
        shuffle = _shuffle.from_python(self._rows.dtype)
        with self._generator.lock:
            shuffle(*self._arguments)


@piece(VECTOR, INTEGER, INTEGER, INTEGER)
def _shuffle(rows, n, next_uint32, state):
    """Exchange each row, from the last one on, with one up to it (Fisher and Yates).

    A draw beyond it is refused: the row is exchanged with itself, and is not done.
    That half of them are is not to be foreseen, so there is no branch to go wrong.
    """
    i, mask = n - 1, 0
    while mask < i:
        mask = 2 * mask + 1
    while i > 0:
        if i <= mask >> 1:
            mask >>= 1
        j = draw(next_uint32, state) & mask
        taken = j <= i
        j = j if taken else i
        row = load(rows, i)
        store(rows, i, load(rows, j))
        store(rows, j, row)
        i -= taken
