"""What an object store's errors mean: which kind they are, and whether trying again can help.

pyarrow hands on the words of the AWS library: ``AWS Error SLOW_DOWN during …``, ``AWS Error UNKNOWN (HTTP status 503)
during …``, ``AWS Error NETWORK_CONNECTION during …: curlCode: 28, Timeout was reached``.
"""

from __future__ import annotations

import re

from mvengine.errors import SourceError
from mvengine.sources.base import FORBIDDEN, MISSING, STORE, TIMEOUT

_HINT = "look at s3.endpoint_url and the credentials"

# The first that matches decides: (pattern, code, whether trying again can help).
_KINDS = (
    (r"NO_SUCH_BUCKET|AWS Error NO_SUCH_UPLOAD", MISSING, False),
    (r"NO_SUCH_KEY|RESOURCE_NOT_FOUND|HTTP status 404", MISSING, True),
    (r"ACCESS_DENIED|ACCESS_KEY|SIGNATURE|CREDENTIALS|TOKEN|HTTP status 40[13]\b", FORBIDDEN, False),
    (r"curlCode: 28|REQUEST_TIMEOUT|HTTP status 408\b", TIMEOUT, True),
    (r"HTTP status 429\b", STORE, True),
    (r"HTTP status [34]\d\d\b|curlCode: (1|3|60)\b|INVALID_|VALIDATION", STORE, False),  # the request itself is wrong
)


def source_error(url: str, error: OSError | ValueError) -> SourceError:
    """The error of reading ``url``: what is not known, 5xx, throttling and connections that break off, may pass."""
    said = str(error)
    if isinstance(error, FileNotFoundError):
        code, is_retryable = MISSING, True
    elif isinstance(error, ValueError):  # pyarrow's for an option that it does not understand
        code, is_retryable = "22023", False
    else:
        known = ((code, again) for pattern, code, again in _KINDS if re.search(pattern, said))
        code, is_retryable = next(known, (STORE, True))
    hint = "refresh again" if is_retryable else _HINT
    return SourceError(f"cannot read {url!r}: {said}", path=url, hint=hint, code=code, retryable=is_retryable)
