"""The network body and the training core that every trained estimator shares."""
