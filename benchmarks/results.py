"""Rows of results, kept in a file after every fit, and the tables made of them."""

import json
import os
from pathlib import Path

import numpy as np

SHIFT = 0.01
FIGURES = {"log_loss": min, "auc": max, "fit_s": min, "cpu_s": min, "predict_s": min}


def key(row):
    """What tells a fit from all others: rows of the training part included."""
    params = json.dumps(row.get("params", {}), sort_keys=True)
    return row["model"], params, row["dataset"], row["split"], row["n"]


def label(row):
    """The model, and the parameters it was given where it was."""
    params = row.get("params")
    return f"{row['model']} {json.dumps(params)}" if params else row["model"]


def read(path):
    """The rows of a file, those of failed fits left out."""
    rows = json.loads(Path(path).read_text())["results"]
    return [row for row in rows if "error" in row]


class Results:
    """Rows by their keys; with a path, a file that is never half written."""

    def __init__(self, path, facts, resume=False, known=()):
        self.path, self.facts = path, facts
        self.known = {key(row): row for file in known for row in read(file)}
        kept = read(path) if resume and path and Path(path).is_file() else []
        self.own = {key(row): row for row in kept}

    def known_models(self):
        """(model, parameters) of the known files."""
        configs = [(row["model"], row.get("params", {})) for row in self.known.values()]
        return [config for i, config in enumerate(configs) if config not in configs[:i]]

    def find(self, row):
        """The row of the same key with its figures, or None."""
        return self.own.get(key(row)) or self.known.get(key(row))

    def add(self, row):
        self.own[key(row)] = row
        if self.path:
            content = {"environment": self.facts, "results": list(self.own.values())}
            part = Path(f"{self.path}.part")
            part.write_text(json.dumps(content, indent=1) + "\n")
            os.replace(part, self.path)


def shifted_geometric_mean(values, shift=SHIFT):
    """Geometric mean of `values` + `shift`, less `shift`: zeros do not rule it."""
    return float(np.exp(np.mean(np.log(np.asarray(values) + shift))) - shift)


def shared(rows):
    """Rows of the sets and splits on which every model has a result."""
    models = {label(row) for row in rows}
    places = {}
    for row in rows:
        places.setdefault((row["dataset"], row["split"]), set()).add(label(row))
    return [r for r in rows if places[r["dataset"], r["split"]] == models]


def by_set(rows, figure):
    """{data set: {model: mean of a figure over the splits}}, where there is one."""
    values = {}
    for row in rows:
        if row.get(figure) is not None:
            of_set = values.setdefault(row["dataset"], {})
            of_set.setdefault(label(row), []).append(row[figure])
    return {
        name: {model: float(np.mean(all_)) for model, all_ in of_set.items()}
        for name, of_set in values.items()
    }


def summary(rows):
    """{model: its mean error, wins and times} over what all models have in common."""
    rows = shared(rows)
    errors = by_set(rows, "error")
    return {
        model: {
            "error": shifted_geometric_mean([e[model] for e in errors.values()]),
            "wins": sum(e[model] == min(e.values()) for e in errors.values()),
            "fit_s": _total(rows, model, "fit_s"),
            "cpu_s": _total(rows, model, "cpu_s"),
        }
        for model in (dict.fromkeys(map(label, rows)))
    }


def _total(rows, model, figure):
    """Sum over all fits of a model; None where one of them was not timed so."""
    values = [row.get(figure) for row in rows if label(row) == model]
    return None if None in values else sum(values)


def report(rows):
    """Markdown: the summary, and a table of sets and models for each figure."""
    if not shared(rows):
        return "no set has a result of every model"
    places = len({(row["dataset"], row["split"]) for row in shared(rows)})
    n_sets = len({row["dataset"] for row in shared(rows)})
    parts = [f"{n_sets} sets, {places} splits in all, on which every model has results"]
    parts.append(_summary_table(summary(rows)))
    first = label(rows[0])
    errors = by_set(rows, "error")
    parts += ["Errors, the smallest in bold:", grid(errors, min)]
    parts += [
        f"Error + {SHIFT} of {first} over that of the others:",
        grid(ratios(errors, first)),
    ]
    for figure, best in FIGURES.items():
        parts += [f"{figure}:", grid(by_set(rows, figure), best)]
    return "\n\n".join(parts)


def ratios(values, reference):
    """The reference's value over every other's, both shifted, where a set has both."""
    return {
        name: {
            model: (of_set[reference] + SHIFT) / (value + SHIFT)
            for model, value in of_set.items()
            if model != reference
        }
        for name, of_set in values.items()
        if reference in of_set
    }


def _summary_table(models):
    first = next(iter(models.values()))
    header = ["model", "shifted geometric mean of errors", "first / it", "sets won"]
    header += ["fit, s", "CPU, s", "its fit / first's"]
    lines = [
        [
            name,
            f"{of['error']:.4f}",
            f"{first['error'] / of['error']:.3f}",
            str(of["wins"]),
            f"{of['fit_s']:.1f}",
            "" if of["cpu_s"] is None else f"{of['cpu_s']:.1f}",
            f"{of['fit_s'] / first['fit_s']:.2f}",
        ]
        for name, of in models.items()
    ]
    return markdown(header, lines)


def grid(values, best=None):
    """A row for each set, a column for each model; the best of a set is bold."""
    models = list(dict.fromkeys(m for of_set in values.values() for m in of_set))
    lines = [
        [name, *(_cell(of_set, model, best) for model in models)]
        for name, of_set in values.items()
    ]
    return markdown(["data set", *models], lines)


def _cell(of_set, model, best):
    if model not in of_set:
        return ""
    text = f"{of_set[model]:.4g}"
    return f"**{text}**" if best and of_set[model] == best(of_set.values()) else text


def markdown(header, lines):
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, rule, *lines])
