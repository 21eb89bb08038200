"""The "?" of the HTML of an estimator leads to the page of its class, where there are pages."""

import importlib
import inspect
from email.message import Message

import pytest
from budgets import ESTIMATORS
from sklearn.utils import estimator_html_repr

from sklearn_mmg import _documentation
from sklearn_mmg.datasets import Autoencoder

DOCUMENTED = [*ESTIMATORS, Autoencoder]


@pytest.fixture
def published(monkeypatch):
    """A package whose metadata have these addresses."""

    def publish(*addresses):
        message = Message()
        for address in addresses:
            message["Project-URL"] = address
        monkeypatch.setattr(_documentation, "metadata", lambda name: message)
        _documentation.documentation_address.cache_clear()

    yield publish
    _documentation.documentation_address.cache_clear()


@pytest.mark.parametrize("estimator_class", DOCUMENTED)
def test_link(estimator_class, published):
    published("Paper, https://arxiv.org/abs/1", "Documentation, https://mmg.example/stable")
    link = estimator_class()._get_doc_link()
    folder, _, page = link.rpartition("/")
    assert folder == "https://mmg.example/stable/api/generated"
    module, _, name = page.removesuffix(".html").rpartition(".")
    assert getattr(importlib.import_module(module), name) is estimator_class
    assert f'href="{link}"' in estimator_html_repr(estimator_class())


@pytest.mark.parametrize("estimator_class", DOCUMENTED)
def test_no_address_no_link(estimator_class, published):
    published("Paper, https://arxiv.org/abs/1")
    assert estimator_class()._get_doc_link() == ""
    assert "Online documentation" not in estimator_html_repr(estimator_class())


def test_a_class_of_a_user_has_no_page_here(published):
    published("Documentation, https://mmg.example")
    own = type("Own", (ESTIMATORS[0],), {"__module__": "elsewhere"})
    assert own()._get_doc_link() == ""


def test_all_estimators_are_asked():
    assert {"MMGMutualInfo", "MMGScore", "SmoothGaussianizer"} <= {
        cls.__name__ for cls in DOCUMENTED if inspect.isclass(cls)
    }
