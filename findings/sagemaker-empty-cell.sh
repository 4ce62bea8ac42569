#!/usr/bin/env bash
# The CSV decoder that SageMaker's inference toolkit hands to a model server guesses a type for each column of each request.
# What an empty cell becomes depends on the other rows of the same request.
#
# Expected: an empty cell is NaN or an error, and a row decodes alike whatever travels with it.
# Seen:     sagemaker-inference 1.10.1 with numpy 2.4.6. The row "1,,3" decodes as
#             1, 0, 3     alone
#             1, -1, 3    beside "4,5,6"
#             1, nan, 3   beside "4,5.5,6", and then the request is no table but a one-dimensional array of records
#           No error, no warning. "1.0,2.5" and "1,2.5" beside "4,5.5" are a table and an array of records.
# On:       CPython 3.11.7, Linux x86_64. The same on every run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile sagemaker-inference==1.10.1 numpy==2.4.6 setuptools==80.9.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
import warnings

import numpy as np
from sagemaker_inference import decoder

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    bodies = ("1,,3", "1,,3\n4,5,6", "1,,3\n4,5.5,6", "1.0,2.5\n4.0,5.5", "1,2.5\n4,5.5")
    alone, whole, mixed, table, records = (decoder.decode(body, "text/csv") for body in bodies)
for body, array in zip(bodies, (alone, whole, mixed, table, records)):
    print(f"{body!r:20} shape {array.shape!s:7} {array.tolist()}")
print("warnings:", [str(w.message)[:80] for w in said])
assert alone.tolist() == [1, 0, 3]
assert whole.tolist() == [[1, -1, 3], [4, 5, 6]]
assert mixed.shape == (2,) and np.isnan(mixed[0][1])
assert table.shape == (2, 2) and records.shape == (2,)
assert not said
PY
