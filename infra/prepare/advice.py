"""What to do about a download or an installation that failed, from what the tools wrote: a sentence or two."""

from __future__ import annotations

import re
from collections.abc import Mapping

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy", "PIP_PROXY")
NO_SPACE = (
    "No space is left. The environment takes about 1.2 GB in the project's folder, and the cache of uv as much while "
    "it is made.\nFree some, or name another place for the cache: UV_CACHE_DIR=/a/larger/disk"
)
CERTIFICATE = (
    "Somebody between this machine and the package index answers with a certificate of his own, as a company's proxy "
    "does.\nName the file with its authority: SSL_CERT_FILE=ca.pem PIP_CERT=ca.pem NODE_EXTRA_CA_CERTS=ca.pem make …"
)
OTHER_BYTES = (
    "What was downloaded is not what the lock names, so nothing of it was installed. Try again; if it stays so, the "
    "mirror or proxy in use changes packages."
)
NETWORK = (
    "The package index cannot be reached, and the first command of a clone needs it: is there a network?\n"
    "Behind a proxy: HTTPS_PROXY=http://host:port make …   With a mirror: PIP_INDEX_URL=https://mirror/simple make …"
)
NOT_ALLOWED = "This user may not write there: make the folder your own, or clone the project into one that is."
UNREACHABLE = (
    r"name resolution|Name or service not known|dns error|ENOTFOUND|EAI_AGAIN|[Cc]onnection refused|ECONNREFUSED|"
    r"[Nn]etwork is unreachable|ENETUNREACH|[Tt]imed? ?out|ETIMEDOUT|ECONNRESET|[Cc]annot connect to proxy|"
    r"[Tt]unnel|Failed to fetch|error sending request|No matching distribution|HTTP error|status code"
)
# In this order: a proxy's failure is a network's too.
SIGNS = (
    (r"No space left on device|os error 28\b|ENOSPC|Disk quota exceeded", NO_SPACE),
    (
        r"CERTIFICATE_VERIFY_FAILED|invalid peer certificate|UnknownIssuer|self.signed cert|UNABLE_TO_\w+_CERT",
        CERTIFICATE,
    ),
    (r"DO NOT MATCH THE HASHES|Hash mismatch|EINTEGRITY", OTHER_BYTES),
    (UNREACHABLE, NETWORK),
    (r"[Pp]ermission denied|EACCES|EPERM|[Rr]ead-only file system|EROFS", NOT_ALLOWED),
)


def advice(output: str, environment: Mapping[str, str]) -> str | None:
    """Return what to do about a failure with this output; None when it is none of those that are known."""
    found = next((text for pattern, text in SIGNS if re.search(pattern, output)), None)
    named = [name for name in PROXIES if environment.get(name)]
    if found is NETWORK and named:
        return (
            f"The package index cannot be reached through the proxy that is set in {' and '.join(named)}.\n"
            "Correct the address, or unset it where none is needed; the password may have expired, too."
        )
    return found
