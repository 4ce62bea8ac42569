"""The checks of model plugins."""

from __future__ import annotations

import numpy as np

from mex.dataset import Rows, Table
from mex.errors import writes_nothing
from mex.fitted import Deployed, FittedTarget, Model
from mex.target import checked_answers
from mex.testing.declarations import check_declarations
from mex.testing.examples import example_dataset
from mex.toolkit.tabular.holding import hold


def check_model(model: Model) -> FittedTarget:
    """Check that a model fits every task it declares and answers as it says; return the last target.

    Raises:
        AssertionError: with the promise that is broken.
        MexError: with the sentence that its cells of a matrix would fail with.
    """
    check_declarations(model)
    target = None
    for task in model.scope.tasks or ("binary", "multiclass", "regression"):
        data = example_dataset(task)
        with writes_nothing("the model"):
            target = model.fit(data, Rows(data.X, data.y), np.random.default_rng(5))
            again = model.fit(data, Rows(data.X, data.y), np.random.default_rng(5))
        X = target.encode(data.X)
        assert target.domain.objection(X) is None, "the target's domain must accept the rows it was fitted on"
        for kind in target.answers:
            answers = target.answer(X, kind)
            checked_answers(answers, len(X), kind, target.classes)
            assert np.array_equal(answers, again.answer(X, kind)), f"{kind}: the same seed must fit the same model"
    assert target is not None
    return target


def check_deployed(model: Deployed, table: Table) -> FittedTarget:
    """Check that a model that is there already opens for a table and answers its rows as it says; return the target.

    Raises:
        AssertionError: with the promise that is broken.
        MexError: with the sentence that its cells of a matrix would fail with.
    """
    check_declarations(model)
    target, again = model.open(table), model.open(table)
    assert target.schema is not None, "the target of a deployed model has a schema, which encodes its tables"
    X = hold(target, table).X
    assert target.domain.objection(X) is None, "the target's domain must accept the rows of the table"
    few = X[:10]
    for kind in target.answers:
        answers = target.answer(X, kind)
        checked_answers(answers, len(X), kind, target.classes)
        assert np.array_equal(answers, again.answer(X, kind)), f"{kind}: a model opened twice must answer alike"
        one_by_one = np.concatenate([target.answer(row[None], kind) for row in few])
        alike = one_by_one == answers[:10] if one_by_one.dtype.kind in "OUS" else np.isclose(one_by_one, answers[:10])
        assert alike.all(), f"{kind}: a batch must be answered as its rows are one by one"
    return target
