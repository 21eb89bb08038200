"""Time, memory and accuracy of the package from commit to commit, with one thread."""

import os

# Before NumPy is imported: threads make times of small fits depend on the other work of a machine.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
