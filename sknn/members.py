"""Networks that are trained together: an epoch of each at a time, on all cores."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np

from .team import ALONE, team_size

PLENTY = 1e12  # of work for each thread


class Members:
    """Fits that go on together, each in one thread.

    With ``joint`` they all keep the parameters of the epoch in which the mean of their
    validation scores was best; else each keeps what it would keep alone.
    """

    def __init__(self, fits, n_jobs=None, joint=False):
        self.fits, self._joint, self._best_score = fits, joint, -np.inf
        self.best_epoch = None
        self._n_threads = min(len(fits), team_size(n_jobs, PLENTY, PLENTY))
        self._snapshots = [fit.network.params.copy() for fit in fits] if joint else None

    @property
    def kept(self):
        """The parameters that each network would have if this were all."""
        return self._snapshots or [fit.kept for fit in self.fits]

    def run(self, report=None, deadline=np.inf):
        """Train until ``report`` returns True, or epochs or time run out.

        After every epoch ``report`` is told `kept` and whether it was the last.
        ``deadline`` is a value of the performance counter.
        """
        n_epochs = self.fits[0].n_epochs
        with ThreadPoolExecutor(self._n_threads) as pool:
            try:
                list(pool.map(lambda fit: fit.begin(ALONE), self.fits))
                for epoch in range(1, n_epochs + 1):
                    failed = any(pool.map(lambda fit: fit.run_epoch(), self.fits))
                    if self._joint:
                        self._keep_best(epoch)
                    late = perf_counter() >= deadline
                    finished = failed or late or epoch == n_epochs
                    if (report and report(self.kept, finished)) or finished:
                        break
            except KeyboardInterrupt:
                warnings.warn("Training interrupted by user.", stacklevel=2)
        self._end()

    def _keep_best(self, epoch):
        score = np.mean([fit.progress.validation_scores[-1] for fit in self.fits])
        if score > self._best_score:
            self._best_score, self.best_epoch = score, epoch
            for snapshot, fit in zip(self._snapshots, self.fits):
                snapshot[:] = fit.network.params

    def _end(self):
        for fit, kept in zip(self.fits, self.kept):
            fit.end()
            fit.network.params[:] = kept
