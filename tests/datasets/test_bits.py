"""The bundled datasets are bit for bit those of version 0.1.0: rows, columns, order, domain, classes."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import mex

DIGESTS = {
    "adult": "690d5b7916f77078",
    "australian": "f13179df03eb5d2c",
    "bank": "65c19b661936fbad",
    "blood-transfusion": "165305faacabe3b3",
    "boolean": "9da4cf5bc5b39e5f",
    "breast-cancer": "e82ce16430f40d6a",
    "breast-cancer-ljubljana": "ae30631ee47db9af",
    "breast-cancer-wisconsin": "282a8cb2fec252da",
    "bupa": "6d5db8138fe22714",
    "credit-approval": "17afde8d0c4dfe97",
    "diabetes": "b2e8aa1b60104274",
    "digits": "a69fd98b76e9b0fc",
    "german-credit": "7f35b94f3d84e256",
    "gss-happiness": "14b4d1c195c13506",
    "haberman": "6f5b6c069ff760a6",
    "heart": "368533aa6a2572b4",
    "ionosphere": "7370ebbb91631ce1",
    "iris": "e26e0969db710cfd",
    "mammographic": "8a39395214f3d367",
    "mushroom": "93aa069cf6794c3a",
    "pima-diabetes": "a880f5ce857ae4a7",
    "spambase": "18b93fddae381def",
    "steak-survey": "ceb329721364b443",
    "tic-tac-toe": "8d08740d92542f6d",
    "vote": "f369e201126569d8",
    "wine": "ed386360909fdf0a",
}


def digest(dataset: mex.Dataset) -> str:
    domain = dataset.domain
    texts = repr((dataset.name, domain.groups, domain.names, domain.incomplete, dataset.class_names))
    arrays = (dataset.X, dataset.y, domain.lower, domain.upper, domain.integer)
    parts = [texts.encode(), *(np.ascontiguousarray(array).tobytes() for array in arrays)]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


@pytest.mark.parametrize("name", DIGESTS)
def test_a_bundled_dataset_is_what_it_was(registry: mex.Registry, name: str) -> None:
    assert digest(registry.build("dataset", name).load()) == DIGESTS[name]


def test_every_bundled_dataset_is_looked_at(registry: mex.Registry) -> None:
    names = {p.component.name for p in registry.provided("dataset") if p.provider == "model-extraction"}
    assert names - {"csv", "parquet", "recorded"} == set(DIGESTS)
