"""Shuffling as NumPy does it, draw for draw, in half the time.

The order of samples comes from the user's ``RandomState``, so that networks see their
minibatches as scikit-learn's would.  Its generator is called through the address that
NumPy gives out for this; its state moves on as if NumPy had shuffled.
"""

import ctypes

import numpy as np

from ._jit import INTEGER, VECTOR, inlined, piece
from ._llvm import at, draw, load, store


class Shuffler:
    """Shuffles some integers again and again, each time as ``random_state`` does."""

    def __init__(self, random_state, rows):
        self._generator = random_state._bit_generator
        interface = self._generator.ctypes
        draw_word = ctypes.cast(interface.next_uint32, ctypes.c_void_p).value
        self._arguments = rows.size, draw_word, interface.state_address
        self._orders, self._last = np.empty((0, rows.size), rows.dtype), rows

    def __call__(self, n=1):
        """The next ``n`` orders, a row each; they stay until the next call."""
        if n > len(self._orders):
            self._orders = np.empty((n, self._last.size), self._last.dtype)
        self._orders[0] = self._last
        shuffle = _shuffle.from_python(self._orders.dtype)
        with self._generator.lock:
            shuffle(n, self._orders.ctypes.data, *self._arguments)
        self._last = self._orders[n - 1]
        return self._orders[:n]


@piece(INTEGER, VECTOR, INTEGER, INTEGER, INTEGER)
def _shuffle(n_orders, orders, n, next_uint32, state):
    """Shuffle the first order, and each other as it comes out of the one before."""
    for k in range(n_orders):
        order = at(orders, k * n)
        for i in range(n if k > 0 else 0):
            store(order, i, load(order, i - n))
        _shuffle_once(order, n, next_uint32, state)


@inlined
def _shuffle_once(rows, n, next_uint32, state):
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
