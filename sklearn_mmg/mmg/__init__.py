"""The estimator of this package: mutual information by the MMSE gap."""
