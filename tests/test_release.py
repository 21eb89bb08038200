"""What a release consists of says the same everywhere, and keeps what users have saved."""

import json
import pickle
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import sklearn
import yaml
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_mmg
from sklearn_mmg import MMGMutualInfo

ROOT = Path(__file__).parents[1]
SAVED = Path(__file__).parent / "data" / "saved"


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_one_version(project):
    assert project["dynamic"] == ["version"]  # it is read from the package
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    recipe = yaml.safe_load((ROOT / "recipe/recipe.yaml").read_text())
    assert citation["version"] == recipe["context"]["version"] == sklearn_mmg.__version__
    assert citation["license"] == recipe["about"]["license"] == project["license"]


def test_changelog_begins_with_the_version():
    """With a date, once it is released."""
    version, date = re.search(
        r"^## \[(.*?)\] - (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    ).groups()
    assert version == sklearn_mmg.__version__
    assert re.fullmatch(r"unreleased|\d{4}-\d{2}-\d{2}", date)


def test_conda_needs_what_pip_needs(project):
    recipe = yaml.safe_load((ROOT / "recipe/recipe.yaml").read_text())
    names = {"torch": "pytorch", "lazy_loader": "lazy-loader"}
    needed = [re.fullmatch(r"([\w-]+)(>=.*)", text).groups() for text in project["dependencies"]]
    needed = [f"{names.get(name, name)} {bound}" for name, bound in needed]
    assert recipe["requirements"]["run"] == [f"python {project['requires-python']}", *needed]


def test_oldest_python_is_said_once(project):
    oldest = project["requires-python"].removeprefix(">=")
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    assert min(workflow["jobs"]["tests"]["strategy"]["matrix"]["python"]) == oldest
    assert f"Programming Language :: Python :: {oldest}" in project["classifiers"]


def test_workflow_calls_sessions_that_there_are():
    sessions = set(re.findall(r"@nox\.session.*\ndef (\w+)", (ROOT / "noxfile.py").read_text()))
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    called = set()
    for job in workflow["jobs"].values():
        matrix = job["strategy"]["matrix"]
        called |= {*matrix["session"], *(extra["session"] for extra in matrix.get("include", []))}
    assert called == sessions


# Persistence between versions


def saved_data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    return X, X[:, 0] ** 2 + X[:, 1] + 0.3 * rng.normal(size=200)


def save(folder=SAVED):
    """Make the files that the test reads: ``python -c "import test_release as t; t.save()"``.

    Once per release, and those of older ones stay.
    """
    X, y = saved_data()
    mmg = MMGMutualInfo(n_steps=30, width=8, depth=1, cv=0.4, n_nodes=4, random_state=0).fit(X, y)
    folder.mkdir(exist_ok=True)
    name = folder / sklearn_mmg.__version__
    name.with_name(f"{name.name}.pickle").write_bytes(pickle.dumps(mmg))
    numbers = {
        "scikit-learn": sklearn.__version__,
        "mutual_info_": mmg.mutual_info_,
        "mutual_info_se_": mmg.mutual_info_se_,
        "interval": mmg.mutual_info_interval(),
        "pointwise_mi": mmg.pointwise_mi(X[:5], y[:5]).tolist(),
        "score": mmg.score(X, y),
    }
    name.with_name(f"{name.name}.json").write_text(json.dumps(numbers, indent=1) + "\n")


@pytest.mark.filterwarnings("ignore:Nearest neighbours", "ignore:The estimate")  # of a tiny fit
@pytest.mark.parametrize("path", sorted(SAVED.glob("*.pickle")), ids=lambda p: p.stem)
def test_saved_estimator_of_an_earlier_version(path):
    """It says what it said."""
    numbers = json.loads(path.with_suffix(".json").read_text())
    mmg = pickle.loads(path.read_bytes())
    X, y = saved_data()
    assert mmg.mutual_info_ == numbers["mutual_info_"]
    assert mmg.mutual_info_se_ == numbers["mutual_info_se_"]
    assert mmg.mutual_info_interval() == pytest.approx(numbers["interval"])
    np.testing.assert_allclose(mmg.pointwise_mi(X[:5], y[:5]), numbers["pointwise_mi"], atol=1e-4)
    assert mmg.score(X, y) == pytest.approx(numbers["score"], abs=1e-4)
    assert mmg.fit(X, y).mutual_info_ == pytest.approx(numbers["mutual_info_"], abs=0.05)
    assert f"{numbers['mutual_info_']:.3f} nats" in str(mmg.summary())


def test_this_version_is_kept():
    assert (SAVED / f"{sklearn_mmg.__version__}.pickle").is_file()


def test_only_scikit_learn_notes_its_version(monkeypatch):
    """A pipeline that is loaded with another scikit-learn warns, the estimator in it does not."""
    stored = pickle.dumps(make_pipeline(StandardScaler(), MMGMutualInfo()))
    monkeypatch.setattr(sklearn.base, "__version__", "1.0")
    with pytest.warns(InconsistentVersionWarning) as caught:
        pickle.loads(stored)
    assert {w.message.estimator_name for w in caught} == {"StandardScaler", "Pipeline"}
