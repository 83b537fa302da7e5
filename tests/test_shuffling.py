"""Orders are NumPy's, draw for draw, and so is the state that is left behind."""

import numpy as np
import pytest

from sknn.shuffling import Shuffler


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 8, 150, 1797, 65536, 65537])
@pytest.mark.parametrize("generator", [np.random.MT19937, np.random.PCG64])
def test_shuffles_as_numpy_does(n, generator):
    ours, numpys = (np.random.RandomState(generator(7)) for _ in range(2))
    rows, expected = 3 * np.arange(n), 3 * np.arange(n)
    shuffle = Shuffler(ours, rows)
    for n_orders in (1, 3, 2, 1):
        for order in shuffle(n_orders):
            numpys.shuffle(expected)
            np.testing.assert_array_equal(order, expected)
    assert ours.randint(2**31) == numpys.randint(2**31)


def test_the_global_state_moves_on():
    np.random.seed(0)
    Shuffler(np.random.mtrand._rand, np.arange(10))()
    after = np.random.randint(2**31)
    np.random.seed(0)
    np.random.shuffle(np.arange(10))
    assert after == np.random.randint(2**31)
