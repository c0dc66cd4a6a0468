"""What the ancestor's packages were built with."""

from __future__ import annotations

import ssl

#: The file of authorities that this system trusts; "" when it keeps them otherwise.
CACERTS_DEFAULT_PATH = ssl.get_default_verify_paths().cafile or ""
