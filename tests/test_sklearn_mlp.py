"""scikit-learn's own tests of its perceptrons, run on ours.

The oracle is the test file of the installed scikit-learn. Its source is executed here
with one line changed, the import of the two classes; the tests it defines are then
collected from this module. Only tests listed in `EXCLUDED` are left out.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import sklearn.neural_network

PATH = Path(sklearn.neural_network.__file__).parent / "tests" / "test_mlp.py"
THEIR_IMPORT = "from sklearn.neural_network import MLPClassifier, MLPRegressor\n"
OUR_IMPORT = "from sknn import MLPClassifier, MLPRegressor\n"

EXCLUDED = {"test_gradient": "calls the private _loss_grad_lbfgs"}


def load_their_tests():
    """Their test file as a module, under its own name for the tracebacks."""
    source = PATH.read_text()
    assert source.count(THEIR_IMPORT) == 1
    spec = spec_from_file_location("sklearn_test_mlp_on_sknn", PATH)
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    code = compile(source.replace(THEIR_IMPORT, OUR_IMPORT), str(PATH), "exec")
    exec(code, module.__dict__)
    return module


their_tests = load_their_tests()
defined = [name for name in vars(their_tests) if name.startswith("test_")]
globals().update({n: vars(their_tests)[n] for n in defined if n not in EXCLUDED})

# Their tests let estimators stop at max_iter and sums overflow, and say so in warnings.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]


@pytest.fixture
def global_random_seed():
    """In scikit-learn a fixture of its own conftest, with this default."""
    return 42


def test_the_classes_under_test_are_ours():
    assert their_tests.MLPClassifier.__module__.split(".")[0] == "sknn"


def test_every_excluded_test_exists_somewhere():
    assert set(EXCLUDED) <= set(defined)


def test_most_of_their_tests_run_here():
    assert len(defined) - len(EXCLUDED) >= 30
