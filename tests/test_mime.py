"""Multinomial estimation: its three kinds of pairs, its loss, and what it learns."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torch import nn

from sklearn_mmg import GaussianMutualInfo, MIMEMutualInfo
from sklearn_mmg._core.network import initialise
from sklearn_mmg.baselines import _mime
from sklearn_mmg.baselines._mime import (
    PairClassifier,
    gaussian_pairs,
    gaussian_ratio,
    product_pairs,
    vector_pairs,
    weakened,
)
from sklearn_mmg.datasets import JointNormal, JointNormalMixture

QUICK = {"n_steps": 200, "batch_size": 256, "width": 32, "depth": 1, "cv": 2, "random_state": 0}
LONGER = QUICK | {"n_steps": 300, "depth": 2, "learning_rate": 5e-3}
REFERENCES = ["gaussian", "vector"]
# No linear dependence, and 0.408 nats.
CROSS = JointNormalMixture(
    np.zeros((2, 2)), [[[1.0, 0.9], [0.9, 1.0]], [[1.0, -0.9], [-0.9, 1.0]]], dim_x=1
)


def row_index(rows, among):
    """Where each of `rows` stands; the first column tells them apart."""
    order = among[:, 0].argsort()
    return order[np.searchsorted(among[order, 0], rows[:, 0])]


def test_loss_is_cross_entropy_less_that_of_the_gaussian_model(rng):
    classifier = initialise(PairClassifier(3, 8, 1), torch.Generator().manual_seed(0))
    joint, product, reference = torch.as_tensor(rng.normal(size=(3, 5, 6)), dtype=torch.float32)
    assert not classifier(joint, product, reference).any()

    nn.init.normal_(classifier.network.last.weight, generator=torch.Generator().manual_seed(1))
    loss = classifier(joint, product, reference)
    for i in range(5):
        expected = 0
        for label, pair in enumerate((joint[i], product[i], reference[i])):
            start = pair[3:].tolist()
            logits = (pair[3:] + classifier.network(pair[None, :3])[0]).tolist()
            for sign, values in ((1, logits), (-1, start)):
                total = sum(math.exp(value) for value in values)
                expected -= sign * math.log(math.exp(values[label]) / total) / 3
        assert loss[i].item() == pytest.approx(expected, abs=1e-5)


class ScaledLogits(nn.Module):
    """Multiples of the true logits for normals of a correlation, and a weaker reference."""

    def __init__(self, variance, reference_variance, scale):
        super().__init__()
        self.variances = variance, None, reference_variance
        self.scale = scale

    def forward(self, inputs):
        x, y = inputs.double().numpy().T[:, :, None]
        logits = [
            np.zeros(len(x)) if v is None else gaussian_ratio(x, y, v) for v in self.variances
        ]
        return torch.as_tensor(self.scale * np.stack(logits, axis=1) + 7.0)


def test_true_logits_minimise_the_loss_and_give_the_mutual_information(rng):
    task, variance, weaker = JointNormal.sparse(correlations=(0.8,)), *np.array([[0.36], [0.75]])
    x, y = task.sample(20000, random_state=0)
    pairs = [(x, y), product_pairs(x, y, len(x), rng), gaussian_pairs(x, y, len(x), rng, weaker)]
    rows = [torch.as_tensor(np.column_stack([*pair, np.zeros((len(x), 3))])) for pair in pairs]
    classifiers = [PairClassifier(2, 4, 1) for _ in range(3)]
    for classifier, scale in zip(classifiers, (1.0, 0.8, 1.2), strict=True):
        classifier.network = ScaledLogits(variance, weaker, scale)

    ratio = classifiers[0].correction(rows[0][:, :2]).numpy()
    np.testing.assert_allclose(ratio, task.pointwise_mi(x, y))
    assert abs(ratio.mean() - task.mutual_information) < 3 * ratio.std() / math.sqrt(len(x))
    best, *others = (classifier(*rows).numpy() for classifier in classifiers)
    for other in others:
        assert (other - best).mean() > 3 * (other - best).std() / math.sqrt(len(x))


def test_product_pairs_join_every_x_with_other_samples(rng):
    x, y = rng.normal(size=(2, 50, 2))
    left, right = product_pairs(x, y, 50 * 200, rng)
    i, j = row_index(left, x), row_index(right, y)
    assert (np.bincount(i) == 200).all()
    assert not (i == j).any()
    counts = np.bincount(j, minlength=50)
    assert ((counts - 200) ** 2 / 200).sum() < 50 + 4 * math.sqrt(2 * 50)


def test_gaussian_pairs_have_the_moments_of_the_linear_model(rng):
    variance = np.array([0.1, 0.5, 1.0])
    x, y = gaussian_pairs(np.empty((0, 3)), np.empty((0, 2)), 20000, rng, variance)
    expected = np.eye(5)
    expected[[0, 1, 3, 4], [3, 4, 0, 1]] = np.tile(np.sqrt(1 - variance[:2]), 2)
    error = 4 * np.sqrt((1 + expected**2) / 20000)
    assert (abs(np.cov(x, y, rowvar=False) - expected) < error).all()


def test_gaussian_reference_has_the_margins_of_the_columns(rng):
    X = np.exp(rng.normal(size=(2000, 2)) @ [[1.0, 0.5], [0.0, 1.0]])
    y = X[:, 0] + rng.exponential(size=2000)
    model = MIMEMutualInfo(**(QUICK | {"n_steps": 20})).fit(X, y).models_[0]
    columns = model._preprocess(X, y[:, None])
    white = model._white(X, y[:, None])[:2]
    drawn = gaussian_pairs(*white, 20000, rng, model.bridge_variance_)
    basis = model.basis_
    for sample, side, mean, matrix in zip(
        columns,
        drawn,
        (basis.mean_x_, basis.mean_y_),
        (basis.basis_x_, basis.basis_y_),
        strict=True,
    ):
        for a, b in zip(sample.T, (side @ np.linalg.inv(matrix) + mean).T, strict=True):
            assert ks_2samp(a, b).pvalue > 1e-3


def test_vector_pairs_keep_both_sides_and_have_the_correlation(rng):
    n, repeats, variance = 2500, 20, np.array([0.4, 1.0])
    # Independent sides: the dependence of the pairs cannot come from the data. Two pools.
    x, y = rng.normal(size=(2, n, 2))
    left, right = vector_pairs(x, y, n * repeats, rng, variance)
    i, j = row_index(left, x), row_index(right, y)
    np.testing.assert_array_equal(right, y[j])
    assert (np.bincount(i) == repeats).all()
    assert not (i == j).any()
    counts = np.bincount(j, minlength=n)
    assert ((counts - repeats) ** 2 / repeats).sum() < n + 4 * math.sqrt(2 * n)
    rho = math.sqrt(1 - variance[0])
    found = np.corrcoef(left, right, rowvar=False)[:2, 2:]
    assert found[0, 0] == pytest.approx(rho, abs=3 * (1 - rho**2) / math.sqrt(n))
    found[0, 0] = 0
    assert abs(found).max() < 4 / math.sqrt(n)


def test_coupling_of_an_outlier_is_a_distribution(rng):
    x, y = rng.normal(size=(2, 100, 1))
    x[0] = 1e3
    coupling = _mime.gaussian_coupling(x, y, np.array([0.05]))
    torch.testing.assert_close(coupling.sum(1), torch.ones(100, dtype=float))
    assert not coupling.diagonal().any()


def test_vector_reference_is_as_strong_as_the_rows_can_show():
    variance = np.array([1e-4, 1e-3, 1.0])
    limit = math.log(600 / _mime.PARTNERS)
    for n_rows, nats in ((600, limit), (10**6, math.log(1000 / _mime.PARTNERS)), (30, 0.0)):
        assert -0.5 * np.log(weakened(variance, n_rows)).sum() == pytest.approx(nats)
    np.testing.assert_array_equal(weakened(np.array([0.5, 1.0]), 600), [0.5, 1.0])


@pytest.fixture(scope="module", params=REFERENCES)
def fitted(request):
    """To the first 2,000 samples of CROSS."""
    X, y = CROSS.sample(2300, random_state=2)
    return MIMEMutualInfo(**LONGER, reference=request.param).fit(X[:2000], y[:2000]), X, y


def test_network_learns_what_the_gaussian_model_leaves(fitted):
    fitted, X, y = fitted
    assert GaussianMutualInfo().fit(X, y).mutual_info_ < 0.02
    # A quick training keeps a few hundredths for itself.
    assert abs(fitted.mutual_info_ - CROSS.mutual_information) < 3 * fitted.mutual_info_se_ + 0.05


def test_strong_dependence_of_recombined_rows():
    """Where a reference that no pool of rows can show gave more than a hundred nats."""
    task = JointNormal.sparse(3, correlations=[math.sqrt(1 - math.exp(-20 / 3))] * 3)  # 10 nats
    X, y = task.sample(2000, random_state=3)
    fitted = MIMEMutualInfo(**QUICK, preprocessing="standardize", reference="vector").fit(X, y)
    assert abs(fitted.mutual_info_ - task.mutual_information) < 4 * fitted.mutual_info_se_


def test_values_of_new_data(fitted):
    fitted, X, y = fitted
    values = fitted.pointwise_mi(X[2000:], y[2000:])
    assert np.corrcoef(values, CROSS.pointwise_mi(X[2000:], y[2000:]))[0, 1] > 0.8


def test_score_takes_back_what_an_overconfident_classifier_claims():
    task = JointNormal.sparse(correlations=(0.8,))
    X, y = task.sample(2000, random_state=7)
    fitted = MIMEMutualInfo(**(QUICK | {"cv": 0.5})).fit(X[:1000], y[:1000])
    value, score = fitted.mutual_info(X[1000:], y[1000:]), fitted.score(X[1000:], y[1000:])
    error = 3 * task.pointwise_mi(X, y).std() / math.sqrt(1000)
    assert score == pytest.approx(task.mutual_information, abs=error + 0.02)

    (model,) = fitted.models_
    with torch.no_grad():
        model.net_.module_.network.last.bias[_mime.JOINT] += 1.0
    model.hold_out(X[1000:], y[1000:, :], "cpu")
    first = model.log_normaliser_
    assert fitted.mutual_info(X[1000:], y[1000:]) == pytest.approx(value + 1, abs=1e-5)
    assert fitted.score(X[1000:], y[1000:]) == pytest.approx(value + 1 - first)
    assert fitted.score(X[1000:], y[1000:]) == pytest.approx(score, abs=error)


def test_constant_column_next_to_another(rng):
    X = np.column_stack([np.ones(200), rng.normal(size=200)])
    with_constant = MIMEMutualInfo(**QUICK).fit(X, X[:, 1] + rng.normal(size=200))
    assert 0.1 < with_constant.mutual_info_ < 0.7  # log(2)/2 and its sampling error
