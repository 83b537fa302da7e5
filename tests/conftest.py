"""Options of the differential test, and one seed for all that is not seeded itself."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _seeded():
    """Estimators without a random_state draw from NumPy's global generator."""
    np.random.seed(0)


def pytest_addoption(parser):
    group = parser.getgroup("sknn")
    group.addoption(
        "--draws",
        type=int,
        default=60,
        help="configurations drawn by test_equivalence.py (default: 60)",
    )
    group.addoption(
        "--seed",
        type=int,
        default=0,
        help="seed of the configurations drawn by test_equivalence.py (default: 0)",
    )
