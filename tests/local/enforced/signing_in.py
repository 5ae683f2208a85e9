"""Signing in as the console's page does: a code with PKCE (RFC 7636), then tokens."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import urllib3

from infra.local.stage.people import PASSWORD
from infra.local.stage.stage import Stage

HTTP = urllib3.PoolManager(retries=False)
INPUT = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@dataclass(frozen=True)
class Visit:
    """One visit of the console, with a verifier of its own."""

    stage: Stage
    sign_in: dict[str, Any]
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @classmethod
    def begin(cls, stage: Stage) -> Visit:
        """Read what the page reads at its start."""
        return cls(stage, HTTP.request("GET", f"{stage.console_url}/config.json").json()["sign_in"])

    def authorize(self, **changed: str) -> urllib3.BaseHTTPResponse:
        """Ask for the issuer's page."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.sign_in["client_id"],
            "redirect_uri": self.stage.console_url,
            "scope": " ".join(self.sign_in["scopes"]),
            "state": "mine",
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        return HTTP.request("GET", self._url("authorize_url"), fields=query | changed, redirect=False)

    def code_for(self, person: str, **changed: str) -> str:
        """Fill in the form of the issuer's page; return the code with which it sends the browser back."""
        form = {name: html.unescape(value) for name, value in INPUT.findall(self.authorize(**changed).data.decode())}
        url = urljoin(self.stage.endpoint_url, "/login")
        fields = form | {"username": person, "password": PASSWORD}
        sent = HTTP.request("POST", url, fields=fields, encode_multipart=False, redirect=False)
        back = urlsplit(sent.headers["Location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == self.stage.console_url
        assert parse_qs(back.query)["state"] == ["mine"]
        (code,) = parse_qs(back.query)["code"]
        return code

    def exchange(self, code: str, verifier: str | None = None) -> dict[str, Any]:
        """Exchange a code for tokens."""
        return self.tokens(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.stage.console_url,
            code_verifier=verifier or self.verifier,
        )

    def sign_out(self, back: str) -> urllib3.BaseHTTPResponse:
        """Leave the issuer's session, to return there."""
        fields = {"client_id": str(self.sign_in["client_id"]), "logout_uri": back}
        return HTTP.request("GET", self._url("logout_url"), fields=fields, redirect=False)

    def tokens(self, **form: str) -> dict[str, Any]:
        """Send a form to the token endpoint."""
        fields = form | {"client_id": self.sign_in["client_id"]}
        answered: dict[str, Any] = HTTP.request(
            "POST", self._url("token_url"), fields=fields, encode_multipart=False
        ).json()
        return answered

    def _url(self, name: str) -> str:
        return urljoin(self.stage.endpoint_url, str(self.sign_in[name]))


def token_of(stage: Stage, person: str) -> str:
    """Sign a person in; return its access token."""
    visit = Visit.begin(stage)
    return str(visit.exchange(visit.code_for(person))["access_token"])
