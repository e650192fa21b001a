"""What the tests of the command line share."""

import pytest

from clip_core.encoders.registry import load_encoder
from tests.support.model_maker import make_clip


@pytest.fixture(scope="session", autouse=True)
def small_model_was_tried(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Try the model that these tests use, so that no command says that it does, whichever test comes first."""
    load_encoder(str(make_clip(tmp_path_factory.mktemp("tried") / "tiny")))
