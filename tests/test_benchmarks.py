"""The arithmetic of ``benchmarks/bench_quality.py``; its smoke run shows the rest."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import data_sets
import results
import scores


def row(model, dataset, error, split=0, **more):
    fitted = {"model": model, "dataset": dataset, "split": split, "n": 80, "fit_s": 2.0}
    return fitted | {"error": error} | more


@pytest.mark.parametrize("rows", [10, 10_000, None])
def test_split_is_that_of_the_published_figures(rows):
    train, test = data_sets.split(103, 2, rows)
    order = np.random.default_rng(2).permutation(103)
    np.testing.assert_array_equal(test, order[:20])
    np.testing.assert_array_equal(train, order[20:][:rows])


def test_shifted_geometric_mean():
    assert results.shifted_geometric_mean([0.0, 0.03]) == pytest.approx(0.01)


def test_log_loss_is_that_of_scikit_learn_where_all_labels_were_seen():
    rng = np.random.default_rng(0)
    classes = np.array(["a", "b", "c"])
    y, weights = rng.choice(classes, 50), rng.uniform(size=50)
    p = rng.dirichlet(np.ones(3), 50)
    expected = metrics.log_loss(y, p, sample_weight=weights)
    assert scores.log_loss(y, p, classes, weights) == pytest.approx(expected)
    unseen = scores.log_loss(np.array(["d"]), p[:1], classes)
    assert unseen == pytest.approx(-np.log(np.finfo(float).eps))


def test_summary_counts_what_every_model_has():
    rows = [row("ours", "a", 0.0), row("ours", "a", 0.06, split=1)]
    rows += [row("ours", "b", 0.01), row("ours", "only ours", 0.9)]
    rows += [row("peer", "a", 0.01), row("peer", "a", 0.03, split=1)]
    rows += [row("peer", "b", 0.03, cpu_s=1.0)]
    summary = results.summary(rows)
    means = {"ours": [0.03, 0.01], "peer": [0.02, 0.03]}
    assert {model: of["wins"] for model, of in summary.items()} == {
        "ours": 1,
        "peer": 1,
    }
    for model, of in summary.items():
        assert of["error"] == results.shifted_geometric_mean(means[model])
        assert of["fit_s"] == 6.0
        assert of["cpu_s"] is None
    ratios = results.ratios(results.by_set(rows, "error"), "ours")
    assert ratios["a"] == {"peer": pytest.approx(0.04 / 0.03)}


def test_resume_keeps_what_was_measured_and_known_files_are_not_rewritten(tmp_path):
    path, known = tmp_path / "out.json", tmp_path / "known.json"
    known.write_text(json.dumps({"results": [row("peer", "a", 0.2)]}))
    first = results.Results(path, {}, known=[known])
    first.add(row("ours", "a", 0.1, params={"n_members": 4}))
    failed = row("ours", "b", None) | {"failure": "ValueError()"}
    del failed["error"]
    first.add(failed)
    again = results.Results(path, {}, resume=True, known=[known])
    assert again.find(row("ours", "a", None, params={"n_members": 4}))["error"] == 0.1
    assert again.find(row("peer", "a", None))["error"] == 0.2
    for other in [
        row("ours", "a", None),
        row("ours", "a", None, split=1, params={"n_members": 4}),
        row("ours", "a", None, params={"n_members": 4}) | {"n": 81},
        row("ours", "b", None),
    ]:
        assert again.find(other) is None
    assert [kept["model"] for kept in results.read(path)] == ["ours"]
    assert results.Results(path, {}).find(row("ours", "a", None)) is None
