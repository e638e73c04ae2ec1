"""Random histories against a plain model of the wallet, and many clients at once against a checker of histories.

Every run draws a new seed and prints it. The environment decides how much is tried:

- `MODEL_SEED`: the seed; a run repeats the histories of the run that printed it (ids are the database's own).
- `MODEL_EXAMPLES`: how many histories; 40 unless set.
- `MODEL_STEPS`: how many operations in each; 50 unless set.

`make model` tries many more than the usual run.
"""

import pytest

pytest.register_assert_rewrite("tests.model.books", "tests.model.callers", "tests.model.clients", "tests.model.machine")
