"""A decision tree from labels alone, on its whole domain."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Knowledge, Learner, Scope
from mex.params import between, doc, whole
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.trees.refinement import refined
from mex.toolkit.trees.thresholds import Thresholds
from mex_tree_labels.learner import TreeLabelsLearner


@attrs.frozen(kw_only=True)
class TreeLabels:
    """Find thresholds by bisection between rows of different labels, and probe the leaves of the tree over them.

    A search between two rows of different labels (:func:`.find_threshold`) finds one feature and its threshold, exact
    to neighbouring float32 numbers (to the whole number, to the category), for log2 d + b queries. The structure is
    chosen from the rows asked (:func:`.grow`). A box with too few probes to choose a split by is asked more, some in
    pairs that no known threshold separates: if their labels differ, a threshold is missing. Each leaf is probed at its
    corners, at its known thresholds and inside; between a probe with another label and a row of the leaf's a new
    search starts. All boxes are asked side by side.

    With a budget it does at first what ``threshold-cart`` does (:class:`.NearDataLearner`), for as long as a tree
    fitted to the answers says that the target has more leaves than the budget can find for sure, and to the end if it
    does; what predicts best near the data is handed over then, and until most of the tree is known.

    It ends when each leaf has passed ``checks`` probes. Labels alone do not certify a tree: the note says how likely
    the probes have missed another label. Of a model that is known to compare in float64 the gap of float32 around each
    threshold is bisected at the end. Labels have to be right; under noise, use it inside ``majority-vote``.

    >>> import mex
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from mex.toolkit.trees.comparison import disagreement
    >>> X, y = load_iris(return_X_y=True)
    >>> tree, domain = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y), mex.Domain.of(X)
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(tree, domain=domain))
    >>> learner = TreeLabels().learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> int(stolen.hypothesis.get_n_leaves()), disagreement(stolen.hypothesis, tree, domain)
    (4, 0.0)
    """

    eps: float = attrs.field(
        default=0.0,
        validator=between(0, 0.1),
        metadata=doc("width to which a threshold is found, as a share of the feature's range; 0 is exact to float32"),
    )
    checks: int = attrs.field(default=48, validator=whole(1), metadata=doc("probes that each leaf has to pass"))
    start: int = attrs.field(default=64, validator=whole(1), metadata=doc("probes of the whole domain to begin with"))
    pool: int = attrs.field(default=200, validator=whole(0), metadata=doc("rows of the pool to ask, if there is one"))
    patience: int = attrs.field(
        default=8, validator=whole(1), metadata=doc("probes in a box, per leaf expected below it, to choose a split by")
    )
    look: int = attrs.field(
        default=40,
        validator=whole(1),
        metadata=doc("thresholds that are tried out for each split, those of the largest gain"),
    )
    max_leaves: int = attrs.field(
        default=500, validator=whole(1), metadata=doc("end, with the tree so far, if it takes more leaves")
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), families=("tree",), answers="label")
    paper: ClassVar[str] = "ours; after the path finding of Tramèr et al. 2016 and the influences of Blanc et al. 2021"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses a domain without bounds."""
        thresholds = Thresholds(knowledge.domain)

        def start(known: Knowledge, stream: np.random.Generator) -> Learner:
            found = TreeLabelsLearner(self, known, stream, thresholds)
            return found if self.eps else refined(found, known)

        return self_checked(knowledge, rng, start, eps=self.eps, anytime=True)
