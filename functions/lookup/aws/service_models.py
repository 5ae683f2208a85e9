"""The models of the AWS services that are used, read in half the time that botocore's own loader takes.

That one looks into the folders of all 400 services for their names, and reads a list of every service's every endpoint
(1.2 MB) of which nothing is used: what a client calls follows from its service's own rules (`endpoint-rule-set-1`).
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

# Whose models the deployed zip holds (`infra/commands/bundle.py`).
SERVICES = ("dynamodb", "events", "s3", "scheduler", "secretsmanager", "sqs", "ssm", "sts")
HOSTNAME = "{service}.{region}.{dnsSuffix}"
FIPS_HOSTNAME = "{service}-fips.{region}.{dnsSuffix}"
ITEMS_OF = re.compile(r"dynamodb/[0-9-]+/service-2")
# What botocore looks for when it makes a client of S3 in us-east-1, and then does not call.
GLOBAL_S3 = {"aws-global": {"hostname": "s3.amazonaws.com", "credentialScope": {"region": "us-east-1"}}}


class _JsonFiles:
    """Files of JSON as plain dictionaries, which keep their order as botocore's ordered ones do."""

    def exists(self, file_path: str) -> bool:
        return Path(f"{file_path}.json.gz").is_file() or Path(f"{file_path}.json").is_file()

    def load_file(self, file_path: str) -> Any:  # noqa: ANN401 - the file's own shape
        for ending, unpack in ((".json.gz", gzip.decompress), (".json", bytes)):
            try:
                return json.loads(unpack(Path(file_path + ending).read_bytes()))
            except FileNotFoundError:
                continue
        return None


class ServiceModels(Loader):
    """A loader of `SERVICES` alone."""

    def __init__(self) -> None:
        super().__init__(file_loader=_JsonFiles())  # type: ignore[arg-type]  # what botocore calls of it

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - all kinds alike
        """Return the names of the services that have models."""
        return list(SERVICES)

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        """Read a data file, and where it is. Of `endpoints` only what is true of whole partitions."""
        if name != "endpoints":
            found, where = super().load_data_with_path(name)
            return (_with_items_as_they_are(found) if ITEMS_OF.fullmatch(name) else found), where
        partitions, path = self.load_data_with_path("partitions")
        return {"version": 3, "partitions": [_partition(one) for one in partitions["partitions"]]}, path


@cache
def service_models() -> Loader:
    """Return the loader of this process: models are read once."""
    return ServiceModels()


def _with_items_as_they_are(model: dict[str, Any]) -> dict[str, Any]:
    """Return DynamoDB's model with its values as documents, which botocore neither takes apart nor builds anew.

    They are what `attribute_values` writes and reads: typed JSON, as on the wire. Of a profile of 2 KB this is a third
    of a read's CPU, and half of a write's. Only binary values, of which there are none, would need more.
    """
    shapes = model["shapes"]
    return {**model, "shapes": {**shapes, "AttributeValue": {**shapes["AttributeValue"], "document": True}}}


def _partition(one: Mapping[str, Any]) -> dict[str, Any]:
    """Write a partition in the form of `endpoints`, without its services."""
    outputs = one["outputs"]
    plain, both = outputs["dnsSuffix"], outputs["dualStackDnsSuffix"]
    variants = [
        {"hostname": FIPS_HOSTNAME, "dnsSuffix": plain, "tags": ["fips"]},
        {"hostname": FIPS_HOSTNAME, "dnsSuffix": both, "tags": ["dualstack", "fips"]},
        {"hostname": HOSTNAME, "dnsSuffix": both, "tags": ["dualstack"]},
    ]
    defaults = {"hostname": HOSTNAME, "protocols": ["https"], "signatureVersions": ["v4"], "variants": variants}
    return {
        "partition": one["id"],
        "dnsSuffix": plain,
        "regionRegex": one["regionRegex"],
        "regions": one["regions"],
        "defaults": defaults,
        "services": {"s3": {"partitionEndpoint": "aws-global", "endpoints": GLOBAL_S3}} if one["id"] == "aws" else {},
    }
