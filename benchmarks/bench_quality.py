"""How good the defaults are on real tables, and what they cost: we and our peers.

    python benchmarks/bench_quality.py --data FOLDER --json out.json --markdown out.md
    python benchmarks/bench_quality.py --bundled --models tabular linear hgb
    python benchmarks/bench_quality.py --data FOLDER --anchors peers.json \\
        --models tabular --params '{}' '{"n_members": 4}' --json out.json --resume

Results are written after every fit: a run that was cut off goes on with --resume. A
file of --anchors has results of the same form, which are then not measured again.
"""

import argparse
import json
import sys
import traceback
import warnings
from collections import namedtuple

import environment

Table = namedtuple("Table", "name task X y")
TASKS = ("binary", "multiclass", "regression")
WARM = 500  # rows that ours are first fitted to, untimed
PACKAGES = (*environment.PACKAGES[:4], "lightgbm", "pytabkit", "torch", "pandas")


def numbers(text):
    return [int(number) for number in text.split(",")]


def parser():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = arguments.add_argument
    add("--data", metavar="FOLDER", help="has load.py with names() and load(name)")
    add("--bundled", action="store_true", help="scikit-learn's own sets")
    add("--smoke", action="store_true", help="bundled, tiny: does everything run?")
    add("--datasets", nargs="+", metavar="NAME", help="default: all")
    add("--models", nargs="+", metavar="NAME", help="default: all but mlp")
    add("--params", nargs="+", metavar="JSON", default=["{}"], help="of our models")
    add("--splits", type=numbers, default=[0], metavar="0,1,2", help="default: 0")
    add("--rows", type=int, default=10_000, help="to train on, at most")
    add("--jobs", type=int, default=1, help="threads, and cores to run on")
    add("--anchors", nargs="+", default=[], metavar="FILE", help="peers' results")
    add("--resume", action="store_true", help="keep what --json has")
    add("--json", metavar="OUT")
    add("--markdown", metavar="OUT")
    return arguments


def main():
    arguments = parser().parse_args()
    if arguments.smoke:
        arguments.bundled, arguments.rows = True, 60
        arguments.models = ["tabular", "mlp", "linear", "hgb"]
    environment.prepare(arguments.jobs)
    import data_sets
    from results import Results, report

    folder = data_sets.folder(arguments.data)
    collection = data_sets.Bundled() if arguments.bundled else folder
    if collection is None:
        print(data_sets.ABSENT)
        return
    facts = environment.describe(arguments.jobs, PACKAGES)
    results = Results(arguments.json, facts, arguments.resume, arguments.anchors)
    rows = list(run(collection, arguments, results))
    environment.write(facts, report(rows), arguments.markdown)
    sys.exit(any("failure" in row for row in rows))


def run(collection, arguments, results):
    """Rows of all chosen sets, splits and models: those known, and those measured."""
    wanted = list(configurations(arguments))
    known = [config for config in results.known_models() if config not in wanted]
    for table in tables(collection, arguments.datasets):
        warm = set()
        for split in arguments.splits:
            for config in wanted + known:
                row = described(table, split, *config, arguments.rows)
                found = results.find(row)
                if found is None and config in wanted:
                    found = measured(row, table, arguments, warm)
                    results.add(found)
                if found is not None:
                    yield found


def configurations(arguments):
    """(model, parameters): ours with each of --params, the peers with none."""
    from models import DEFAULT, OURS, is_here

    for name in arguments.models or DEFAULT:
        if is_here(name):
            for params in arguments.params if name in OURS else ["{}"]:
                yield name, json.loads(params)


def tables(collection, chosen):
    """Those of the chosen sets that every model can be given."""
    for name in chosen or collection.names():
        X, y, meta = collection.load(name)
        if meta["task"] in TASKS and hasattr(X, "iloc"):  # not sparse
            yield Table(name, meta["task"], X, y.to_numpy())


def described(table, split, model, params, rows):
    from data_sets import split as split_rows

    n_rows, n_features = table.X.shape
    row = {"model": model, "params": params, "dataset": table.name, "split": split}
    row["n"] = len(split_rows(n_rows, split, rows)[0])
    return row | {"d": n_features, "task": table.task}


def measured(row, table, arguments, warm):
    """The row with its figures, or with what went wrong instead; its line printed."""
    from results import label

    begun = f"{row['dataset']} {row['split']} {label(row)}: error"
    try:
        row = row | figures(row, table, arguments, warm) | {"jobs": arguments.jobs}
    except Exception as failure:  # a tuned run goes on with the other sets
        traceback.print_exc()
        return row | {"failure": repr(failure)}
    took = f"fit {row['fit_s']:.1f} s, CPU {row['cpu_s']:.1f} s"
    print(f"{begun} {row['error']:.4f}, {took}", flush=True)
    return row


def figures(row, table, arguments, warm):
    """Fit and evaluate; what ours compile or load the first time is left out."""
    import scores
    from data_sets import split
    from models import OURS, build
    from results import label

    def model():
        params = row["params"]
        return build(row["model"], row["task"], row["split"], arguments.jobs, params)

    train, test = split(len(table.X), row["split"], arguments.rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ConvergenceWarning, unknown categories
        if row["model"] in OURS and label(row) not in warm:
            few = train[:WARM]
            model().fit(table.X.iloc[few], table.y[few]).predict(table.X.iloc[few])
            warm.add(label(row))
        fitted = model()
        costs = scores.fit(fitted, table.X.iloc[train], table.y[train])
        X, y = table.X.iloc[test], table.y[test]
        return costs | scores.evaluate(fitted, row["task"], X, y)


if __name__ == "__main__":
    main()
