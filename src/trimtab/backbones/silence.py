"""Keep transformers and PEFT from printing. Knows nothing about what they are asked to do."""

from __future__ import annotations

import warnings


class quiet:
    """Silence the progress bars and advice of transformers and PEFT."""

    def __enter__(self) -> None:
        from transformers.utils import logging

        self._verbosity = logging.get_verbosity()
        self._bars = logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, *error: object) -> None:
        from transformers.utils import logging

        self._warnings.__exit__(None, None, None)
        logging.set_verbosity(self._verbosity)
        if self._bars:
            logging.enable_progress_bar()
