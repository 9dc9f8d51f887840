"""Objects of tests are kept apart from the user's."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WENGERT_CACHE", str(tmp_path_factory.mktemp("objects")))
        yield
