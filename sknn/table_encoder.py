"""A raw table as numbers that a network learns from: scaled, clipped, encoded.

A table is read as its columns: those of a dataframe, which keep their types, or the
rows of ``X.T``. A column holds numbers or categories. Categories are factorized, as
codes of the distinct values, whatever these are; so only distinct values are looked
up, one by one, and rows never are.
"""

import warnings
from datetime import date, timedelta
from decimal import Decimal
from itertools import compress
from numbers import Integral, Real
from types import NoneType

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_is_fitted,
    validate_data,
)

from .samples import is_sparse

# Differences and quotients of numbers in the statistics do not overflow.
HUGE = 1e300
# Numbers that are scaled at a time, which stay in the cache meanwhile.
IN_CACHE = 16_384
CATEGORICAL_TYPES = ("category", "categorical", "enum", "dictionary")
TIMES, DURATIONS = (date, np.datetime64), (timedelta, np.timedelta64)
NUMBERS = (Real, Decimal, *TIMES, *DURATIONS)


class TableEncoder(TransformerMixin, BaseEstimator):
    """Encode a raw table as the scaled numbers and codes that networks learn from.

    Numbers are centred at the median, divided by the interquartile range (by half the
    range where that is zero) and clipped smoothly, ``x / sqrt(1 + (x / 3)^2)``, so no
    outlier is beyond 3 [1]_. Small categories become columns of 0 and 1, which are
    scaled and clipped alike, large ones a column of codes to be embedded.

    Parameters
    ----------
    categorical_features : 'from_dtype', None or array-like, default='from_dtype'
        The columns that hold categories: those of dataframes with the dtype category,
        Categorical, Enum or dictionary, or a mask, indices or names. Text, booleans and
        objects that are not numbers are categories always, as they cannot be scaled.
    max_one_hot : int, default=8
        Most levels of a category that gets a column for each of them; two levels
        share one column. One with more levels gets a column of codes.
    min_frequency : int, default=2
        Levels in fewer samples count as unknown. So a network can learn something of
        unknown levels, and a column of names that occur once each is left out.
    dtype : {'float32', 'float64'} or type, default='float32'
        The type of the outputs.

    Attributes
    ----------
    output_kinds_ : ndarray of str of shape (n_features_out,)
        What each output is, in this order: 'number', a scaled column of X;
        'indicator', of a level or of missing numbers; 'category', codes.
    n_categories_ : ndarray of int of shape (n_features_out,)
        How many codes an output of codes takes, the 0 included; 0 for the others.
    categories_ : list of list or None
        The levels of each column of X, code 1 first; None if it holds numbers.
    center_ : ndarray of float
        The medians of those outputs that are scaled, which are the first ones.
    scale_ : ndarray of float
        What their distances from the median are divided by.
    left_out_ : list of str or int
        The columns of X that have no output, by name if all names are strings.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str of shape (n_features_in_,)
        Their names, if all are strings.

    Notes
    -----
    Missing are NaN, None, NaT, pandas' NA and the nulls of polars and Arrow. A missing
    number becomes 0, the median, and where any was missing in ``fit`` an indicator says
    so. A level that is missing, unknown or rare has code 0, 0 between the levels -1 and
    +1 of a category of two, and none of the columns of other small categories.

    Infinite numbers are taken for huge outliers, 3 or -3. Times are seconds. Text is
    not read as numbers. Columns that are constant in ``fit``, missing numbers aside, or
    all missing have no output, and may hold anything in ``transform``.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn, Steinwart, "Better by Default: Strong Pre-Tuned MLPs
       and Boosted Trees on Tabular Data", NeurIPS 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn import TableEncoder
    >>> X = np.array([[0, "a"], [1, "b"], [2, "b"], [3, "b"], [1e12, "a"]], object)
    >>> encoder = TableEncoder().fit(X)
    >>> encoder.get_feature_names_out()
    array(['x0', 'x1_b'], dtype=object)
    >>> encoder.transform(X)
    array([[-0.9486833 , -1.        ],
           [-0.49319696,  1.        ],
           [ 0.        ,  1.        ],
           [ 0.49319696,  1.        ],
           [ 3.        , -1.        ]], dtype=float32)
    >>> encoder.transform([[None, "c"]])
    array([[0., 0.]], dtype=float32)
    """

    _parameter_constraints: dict = {
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "max_one_hot": [Interval(Integral, 0, None, closed="left")],
        "min_frequency": [Interval(Integral, 1, None, closed="left")],
        "dtype": [
            StrOptions({"float32", "float64"}),
            Options(type, {np.float32, np.float64}),
        ],
    }

    def __init__(
        self,
        *,
        categorical_features="from_dtype",
        max_one_hot=8,
        min_frequency=2,
        dtype="float32",
    ):
        self.categorical_features = categorical_features
        self.max_one_hot = max_one_hot
        self.min_frequency = min_frequency
        self.dtype = dtype

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the medians and scales of numbers and the levels of categories.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            A table: of pandas, polars or Arrow, an array or lists.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted encoder.

        Raises
        ------
        TypeError
            If X is sparse, or values are neither numbers nor hashable.
        ValueError
            If X is empty or complex, or ``categorical_features`` does not fit it.

        Warns
        -----
        UserWarning
            If no column has an output.
        """
        columns = self._columns(X, reset=True)
        self.categories_ = [
            self._levels(i, column) if is_category else None
            for i, (column, is_category) in enumerate(
                zip(columns, self._are_categories(columns))
            )
        ]
        self._code_of = [
            {level: code for code, level in enumerate(levels or (), start=1)}
            for levels in self.categories_
        ]
        self._choose_outputs(columns)
        if not self.output_kinds_.size:
            warnings.warn(
                "No column of X has an output: all are constant, missing, or have a "
                "level of its own in each row.",
                stacklevel=3,
            )
        return self

    def transform(self, X):
        """Encode a table.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            A table with the columns of that in ``fit``.

        Returns
        -------
        X_out : ndarray of shape (n_samples, n_features_out)
            The outputs, all of them finite.

        Raises
        ------
        TypeError
            If X is sparse, or values are neither numbers nor hashable.
        ValueError
            If the columns are not those of ``fit``, in number, name or content.
        """
        check_is_fitted(self, "output_kinds_")
        columns = self._columns(X, reset=False)
        codes = self._codes(columns)
        raw = self._raw(columns, codes)
        n_samples, n_scaled = raw.shape
        X_out = np.empty((n_samples, len(self.output_kinds_)), np.dtype(self.dtype))
        for rows in gen_batches(n_samples, max(1, IN_CACHE // max(1, n_scaled))):
            X_out[rows, :n_scaled] = _clipped(raw[rows], self.center_, self.scale_)
        others = [np.array([0, -1, 1])[codes[i]] for i in self._binary]
        others += [codes[i] for i in self._large]
        for j, column in enumerate(others, start=n_scaled):
            X_out[:, j] = column
        return X_out

    def get_feature_names_out(self, input_features=None):
        """Names of the outputs.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of X; None takes ``feature_names_in_``, or x0, x1, ...

        Returns
        -------
        feature_names_out : ndarray of str objects
            A column's own name for its numbers or codes; an indicator's name has the
            level in it, or says that it is of missing numbers.
        """
        check_is_fitted(self, "output_kinds_")
        names = _check_feature_names_in(self, input_features)
        second = [(i, 2) for i in self._binary]
        return np.array(
            [names[i] for i in self._numbers]
            + [f"missingindicator_{names[i]}" for i in self._incomplete]
            + [
                f"{names[i]}_{self.categories_[i][code - 1]}"
                for i, code in self._one_hot + second
            ]
            + [names[i] for i in self._large],
            dtype=object,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _columns(self, X, reset):
        """The columns of X: the rows of an array, or a list."""
        if is_sparse(X):
            raise TypeError(
                "Sparse data was passed, but TableEncoder needs a dense table: use "
                "X.toarray(), or give the sparse X to MLPClassifier or MLPRegressor."
            )
        columns = _columns_of_dataframe(X)
        if columns is None:
            X = _objects_beside_text(X)
            options = {"dtype": None, "ensure_all_finite": False, "reset": reset}
            return validate_data(self, X, **options).T
        if 0 in X.shape:
            raise ValueError(
                f"Found a table with {X.shape[0]} sample(s) and {X.shape[1]} feature(s)"
                " while a minimum of 1 is required by TableEncoder."
            )
        validate_data(self, X, skip_check_array=True, reset=reset)
        return columns

    def _label(self, i):
        names = getattr(self, "feature_names_in_", None)
        return f"Column {i if names is None else repr(names[i])}"

    # --- numbers ------------------------------------------------------------------

    def _values(self, columns, which):
        """Some columns of numbers, as float64 with NaN for missing."""
        if isinstance(columns, np.ndarray) and columns.dtype.kind in "biuf":
            return columns[which].astype(np.float64, copy=False).T
        read = [self._floats(i, _unboxed(columns[i])) for i in which]
        return np.stack(read, axis=1) if read else np.empty((len(columns[0]), 0))

    def _floats(self, i, values):
        if not _are_numbers(values, booleans=True):
            others = (v for v in values.tolist() if not isinstance(v, NUMBERS))
            value = next(v for v in others if not _is_missing(v))
            raise ValueError(
                f"{self._label(i)} held numbers in fit, but now holds {value!r}."
            )
        return _as_floats(values)

    # --- categories ---------------------------------------------------------------

    def _are_categories(self, columns):
        """Which columns hold categories: those asked for, and what is no number."""
        asked = self._asked_for(columns)
        return [
            is_asked or not _are_numbers(_unboxed(column))
            for column, is_asked in zip(columns, asked)
        ]

    def _asked_for(self, columns):
        """``categorical_features`` as a mask."""
        features = self.categorical_features
        if features is None or isinstance(features, str):
            from_dtype = features is not None
            return [from_dtype and _has_categorical_type(c) for c in columns]
        features = np.array(list(features))
        if features.dtype.kind == "b" and len(features) == len(columns):
            return features
        names = getattr(self, "feature_names_in_", None)
        if features.dtype.kind == "U" and names is not None:
            known = names.tolist()
        else:
            known = range(len(columns))
        unknown = [feature for feature in features.tolist() if feature not in known]
        if unknown or features.dtype.kind == "b":
            raise ValueError(
                "categorical_features must be a mask, indices or names of the "
                f"{len(columns)} columns of X, got {self.categorical_features!r}."
            )
        return np.isin(known, features)

    def _distinct(self, i, column):
        """Codes of the values of a column, and the values that have code 0, 1, ..."""
        try:
            return _factorized(column)
        except TypeError as error:
            raise TypeError(
                f"{self._label(i)} holds what cannot be a category ({error}): an "
                "argument must be a string or a number, or hashable at least."
            ) from None

    def _levels(self, i, column):
        """The levels of a category that are frequent enough."""
        codes, distinct = self._distinct(i, column)
        # one code more, for missing values may have -1
        counts = np.bincount(codes + 1, minlength=len(distinct) + 1)[1:]
        frequent = compress(distinct, counts >= self.min_frequency)
        return _sorted(level for level in frequent if not _is_missing(level))

    def _codes(self, columns):
        """The codes of every category that has an output, by its column."""
        return {i: self._coded(i, columns[i]) for i in self._coded_columns()}

    def _coded_columns(self):
        return {*self._binary, *self._large, *(i for i, _ in self._one_hot)}

    def _coded(self, i, column):
        codes, distinct = self._distinct(i, column)
        self._check_content(i, distinct)
        code_of = self._code_of[i]
        # missing values may have -1, which takes the last
        return np.array([*(code_of.get(value, 0) for value in distinct), 0])[codes]

    def _check_content(self, i, distinct):
        """Text where there was none, or none where all was text, is a mistake."""
        values = [value for value in distinct if not _is_missing(value)]
        now = {isinstance(value, str) for value in values}
        before = {isinstance(level, str) for level in self.categories_[i]}
        if len(now) == len(before) == 1 and now != before:
            held = "text" if before == {True} else "no text"
            raise ValueError(
                f"{self._label(i)} held {held} in fit, but now holds {values[0]!r}."
            )

    # --- outputs ------------------------------------------------------------------

    def _choose_outputs(self, columns):
        """Decide which outputs there are, and learn the scales of those scaled."""
        sizes = {i: len(v) for i, v in enumerate(self.categories_) if v is not None}
        most = max(1, self.max_one_hot)
        self._large = [i for i, size in sizes.items() if size > most]
        self._binary = [i for i, size in sizes.items() if size == 2 <= most]
        others = sizes.keys() - {*self._large, *self._binary}
        self._one_hot = [(i, k + 1) for i in sorted(others) for k in range(sizes[i])]
        self._numbers = [i for i in range(len(columns)) if i not in sizes]
        self._incomplete = [
            i for i in self._numbers if np.isnan(self._values(columns, [i])).any()
        ]
        self._scale(self._raw(columns, self._codes(columns)))
        kinds = ["number", "indicator", "category"]
        n_scaled, n_numbers = len(self.scale_), len(self._numbers)
        n_indicators = n_scaled - n_numbers + len(self._binary)
        n_outputs = [n_numbers, n_indicators, len(self._large)]
        self.output_kinds_ = np.repeat(kinds, n_outputs)
        self.n_categories_ = np.zeros(sum(n_outputs), dtype=int)
        self.n_categories_[n_numbers + n_indicators :] = [
            sizes[i] + 1 for i in self._large
        ]
        names = getattr(self, "feature_names_in_", range(len(columns)))
        used = {*self._numbers, *self._incomplete, *self._coded_columns()}
        self.left_out_ = [name for i, name in enumerate(names) if i not in used]

    def _scale(self, raw):
        """Learn the scales of outputs, and drop the constant ones."""
        statistics = [_center_and_scale(column) for column in raw.T]
        center, scale = np.array(statistics).reshape(-1, 2).T
        kept = scale > 0
        self.center_, self.scale_ = center[kept], scale[kept]
        sources = (self._numbers, self._incomplete, self._one_hot)
        ends = np.cumsum([len(source) for source in sources])
        self._numbers, self._incomplete, self._one_hot = (
            list(compress(*pair)) for pair in zip(sources, np.split(kept, ends))
        )

    def _raw(self, columns, codes):
        """The outputs that are scaled, before that: numbers, and columns of 0 and 1."""
        numbers = self._values(columns, self._numbers)
        if not self._incomplete and not self._one_hot:
            return numbers
        missing = np.isnan(self._values(columns, self._incomplete))
        levels = [codes[i] == code for i, code in self._one_hot]
        return np.column_stack([numbers, missing, *levels])


def _center_and_scale(values):
    """The median and what distances from it are divided by: 0 in a constant column."""
    finite = np.clip(values[np.isfinite(values)], -HUGE, HUGE)
    if not len(finite):
        return 0.0, 0.0
    low, center, high = np.percentile(finite, [25, 50, 75])
    return center, high - low or np.ptp(finite) / 2


def _clipped(raw, center, scale):
    """Numbers scaled and smoothly clipped, 0 where they are missing."""
    with np.errstate(over="ignore"):
        x = (raw - center) / scale
    # beyond it all are 3, and their squares do not overflow
    np.clip(x, -1e9, 1e9, out=x)
    x /= np.sqrt(1 + (x / 3) ** 2)
    x[np.isnan(x)] = 0
    return x


def _columns_of_dataframe(X):
    """The columns of a table of pandas, polars or Arrow; None for anything else."""
    if hasattr(X, "iloc") and hasattr(X, "items"):
        return [column for _, column in X.items()] if X.ndim == 2 else None
    if hasattr(X, "iter_columns"):
        return list(X.iter_columns())
    if hasattr(X, "itercolumns"):
        return list(X.itercolumns())
    return None


def _objects_beside_text(X):
    """Lists as an array, in which numbers beside text are not turned into text."""
    if not isinstance(X, (list, tuple)):
        return X
    array = np.array(X)
    return np.array(X, dtype=object) if array.dtype.kind in "SU" else array


def _has_categorical_type(column):
    type_ = column.dtype if hasattr(column, "dtype") else column.type
    return str(type_).lower().startswith(CATEGORICAL_TYPES)


def _unboxed(column):
    """A column as an array, of floats and NaN if it has a type of numbers."""
    if isinstance(column, np.ndarray):
        return column
    if hasattr(column, "iloc"):
        if column.dtype.kind in "iuf":
            return column.to_numpy(np.float64, na_value=np.nan)
        # else times with a time zone are objects, which are slow
        values = column.to_numpy("datetime64[us]" if column.dtype.kind == "M" else None)
    elif hasattr(column, "to_pylist"):  # of Arrow
        values = column.to_numpy(zero_copy_only=False)
    else:
        values = column.to_numpy()
    if values.dtype.kind == "c":
        raise ValueError("Complex data not supported")
    return values


def _are_numbers(values, booleans=False):
    """Whether all that is not missing is a number or a time, or a boolean if asked."""
    if values.dtype.kind != "O":
        return values.dtype.kind in ("biufmM" if booleans else "iufmM")
    values = values.tolist()
    types = set(map(type, values))
    if bool in types:  # and floats, which may all be NaN
        types = {type(value) for value in values if not _is_missing(value)}
    types = {type_ for type_ in types if type_.__name__ not in ("NoneType", "NAType")}
    numbers = all(issubclass(type_, NUMBERS) for type_ in types)
    return numbers and (booleans or types != {bool})


def _as_floats(values):
    """Numbers as float64, times as seconds; NaN where they are missing."""
    if values.dtype.kind == "O":
        values = _without_objects(values)
    if values.dtype.kind not in "mM":
        return values.astype(np.float64, copy=False)
    values = values.astype(f"{values.dtype.kind}8[us]")
    return np.where(np.isnat(values), np.nan, values.astype(np.int64) / 1e6)


def _without_objects(values):
    """Numbers, times or durations that were objects, pandas' NA among them perhaps."""
    types = set(map(type, values.tolist()))
    if all(issubclass(each, (float, int, NoneType)) for each in types):
        return values.astype(np.float64)
    known = [None if _is_missing(value) else value for value in values]
    first = next((value for value in known if value is not None), None)
    dtype = np.float64
    if isinstance(first, (*TIMES, *DURATIONS)):
        dtype = "datetime64[us]" if isinstance(first, TIMES) else "timedelta64[us]"
    with warnings.catch_warnings():
        # NumPy warns that it turns times with a time zone into UTC, as it should
        warnings.simplefilter("ignore", UserWarning)
        return np.array(known, dtype)


def _factorized(column):
    """Codes of a column's values, and the list of distinct values they stand for."""
    if hasattr(column, "factorize"):  # of pandas
        if hasattr(column.array, "categories"):
            return column.array.codes.astype(np.intp), column.array.categories.tolist()
        codes, distinct = column.factorize()
        return codes, distinct.tolist()
    values = _unboxed(column).tolist()
    code_of = {value: code for code, value in enumerate(dict.fromkeys(values))}
    codes = np.fromiter(map(code_of.__getitem__, values), np.intp, len(values))
    return codes, list(code_of)


def _is_missing(value):
    # NaN and NaT are not equal to themselves, and of NA it is not known
    return value is None or type(value).__name__ == "NAType" or value != value


def _sorted(levels):
    levels = list(levels)
    try:
        return sorted(levels)
    except TypeError:
        return sorted(levels, key=str)
