"""Options of the differential test: how many configurations it draws, and which."""


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
