"""Exact extraction of a network with one hidden layer of ReLUs from values or probabilities."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Knowledge, Learner, Scope
from mex.params import doc, whole
from mex.toolkit.checking.self_check import self_checked
from mex_relu_exact.learner import ReluLearner


@attrs.frozen(kw_only=True)
class ReluExact:
    """Recover the function of a network with one hidden layer of ReLUs from its values or probabilities.

    Neither data nor the number of neurons need to be known. Between two points the answers (values, or logarithms of
    ratios of probabilities) are piecewise linear, with a kink at each hyperplane crossed; a gradient on either side of
    it, from small steps, tells the neuron, and with k classes one gradient tells up to k - 1 neurons. All lines start
    at one point, and go where random rows are answered otherwise than by the network so far. In the end all parameters
    are fitted to all answers, and to those of some rows more where the fit is known worst. At 30 features a parameter
    takes 1.3 rows (50 neurons) to 1.7 (10 neurons).

    Columns of whole numbers and levels are held fixed on lines: in each such slice the network has the same weights on
    the others. A neuron is known again in another slice by how much it bends answers, and the place of its kink there
    tells its weights; those that show along no line are found by what the others leave of the answers around a row.
    Without a real column lines are searched along one of 2,000 whole numbers or more; where there is none, a network is
    trained. Along a single column each set of up to 11 neurons has a slope of its own: that of two rows beside each
    other tells which are on there, and with that scores are linear in all weights. These interfaces take 3 to 30 rows a
    parameter, of answers of 10 digits or more; the fewer columns are real the less sure it is that the search ends, and
    the note says if it does not.

    What is recovered is the function on the domain: neurons whose hyperplane misses it are part of an affine term.
    The end is a fit that leaves no more than rounding at any row, and fresh random rows of three kinds (uniform,
    corners of the domain, near the data) that are all explained: ``checks``, or one of 25 rows asked; 300, or one of 5,
    where not all columns are real. The note states the share of such rows that may not be, and how far off others may
    be by the rounding of the answers. The first 25 rows tell smooth activations, noise, rounding and saturation; a
    second hidden layer shows when the first neurons are sought elsewhere on their hyperplanes. In these cases the note
    says why, and a network trained on the answers is handed over. Answers in float32 are taken to their own resolution
    where they tell kinks apart, which takes several starts and is found out after up to 180 rows a feature.

    >>> import mex
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.neural_network import MLPRegressor
    >>> X, y = load_diabetes(return_X_y=True, scaled=False)
    >>> X = (X - X.mean(axis=0)) / X.std(axis=0)
    >>> network = MLPRegressor(hidden_layer_sizes=(5,), learning_rate_init=0.1, tol=10, max_iter=999, random_state=0)
    >>> network = network.fit(X, y)
    >>> domain = mex.Domain(X.min(axis=0), X.max(axis=0))
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(network, domain=domain))
    >>> stolen = mex.extract(oracle, ReluExact().learner(oracle.knowledge(), np.random.default_rng(0)), snapshots=False)
    >>> bool(np.abs(stolen.hypothesis.predict(X) - network.predict(X)).max() < 1e-8)
    True
    """

    checks: int = attrs.field(
        default=75,
        validator=whole(30),
        metadata=doc(
            "random rows that certify the end at least: 75 show that fewer than 5 % are off (95 % confidence)"
        ),
    )
    limit: int = attrs.field(
        default=100_000, validator=whole(30), metadata=doc("rows after which an end that is not in sight is given up")
    )

    scope: ClassVar[Scope] = Scope(families="neural", answers=("value", "proba"))
    paper: ClassVar[str] = "Jagielski et al. 2020; Carlini, Jagielski, Mironov 2020; peeling from one point is new here"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses other activations and more layers where they are known, and domains that have no bounds.

        Raises:
            Incompatible: in these cases.
        """
        domain, public = knowledge.domain, knowledge.family.public
        if (activation := public.get("activation", "relu")) != "relu":
            raise Incompatible(
                f"relu-exact takes networks of ReLUs apart, and the activation of this one is {activation}"
            )
        sizes = np.ravel(public.get("hidden_layer_sizes", [0] * public.get("layers", 1)))
        if (layers := len(sizes)) != 1:
            raise Incompatible(f"relu-exact takes one hidden layer apart, and this network has {layers}")
        if not domain.bounded:
            i = int(np.argmin(np.isfinite(domain.lower) & np.isfinite(domain.upper)))
            raise Incompatible(f"relu-exact searches from bound to bound, and {domain.name(i)} has no finite ones")

        def start(known: Knowledge, stream: np.random.Generator) -> Learner:
            return ReluLearner(known, stream, checks=self.checks, limit=self.limit)

        return self_checked(knowledge, rng, start)
