"""TableEncoder against the formulas written out, scikit-learn's encoders, and itself.

Itself: whatever a table is made of, its outputs are those of the same table in pandas.
"""

import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknn import TableEncoder

THEIR_CHECKS = parametrize_with_checks(
    [TableEncoder(), TableEncoder(categorical_features=[0], max_one_hot=2)]
)
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(60, 3)) * [1, 1e-6, 1e6] + [0, 1, -1e7]
LETTERS = RNG.choice(list("abcdefghijkl"), size=(90, 1)).astype(object)


# As a list: scikit-learn 1.6 makes a generator, which pytest 9 warns of.
@pytest.mark.parametrize(
    THEIR_CHECKS.args[0], list(THEIR_CHECKS.args[1]), **THEIR_CHECKS.kwargs
)
def test_estimator_checks(estimator, check):
    check(estimator)


# --- numbers --------------------------------------------------------------------------


def clipped(x):
    return x / np.sqrt(1 + (x / 3) ** 2)


def expected_of_numbers(X, X_fit):
    """The recipe, for columns without missing values."""
    low, median, high = np.quantile(X_fit, [0.25, 0.5, 0.75], axis=0)
    half_range = (X_fit.max(axis=0) - X_fit.min(axis=0)) / 2
    return clipped((X - median) / np.where(high > low, high - low, half_range))


@pytest.mark.parametrize("dtype", ["float32", "float64", np.float32, np.float64])
def test_numbers_are_scaled_and_clipped(dtype):
    rare = np.arange(60)[:, None] % 10 == 0  # its quartiles are equal
    X = np.hstack([NUMBERS, rare, 100 * rare])
    encoder = TableEncoder(dtype=dtype).fit(X[:40])
    outputs = encoder.transform(X)
    assert outputs.dtype == dtype
    expected = expected_of_numbers(X, X[:40])
    np.testing.assert_allclose(outputs, expected, rtol=1e-6, atol=1e-6)
    assert encoder.output_kinds_.tolist() == ["number"] * 5


@pytest.mark.parametrize("huge", [1e12, 1e300, 1.7e308, np.inf])
@pytest.mark.parametrize("in_fit", [True, False])
def test_outliers_are_three(huge, in_fit):
    X = np.linspace(-1, 1, 41)[:, None] / 1000
    outliers = np.array([[huge], [-huge]])
    encoder = TableEncoder().fit(np.vstack([X, outliers]) if in_fit else X)
    np.testing.assert_array_equal(encoder.transform(outliers), [[3], [-3]])
    expected = clipped(1000 * X)
    np.testing.assert_allclose(encoder.transform(X), expected, rtol=0.1, atol=1e-6)


def test_columns_of_extremes_stay_finite():
    extremes = [5e-324, 1.7e308, -1.7e308, np.inf, -np.inf, 0, 1, np.nan]
    X = RNG.choice(extremes, size=(200, 30), p=[0.05, 0.35, 0.35, *[0.05] * 5])
    assert np.isfinite(TableEncoder().fit_transform(X)).all()


def test_missing_numbers_are_the_median_and_indicated():
    X = NUMBERS.copy()
    X[::7, 1] = np.nan
    encoder = TableEncoder(dtype="float64").fit(X)
    assert encoder.output_kinds_.tolist() == ["number"] * 3 + ["indicator"]
    names = encoder.get_feature_names_out(["a", "b", "c"])
    assert names.tolist() == ["a", "b", "c", "missingindicator_b"]
    outputs = encoder.transform(X)
    missing = np.isnan(X[:, 1])
    known = X[~missing, 1]
    assert (outputs[missing, 1] == 0).all()
    np.testing.assert_allclose(outputs[~missing, 1], expected_of_numbers(known, known))
    np.testing.assert_allclose(outputs[:, 3], clipped(2.0 * missing))
    # A column that lacked nothing in fit has no indicator, and misses the median.
    assert encoder.transform([[np.nan] * 3])[0, :3].tolist() == [0, 0, 0]


def test_constant_and_empty_columns_have_no_output():
    nothing = np.full(60, np.nan)
    constant = np.full(60, 0.1)
    sometimes = np.where(np.arange(60) % 3, 5.0, np.nan)
    X = np.column_stack([nothing, NUMBERS[:, 0], constant, sometimes]).astype(object)
    encoder = TableEncoder().fit(X)
    names = encoder.get_feature_names_out().tolist()
    assert names == ["x1", "missingindicator_x3"]
    assert encoder.left_out_ == [0, 2]
    before = encoder.transform(X)
    X[:, [0, 2]] = "anything"
    np.testing.assert_array_equal(encoder.transform(X), before)


def test_what_has_no_output_is_named():
    pd = pytest.importorskip("pandas")
    days = pd.date_range("2024-01-01", periods=60)
    letters = np.resize(list("abc"), 60)
    table = pd.DataFrame({"id": days.strftime("%F"), "day": days, "letter": letters})
    encoder = TableEncoder().fit(table)
    assert encoder.left_out_ == ["id"]
    with pytest.warns(UserWarning, match="No column of X has an output"):
        encoder.fit(table[["id"]])
    assert encoder.transform(table[["id"]]).shape == (60, 0)


# --- categories -----------------------------------------------------------------------


def test_codes_are_those_of_ordinal_encoder():
    seen = LETTERS[LETTERS[:, 0] != "c"]
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    expected = ordinal.fit(seen).transform(LETTERS) + 1
    encoder = TableEncoder(min_frequency=1).fit(seen)
    np.testing.assert_array_equal(encoder.transform(LETTERS), expected)
    assert encoder.output_kinds_.tolist() == ["category"]
    assert encoder.n_categories_.tolist() == [12]
    assert encoder.categories_ == [ordinal.categories_[0].tolist()]
    assert encoder.transform([[None]]) == encoder.transform([[np.nan]]) == 0


@pytest.mark.parametrize("n_levels", [3, 5])
def test_small_categories_are_one_hot_and_scaled(n_levels):
    levels = LETTERS[np.isin(LETTERS[:, 0], list("abcdefgh"[:n_levels]))]
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(levels)
    flags = TableEncoder().fit(one_hot.transform(levels))
    expected = flags.transform(one_hot.transform(LETTERS))
    encoder = TableEncoder().fit(levels)
    np.testing.assert_array_equal(encoder.transform(LETTERS), expected)
    assert encoder.output_kinds_.tolist() == ["indicator"] * n_levels
    names = encoder.get_feature_names_out().tolist()
    assert names == one_hot.get_feature_names_out().tolist()


@pytest.mark.parametrize(
    "no, yes", [(False, True), ("no", "yes"), (np.bool_(False), np.bool_(True))]
)
def test_two_levels_share_a_column(no, yes):
    X = np.array([[no], [yes], [None], [yes], [no], [np.nan]], dtype=object)
    encoder = TableEncoder().fit(X)
    assert encoder.transform(X).ravel().tolist() == [-1, 1, 0, 1, -1, 0]
    assert encoder.get_feature_names_out().tolist() == [f"x0_{yes}"]


def test_array_of_booleans():
    X = np.array([[True, False], [False, True], [True, True], [False, False]])
    np.testing.assert_array_equal(TableEncoder().fit_transform(X), 2 * X - 1)


@pytest.mark.parametrize("max_one_hot", [0, 1, 2, 3, 4, 11, 12])
def test_max_one_hot_decides(max_one_hot):
    sizes = 2, 4, 12
    X = np.arange(120)[:, None] % sizes
    encoder = TableEncoder(categorical_features=[0, 1, 2], max_one_hot=max_one_hot)
    kinds = encoder.fit(X).output_kinds_.tolist()
    small = [size for size in sizes if size <= max_one_hot]
    n_indicators = sum(1 if size == 2 else size for size in small)
    expected = n_indicators * ["indicator"] + (3 - len(small)) * ["category"]
    assert kinds == expected
    codes = [size + 1 for size in sizes if size > max_one_hot]
    assert encoder.n_categories_.tolist() == n_indicators * [0] + codes


def test_rare_levels_are_unknown():
    X = np.array([[*"aaabbbccd"], [*"ijklmnopq"]], dtype=object).T
    encoder = TableEncoder(min_frequency=3).fit(X)
    assert encoder.categories_ == [["a", "b"], []]
    outputs = encoder.transform(X)
    assert outputs.ravel().tolist() == [-1] * 3 + [1] * 3 + [0] * 3


def test_one_level_that_may_be_missing():
    X = np.array([["a"], [None], ["a"], ["b"]], dtype=object)
    outputs = TableEncoder().fit_transform(X)
    np.testing.assert_allclose(outputs.ravel(), [0.493197, -0.493197] * 2, rtol=1e-5)


def test_levels_of_several_types():
    X = np.array([["a"], [1], ["a"], [(2, 3)], [1.0], [(2, 3)]], dtype=object)
    encoder = TableEncoder(max_one_hot=0).fit(X)
    codes = encoder.transform(X).ravel()
    assert codes[0] == codes[2] and codes[1] == codes[4] and codes[3] == codes[5]
    assert sorted(set(codes)) == [1, 2, 3]


# --- tables ---------------------------------------------------------------------------


def small_table():
    """A table in pandas with columns of every kind, most with missing values."""
    pd = pytest.importorskip("pandas")
    rows = np.arange(50)
    text = pd.Series(LETTERS[:50, 0])
    missing = rows % 9 == 4
    return pd.DataFrame(
        {
            "float": np.where(missing, np.nan, NUMBERS[:50, 0]),
            "int": rows % 17,
            "bool": rows % 3 == 0,
            "text": text,
            "text or missing": text.mask(missing),
            "category": text.where(rows % 2 == 0, "k").astype("category"),
            "few": pd.Series(rows % 3).map({0: "x", 1: "y", 2: None}),
            "time": pd.Series(pd.date_range("2024-02-01", periods=50)).mask(missing),
            "zoned": pd.date_range("2024-02-01", periods=50, tz="Asia/Tokyo"),
            "duration": pd.to_timedelta(rows**2, unit="h"),
        }
    )


def test_times_and_durations_may_be_objects():
    pd = pytest.importorskip("pandas")
    rows = np.arange(20)
    table = pd.DataFrame(
        {
            "time": pd.date_range("2024-02-01", periods=20),
            "duration": pd.Series(pd.to_timedelta(rows**2, unit="h")).mask(rows == 3),
        }
    )
    encoder = TableEncoder().fit(table)
    objects = np.array([list(column) for _, column in table.items()], dtype=object).T
    expected = encoder.transform(table)
    assert expected.shape == (20, 3)
    # an array has no names
    own = TableEncoder().fit(objects)
    np.testing.assert_array_equal(own.transform(objects), expected)
    python = [
        [time.to_pydatetime(), d.to_pytimedelta()] for time, d in objects if d == d
    ]
    known = rows != 3
    np.testing.assert_allclose(own.transform(python), expected[known], atol=1e-6)
    numpy = objects[known]
    numpy[:, 0] = [np.datetime64(time, "ns") for time in numpy[:, 0]]
    np.testing.assert_array_equal(own.transform(numpy), expected[known])


def as_nullable(table):
    return table.convert_dtypes()


def as_pyarrow_dtypes(table):
    pytest.importorskip("pyarrow")
    return table.convert_dtypes(dtype_backend="pyarrow")


def as_objects_with_na(table):
    pd = pytest.importorskip("pandas")
    return table.astype(object).where(table.notna(), pd.NA)


def as_arrow(table):
    arrow = pytest.importorskip("pyarrow")
    return arrow.Table.from_pandas(table, preserve_index=False)


def as_record_batch(table):
    return as_arrow(table).combine_chunks().to_batches()[0]


def as_polars(table):
    return pytest.importorskip("polars").from_arrow(as_arrow(table))


def as_other_index(table):
    return table.set_index(np.arange(50)[::-1] // 2)


FORMS = [
    as_nullable,
    as_pyarrow_dtypes,
    as_objects_with_na,
    lambda table: table.astype(object).to_numpy(),
    lambda table: table.astype(object).to_numpy().tolist(),
    as_arrow,
    as_record_batch,
    as_polars,
    as_other_index,
]


@pytest.mark.parametrize("form", FORMS)
def test_same_outputs_whatever_the_table_is_made_of(form):
    table = small_table()
    # an object of timedelta is no number to anybody
    table["duration"] /= np.timedelta64(1, "s")
    expected = TableEncoder(max_one_hot=3).fit(table)
    encoder = TableEncoder(max_one_hot=3).fit(form(table))
    outputs = encoder.transform(form(table))
    np.testing.assert_array_equal(outputs, expected.transform(table))
    np.testing.assert_array_equal(encoder.output_kinds_, expected.output_kinds_)


def test_outputs_of_a_table():
    encoder = TableEncoder(max_one_hot=3).fit(small_table())
    kinds = dict(zip(encoder.get_feature_names_out(), encoder.output_kinds_))
    numbers = ["float", "int", "time", "zoned", "duration"]
    missing = ["missingindicator_float", "missingindicator_time"]
    levels = ["bool_True", "few_y"]
    codes = ["text", "text or missing", "category"]
    assert kinds == {
        **dict.fromkeys(numbers, "number"),
        **dict.fromkeys(missing + levels, "indicator"),
        **dict.fromkeys(codes, "category"),
    }
    assert list(kinds) == numbers + missing + levels + codes
    assert len(encoder.center_) == len(encoder.scale_) == 7
    assert not encoder.n_categories_[:-3].any()


def test_times_are_seconds():
    table = small_table()[["time", "zoned", "duration"]]
    encoder = TableEncoder(dtype="float64").fit(table)
    pd = pytest.importorskip("pandas")
    naive = table["zoned"].dt.tz_convert(None)
    seconds = [
        (time - pd.Timestamp(0)) / pd.Timedelta("1s") for time in (table["time"], naive)
    ]
    X = np.column_stack([*seconds, table["duration"] / pd.Timedelta("1s")])
    expected = TableEncoder(dtype="float64").fit_transform(X)
    np.testing.assert_allclose(encoder.transform(table), expected, rtol=1e-12)


def test_objects_that_are_numbers():
    times = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=k) for k in range(9)]
    X = [[Decimal(k), k / 2, k > 4 or None, times[k]] for k in range(9)]
    X[3] = [None, np.float32(np.nan), True, None]
    outputs = TableEncoder().fit_transform(np.array(X, dtype=object))
    np.testing.assert_array_equal(outputs[:, 0], outputs[:, 1])
    np.testing.assert_array_equal(outputs[:, 0], outputs[:, 2])
    assert outputs.shape == (9, 3 * 2 + 1)


@pytest.mark.parametrize(
    "features, categorical",
    [
        ("from_dtype", {"levels"}),
        (None, set()),
        ([], set()),
        ([1], {"age"}),
        (["levels", "age"], {"age", "levels"}),
        ([True, False, True], {"size", "levels"}),
        (np.array(["size"], dtype=object), {"size"}),
    ],
)
def test_categorical_features(features, categorical):
    pd = pytest.importorskip("pandas")
    X = np.arange(60).reshape(20, 3) % 5
    table = pd.DataFrame(X, columns=["size", "age", "levels"])
    table["levels"] = table["levels"].astype("category")
    encoder = TableEncoder(categorical_features=features).fit(table)
    found = [levels is not None for levels in encoder.categories_]
    assert set(encoder.feature_names_in_[found]) == categorical


def test_output_as_a_dataframe():
    table = small_table()
    encoder = TableEncoder().set_output(transform="pandas")
    outputs = encoder.fit_transform(table.iloc[::-1])
    assert outputs.index.equals(table.index[::-1])
    assert outputs.columns.tolist() == encoder.get_feature_names_out().tolist()


def test_clones_pickles_and_compositions_are_alike():
    table = small_table()
    encoder = TableEncoder().fit(table)
    outputs = encoder.transform(table)
    others = [
        clone(encoder).fit(table),
        pickle.loads(pickle.dumps(encoder)),
        make_column_transformer((TableEncoder(), list(table.columns))).fit(table),
    ]
    for other in others:
        np.testing.assert_array_equal(other.transform(table), outputs)


def test_rows_one_by_one():
    table = small_table()
    encoder = TableEncoder().fit(table)
    rows = [encoder.transform(table.iloc[[i]]) for i in range(len(table))]
    np.testing.assert_array_equal(np.vstack(rows), encoder.transform(table))


# --- mistakes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, message",
    [
        ({"int": "five"}, "Column 'int' held numbers in fit, but now holds 'five'"),
        ({"time": "May"}, "Column 'time' held numbers in fit, but now holds 'May'"),
        ({"text": 3.5}, "Column 'text' held text in fit, but now holds 3.5"),
        ({"bool": "yes"}, "Column 'bool' held no text in fit, but now holds 'yes'"),
        ({"other": 1}, "(?s)feature names should match.*unseen at fit time.*- other"),
    ],
)
def test_tables_that_changed(change, message):
    table = small_table()
    encoder = TableEncoder().fit(table)
    with pytest.raises(ValueError, match=message):
        encoder.transform(table.assign(**change))


@pytest.mark.parametrize("column", ["int", "float", "text", "bool", "few", "time"])
def test_a_column_may_come_to_be_missing(column):
    table = small_table()
    encoder = TableEncoder().fit(table)
    assert np.isfinite(encoder.transform(table.assign(**{column: None}))).all()


@pytest.mark.parametrize(
    "X, error, message",
    [
        (csr_array(np.eye(3)), TypeError, "X.toarray.*MLPClassifier"),
        ([[{}], [{}]], TypeError, "Column 0 holds what cannot be a category"),
        ([[1j], [2j]], ValueError, "Complex data not supported"),
        ([1, 2, 3], ValueError, "Expected 2D array"),
        (np.empty((0, 2)), ValueError, "0 sample"),
    ],
)
def test_what_is_no_table(X, error, message):
    with pytest.raises(error, match=message):
        TableEncoder().fit(X)


def test_an_empty_dataframe():
    table = small_table()
    with pytest.raises(ValueError, match="0 sample"):
        TableEncoder().fit(table.iloc[:0])
    with pytest.raises(ValueError, match="0 feature"):
        TableEncoder().fit(table.iloc[:, :0])


@pytest.mark.parametrize("features", [["age"], [3], [-1], [True], [[0]], [0.5]])
def test_categorical_features_that_are_not_there(features):
    with pytest.raises(ValueError, match="must be a mask, indices or names of the 3"):
        TableEncoder(categorical_features=features).fit(NUMBERS)
