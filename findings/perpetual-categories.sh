#!/usr/bin/env bash
# Perpetual's boosters number the levels of a category, and write these numbers into the caller's array. Asked again about the
# same array, a booster sees other levels. Saved as ONNX, its sets of levels are comparisons with numbers.
#
# Expected: predict reads its rows; the file answers as the booster does, or is refused where it cannot hold its splits.
# Seen:     perpetual 2.3.0, onnxruntime 1.32.0: a booster with one column of nine levels is right on all held-out rows. predict has
#           changed that column of the array in every row: the second answer about it is the first one for 29 % of the rows.
#           The file that save_as_onnx writes gives 54 % of the rows another label, without a word; all of its nodes are
#           BRANCH_LT. Without the category nothing is written, and the file agrees to the rounding of float32.
# On:       scikit-learn 1.7.2, numpy 2.2.6, CPython 3.11.7, Linux x86_64. The same on every run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile perpetual==2.3.0 onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.7.2 \
    numpy==2.2.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np
import onnx
import onnxruntime
from perpetual import PerpetualBooster

rng = np.random.default_rng(0)
X = rng.integers(0, 9, (2000, 5)).astype(float)
y = (np.isin(X[:, 0], [1, 4, 7]) ^ (X[:, 1] > 4)).astype(float)
held = X[1000:]
for name, told in (("a category", {"categorical_features": [0]}), ("a number", {})):
    booster = PerpetualBooster(objective="LogLoss", budget=0.5, **told)
    booster.fit(X[:1000].copy(), y[:1000].copy())
    asked = held.copy()
    first = booster.predict(asked)
    written = (asked != held).mean(axis=0)
    again = float((booster.predict(asked) == first).mean())
    booster.save_as_onnx("booster.onnx")
    session = onnxruntime.InferenceSession("booster.onnx", providers=["CPUExecutionProvider"])
    labels, given = session.run(None, {session.get_inputs()[0].name: held.astype(np.float32)})
    off = float(np.abs(given - booster.predict_proba(held.copy())).max())
    changed = float((labels != first).mean())
    nodes = [node for node in onnx.load("booster.onnx").graph.node if node.op_type.startswith("TreeEnsemble")]
    modes = {mode for node in nodes for a in node.attribute if a.name == "nodes_modes" for mode in a.strings}
    print(
        f"column 0 is {name}: {(first == y[1000:]).mean():.3f} right; predict wrote into {written} of the columns' cells, and said "
        f"the same of {again:.3f} when asked again; the file changes {changed:.3f} of the labels, probabilities by up to {off:.1e}"
    )
    assert (first == y[1000:]).mean() > 0.99
    assert modes == {b"BRANCH_LT", b"LEAF"}
    if told:
        assert written[0] == 1 and not written[1:].any() and again < 0.5
        assert changed > 0.3 and off > 0.9
    else:
        assert not written.any() and again == 1
        assert changed == 0 and off < 1e-6
PY
