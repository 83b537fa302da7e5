"""scikit-learn 1.9's callback protocol for older versions: what one estimator needs.

No propagation from meta-estimators, for theirs do not speak it.  To be deleted when
scikit-learn 1.9 is the oldest that is supported.
"""

import copy
import uuid
from functools import wraps
from inspect import Parameter, signature

HOOKS = ("setup", "teardown", "on_fit_task_begin", "on_fit_task_end")


class CallbackContext:
    """A task of a fit: the fit itself, or one of its epochs."""

    def __init__(self, estimator, task_name, max_subtasks, parent=None, task_id=0):
        self.task_name, self.task_id = task_name, task_id
        self.max_subtasks, self.parent = max_subtasks, parent
        self.estimator_name = type(estimator).__name__
        self.root_uuid = parent.root_uuid if parent else uuid.uuid4()
        self._estimator, self._n_subtasks = estimator, 0

    def subcontext(self, task_name=""):
        number, self._n_subtasks = self._n_subtasks, self._n_subtasks + 1
        return CallbackContext(self._estimator, task_name, 0, self, number)

    def call_on_fit_task_begin(self, **values):
        self._call("on_fit_task_begin", **values)
        return self

    def call_on_fit_task_end(self, **values):
        return self._call("on_fit_task_end", **values)

    def _call(self, hook, *, estimator, reconstruction_attributes=None, **values):
        stop = False
        for callback in estimator._skl_callbacks:
            method = getattr(callback, hook)
            asked = _keyword_only(method)
            if "fitted_estimator" in asked and "fitted_estimator" not in values:
                fitted = _fitted(estimator, reconstruction_attributes)
                values["fitted_estimator"] = fitted
            told = {name: values[name] for name in asked}
            stop |= bool(method(estimator, self, **told))
        return stop


def _keyword_only(method):
    parameters = signature(method).parameters.values()
    return [each.name for each in parameters if each.kind == Parameter.KEYWORD_ONLY]


def _fitted(estimator, attributes):
    """A copy of the estimator with these attributes, or what a function returns."""
    attributes = attributes() if callable(attributes) else attributes
    if attributes is None:
        return None
    fitted = copy.copy(estimator)
    vars(fitted).update(attributes)
    return fitted


class CallbackSupportMixin:
    """``set_callbacks``, and the root of a fit's tasks."""

    def set_callbacks(self, *callbacks):
        """Set callbacks for the estimator.

        Parameters
        ----------
        *callbacks : callback instances
            The callbacks to set.

        Returns
        -------
        self : estimator instance
            The estimator instance itself.
        """
        for callback in callbacks:
            if isinstance(callback, type) or not all(
                hasattr(callback, hook) for hook in HOOKS
            ):
                raise TypeError(
                    "callbacks must be instances following the FitCallback protocol."
                )
        self._skl_callbacks = list(callbacks)
        return self

    def _init_callback_context(self, task_name="fit", max_subtasks=0):
        context = CallbackContext(self, task_name, max_subtasks)
        self._callback_fit_ctx, self._skl_callbacks_to_teardown = context, []
        for callback in self._skl_callbacks:
            self._skl_callbacks_to_teardown.append(callback)
            callback.setup(estimator=self, context=context)
        return context

    def __sklearn_clone__(self):
        twin = super().__sklearn_clone__()
        if hasattr(self, "_skl_callbacks"):
            twin._skl_callbacks = self._skl_callbacks
        return twin


def with_callbacks(method):
    """Tear callbacks down after this method, however it ends."""

    @wraps(method)
    def managed(estimator, *args, **kwargs):
        try:
            return method(estimator, *args, **kwargs)
        finally:
            context = vars(estimator).pop("_callback_fit_ctx", None)
            for callback in vars(estimator).pop("_skl_callbacks_to_teardown", []):
                callback.teardown(estimator=estimator, context=context)

    return managed
