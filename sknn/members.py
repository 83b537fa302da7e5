"""Networks that are trained together: an epoch of each at a time, on all cores."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from time import perf_counter

import numpy as np

from .team import ALONE, Team, team_size

PLENTY = 1e12  # of work for each thread


class Members:
    """Fits that go on together, each in one thread.

    With ``joint`` they all keep the parameters of the epoch in which the mean of their
    validation scores was best; else each keeps what it would keep alone.
    """

    def __init__(self, fits, n_jobs=None, joint=False):
        self.fits = fits
        self._n_threads = min(len(fits), team_size(n_jobs, PLENTY, PLENTY))
        self._best_score, self.best_epoch = -np.inf, None
        self._snapshots = [fit.network.params.copy() for fit in fits] if joint else None
        self.seconds_of_epoch = 0.0  # the last one

    @property
    def kept(self):
        """The parameters that each network would have if this were all."""
        return self._snapshots or [fit.kept for fit in self.fits]

    def run(self, report=None, deadline=np.inf):
        """Train until epochs or time run out, or ``report`` returns True.

        After every epoch ``report`` is told `kept` and whether it was the last.
        ``deadline`` is a value of the performance counter.
        """
        n_epochs = self.fits[0].n_epochs
        with ExitStack() as stack:
            pool = stack.enter_context(ThreadPoolExecutor(self._n_threads))
            self._begin(stack)
            try:
                for epoch in range(1, n_epochs + 1):
                    failed = self._run_epoch(pool, epoch)
                    late = perf_counter() + self.seconds_of_epoch > deadline
                    finished = failed or late or epoch == n_epochs
                    if (report and report(self.kept, finished)) or finished:
                        break
            except KeyboardInterrupt:
                warnings.warn("Training interrupted by user.", stacklevel=2)
        self._end()

    def _begin(self, stack):
        for fit in self.fits:
            alone = len(self.fits) > 1
            team = ALONE if alone else stack.enter_context(Team(fit.n_threads()))
            fit.begin(team)

    def _run_epoch(self, pool, epoch):
        """An epoch of each; returns whether one of them has failed."""
        start = perf_counter()
        failed = any(list(pool.map(lambda fit: fit.run_epoch(), self.fits)))
        self.seconds_of_epoch = perf_counter() - start
        if self._snapshots:
            self._keep_best(epoch)
        return failed

    def _keep_best(self, epoch):
        score = np.mean([fit.progress.validation_scores[-1] for fit in self.fits])
        if score > self._best_score:
            self._best_score, self.best_epoch = score, epoch
            for snapshot, fit in zip(self._snapshots, self.fits):
                snapshot[:] = fit.network.params

    def _end(self):
        kept = self.kept
        for fit, params in zip(self.fits, kept):
            fit.end()
            fit.network.params[:] = params
