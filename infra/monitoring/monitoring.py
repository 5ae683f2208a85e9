"""The dashboard, and the alarms."""

from __future__ import annotations

from constructs import Construct

from infra.monitoring.alarms import Alarms
from infra.monitoring.dashboard import Dashboard
from infra.monitoring.metrics import Measures, Watched
from infra.stage_settings.stage import Stage


class Monitoring(Construct):
    """The dashboard, and the alarms where the stage wants them."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage, watched: Watched) -> None:
        super().__init__(scope, construct_id)
        measures = Measures(stage, watched)
        alarms = Alarms(self, "Alarms", stage=stage, measures=measures).all if stage.alarms else []
        Dashboard(self, "Dashboard", stage=stage, measures=measures, alarms=alarms)
