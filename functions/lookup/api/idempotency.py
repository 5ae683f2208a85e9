"""Requests that are sent twice and served once: `Idempotency-Key`, kept in the ledger's table for 24 hours.

The ledger holds no profile data: of an answer it keeps only where to find it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lookup import exact_json
from lookup.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from lookup.model import Json

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = re.compile(r"[\x21-\x7e]{1,255}")
KEPT_SECONDS = 24 * 3600
Reference = Mapping[str, Any]  # where an answer is to be found; never what it says


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """One request of a partner: its key, and what the key must always stand for."""

    partner: str
    route: str
    key: str
    order: Json

    @property
    def fingerprint(self) -> str:
        """The same for the same request, and for no other."""
        return exact_json.fingerprint([self.partner, self.route, self.key, self.order])[:32]


class Idempotency:
    """Powertools' idempotency over the ledger's table; loaded only when a request has a key."""

    def __init__(self, client_of: Callable[[], DynamoDBClient], table_name: str) -> None:
        self._client_of = client_of
        self._table = table_name
        self._layers: dict[str, DynamoDBPersistenceLayer] = {}

    def run_once(self, request: KeyedRequest, work: Callable[[], Reference], context: Any) -> Reference:  # noqa: ANN401 - Lambda's
        """Return what `work` returned the first time. What it raises is raised, and the key is free again.

        Raises `IdempotencyKeyInUse` while another call works at it, `IdempotencyKeyReused` when the key came
        with another request. A call that died leaves its key when its function's time (of `context`) is over.
        """
        from aws_lambda_powertools.utilities import idempotency  # noqa: PLC0415 - a start that few requests need

        config = idempotency.IdempotencyConfig(
            event_key_jmespath="key",
            payload_validation_jmespath="order",
            expires_after_seconds=KEPT_SECONDS,
            hash_function="sha256",
            lambda_context=context,
            raise_on_no_idempotency_key=True,
        )
        keyed = idempotency.idempotent_function(
            lambda *, request: work(),  # noqa: ARG005, PLW0108 - Powertools reads key and order of `request`
            data_keyword_argument="request",
            persistence_store=self._layer(request.partner),
            config=config,
            key_prefix=request.route,
        )
        try:
            reference: Reference = keyed(request={"key": request.key, "order": exact_json.fingerprint(request.order)})
        except idempotency.exceptions.IdempotencyAlreadyInProgressError:
            raise IdempotencyKeyInUse("a request with this Idempotency-Key is being served") from None
        except idempotency.exceptions.IdempotencyValidationError:
            raise IdempotencyKeyReused("this Idempotency-Key came with another request within 24 hours") from None
        return reference

    def _layer(self, partner: str) -> DynamoDBPersistenceLayer:
        from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer  # noqa: PLC0415 - as above

        if partner not in self._layers:
            self._layers[partner] = DynamoDBPersistenceLayer(
                self._table,
                key_attr="pk",
                sort_key_attr="sk",
                static_pk_value=f"idempotency#{partner}",
                expiry_attr="expires_at",
                boto3_client=self._client_of(),
            )
        return self._layers[partner]
