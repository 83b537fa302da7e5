"""Training, warm: every case in every peer, side by side.

    python benchmarks/bench_fit.py --cases digits --markdown fit.md --json fit.json

`first_s` in the JSON is the first fit of a case in this process, with whatever it
compiles or loads; the table has medians of later fits.
"""

import environment
import harness


def main():
    arguments = harness.parser(__doc__.splitlines()[0]).parse_args()
    environment.prepare(arguments.threads)
    import threadpoolctl
    from peers import installed

    if arguments.smoke:
        arguments.rounds = 1
    peers = list(installed(arguments.peers))
    results = []
    with threadpoolctl.threadpool_limits(arguments.threads, "blas"):
        for case in harness.chosen_cases(arguments):
            results.append(fit_all(case, peers, arguments))
            print(_line(results[-1]), flush=True)
        harness.write(arguments, results, harness.table(results, peers))


def fit_all(case, peers, arguments):
    from cases import data
    from peers import PEERS

    X, y = data(case)
    runners = {name: PEERS[name](case, X, y, arguments.threads) for name in peers}
    losses = {}

    def fit(name):
        return lambda: losses.update({name: runners[name].fit()})

    actions = {name: fit(name) for name in peers}
    flops = case.flops() * case.epochs
    result = harness.measure(actions, case.dtype, flops, arguments)
    for name, loss in losses.items():
        result["peers"][name]["loss"] = loss
    return {
        "case": case.label,
        "dtype": case.dtype,
        "group": case.dtype,
        "repeats": case.epochs,
        "flops": flops,
        **result,
    }


def _line(result):
    peers = (
        f"{name} {of['median_s']:.3f} s (first {of['first_s']:.2f}, "
        f"loss {of['loss']:.4f})"
        for name, of in result["peers"].items()
    )
    return f"{result['case']}: {'; '.join(peers)}"


if __name__ == "__main__":
    main()
