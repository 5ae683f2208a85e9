"""The steps that treat the stack as a whole: deployed, rolled back under load, alarmed, restored, destroyed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.rehearsal.platform import CREDENTIALS, Platform
from infra.rehearsal.report import Failed, Skipped
from infra.stage_settings.stage import SERVICE, Stage

LOOK = 5.0
RESTORE_SECONDS = 1800.0  # seconds for a table's restore; AWS names no bound, twenty minutes are usual
COUNTED = "SELECT outcome, count(*) FROM lookup_parts WHERE lookup_id = '{}' GROUP BY outcome"
MEMORY = {"old": "256", "new": "320"}  # MB of `on_queue`: what differs between two releases


@dataclass
class Stack:
    """The stage's stack in an account."""

    platform: Platform
    stage: Stage
    outputs: dict[str, str] = field(default_factory=dict)
    synthesised: set[str] = field(default_factory=set)  # releases

    @property
    def name(self) -> str:
        """Return the stack's name."""
        return f"{SERVICE}-{self.stage.name}"

    def deploy(self, release: str = "old") -> str:
        """Deploy a release by the project's own command, and read the outputs."""
        if self.platform.is_local and not self.synthesised:
            self._make("bootstrap", release)
        self._make("deploy", release)
        stacks = self.platform.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in stacks[0]["Outputs"]}
        return f"{len(self.outputs)} outputs"

    def _make(self, target: str, release: str = "old") -> None:
        """Run a command with a release's assembly: synthesised by the first, taken as it is by the others."""
        settings = {"CDK_OUTDIR": str(self.platform.folder / release), "REHEARSAL_MEMORY_MB": MEMORY[release]}
        self.platform.make(target, **settings, SYNTHESISED="1" if release in self.synthesised else "")
        self.synthesised.add(release)

    def doctor(self) -> str:
        """Put the secret of the environment, if it names one, and run the doctor."""
        given = {name: self.platform.environment.get(name, "") for name in CREDENTIALS}
        if all(given.values()):
            keys = ("workspace_id", "data_api_key", "data_center")
            secret = json.dumps(dict(zip(keys, given.values(), strict=True)))
            self.platform.client("secretsmanager").put_secret_value(
                SecretId=self.outputs["SecretDefaultId"], SecretString=secret
            )
        self.platform.make("doctor")
        return "the secret is well-formed and MoEngage takes it"

    def roll_back(self, is_under_way: Callable[[], bool]) -> str:
        """Deploy another release and then the first one again, while parts are on the queue and with workers."""
        ran = []
        for release in ("new", "old"):
            ran.append(is_under_way())
            self.deploy(release)
            memory = self._memory()
            if str(memory) != MEMORY[release]:
                raise Failed(f"on_queue has {memory} MB after the deployment of the {release} release")
        if all(ran):
            return "to another release and back while a lookup ran"
        if self.platform.is_local:  # its deployment uses the whole machine
            return "to another release and back; the lookup ended before that"
        raise Failed("the lookup had ended before the roll-back: take a longer roster")

    def _memory(self) -> int:
        found = self.platform.client("lambda").get_function_configuration(
            FunctionName=self.outputs["OnQueueFunctionName"]
        )
        return int(found["MemorySize"])

    def alarm(self) -> str:
        """Set an alarm's state, and check that its action was carried out."""
        if not self.stage.alarms:
            raise Skipped("the stage has no alarms")
        cloudwatch, name = self.platform.client("cloudwatch"), f"{self.name}-gate-closed"
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="rehearsal")
        give_up = time.monotonic() + 120
        while time.monotonic() < give_up:
            history = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="Action", MaxRecords=5)
            if any("Successfully" in item["HistorySummary"] for item in history["AlarmHistoryItems"]):
                cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="rehearsal")
                return "its action was carried out: look whether the message reached a person"
            time.sleep(LOOK)
        raise Failed("the alarm's action was not carried out within two minutes")

    def query(self, lookup_id: str) -> str:
        """Count the lookup's outcomes by SQL."""
        athena = self.platform.client("athena")
        begun = athena.start_query_execution(
            QueryString=COUNTED.format(lookup_id),
            QueryExecutionContext={"Database": self.outputs["DatabaseName"]},
            WorkGroup=self.outputs["WorkGroupName"],
        )["QueryExecutionId"]
        state = self._ended(athena, begun)
        if state["State"] != "SUCCEEDED":
            raise Failed(f"the query ended as {state['State']}: {state.get('StateChangeReason', 'no reason given')}")
        rows = athena.get_query_results(QueryExecutionId=begun)["ResultSet"]["Rows"][1:]
        counted = {row["Data"][0]["VarCharValue"]: int(row["Data"][1]["VarCharValue"]) for row in rows}
        if not counted:
            raise Failed("the query found no record of the lookup")
        return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counted.items()))

    def _ended(self, athena: Any, execution: str) -> Mapping[str, Any]:  # noqa: ANN401 - boto3 makes its class
        give_up = time.monotonic() + 300
        while True:
            found = athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]["Status"]
            status: Mapping[str, Any] = found
            if status["State"] not in {"QUEUED", "RUNNING"}:
                return status
            if time.monotonic() > give_up:
                raise Failed("the query did not end within five minutes")
            time.sleep(1.0)

    def restore(self) -> str:
        """Restore the ledger to a minute ago under another name, compare, and delete the copy."""
        if self.platform.is_local:
            raise Skipped("the embedded AWS has no point-in-time recovery")
        dynamodb, source = self.platform.client("dynamodb"), self.outputs["LedgerTableName"]
        target = f"{source}-rehearsal"
        dynamodb.restore_table_to_point_in_time(
            SourceTableName=source, TargetTableName=target, UseLatestRestorableTime=True
        )
        give_up = time.monotonic() + RESTORE_SECONDS
        while dynamodb.describe_table(TableName=target)["Table"]["TableStatus"] != "ACTIVE":
            if time.monotonic() > give_up:
                raise Failed(f"{target} was not restored within {RESTORE_SECONDS:.0f} s; delete it by hand")
            time.sleep(LOOK)
        there = dynamodb.scan(TableName=target, Select="COUNT", Limit=1)["Count"]
        dynamodb.delete_table(TableName=target)
        if not there:
            raise Failed("the restored ledger is empty")
        return "the ledger was restored beside the live one, held items, and was deleted again"

    def destroy(self) -> str:
        """Destroy the stack by the project's own command."""
        self._make("destroy")
        return "the stack is gone"

    def destroy_and_redeploy(self) -> str:
        """Destroy, then deploy again: nothing that was retained may prevent it."""
        self.destroy()
        self.deploy()
        return "destroyed, and deployed again under the same names"


def keeps() -> bool:
    """Return whether the stage is to stay when the rehearsal is over (`KEEP=1`)."""
    return os.environ.get("KEEP") == "1"
