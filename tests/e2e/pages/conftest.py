"""The pages for whoever runs cohorts, in the browser and on the data of the scoring app's tests."""

from tests.e2e.scoring.conftest import (
    axe,
    browser_type_launch_args,
    made_study,
    open_page,
    settings,
    sign_in,
    study,
)

__all__ = ["axe", "browser_type_launch_args", "made_study", "open_page", "settings", "sign_in", "study"]
