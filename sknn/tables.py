"""A table: the columns of a CSV file, and the learning problem posed on them.

A column is an array of float64, where missing is NaN, or of strings, where
missing is the empty string. A problem is what a model needs of a table: features,
target, task, and the transformer that makes the features numbers.
"""

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

MISSING = frozenset({"", "?", "na", "n/a", "#n/a", "<na>", "nan", "null", "none"})
DELIMITERS = ",;\t|"
# Squares of larger numbers overflow in the scaler; they count as infinite.
LARGEST = float(np.finfo(np.float32).max)
MOST_CLASSES = 20
MOST_CATEGORIES = 20
FEWEST_ROWS = 10
# A class of fewer rows may miss one of three folds or the held-out part.
FEWEST_ROWS_OF_CLASS = 5


class TableError(ValueError):
    """A table that cannot be used: what is wrong, what is expected, what to do."""


class Problem(NamedTuple):
    """What is to be learned, with notes on how it was posed."""

    X: np.ndarray
    y: np.ndarray
    task: str
    prepare: Any
    notes: tuple = ()


def read_columns(path):
    """Read the columns of a CSV file.

    Parameters
    ----------
    path : str or path-like
        UTF-8 text: a header, then rows of as many fields, separated by commas,
        semicolons, tabs or bars. Between semicolons, a comma in a number is a
        decimal comma.

    Returns
    -------
    dict of str to ndarray
        Every column by its name, in the file's order.
    """
    delimiter, (header, *records) = _read_records(path)
    names = _names(header, path)
    cells = zip(*_fields(records, len(names), path))
    return {
        name: _column([cell.strip() for cell in column], delimiter == ";")
        for name, column in zip(names, cells)
    }


def _read_records(path):
    text = _read_text(path)
    try:
        delimiter = _delimiter(text)
        records = _records(text, delimiter)
    except csv.Error as error:
        raise TableError(f"{str(path)!r} is not CSV, {error}; mend it") from None
    if not records:
        raise TableError(f"{str(path)!r} is empty; give it a header and rows")
    return delimiter, records


def _read_text(path):
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TableError(
            f"cannot read {str(path)!r}: {error.strerror}; give the path of a CSV file"
        ) from None
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise TableError(f"{str(path)!r} is not UTF-8 text; save it as a UTF-8 CSV")
    return text


def _delimiter(text):
    # csv.Sniffer picks letters and spaces on short files; the header tells more.
    lines = io.StringIO(text, newline="")
    header = next((line for line in lines if line.strip()), "")
    return max(DELIMITERS, key=lambda d: len(next(csv.reader([header], delimiter=d))))


def _records(text, delimiter):
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    return [(reader.line_num, fields) for fields in reader if any(fields)]


def _names(header, path):
    names = [name.strip() for name in header[1]]
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise TableError(
            f"{str(path)!r} has more than one column named {_listed(repeated)}; "
            "give every column a name of its own"
        )
    return names


def _fields(records, width, path):
    if not records:
        raise TableError(f"{str(path)!r} has a header but no rows; add rows to it")
    for line, fields in records:
        if len(fields) != width:
            raise TableError(
                f"line {line} of {str(path)!r} has {len(fields)} fields where the "
                f"header has {width}; quote or remove stray delimiters"
            )
    return [fields for _, fields in records]


def _listed(names, most=10):
    return ", ".join(map(repr, names[:most])) + ", ..." * (len(names) > most)


def _column(cells, decimal_comma):
    try:
        return np.array([_number(cell, decimal_comma) for cell in cells])
    except ValueError:
        known = ["" if cell.casefold() in MISSING else cell for cell in cells]
        return np.array(known, dtype=object)


def _number(cell, decimal_comma):
    if cell.casefold() in MISSING:
        return np.nan
    if "_" in cell:
        raise ValueError("float() would take 1_000 for a number")
    number = float(cell.replace(",", ".") if decimal_comma else cell)
    return number if abs(number) <= LARGEST else np.nan


def load_problem(path, target, task="auto"):
    """Pose the prediction of one column of a CSV file from its other columns.

    Parameters
    ----------
    path : str or path-like
        See `read_columns`.
    target : str
        The name of the column to predict. Rows that miss it are left out.
    task : {"auto", "classification", "regression"}
        With "auto", text and integers of few distinct values are classes.

    Returns
    -------
    Problem
    """
    columns = read_columns(path)
    notes = []
    goal = _pop_target(columns, target)
    rows = _rows_with_target(goal, target, notes)
    features = _useful(columns, target, notes)
    task = _choose_task(goal[rows], target, task, notes)
    if task == "classification":
        rows = _rows_of_frequent_classes(goal, rows, target, notes)
        goal = np.unique(goal, return_inverse=True)[1]
    X = np.column_stack([column[rows] for column in features])
    return Problem(X, goal[rows], task, _preparation(features), tuple(notes))


def _pop_target(columns, target):
    if target not in columns:
        raise TableError(
            f"no column {target!r}; --target takes one of {_listed(list(columns))}"
        )
    if len(columns) == 1:
        raise TableError(f"{target!r} is the only column; add columns to learn from")
    return columns.pop(target)


def _useful(columns, target, notes):
    useless = [name for name, column in columns.items() if _is_useless(column)]
    if len(useless) == len(columns):
        raise TableError(
            f"every column but {target!r} is empty, constant or an id; "
            "add a column to learn from"
        )
    if useless:
        notes.append(f"left out as empty, constant or an id: {_listed(useless)}")
    return [column for name, column in columns.items() if name not in useless]


def _is_useless(column):
    distinct = len(np.unique(column))
    counts_rows = not _is_text(column) and np.all(np.diff(column) == 1)
    names_rows = _is_text(column) and distinct == len(column)
    return distinct == 1 or counts_rows or names_rows


def _is_text(column):
    return column.dtype == object


def _rows_with_target(goal, target, notes):
    rows = np.flatnonzero(goal != "" if _is_text(goal) else ~np.isnan(goal))
    _check_goal(goal[rows].tolist(), target)
    if len(rows) < len(goal):
        notes.append(f"left out {len(goal) - len(rows)} rows without a target")
    return rows


def _check_goal(values, target):
    if not values:
        raise TableError(f"the target {target!r} has no values; choose another column")
    if len(set(values)) == 1:
        raise TableError(
            f"the target {target!r} is always {values[0]!r:.40}, which leaves nothing "
            "to learn; choose a column of two values or more"
        )
    if len(values) < FEWEST_ROWS:
        raise TableError(
            f"only {len(values)} rows have a target; add rows, "
            f"a comparison needs {FEWEST_ROWS} or more"
        )


def _choose_task(goal, target, task, notes):
    if task == "regression" and _is_text(goal):
        raise TableError(
            f"regression needs numbers, but the target {target!r} holds text; "
            "mend the column or use --task classification"
        )
    chosen, reason = _natural_task(goal) if task == "auto" else (task, "as asked")
    notes.append(f"task: {chosen} ({reason})")
    return chosen


def _natural_task(goal):
    if _is_text(goal):
        return "classification", "the target is text"
    distinct = len(np.unique(goal))
    few = distinct <= max(2, min(MOST_CLASSES, len(goal) // 10))
    if few and np.all(goal == np.round(goal)):
        return "classification", f"the target takes {distinct} integer values"
    return "regression", f"the target takes {distinct} numeric values"


def _rows_of_frequent_classes(goal, rows, target, notes):
    _, codes, counts = np.unique(goal[rows], return_inverse=True, return_counts=True)
    if np.sum(counts >= FEWEST_ROWS_OF_CLASS) < 2:
        raise TableError(
            f"the target {target!r} has fewer than two classes of "
            f"{FEWEST_ROWS_OF_CLASS} rows or more; add rows, "
            "or choose another --target or --task"
        )
    kept = rows[counts[codes] >= FEWEST_ROWS_OF_CLASS]
    if len(kept) < len(rows):
        notes.append(
            f"left out {len(rows) - len(kept)} rows of classes with fewer than "
            f"{FEWEST_ROWS_OF_CLASS} rows"
        )
    return kept


def _preparation(features):
    numbers = make_pipeline(
        # A fold may see none of a column's values: it then counts as all zero.
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
    )
    words = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=2,
        max_categories=MOST_CATEGORIES,
        sparse_output=False,
    )
    is_text = np.array([_is_text(column) for column in features])
    return ColumnTransformer(
        [
            ("numbers", numbers, np.flatnonzero(~is_text)),
            ("words", words, np.flatnonzero(is_text)),
        ]
    )
