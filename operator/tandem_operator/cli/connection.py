"""Reading from the API server for `tandem status` and `tandem explain`; nothing is ever written.

Every way in which that can fail becomes one `ConnectionProblem`, whose text is one line for people.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError
from yaml import YAMLError

from tandem_operator.api import names

Object = dict[str, Any]

CONNECT_S, READ_S = 5.0, 15.0
"""Seconds to reach the API server, and to wait for its answer."""
DEFAULT_KUBECONFIG = "~/.kube/config"
PAGE = 500


class ConnectionProblem(Exception):  # noqa: N818 - it is shown to people, not a fault of the code
    """Nothing could be read; the text says what is wrong and what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which cluster and namespace are meant, as kubectl does."""
    parser.add_argument("-n", "--namespace", help="namespace; default: that of the context")
    parser.add_argument(
        "--kubeconfig",
        metavar="FILE",
        help=f"kubeconfig; default: $KUBECONFIG, else {DEFAULT_KUBECONFIG}",
    )
    parser.add_argument("--context", help="context of the kubeconfig; default: its current context")


@dataclass(frozen=True)
class Cluster:
    """A cluster that can be read. `namespace` is the one that is meant when none is named."""

    api: client.ApiClient
    namespace: str

    def resource(self, name: str) -> Object:
        """The resource of that name. Raises ConnectionProblem, with the nearest name there is."""
        stored = self.find(name)
        if stored is None:
            raise ConnectionProblem(self._absent(name, self.resources()))
        return stored

    def find(self, name: str) -> Object | None:
        """The resource of that name; None where there is none. Raises ConnectionProblem."""
        with self.translated_errors():
            try:
                stored: Object = client.CustomObjectsApi(self.api).get_namespaced_custom_object(
                    names.GROUP,
                    names.VERSION,
                    self.namespace,
                    names.PLURAL,
                    name,
                    _request_timeout=(CONNECT_S, READ_S),
                )
            except ApiException as answer:
                if answer.status != 404:
                    raise
                return None
        return stored

    def resources(self, *, everywhere: bool = False) -> list[Object]:
        """The resources of the namespace, or of all of them, by namespace and name.

        Raises ConnectionProblem.
        """
        custom = client.CustomObjectsApi(self.api)
        where = {} if everywhere else {"namespace": self.namespace}
        call = (
            custom.list_cluster_custom_object
            if everywhere
            else custom.list_namespaced_custom_object
        )
        items: list[Object] = []
        page: str | None = None
        with self.translated_errors():
            while True:
                answer = call(
                    group=names.GROUP,
                    version=names.VERSION,
                    plural=names.PLURAL,
                    limit=PAGE,
                    _continue=page,
                    _request_timeout=(CONNECT_S, READ_S),
                    **where,
                )
                items += answer["items"]
                page = answer["metadata"].get("continue")
                if not page:
                    break
        return sorted(
            items, key=lambda raw: (raw["metadata"]["namespace"], raw["metadata"]["name"])
        )

    def config_map(self, name: str) -> Mapping[str, str] | None:
        """The data of a ConfigMap; None when there is none. Raises ConnectionProblem."""
        with self.translated_errors():
            try:
                stored = client.CoreV1Api(self.api).read_namespaced_config_map(
                    name, self.namespace, _request_timeout=(CONNECT_S, READ_S)
                )
            except ApiException as answer:
                if answer.status != 404:
                    raise
                return None
        return stored.data or {}

    def _absent(self, name: str, resources: list[Object]) -> str:
        known = [raw["metadata"]["name"] for raw in resources]
        place = f"no {names.KIND} {name} in namespace {self.namespace}"
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        if near:
            return f"{place}: did you mean {near[0]}?"
        if known:
            return f"{place}: there are {', '.join(known[:10])}"
        return f"{place}: there is none at all, name another with -n"

    @contextmanager
    def translated_errors(self) -> Iterator[None]:
        """What goes wrong within becomes a ConnectionProblem."""
        try:
            yield
        except ApiException as answer:
            raise ConnectionProblem(_refused(answer, self.api.configuration.host)) from answer
        except HTTPError as failure:
            raise ConnectionProblem(
                f"the API server {self.api.configuration.host} does not answer "
                f"({_reason(failure)}): check that it runs and that the kubeconfig names it"
            ) from failure


def connect(arguments: argparse.Namespace) -> Cluster:
    """The cluster that the arguments name; nothing is asked yet. Raises ConnectionProblem."""
    place = arguments.kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT_KUBECONFIG
    files = [Path(each).expanduser() for each in place.split(os.pathsep) if each]
    folder = next((file for file in files if file.is_dir()), None)
    if folder is not None:
        raise ConnectionProblem(f"kubeconfig {folder} is a folder: name a file in it")
    if not any(file.is_file() for file in files):
        raise ConnectionProblem(
            f"there is no kubeconfig {place}: name one with --kubeconfig or $KUBECONFIG"
        )
    merged = os.pathsep.join(map(str, files))
    settings = client.Configuration()
    # A command that somebody waits for asks once.
    settings.retries = False
    try:
        api = config.new_client_from_config(
            config_file=merged,
            context=arguments.context,
            persist_config=False,
            client_configuration=settings,
        )
        contexts, current = config.list_kube_config_contexts(merged)
    # The client does not check shapes: it trips over a file that is YAML and no kubeconfig.
    except (ConfigException, YAMLError, OSError, ValueError, TypeError, AttributeError) as problem:
        raise ConnectionProblem(
            f"kubeconfig {place} cannot be used: {_one_line(problem)}"
        ) from problem
    chosen = next((each for each in contexts if each["name"] == arguments.context), current)
    namespace = arguments.namespace or chosen["context"].get("namespace") or "default"
    return Cluster(api, namespace)


def _refused(answer: ApiException, host: str) -> str:
    message = _message(answer)
    if answer.status == 404:
        return (
            f"{host} serves no {names.CRD_NAME} {names.VERSION}: "
            "install Tandem's CRD (the chart brings it), or choose another --context"
        )
    if answer.status == 401:
        return f"{host} does not accept these credentials: log in again or choose another --context"
    if answer.status == 403:
        return f"{host} forbids it: {message}"
    if not answer.status:
        return f"no trusted connection to the API server {host}: {message}"
    return f"{host} answered {answer.status}: {message}"


def _message(answer: ApiException) -> str:
    """What the API server said: the message of its Status, else the first line of anything else."""
    try:
        message = json.loads(answer.body or "")["message"]
    except (ValueError, TypeError, KeyError):
        message = answer.body or answer.reason or "without words"
    return _one_line(message)


def _reason(failure: HTTPError) -> str:
    text = _one_line(failure)
    return text.rpartition(": ")[2] if ": " in text else text


def _one_line(message: object) -> str:
    return " ".join(str(message).split())[:300]
