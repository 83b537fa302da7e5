"""Prediction, warm: many rows, and one row, in every peer.

    python benchmarks/bench_predict.py --cases digits

Each network is fitted for two epochs; arrays go in and come out as NumPy's.
"""

from dataclasses import replace

import environment
import harness

MANY_ROWS, ONE_ROW_CALLS = 100_000, 200


def main():
    arguments = harness.parser(__doc__.splitlines()[0]).parse_args()
    environment.prepare(arguments.threads)
    import threadpoolctl
    from peers import installed

    peers = list(installed(arguments.peers))
    results = []
    with threadpoolctl.threadpool_limits(arguments.threads, "blas"):
        for case in harness.chosen_cases(arguments):
            results += predict_all(replace(case, epochs=2), peers, arguments)
        harness.write(arguments, results, harness.table(results, peers))


def predict_all(case, peers, arguments):
    """One result for many rows, and one for many calls of one row each."""
    import numpy as np
    from cases import data
    from peers import PEERS

    X, y = data(case)
    runners = {name: PEERS[name](case, X, y, arguments.threads) for name in peers}
    for runner in runners.values():
        runner.fit()
    many_rows, calls = (1000, 2) if arguments.smoke else (MANY_ROWS, ONE_ROW_CALLS)
    many = np.resize(X, (many_rows, X.shape[1]))
    yield measure(case, runners, many, 1, arguments)
    yield measure(case, runners, X[:1], calls, arguments)


def measure(case, runners, X, calls, arguments):
    def predict(runner):
        def call():
            for _ in range(calls):
                runner.predict(X)

        return call

    actions = {name: predict(runner) for name, runner in runners.items()}
    flops = case.forward_flops() * len(X) * calls
    result = harness.measure(actions, case.dtype, flops, arguments)
    rows = f"{len(X):,} {'row' if len(X) == 1 else 'rows'}"
    return {
        "case": f"{case.label}, {rows}",
        "dtype": case.dtype,
        "group": f"{case.dtype}, {rows}",
        "repeats": calls,
        **result,
    }


if __name__ == "__main__":
    main()
