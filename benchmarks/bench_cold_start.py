"""What compilation costs: import, first fit ever, first fit of a later process.

    python benchmarks/bench_cold_start.py

Every figure comes from new processes, whose kernel cache is a scratch folder.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import environment

IMPORT = """
import json, time
import numba, sklearn.base
start = time.perf_counter()
import {module}
print(json.dumps(time.perf_counter() - start))
"""

FITS = """
import json, time, warnings
import numpy as np
import sknn

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
X = rng.standard_normal((300, 8)).astype("{dtype}")
y = (X[:, 0] > 0) if "{kind}" == "MLPClassifier" else X[:, 0]
times = []
for _ in range(2):
    start = time.perf_counter()
    model = sknn.{kind}(max_iter=2, solver="{solver}").fit(X, y)
    fitted = time.perf_counter()
    model.predict(X)
    times.append((fitted - start, time.perf_counter() - fitted))
print(json.dumps(times))
"""

FIRST_USES = [
    ("MLPClassifier", "adam", "float64"),
    ("MLPClassifier", "adam", "float32"),
    ("MLPRegressor", "lbfgs", "float64"),
]


def main():
    arguments = _parse()
    environment.prepare()
    imports = import_times(arguments.rounds)
    rows = [first_use(use, arguments.rounds) for use in FIRST_USES]
    print(f"import over numba and sklearn.base: {_list(imports)}\n")
    print(table(rows))
    if arguments.json:
        content = {"environment": environment.describe(1), "import_s": imports}
        Path(arguments.json).write_text(json.dumps({**content, "first_uses": rows}))


def _parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", metavar="OUT")
    return parser.parse_args()


def _list(seconds):
    return ", ".join(f"{name} {s * 1e3:.0f} ms" for name, s in seconds.items())


def import_times(rounds):
    modules = ("sknn", "sklearn.neural_network")
    return {
        module: median(_run(IMPORT.format(module=module)) for _ in range(rounds))
        for module in modules
    }


def first_use(use, rounds):
    """Seconds beyond the second call, with an empty cache and then with a full one."""
    kind, solver, dtype = use
    code = FITS.format(kind=kind, solver=solver, dtype=dtype)
    empty, full, sizes = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as cache:
            empty.append(_excess(_run(code, cache)))
            full.append(_excess(_run(code, cache)))
            sizes.append(
                sum(path.stat().st_size for path in Path(cache).rglob("*.nb*"))
            )
    return {
        "use": f"{kind}, {solver}, {dtype}",
        "empty_s": [median(times) for times in zip(*empty)],
        "full_s": [median(times) for times in zip(*full)],
        "cache_bytes": median(sizes),
    }


def _excess(times):
    """First minus second time, of fit and of predict."""
    return [first - second for first, second in zip(*times)]


def _run(code, cache=None):
    """What `code` prints, run in this checkout so that its sknn is imported.

    As after an installation, Python's own compiler is not needed (but the first time).
    """
    variables = os.environ | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", code]
    output = subprocess.check_output(command, env=variables, cwd=environment.ROOT)
    return json.loads(output)


def table(rows):
    lines = [
        "| first use | empty cache: fit, s | predict, s "
        "| new process, full cache: fit, s | predict, s | cache, MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        seconds = [f"{s:.2f}" for s in (*row["empty_s"], *row["full_s"])]
        cells = [row["use"], *seconds, f"{row['cache_bytes'] / 1e6:.1f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
