"""`make run`: the whole service on this machine, and its main job shown to a person."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from types import FrameType

from botocore.exceptions import BotoCoreError, ClientError

from infra.local import roster
from infra.local.api_client import ApiClient, Partner
from infra.local.display import Display
from infra.local.invitation import invite
from infra.local.lookup_step import look_up_roster
from infra.local.on_demand_step import ask_on_demand
from infra.local.options import OptionError, Options, read_options
from infra.local.queued_step import send_and_collect
from infra.local.scheduled_step import fire_and_collect, upload_for_deployed
from infra.local.stage import Stage, local_stage
from infra.local.summary import Summary, show, summarise
from infra.local.waiting import NothingComes
from lookup.intake import identify
from lookup.model import Identifier

SAMPLES = 18  # identifiers that are asked for on demand and on a schedule: with two junk values one vendor call each
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(BaseException):
    """A signal asked for the end; `status` is what a shell expects of a process that it ended."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


def main() -> int:
    """Run the job; 0 when everything adds up, 1 when not, 2 when the user's variables make no sense."""
    for number in SIGNALS:
        signal.signal(number, _end)
    display = Display()
    try:
        options = read_options(os.environ)
        roster.samples(options.roster, 1)
        _forget_users_aws()
        return _run(options, display)
    except OptionError as error:
        display.error(str(error))
        return 2
    except (NothingComes, OSError, BotoCoreError, ClientError) as error:
        display.error(f"{error}\nLogs are in .local/run-<port>/: functions.log, aws.log, simulator.log, synthesis.log")
        return 1
    except Ended as end:
        display.say("stopped")
        return end.status


def _run(options: Options, display: Display) -> int:
    display.heading("Starting the local stage")
    if options.port_was_taken:
        display.say(f"port 4566 is in use, so {options.port} is taken instead (LOCAL_PORT chooses another)")
    with local_stage(options, display.say) as stage:
        summary = do_job(stage, options, display)
        if not options.once:
            with contextlib.suppress(Ended):
                _stay(stage, options, display)
            display.say("stopping")
    if options.once:
        sys.stdout.write(json.dumps(summary.to_json()) + "\n")
    return 1 if summary.missing else 0


def do_job(stage: Stage, options: Options, display: Display) -> Summary:
    """Look profiles up through every door, then read back what the stores hold."""
    known = roster.samples(options.roster, SAMPLES)
    upload_for_deployed(stage)
    display.heading("1  On demand: profiles over HTTP")
    api = ApiClient(stage, Partner.of(stage))
    on_demand = ask_on_demand(api, _singles(known, options), known, display)
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
    """Ask for one identifier of the roster and, of the simulator, for one that is hard to write in a URL."""
    special = identify(roster.SPECIAL)
    return [known[0], special] if options.vendor is None and isinstance(special, Identifier) else known[:1]


def _stay(stage: Stage, options: Options, display: Display) -> None:
    known = roster.samples(options.roster, SAMPLES)
    upload_for_deployed(stage, known)
    invite(stage, known[0], display)
    display.heading("The stage stays up until Ctrl-C")
    display.say(f"meanwhile the deployed schedule demo-refresh looks up {len(known)} users every minute")
    while True:
        signal.pause()


def _end(number: int, _: FrameType | None) -> None:
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # the end is on its way: a second signal must not interrupt it
    raise Ended(number)


def _forget_users_aws() -> None:
    """Keep the user's AWS profile, region and credentials out: the only AWS here is the embedded one."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]


if __name__ == "__main__":
    sys.exit(main())
