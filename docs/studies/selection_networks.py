"""Selection of Markov blankets in Bayesian networks whose structure is known.

The networks are files of the package pgmpy, which is not needed otherwise::

    python -m pip download --no-deps pgmpy==1.1.2
    python docs/studies/selection_networks.py --wheel pgmpy-1.1.2-py3-none-any.whl

A target is one node, and the columns are all others, n = 5,000. Its Markov blanket, which are its
parents, its children and their other parents, is all that tells something of it. Of a Gaussian
network the covariance is known, and with it the mutual information with every subset of columns.
Seconds are of the processor, in one process, with one thread per library.
"""

import argparse
import gzip
import itertools
import json
import re
import time
import warnings
from zipfile import ZipFile

import numpy as np
import pandas as pd
from printing import print_head, print_row, report
from threadpoolctl import threadpool_limits

from sklearn_mmg import SequentialMutualInfoSelector

FOLDER = "pgmpy/utils/example_models/"
N_SAMPLES = 5000


class DiscreteNetwork:
    """A network read from the interchange format, which lists levels and conditional tables."""

    def __init__(self, text):
        levels = re.findall(r"variable (\S+) \{\s*type discrete \[ \d+ \] \{ (.*?) \};", text)
        self.levels = {name: re.split(r",\s*", names) for name, names in levels}
        self.parents, self.tables = {}, {}
        for head, body in re.findall(r"probability \((.*?)\) \{(.*?)\n\}", text, re.S):
            name, *parents = re.split(r"[|,]\s*", head.replace(" ", ""))
            self.parents[name] = parents
            rows = re.findall(r"(?:\((.*?)\)|table)\s+([^;(]*);", body)
            self.tables[name] = {
                tuple(re.split(r",\s*", given)) if given else (): np.array(
                    [float(p) for p in probabilities.split(",")]
                )
                for given, probabilities in rows
            }

    def sample(self, n, rng):
        """Codes of `n` samples of every node."""
        codes = {}
        for name in ancestors_first(self.parents):
            code = {level: i for i, level in enumerate(self.levels[name])}
            shape = [len(self.levels[p]) for p in self.parents[name]]
            table = np.empty((*shape, len(code)))
            for given, row in self.tables[name].items():
                pairs = zip(self.parents[name], given, strict=True)
                table[tuple(self.levels[p].index(level) for p, level in pairs)] = row
            p = table[tuple(codes[parent] for parent in self.parents[name])]
            p = np.broadcast_to(p, (n, len(code)))
            cumulative = (p / p.sum(axis=1, keepdims=True)).cumsum(axis=1)
            codes[name] = (rng.uniform(size=(n, 1)) > cumulative[:, :-1]).sum(axis=1)
        # The levels have no order.
        return pd.DataFrame({name: pd.Categorical(codes[name]) for name in self.levels})


class GaussianNetwork:
    """A network of linear regressions."""

    def __init__(self, text):
        network = json.loads(text)
        self.parents = {name: network["cpds"][name]["parents"] for name in network["nodes"]}
        self.slopes = {
            name: [network["cpds"][name]["coefficients"][p][0] for p in self.parents[name]]
            for name in network["nodes"]
        }
        self.variances = {name: network["cpds"][name]["variance"][0] for name in network["nodes"]}
        place = {name: i for i, name in enumerate(network["nodes"])}
        weights = np.zeros((len(place), len(place)))
        for name in network["nodes"]:
            weights[place[name], [place[p] for p in self.parents[name]]] = self.slopes[name]
        spread = np.linalg.inv(np.eye(len(place)) - weights)
        noise = np.diag([self.variances[name] for name in network["nodes"]])
        self.covariance = pd.DataFrame(spread @ noise @ spread.T, place, place)

    def sample(self, n, rng):
        """Values of `n` samples of every node."""
        factor = np.linalg.cholesky(self.covariance)
        return pd.DataFrame(rng.normal(size=(n, len(factor))) @ factor.T, columns=self.parents)

    def mutual_information(self, target, columns):
        """Of the target with some columns, in nats."""
        of_columns = self.covariance.loc[columns, columns]
        cross = self.covariance.loc[columns, target]
        explained = cross @ np.linalg.solve(of_columns, cross) if columns else 0.0
        return -0.5 * np.log1p(-explained / self.covariance.loc[target, target])


NETWORKS = {
    "alarm": (DiscreteNetwork, "bif.gz"),
    "insurance": (DiscreteNetwork, "bif.gz"),
    "child": (DiscreteNetwork, "bif.gz"),
    "ecoli70": (GaussianNetwork, "json"),
    "magic-niab": (GaussianNetwork, "json"),
}


def ancestors_first(parents):
    """Nodes, every one after its parents."""
    order = []
    while len(order) < len(parents):
        order += [n for n in parents if n not in order and all(p in order for p in parents[n])]
    return order


def blanket(parents, target):
    children = [name for name in parents if target in parents[name]]
    found = {*parents[target], *children, *itertools.chain(*(parents[c] for c in children))}
    return found - {target}


def read(wheel, name):
    kind, ending = NETWORKS[name]
    content = ZipFile(wheel).read(f"{FOLDER}{name}.{ending}")
    return kind((gzip.decompress(content) if ending.endswith("gz") else content).decode())


def study(name, network, n_targets):
    """Rates of true positives and false discoveries, and errors along the path, of some targets."""
    rng = np.random.default_rng(0)
    table = network.sample(N_SAMPLES, rng)
    candidates = [t for t in network.parents if blanket(network.parents, t) and t in varied(table)]
    outcomes = []
    for target in rng.permutation(candidates)[:n_targets]:
        right = blanket(network.parents, target)
        start = time.process_time()
        with threadpool_limits(1):
            selector = SequentialMutualInfoSelector(random_state=0)
            selector.fit(table.drop(columns=target), table[target])
        seconds = time.process_time() - start
        chosen = selector.path_
        rate = len(right & set(chosen)) / len(right)
        false = len(set(chosen) - right) / max(len(chosen), 1)
        error = np.nan
        if isinstance(network, GaussianNetwork):
            truth = [network.mutual_information(target, chosen[:k]) for k in range(len(chosen) + 1)]
            error = np.abs(selector.mutual_information_path_ - truth).max()
        outcomes.append((rate, false, error))
        told = "" if np.isnan(error) else f", at most {error:.3f} nats off"
        report(
            f"{name}, {target}: {rate:.2f} of {len(right)} found, {false:.2f} of {len(chosen)} "
            f"false{told}, {seconds:.0f} s"
        )
    return np.mean(outcomes, axis=0)


def varied(table):
    """Nodes with a second value in the sample that is no single case."""
    return [name for name in table if table[name].value_counts().iloc[1:].sum() >= 20]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheel", required=True)
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--targets", type=int, default=6)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    print_head("network", "found", "false", "nats off, at most")
    for name in arguments.networks:
        found, false, error = study(name, read(arguments.wheel, name), arguments.targets)
        off = "" if np.isnan(error) else f"{error:.3f}"
        print_row(name, f"{found:.2f}", f"{false:.2f}", off)


if __name__ == "__main__":
    main()
