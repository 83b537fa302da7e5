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
    group.addoption(
        "--combinations",
        type=int,
        default=7,  # no divisor of how many values a factor has: all pairs are met
        help="test one of so many combinations of layers (default: 7; CI tests all)",
    )


def pytest_collection_modifyitems(config, items):
    """Leave out most of the 2,880 combinations, which take a minute."""
    combinations = [item for item in items if "every_combination" in item.name]
    chosen = set(combinations[:: config.getoption("--combinations")])
    left_out = [item for item in combinations if item not in chosen]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
