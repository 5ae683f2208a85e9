"""The results as a table for Athena. Partitions are computed from the keys' pattern: no crawler, nothing to refresh."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Aws
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.outputs import output
from infra.constructs.result_columns import COLLECTED_COLUMNS, COLLECTED_PARTITIONS, COLUMNS, PARTITIONS
from infra.constructs.storage import PARTS, QUERIES, RESULTS
from infra.stage_settings.stage import SERVICE, Stage

TABLE, PARTS_TABLE = "lookup_results", "lookup_parts"
HOURS = {"projection.hour.type": "integer", "projection.hour.range": "0,23", "projection.hour.digits": "2"}
PARQUET_READER = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
JSON_READER = "org.openx.data.jsonserde.JsonSerDe"  # unlike Hive's, it reads an object into a string column
# By default that reader turns all keys to lower case: names of attributes lose their case, and `Email` beside `email`
# ends the query ("Duplicate key"). All columns are lower case, so none needs a `mapping.`.
# https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html
READER_SETTINGS: Mapping[str, str] = {"case.insensitive": "FALSE"}
SCAN_LIMIT = 100 * 1024**3  # bytes of one query: at Athena's price about half a dollar


class AthenaTable(Construct):
    """A Glue database with two tables, and a workgroup whose query results the stage's bucket keeps for a week."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, bucket: s3.Bucket) -> None:
        super().__init__(scope, construct_id)
        database = f"{SERVICE}-{stage.name}".replace("-", "_")
        name = glue.CfnDatabase.DatabaseInputProperty(name=database, description=f"Results of lookups, {stage.name}")
        made = glue.CfnDatabase(self, "Database", catalog_id=Aws.ACCOUNT_ID, database_input=name)
        for table in (self._json_table(database, stage, bucket), self._parquet_table(database, stage, bucket)):
            table.add_resource_dependency(made)
        workgroup = self._workgroup(stage, bucket)
        output(self, "DatabaseName", database)
        output(self, "WorkGroupName", workgroup.name)

    def _json_table(self, database: str, stage: Stage, bucket: s3.Bucket) -> glue.CfnTable:
        location = bucket.s3_url_for_object(PARTS)
        pattern = f"{location}workspace=${{workspace}}/dt=${{dt}}/hour=${{hour}}/"
        return self._table(
            "Parts",
            database,
            name=PARTS_TABLE,
            description="What workers have written lately, also of what is not collected yet; a row may occur twice",
            parameters={"classification": "json", "compressionType": "gzip", **projection(stage, pattern), **HOURS},
            partitions=PARTITIONS,
            storage=glue.CfnTable.StorageDescriptorProperty(
                location=location,
                columns=_columns(COLUMNS),
                compressed=True,
                input_format="org.apache.hadoop.mapred.TextInputFormat",
                output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                serde_info=glue.CfnTable.SerdeInfoProperty(
                    serialization_library=JSON_READER, parameters=dict(READER_SETTINGS)
                ),
            ),
        )

    def _parquet_table(self, database: str, stage: Stage, bucket: s3.Bucket) -> glue.CfnTable:
        location = bucket.s3_url_for_object(RESULTS)
        pattern = f"{location}workspace=${{workspace}}/dt=${{dt}}/parquet/"
        return self._table(
            "Table",
            database,
            name=TABLE,
            description="One row per identifier that was looked up, of lookups that have ended and hours that are over",
            parameters={"classification": "parquet", **projection(stage, pattern)},
            partitions=COLLECTED_PARTITIONS,
            storage=glue.CfnTable.StorageDescriptorProperty(
                location=location,
                columns=_columns(COLLECTED_COLUMNS),
                input_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
                output_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
                serde_info=glue.CfnTable.SerdeInfoProperty(serialization_library=PARQUET_READER),
            ),
        )

    def _table(
        self,
        construct_id: str,
        database: str,
        *,
        name: str,
        description: str,
        parameters: dict[str, str],
        partitions: Mapping[str, str],
        storage: glue.CfnTable.StorageDescriptorProperty,
    ) -> glue.CfnTable:
        described = glue.CfnTable.TableInputProperty(
            name=name,
            description=description,
            table_type="EXTERNAL_TABLE",
            parameters=parameters,
            partition_keys=_columns(partitions),
            storage_descriptor=storage,
        )
        return glue.CfnTable(
            self, construct_id, catalog_id=Aws.ACCOUNT_ID, database_name=database, table_input=described
        )

    def _workgroup(self, stage: Stage, bucket: s3.Bucket) -> athena.CfnWorkGroup:
        encrypted = athena.CfnWorkGroup.EncryptionConfigurationProperty(encryption_option="SSE_S3")
        answers = athena.CfnWorkGroup.ResultConfigurationProperty(
            output_location=bucket.s3_url_for_object(QUERIES), encryption_configuration=encrypted
        )
        return athena.CfnWorkGroup(
            self,
            "WorkGroup",
            name=f"{SERVICE}-{stage.name}",
            description="Queries over the results of lookups",
            recursive_delete_option=not stage.retain,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                bytes_scanned_cutoff_per_query=SCAN_LIMIT,
                publish_cloud_watch_metrics_enabled=True,
                result_configuration=answers,
            ),
        )


def projection(stage: Stage, pattern: str) -> dict[str, str]:
    """Return the partition projection: the stage's workspaces, and the days that are still kept."""
    return {
        "projection.enabled": "true",
        "projection.workspace.type": "enum",
        "projection.workspace.values": ",".join(sorted(stage.workspaces)),
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": f"NOW-{stage.result_retention_days + 1}DAYS,NOW",
        "storage.location.template": pattern,
    }


def _columns(types: Mapping[str, str]) -> list[glue.CfnTable.ColumnProperty]:
    return [glue.CfnTable.ColumnProperty(name=name, type=type_) for name, type_ in types.items()]
