"""What `make run` does: the local stage is started, its main job shown to a person, and kept until a signal."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import MutableMapping

from botocore.exceptions import BotoCoreError, ClientError

from infra.local import roster
from infra.local.api_client import ApiClient, partner_of
from infra.local.display import Display
from infra.local.next_steps import print_next_steps
from infra.local.options import OptionError, Options, read_options
from infra.local.processes.interruption import Interrupted
from infra.local.stage.stage import Stage, local_stage
from infra.local.steps.on_demand import request_on_demand
from infra.local.steps.queued import send_and_collect
from infra.local.steps.roster_lookup import look_up_roster
from infra.local.steps.scheduled import fire_and_collect, upload_for_deployed
from infra.local.summary import Summary, show, summarise
from infra.local.waiting import NoProgress
from lookup.model import Identifier, Sleep
from lookup.validation import parse_identifier

SAMPLES = 18  # identifiers that are requested on demand and on a schedule: with two junk values one vendor call each
IDLE_SECONDS = 3600.0


def run(environment: MutableMapping[str, str], sleep: Sleep) -> int:
    """Run the job; 0 when everything adds up, 1 when not, 2 when the user's variables make no sense.

    `sleep` raises `Interrupted` after a signal; that is 128 and its number.
    """
    display = Display()
    try:
        options = read_options(environment)
        roster.samples(options.roster, 1)
        _forget_users_aws(environment)
        return _run(options, display, sleep)
    except OptionError as error:
        display.error(str(error))
        return 2
    except (NoProgress, OSError, BotoCoreError, ClientError) as error:
        display.error(f"{error}\nLogs are in .local/run-<port>/: functions.log, aws.log, simulator.log, synthesis.log")
        return _status(1, sleep)
    except Interrupted as end:
        with contextlib.suppress(OSError):  # a closed terminal takes no more output
            display.line("stopped")
        return end.status


def _run(options: Options, display: Display, sleep: Sleep) -> int:
    display.heading("Starting the local stage")
    if options.port_was_taken:
        display.line(f"port 4566 is in use, so {options.port} is taken instead (LOCAL_PORT chooses another)")
    with local_stage(options, display.line, sleep) as stage:
        summary = do_job(stage, options, display)
        if not options.once:
            _stay(stage, options, display)
    sleep(0)
    sys.stdout.write(json.dumps(summary.to_json()) + "\n")
    return 1 if summary.missing else 0


def _status(status: int, sleep: Sleep) -> int:
    """Return the status of a run that failed: a signal that arrived meanwhile takes precedence."""
    try:
        sleep(0)
    except Interrupted as end:
        return end.status
    return status


def do_job(stage: Stage, options: Options, display: Display) -> Summary:
    """Look profiles up through every handler, then read back what the stores hold."""
    known = roster.samples(options.roster, SAMPLES)
    upload_for_deployed(stage)
    display.heading("1  On demand: profiles over HTTP")
    stage.sleep(0)
    api = ApiClient(stage, partner_of(stage))
    on_demand = request_on_demand(api, _singles(known, options), known, display)
    display.heading("2  From a queue: one message for every identifier of the roster")
    queued = send_and_collect(stage, roster.read(options.roster), display)
    display.heading("3  On a schedule: EventBridge Scheduler fires, and the roster in S3 is refreshed")
    scheduled = fire_and_collect(stage, known, display)
    display.heading("4  A lookup over a roster: the same identifiers, as one order")
    ordered = look_up_roster(stage, api, roster.read(options.roster), display)
    display.heading("What came back, read from the stores")
    summary = summarise(stage, {"on_demand": on_demand, "queued": queued, "scheduled": scheduled}, ordered)
    show(summary, stage, display)
    return summary


def _singles(known: list[Identifier], options: Options) -> list[Identifier]:
    """Return one identifier of the roster and, for the simulator, one that is hard to write in a URL."""
    special = parse_identifier(roster.SPECIAL)
    return [known[0], special] if options.vendor is None and isinstance(special, Identifier) else known[:1]


def _stay(stage: Stage, options: Options, display: Display) -> None:
    known = roster.samples(options.roster, SAMPLES)
    upload_for_deployed(stage, known)
    print_next_steps(stage, known[0], display)
    display.heading("The stage stays up until Ctrl-C")
    display.line(f"meanwhile the deployed schedule demo-refresh looks up {len(known)} users every minute")
    while True:
        stage.sleep(IDLE_SECONDS)


def _forget_users_aws(environment: MutableMapping[str, str]) -> None:
    """Remove the user's AWS profile, region and credentials: the only AWS here is the embedded one."""
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
