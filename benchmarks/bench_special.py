"""Tables that are no plain classification or regression, each with its own figures.

    python benchmarks/bench_special.py --data FOLDER --json out.json --markdown out.md

Rare classes, few rows of many columns, many rows, counts with exposure, survey weights,
several labels, several targets, sparse words. All rows but a fifth are trained on.
"""

import argparse
import json
import sys
import traceback
import warnings
from pathlib import Path

import environment
from bench_quality import PACKAGES, WARM


def parser():
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = arguments.add_argument
    add("--data", metavar="FOLDER", help="has load.py with load(name)")
    add("--smoke", action="store_true", help="made-up tables: does everything run?")
    add("--cases", nargs="+", default=[""], metavar="TEXT", help="cases with this text")
    add("--models", nargs="+", metavar="NAME", help="default: all of a case")
    add("--params", type=json.loads, default={}, metavar="JSON", help="of tabular")
    add("--jobs", type=int, default=1, help="threads, and cores to run on")
    add("--json", metavar="OUT")
    add("--markdown", metavar="OUT")
    return arguments


def main():
    arguments = parser().parse_args()
    environment.prepare(arguments.jobs)
    import data_sets
    import special_cases

    made_up = special_cases.MadeUp()
    collection = made_up if arguments.smoke else data_sets.folder(arguments.data)
    if collection is None:
        print(data_sets.ABSENT)
        return
    facts, rows = environment.describe(arguments.jobs, PACKAGES), []
    for row in run(collection, arguments):
        rows.append(row)
        if arguments.json:
            content = json.dumps({"environment": facts, "results": rows}, indent=1)
            Path(arguments.json).write_text(content + "\n")
    environment.write(facts, table(rows), arguments.markdown)
    sys.exit(any("failure" in row for row in rows))


def run(collection, arguments):
    """A row for each chosen case and model."""
    from models import is_here
    from special_cases import SPECIAL

    without = [] if is_here("tabular") else ["tabular"]
    for case, special in SPECIAL.items():
        if any(text in case for text in arguments.cases):
            X, y, meta = collection.load(special.dataset)
            data = *special.prepare(X, y, meta), meta
            for name in special.models:
                chosen = name in (arguments.models or special.models)
                if chosen and name.split()[0] not in without:
                    row = {"case": case, "dataset": special.dataset, "model": name}
                    yield row | attempted(special, name, data, arguments)


def attempted(special, name, data, arguments):
    """Means of the figures over the splits, or what went wrong instead."""
    import numpy as np

    n_splits = 1 if arguments.smoke else special.splits
    try:
        rows = [figures(special, name, data, s, arguments) for s in range(n_splits)]
    except Exception as failure:  # the other cases are still to be seen
        traceback.print_exc()
        return {"failure": repr(failure)}
    means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    print(f"{special.dataset} {name}: {text_of(means)}", flush=True)
    return means


def figures(special, name, data, split, arguments):
    import scores
    from data_sets import split as split_rows
    from special_cases import build, fit_weights

    X, y, weights, meta = data
    train, test = split_rows(X.shape[0], split, None)
    if special.official:
        train, test = meta["train_idx"], meta["test_idx"]

    def part(rows):
        table = X.iloc[rows] if hasattr(X, "iloc") else X[rows]
        return table, y[rows], None if weights is None else weights[rows]

    def fitted(rows):
        model = build(name, special, split, arguments.jobs, arguments.params)
        *data, of_rows = part(rows)
        return model, scores.fit(model, *data, **fit_weights(model, of_rows))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ConvergenceWarning
        if split == 0 and ("mlp" in name or "tabular" in name):
            special.figures(fitted(train[:WARM])[0], *part(test[:WARM]))
        model, costs = fitted(train)
        return special.figures(model, *part(test)) | costs


def text_of(row):
    """The figures of a row without what it cost."""
    hidden = ("case", "dataset", "model", "fit_s", "cpu_s", "predict_s")
    return ", ".join(
        f"{key} {value:.4f}" if isinstance(value, float) else f"{key}: {value}"
        for key, value in row.items()
        if key not in hidden
    )


def table(rows):
    from results import markdown

    header = ["case", "data set", "model", "figures", "fit, s", "CPU, s"]
    lines = [
        [row["case"], row["dataset"], row["model"], text_of(row)]
        + [f"{row[key]:.1f}" if key in row else "" for key in ("fit_s", "cpu_s")]
        for row in rows
    ]
    return markdown(header, lines)


if __name__ == "__main__":
    main()
