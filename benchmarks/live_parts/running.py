"""Servers, each in a virtual environment of its own, serving models of scikit-learn."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import joblib

PINS = {
    "mlserver": ("mlserver==1.7.1", "mlserver-sklearn==1.7.1", "uvloop<0.22", "pandas"),
    "mlflow": ("mlflow==3.17.2", "uvloop<0.22", "pandas", "skops"),
    "bentoml": ("bentoml==1.4.39",),
    "kserve": ("kserve==0.21.0",),
    "vertex": ("google-cloud-aiplatform[prediction]==2.7.0",),
    "azure": ("azureml-inference-server-http==1.5.1",),
    "sagemaker": ("sagemaker-inference==1.10.1",),
}
"""What is installed beside the scikit-learn and numpy of this process; a newer uvloop ends the workers of MLServer."""
PATIENCE = 120.0
"""Seconds that a server has to get ready."""
SAVE = """
import json, sys, joblib, mlflow, pandas
for name, how in json.loads(sys.argv[1]).items():
    like = how.pop("like", None)
    signature = like and mlflow.models.infer_signature(pandas.read_csv(like, keep_default_na=False))
    mlflow.sklearn.save_model(joblib.load(f"{name}.joblib"), name, signature=signature, pip_requirements=[], **how)
"""
HOME = tempfile.TemporaryDirectory(prefix="mex-servers-")


@functools.cache
def environment(kind: str) -> Path:
    """The virtual environment of a server, made if it is not in the folder that MEX_SERVERS names; a minute each."""
    import numpy
    import sklearn

    folder = Path(os.environ.get("MEX_SERVERS", HOME.name)) / kind
    installed = folder / "installed"
    if not installed.exists():
        same = (f"scikit-learn=={sklearn.__version__}", f"numpy=={numpy.__version__}", f"joblib=={joblib.__version__}")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", *PINS[kind], *same], check=True)
        installed.touch()
    return folder / "bin"


@functools.cache
def with_mex(kind: str) -> None:
    """Install this project beside a server, for models that stand behind a defense."""
    home = environment(kind)
    if not (home / "mex").exists():
        subprocess.run([home / "pip", "install", "--quiet", "-e", Path(__file__).parents[2]], check=True)


def free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Serving:
    """A server in a process group of its own.

    Attributes:
        url: of the server.
        folder: where it runs.
    """

    def __init__(self, command: list[str], folder: Path, port: int, ready: str, **environ: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.folder = folder
        self._command = command
        self._ready = self.url + ready
        self._environ = {**os.environ, "PATH": f"{Path(command[0]).parent}:{os.environ['PATH']}", **environ}
        self.start()
        self.wait()

    def start(self) -> None:
        """Start it, again maybe."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self.folder, env=self._environ, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(self._ready).status_code == 200:
                    return
            time.sleep(0.2)
        raise SystemExit(f"{self._command[0]} does not get ready: {(self.folder / 'log').read_text()[-2000:]}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it; no process of it is left."""
        self._process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def settings(name: str) -> str:
    """What MLServer reads beside a model in ``model.joblib``."""
    how = {"name": name, "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib"}}
    return json.dumps(how)


@contextlib.contextmanager
def mlserver(models: dict[str, Any], files: Path | None = None) -> Iterator[Serving]:
    """MLServer with some models, or those of a folder; the address of one is ``/v2/models/NAME/infer``."""
    command, port = str(environment("mlserver") / "mlserver"), free_port()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory) / "served"
        if files is not None:
            shutil.copytree(files, folder)
        for name, model in models.items():
            (folder / name).mkdir(parents=True)
            joblib.dump(model, folder / name / "model.joblib")
            (folder / name / "model-settings.json").write_text(settings(name))
        ports = {"http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
        (folder / "settings.json").write_text(json.dumps({"host": "127.0.0.1", "parallel_workers": 1, **ports}))
        served = Serving([command, "start", "."], folder, port, "/v2/health/ready")
        try:
            yield served
        finally:
            served.stop()


@contextlib.contextmanager
def mlflow(model: Any, files: Path | None = None, **how: Any) -> Iterator[Serving]:
    """MLflow with one model, or that of a folder; asked at ``/invocations``.

    ``how`` are arguments of ``mlflow.sklearn.save_model``, and ``like``, a CSV file that shows its signature.
    """
    home, port = environment("mlflow"), free_port()
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true"}
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        quiet["MLFLOW_TRACKING_URI"] = f"file://{folder}/runs"
        if files is None:
            joblib.dump(model, folder / "model.joblib")
            save = [home / "python", "-W", "ignore", "-c", SAVE, json.dumps({"model": how})]
            subprocess.run(save, cwd=folder, env={**os.environ, **quiet}, check=True, stderr=subprocess.DEVNULL)
        else:
            shutil.copytree(files, folder / "model")
        command = [str(home / "mlflow"), "models", "serve", "-m", "model", "--env-manager", "local", "--workers", "1"]
        served = Serving([*command, "-h", "127.0.0.1", "-p", str(port)], folder, port, "/ping", **quiet)
        try:
            yield served
        finally:
            served.stop()
