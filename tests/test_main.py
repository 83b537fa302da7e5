"""The command line: tables in, a comparison or one line of error out."""

import csv
import itertools
import re
import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.preprocessing import StandardScaler

from sknn import __main__ as command_line
from sknn.__main__ import main
from sknn.comparison import _split
from sknn.tables import load_problem, read_columns

CLASSIFIERS = [
    "sknn MLPClassifier",
    "sknn MLPClassifier, grid search",
    "LogisticRegression",
    "SVC",
    "scikit-learn MLPClassifier",
]
REGRESSORS = [
    "sknn MLPRegressor",
    "sknn MLPRegressor, grid search",
    "Ridge",
    "SVR",
    "scikit-learn MLPRegressor",
]


def _write(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


MIXED = ["size", "colour", "is_new", "code", "price", "label"]


def _mixed_rows(n):
    """Rows whose size and colour set the price, and the price the label."""
    rng = np.random.default_rng(7)
    for i in range(n):
        size, colour = rng.normal(50, 10), rng.choice(["red", "green", "dark blue"])
        price = 1000 * (size + 30 * (colour == "red"))
        label = "dear, very" if price > 60_000 else "cheap"
        shown = rng.choice([f"{size:.3f}", "", "NA", "inf"], p=[0.94, 0.02, 0.02, 0.02])
        yield [shown, colour, i % 3 == 0, f"code{i}", f"{price:.2f}", label]


@pytest.fixture
def mixed(tmp_path):
    return _write(tmp_path / "mixed.csv", MIXED, _mixed_rows(160))


def _read_table(out):
    """Read the printed table back: its header, and the cells of every model."""
    header, *lines = (re.split(" {2,}", line) for line in out.splitlines()[:6])
    return header, {name: cells for name, *cells in lines}


def _failure(arguments, capsys):
    """Run the command line where it must fail, and return its one line."""
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as stop:  # argparse leaves this way
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.startswith("sknn: error: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err


def test_digits_without_an_argument(capsys):
    assert main([]) == 0
    out, err = capsys.readouterr()
    header, table = _read_table(out)
    assert header == ["model", "accuracy", "fit s", "compile s"]
    assert list(table) == CLASSIFIERS
    assert all(0.95 < float(accuracy) <= 1 for accuracy, *_ in table.values())
    assert all(float(seconds) > 0 for _, seconds, _ in table.values())
    assert [cells[-1] for cells in table.values()][1:] == ["-"] * 4
    assert float(table["sknn MLPClassifier"][-1]) >= 0
    assert "best of 4 settings" in out
    assert [line for line in err.splitlines() if line.startswith("sknn: fitting")] == [
        f"sknn: fitting {name}" for name in CLASSIFIERS
    ]
    assert err.count("[CV ") == 12


def test_classification_of_a_mixed_table(mixed, capsys):
    assert main(["compare", str(mixed), "--target", "label"]) == 0
    out, err = capsys.readouterr()
    _, table = _read_table(out)
    assert list(table) == CLASSIFIERS
    assert all(float(accuracy) >= 0.9 for accuracy, *_ in table.values())
    assert "sknn: task: classification (the target is text)\n" in err
    assert "sknn: left out as empty, constant or an id: 'code'\n" in err
    assert "sknn: rows: 120 to learn from, 40 held out\n" in err


def test_regression_on_a_mixed_table(mixed, capsys):
    assert main(["compare", str(mixed), "--target", "price"]) == 0
    out, err = capsys.readouterr()
    header, table = _read_table(out)
    assert header == ["model", "R2", "RMSE", "fit s", "compile s"]
    assert list(table) == REGRESSORS
    assert all(float(r2) > 0.5 for r2, *_ in table.values())
    assert "cross-validated R2 0." in out
    assert "sknn: task: regression (the target takes 160 numeric values)\n" in err


def test_scores_are_of_held_out_rows_in_units_of_the_target(tmp_path, capsys):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 2))
    y = 1e6 * (X @ [1, 2] + rng.normal(size=40))
    path = _write(tmp_path / "t.csv", "aby", np.column_stack([X, y]).tolist())
    assert main(["compare", str(path), "--target", "y", "--seed", "5"]) == 0
    shown = _read_table(capsys.readouterr().out)[1]["Ridge"]
    X, X_out, y, y_out = train_test_split(X, y, test_size=0.25, random_state=5)
    scaler = StandardScaler().fit(X)
    model = Ridge().fit(scaler.transform(X), y)
    error = root_mean_squared_error(y_out, model.predict(scaler.transform(X_out)))
    assert float(shown[1]) == pytest.approx(error, rel=1e-4)


def test_the_module_runs(tmp_path):
    rows = [[i * i % 17, "ab"[i * i % 17 > 8]] for i in range(40)]
    path = _write(tmp_path / "t.csv", ["x", "side"], rows)
    arguments = [sys.executable, "-m", "sknn", "compare", path, "--target", "side"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300)
    assert (done.returncode, list(_read_table(done.stdout)[1])) == (0, CLASSIFIERS)
    assert "Warning" not in done.stderr


def test_help_names_the_command_and_its_options(capsys):
    for arguments in (["--help"], ["compare", "--help"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("compare", "--target", "--task", "--seed"))


def test_interrupted(mixed, capsys, monkeypatch):
    def interrupt(problem, seed):
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "compare", interrupt)
    assert main(["compare", str(mixed), "--target", "label"]) == 130
    assert capsys.readouterr().err == "sknn: interrupted\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["contrast"], "invalid choice: 'contrast'"),
        (["compare"], "required: FILE.csv, --target"),
        (["compare", "t.csv", "--target", "y", "--task", "ranking"], "'ranking'"),
        (["compare", "t.csv", "--target", "y", "--seed=-1"], "'-1' is not a whole"),
        (["compare", "t.csv", "--target", "y", "--seed", "x"], "'x' is not a whole"),
        (["compare", "missing.csv", "--target", "y"], "'missing.csv': No such file"),
    ],
)
def test_unusable_arguments(arguments, words, capsys):
    assert words in _failure(arguments, capsys)


def test_a_directory(tmp_path, capsys):
    line = _failure(["compare", tmp_path, "--target", "y"], capsys)
    assert "give the path of a CSV file" in line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b",,\n", "is empty"),
        (b"a,y\n", "has a header but no rows"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "is not UTF-8 text"),
        (b"a,y\n1\x00,2\n", "is not UTF-8 text"),
        ("a,y\n1,2\n".encode("utf-16"), "is not UTF-8 text"),
        (b'a,y\n1,"2\n3,4\n', "is not CSV"),
        (b"x" * 200_000, "is not CSV"),
        (b'a,b,y\n"1\n2",3,4\n5,6\n', "line 4 of"),
        (b"a,y\n1,2\n3,4,5\n", "has 3 fields where the header has 2"),
        (b"a,b,a,y\n1,2,3,4\n", "more than one column named 'a'"),
        (b"a,b\n1,2\n", "no column 'y'; --target takes one of 'a', 'b'\n"),
        (b"Just some prose.\n", "has a header but no rows"),
        (b"y\n1\n2\n", "'y' is the only column"),
        (b"a,y\n1,\n2,NaN\n", "has no values"),
        (b"a,y\n" + b"1,inf\n2,-inf\n" * 9, "has no values"),
        (b"a,y\n" + b"1,3.5\n2,3.5\n4,\n" * 9, "is always 3.5"),
        (b"a,y\n" + b"1,yes\n2,yes\n4,\n" * 9, "is always 'yes'"),
        (b"a,y\n1,2\n5,4\n", "only 2 rows have a target"),
        (b"a,y\n" + b"1,u\n5,v\n" * 4 + b"1,\n" * 9, "only 8 rows have a target"),
        (b"a,y\n" + b"1,2.5\n5,4\n2,3\n" * 3, "only 9 rows have a target"),
        (b"a,y\n" + b"1,u\n5,u\n" * 8 + b"1,v\n", "fewer than two classes"),
        (b"a,b,c,y\n" + b"1,,,u\n1,,nan,v\n" * 8, "every column but 'y' is empty"),
    ],
)
def test_unusable_files(content, words, tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert words in _failure(["compare", path, "--target", "y"], capsys)


def test_regression_on_text(mixed, capsys):
    arguments = ["compare", mixed, "--target", "label", "--task", "regression"]
    assert "regression needs numbers" in _failure(arguments, capsys)


def test_classes_of_one_row_each(mixed, capsys):
    arguments = ["compare", mixed, "--target", "price", "--task", "classification"]
    assert "fewer than two classes" in _failure(arguments, capsys)


def test_a_long_header_is_cut_in_the_error(tmp_path, capsys):
    path = _write(tmp_path / "t.csv", [f"c{i}" for i in range(500)], [range(500)])
    line = _failure(["compare", path, "--target", "y"], capsys)
    assert line.endswith("'c8', 'c9', ...\n")


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("\ufeffa,b\r\n1,x\r\n", {"a": [1.0], "b": ["x"]}),
        ("a;b\n1,5;x, y\n", {"a": [1.5], "b": ["x, y"]}),
        ("\ta b\tc\n1\t2\t3\n", {"": [1.0], "a b": [2.0], "c": [3.0]}),
        ("a|b\n1|2\n", {"a": [1.0], "b": [2.0]}),
        ("a\rb\r2\r", {"a": ["b", "2"]}),
        ('a, "b, ""c"""\n1, " x\ny "\n', {"a": [1.0], 'b, "c"': ["x\ny"]}),
        ("\n a , b\n\n1, x \n , \n2,n/a\n", {"a": [1, 2], "b": ["x", ""]}),
        ("a,b\n1_0,0x1\n", {"a": ["1_0"], "b": ["0x1"]}),
        ("a,b\n1e3,-2.5E-1\n", {"a": [1000.0], "b": [-0.25]}),
        ("a,b\nTrue,1\nfalse,2\n", {"a": ["True", "false"], "b": [1.0, 2.0]}),
    ],
)
def test_columns_of_a_file(text, columns, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    read = read_columns(path)
    assert {name: column.tolist() for name, column in read.items()} == columns


@pytest.mark.parametrize(
    "cell", ["", " ", "?", "NA", "N/A", "#N/A", "NaN", "null", "None", "inf", "1e300"]
)
def test_missing_numbers(cell, tmp_path):
    path = _write(tmp_path / "t.csv", "ab", [[1, 2], [cell, 3]])
    column = read_columns(path)["a"]
    np.testing.assert_array_equal(column, [1, np.nan])


def _pose(tmp_path, values, task="auto", **features):
    features = features or {"x": np.arange(len(values)) ** 2 % 11}
    rows = zip(*features.values(), values)
    path = _write(tmp_path / "t.csv", [*features, "y"], rows)
    return load_problem(path, "y", task)


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["u", "v"] * 10, "classification"),
        ([True, False] * 10, "classification"),
        ([0, 1] * 6, "classification"),
        ([1.0, 7.0] * 10, "classification"),
        ([*range(10)] * 10, "classification"),
        ([*range(20)] * 10, "classification"),
        ([0.5, 1] * 10, "regression"),
        ([*range(21)] * 10, "regression"),
        ([*range(10)] * 9, "regression"),
    ],
)
def test_automatic_task(values, task, tmp_path):
    problem = _pose(tmp_path, values)
    assert problem.task == task
    assert any(note.startswith(f"task: {task}") for note in problem.notes)


def test_the_task_asked_for(tmp_path):
    values = [0.5, 1] * 10
    problem = _pose(tmp_path, values, "classification")
    assert problem.y.tolist() == [0, 1] * 10
    assert _pose(tmp_path, [0, 1] * 10, "regression").task == "regression"


def test_rows_without_a_target_are_left_out(tmp_path):
    problem = _pose(tmp_path, ["u", "v", "", "NA"] * 10, x=np.arange(40) % 4)
    assert problem.X.tolist() == [[0], [1]] * 10
    assert "left out 20 rows without a target" in problem.notes


def test_rare_classes_are_left_out(tmp_path):
    values = ["u"] * 8 + ["v"] * 5 + ["w"] * 4 + ["z"]
    problem = _pose(tmp_path, values, x=[1, 2] * 9)
    assert np.unique(problem.y, return_counts=True)[1].tolist() == [8, 5]
    assert "left out 5 rows of classes with fewer than 5 rows" in problem.notes


def test_frequent_classes_reach_every_fold(tmp_path):
    for sizes in itertools.product(range(5, 10), repeat=3):
        values = np.repeat(["u", "v", "w"], sizes).tolist()
        problem = _pose(tmp_path, values, x=[1, *[2] * (len(values) - 1)])
        X, _, y, y_held_out = _split(problem, seed=0)
        assert set(y_held_out) == {0, 1, 2}
        # Stratified folds warn, which fails here, where a class is too small.
        for train, _ in StratifiedKFold(3).split(X, y):
            assert set(y[train]) == {0, 1, 2}


def test_the_smallest_tables(tmp_path, capsys):
    for rows in (
        [[i % 3, "uv"[i % 2]] for i in range(10)],
        [[i % 3, (i == 9) + 0.5] for i in range(10)],
    ):
        path = _write(tmp_path / "t.csv", "xy", rows)
        assert main(["compare", str(path), "--target", "y"]) == 0


def test_useless_columns_are_left_out(tmp_path):
    n = 20
    problem = _pose(
        tmp_path,
        ["u", "v"] * 10,
        row=range(5, 5 + n),
        key=[f"k{i}" for i in range(n)],
        empty=[""] * n,
        infinite=["inf"] * n,
        constant=["c"] * n,
        seven=[7] * n,
        seldom=["", 7] * 10,
        falling=range(n, 0, -1),
    )
    assert problem.X.shape == (n, 2)
    left_out = "'row', 'key', 'empty', 'infinite', 'constant', 'seven'"
    assert f"left out as empty, constant or an id: {left_out}" in problem.notes


def test_preparation_meets_what_it_has_not_seen(tmp_path):
    words = ["red", "green"] * 10
    problem = _pose(tmp_path, ["u", "v"] * 10, size=[1, 2, 3, ""] * 5, colour=words)
    prepare = problem.prepare.fit(problem.X[:16])
    new = np.array([[np.nan, "violet"], [2.0, "red"]], dtype=object)
    prepared = prepare.transform(new)
    assert np.isfinite(prepared).all()
    size, size_is_missing, green, red = prepared.T
    assert size[0] == size[1]
    assert size_is_missing[0] > size_is_missing[1]
    assert (green.tolist(), red.tolist()) == ([0, 0], [0, 1])


def test_preparation_of_a_column_empty_where_it_learns(tmp_path):
    late = [""] * 10 + [*range(10)]
    problem = _pose(tmp_path, ["u", "v"] * 10, late=late, x=[1, 2, 3, 4] * 5)
    prepared = problem.prepare.fit(problem.X[:10]).transform(problem.X)
    assert np.isfinite(prepared).all()


def test_columns_of_many_words_stay_narrow(tmp_path):
    words = [f"w{i % 150}" for i in range(400)]
    problem = _pose(tmp_path, ["u", "v"] * 200, words=words)
    assert problem.prepare.fit_transform(problem.X).shape == (400, 20)


def test_words_seen_once_share_a_column(tmp_path):
    words = ["red"] * 18 + ["green", "blue"]
    problem = _pose(tmp_path, ["u", "v"] * 10, words=words)
    prepared = problem.prepare.fit_transform(problem.X)
    assert prepared.tolist() == [[1, 0]] * 18 + [[0, 1]] * 2


def test_numbers_near_the_largest_are_prepared(tmp_path):
    problem = _pose(tmp_path, ["u", "v"] * 10, x=[3e38, -3e38, 0, 1] * 5)
    prepared = problem.prepare.fit_transform(problem.X)
    np.testing.assert_allclose(prepared.std(axis=0), 1)
