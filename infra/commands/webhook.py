"""`make webhook`: a partner's webhook as it stands; `ACTION=rotate` or `finish` for its keys, `enable` after a 410."""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
import time

import boto3

from infra.commands.stack_outputs import outputs_of
from infra.commands.stage_command import run
from infra.stage_settings.partners import Webhook
from infra.stage_settings.stage import Stage
from infra.stage_settings.workspaces import pascal_case
from lookup.errors import Misconfigured, require
from lookup.ledger.table import LedgerTable
from lookup.ledger.webhooks import Receiver, WebhookLedger
from lookup.model import timestamp
from lookup.webhooks.signature import CURRENT, PREFIX, PREVIOUS, parse_keys

KEY_BYTES = 32
ACTIONS = ("show", "rotate", "finish", "enable")


def main() -> int:
    """Show, or change, the webhook of PARTNER in STAGE. Return 0 when that worked."""
    return run(show_or_change)


def show_or_change(session: boto3.Session, stage: Stage) -> bool:
    """Do what ACTION says with the webhook of PARTNER, and print how it stands. Raises `Misconfigured`."""
    partner, action = os.environ.get("PARTNER", ""), os.environ.get("ACTION") or "show"
    require(action in ACTIONS, "ACTION", f"{action!r} is not one of {', '.join(ACTIONS)}")
    webhook = _setting(stage, partner)
    output = f"WebhookSecret{pascal_case(partner)}Id"
    names = outputs_of(session, stage.name, "LedgerTableName", output)
    table = LedgerTable(session.client("dynamodb"), names["LedgerTableName"], clock=time.time, sleep=time.sleep)
    keys, ledger = SecretKeys(session, names[output]), WebhookLedger(table)
    if action == "rotate":
        keys.rotate()
    elif action == "finish":
        keys.finish()
    elif action == "enable":
        ledger.enable(partner)
    sys.stdout.write(f"{partner}: {described(ledger.receiver(partner, webhook.url), keys.number(), time.time())}\n")
    return True


def _setting(stage: Stage, partner: str) -> Webhook:
    known = {name: one.webhook for name, one in stage.partners.items() if one.webhook is not None}
    if partner not in known:
        raise Misconfigured("PARTNER", f"{partner!r} has no webhook; these have: {', '.join(sorted(known)) or 'none'}")
    return known[partner]


def described(receiver: Receiver, keys: int, now: float) -> str:
    """Return in one line whether a receiver is called, and with how many keys. No key is shown."""
    signed = f"signed with {keys} key{'' if keys == 1 else 's'}"
    if receiver.disabled_at is not None:
        since = timestamp(receiver.disabled_at)
        return f"DISABLED since {since}, when it answered 410; {signed}; ACTION=enable calls it again"
    if receiver.paused_until > now:
        return f"paused until {timestamp(receiver.paused_until)} after {receiver.failures} failures; {signed}"
    return f"called; {signed}"


class SecretKeys:
    """The signing keys in their secret: at most two, of which both sign."""

    def __init__(self, session: boto3.Session, secret_id: str) -> None:
        self._client = session.client("secretsmanager")
        self._secret_id = secret_id

    def rotate(self) -> None:
        """Make a new key beside the present one. Raises `Misconfigured` while there are two."""
        keys = self._read()
        require(PREVIOUS not in keys, "ACTION", "there are two keys already: finish that rotation first")
        fresh = PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        self._write({CURRENT: fresh, PREVIOUS: keys[CURRENT]})

    def finish(self) -> None:
        """Drop the key before the present one, if there is one."""
        self._write({CURRENT: self._read()[CURRENT]})

    def number(self) -> int:
        """Return with how many keys webhooks are signed."""
        return len(self._read())

    def _read(self) -> dict[str, str]:
        text = self._client.get_secret_value(SecretId=self._secret_id)["SecretString"]
        parse_keys(text, setting="webhook secret")
        read = json.loads(text)
        return {name: read[name] for name in (CURRENT, PREVIOUS) if read.get(name) is not None}

    def _write(self, keys: dict[str, str]) -> None:
        self._client.put_secret_value(SecretId=self._secret_id, SecretString=json.dumps(keys))


if __name__ == "__main__":
    sys.exit(main())
