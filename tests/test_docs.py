"""The docs run, and what they quote is in the code."""

import doctest
import re
import textwrap
from pathlib import Path

import pytest

from sknn.activations import ACTIVATIONS
from sknn.averaging import AVERAGES
from sknn.losses import REGRESSION_LOSSES
from sknn.optimizers import OPTIMIZERS
from sknn.schedules import SCHEDULES

ROOT = Path(__file__).parent.parent
QUOTE = re.compile(r"\.\. quoted from (\S+)\n\n::\n\n((?:[ ]+.*\n|\n)+)")


@pytest.mark.parametrize("page", ["toolbox.rst", "extending.rst", "tables.rst"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_examples_run(page):
    if page == "tables.rst":
        pytest.importorskip("pandas")
    failed, tried = doctest.testfile(str(ROOT / "docs" / page), module_relative=False)
    assert tried > 3
    assert not failed


@pytest.mark.parametrize(("page", "n"), [("extending.rst", 10), ("tables.rst", 4)])
def test_quotes_are_in_the_code(page, n):
    quotes = QUOTE.findall((ROOT / "docs" / page).read_text())
    assert len(quotes) == n
    for path, text in quotes:
        source = textwrap.dedent((ROOT / path).read_text())
        lines = textwrap.dedent(text).strip().splitlines()
        pattern = r"\n[ ]*".join(re.escape(line.strip()) for line in lines if line)
        pattern = pattern.replace(r"\n[ ]*", r"\s*\n[ ]*")
        assert re.search(pattern, source), f"{path} has no longer:\n{text}"


@pytest.mark.parametrize(
    "table", [ACTIVATIONS, AVERAGES, REGRESSION_LOSSES, OPTIMIZERS, SCHEDULES]
)
def test_the_toolbox_lists_every_name(table):
    text = (ROOT / "docs" / "toolbox.rst").read_text()
    missing = [name for name in table if f'"{name}"' not in text]
    assert set(missing) <= {"constant"}, f"docs/toolbox.rst does not name {missing}"
