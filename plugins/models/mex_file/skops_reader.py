"""Files of skops: no code runs that is not named."""

from __future__ import annotations

from pathlib import Path

from mex import UsageError
from mex.toolkit.saved import Reading, Wishes, telling

TRUSTED = (
    "numpy.dtype",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.feature_selection._univariate_selection.chi2",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.feature_selection._univariate_selection.f_regression",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel",
    "sklearn.gaussian_process.kernels.DotProduct",
    "sklearn.gaussian_process.kernels.Matern",
    "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.gaussian_process.kernels.RationalQuadratic",
    "sklearn.gaussian_process.kernels.Sum",
    "sklearn.gaussian_process.kernels.WhiteKernel",
    "sklearn.metrics._classification.balanced_accuracy_score",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.metrics._scorer._CurveScorer",
    "sklearn.metrics._scorer._Scorer",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils._metadata_requests.MetadataRequest",
    "sklearn.utils._metadata_requests.MethodMetadataRequest",
)
"""Parts of scikit-learn's models that skops knows no way to check, and that only hold numbers and settings."""


def read(path: Path, wishes: Wishes) -> Reading:
    """Read a file.

    Raises:
        UsageError: if it holds types that nobody has said to trust.
    """
    import skops.io

    with telling(path, "a file of skops"):
        content = path.read_bytes()
        found = skops.io.get_untrusted_types(data=content)
    strange = [name for name in found if name not in (*TRUSTED, *wishes.trusted)]
    if strange and not wishes.unsafe:
        say = strange[0] if len(strange) == 1 else str(strange).replace(" ", "")
        raise UsageError(
            f"{path} holds {', '.join(strange)}, which mex does not trust unasked, as opening it runs their code: if"
            f" you know them, say trusted={say}"
        )
    with telling(path, "a file of skops"):
        model = skops.io.loads(content, trusted=found)  # what was looked through, and not what is there now
    return Reading(model=model, facts={"trusted by name": ", ".join(found) or "nothing: skops knows all its types"})
