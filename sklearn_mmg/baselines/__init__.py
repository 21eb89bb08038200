"""Established estimators, one file per method; the package exports them."""
