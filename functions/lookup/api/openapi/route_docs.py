"""The routes as partners read them: what each does, answers and tells. The OpenAPI document is made of it."""

from __future__ import annotations

from lookup.api.openapi import examples
from lookup.api.openapi.operations import ASKING, NO_NEW_PAGE, NOT_CHANGED, UNCHANGED, WITH_A_BODY, Reply, operation
from lookup.api.openapi.problem_types import Problem

FRESH = ("Age", "ETag", "Vary", "Preference-Applied", "RateLimit")
ACCEPTED = Reply(
    "The quota leaves no room in your time, or you prefer not to wait: the work is in ledger and queue.",
    "Lookup",
    examples.LOOKUP,
    ("Location", "Retry-After", "Preference-Applied", "Idempotent-Replayed", "RateLimit"),
)

A_PROFILE = {
    200: Reply("The profile.", "Profile", examples.PROFILE, FRESH),
    202: ACCEPTED,
    304: Reply("The content is the one you have.", headers=FRESH),
}
READ_PROFILE = operation(
    "readProfile",
    "Read one profile, of any identifier",
    "From the store when it is at most `max_age` seconds old there, else from MoEngage. With `stale_if_error` a "
    "profile that is older by so many seconds answers while MoEngage cannot be asked; its `source` is `stale`. "
    "`If-None-Match` gives 304 when the content is the one you have. Only fields that are granted are read.",
    tag="Profiles",
    replies=A_PROFILE,
    tells=(*ASKING, Problem.NO_SUCH_USER, Problem.ERASED, Problem.NOT_ANSWERABLE, Problem.FAILED),
)
GET_PROFILE = operation(
    "getProfile",
    "Read one profile, of an identifier that a path can carry",
    "As `GET /v1/profiles`, for identifiers of letters of A to Z, digits and `_ . ~ @ : -`. Others are refused: on its "
    "way a path is decoded, cut at a question mark, and cleared of double slashes, and might name somebody else.",
    tag="Profiles",
    replies=A_PROFILE,
    tells=(*ASKING, Problem.NO_SUCH_USER, Problem.ERASED, Problem.NOT_ANSWERABLE, Problem.FAILED),
)
POST_LOOKUPS = operation(
    "submitLookup",
    "Look up identifiers or a roster",
    "Up to 100 identifiers are answered at once. More of them, a roster, `Prefer: respond-async`, or a quota that "
    "leaves no room within `Prefer: wait` (20 s at most): 202 with the lookup. With `Idempotency-Key` the same "
    "request is served once in 24 hours; its answer is given again. An answer over 5 MB holds outcomes and a link.",
    tag="Lookups",
    replies={
        200: Reply(
            "All outcomes, in the order asked; of a dry run the estimate alone.",
            "LookupAnswer",
            examples.OUTCOMES,
            ("Preference-Applied", "Idempotent-Replayed", "RateLimit"),
        ),
        202: ACCEPTED,
    },
    tells=(
        *ASKING,
        *WITH_A_BODY,
        Problem.TOO_MANY_TO_WAIT,
        Problem.KEY_MALFORMED,
        Problem.KEY_IN_USE,
        Problem.KEY_REUSED,
    ),
)
LIST_LOOKUPS = operation(
    "listLookups",
    "List own lookups",
    "Newest first, of one state if `state` names it; with an estimate of those that run.",
    tag="Lookups",
    replies={200: Reply("One page.", "LookupPage", examples.LOOKUPS, ("ETag", "Link")), 304: NO_NEW_PAGE},
)
GET_LOOKUP = operation(
    "getLookup",
    "Read one lookup",
    "State, counts, progress, and an estimate while it runs. With the scope `service/admin` also `intake-<date>`, "
    "the day's messages of the intake queue.",
    tag="Lookups",
    replies={
        200: Reply("The lookup.", "Lookup", examples.LOOKUP, ("ETag", "Retry-After")),
        304: Reply(UNCHANGED, headers=("ETag", "Retry-After")),
    },
    tells=(Problem.FORBIDDEN, Problem.NOT_FOUND),
)
PATCH_LOOKUP = operation(
    "steerLookup",
    "Pause, resume, cancel or retry a lookup",
    "`retry_failed` asks once more for what failed, and only for that; it counts among the users of the day. "
    "`resume` and `retry_failed` need what a new lookup needs: the lane `bulk`, the workspace, every field of the "
    "lookup, and room within the users of the day. A retry must begin within 7 days of the lookup's end.",
    tag="Lookups",
    replies={200: Reply("The lookup as it stands then.", "Lookup", examples.LOOKUP | {"estimate": None})},
    tells=(
        *WITH_A_BODY,
        Problem.FORBIDDEN,
        Problem.DAILY_USERS,
        Problem.TOO_MANY,
        Problem.NOT_FOUND,
        Problem.CONFLICT,
        Problem.EXPIRED,
    ),
)
GET_RESULTS = operation(
    "listResults",
    "List a lookup's result files",
    "Once a lookup has ended its parts are collected into a few files, in the order of the roster: gzip NDJSON and "
    "Parquet, and with `only=changed` what is new, gone or different by itself. Until then `files` is empty, and "
    "`parts=true` lists the gzip NDJSON files of the parts that are done, a page at a time and in any order, until 7 "
    "days after the lookup's end. With a `format` that came later, as an export, `state` is that of the export; with "
    "one that nobody asked for the answer is 409. The URLs are good until `expires_at`, 15 minutes at most: ask again "
    "for fresh ones, or keep `links.self`, which redirects to one. They are given only while every field of the lookup "
    "is granted.",
    tag="Lookups",
    replies={200: Reply("One page.", "ResultPage", examples.RESULTS, ("Link",))},
    tells=(Problem.FORBIDDEN, Problem.NOT_FOUND, Problem.CONFLICT, Problem.EXPIRED),
)
GET_RESULT_FILE = operation(
    "getResultFile",
    "Get one of a lookup's result files",
    "Redirects to a URL that is signed now, so that this address can be kept. What is downloaded has the file's name.",
    tag="Lookups",
    replies={303: Reply("Where the file is.", headers=("Location",))},
    tells=(Problem.FORBIDDEN, Problem.NOT_FOUND, Problem.CONFLICT, Problem.EXPIRED),
)
POST_EXPORTS = operation(
    "createExport",
    "Have a lookup's results in one more format",
    "Of a lookup whose results are ready: CSV is made of its files, of all and of the changes, and listed among "
    "them once `results.exports` of the lookup says `ready`. The same again changes nothing and costs nothing; "
    "after a failure it begins anew. A retry of what failed replaces all files, and exports are to be asked for again. "
    "They are given only while every field of the lookup is granted.",
    tag="Lookups",
    replies={202: Reply("The lookup, with its exports.", "Lookup", examples.EXPORTED, ("Location",))},
    tells=(
        *WITH_A_BODY,
        Problem.FORBIDDEN,
        Problem.NOT_FOUND,
        Problem.CONFLICT,
        Problem.EXPIRED,
        Problem.TOO_MANY,
        Problem.UNAVAILABLE,
    ),
)
POST_ERASURES = operation(
    "createErasure",
    "Have people erased",
    "Every copy of their data is searched for and removed: profiles, result files in all formats, rosters that nothing "
    "needs. From the answer on nobody can fetch them: they are `invalid` with reason `erased`. Records of theirs stay "
    "in files without identifier and attributes, so that counts stay true. The same people again are the same erasure. "
    "Erasing somebody in MoEngage is a step of its own.",
    tag="Erasures",
    replies={202: Reply("The erasure.", "Erasure", examples.ERASURE, ("Location",))},
    tells=(*WITH_A_BODY, Problem.FORBIDDEN, Problem.TOO_MANY, Problem.CONFLICT),
)
GET_ERASURE = operation(
    "getErasure",
    "Read an erasure",
    "How far it is, and what was found and removed. It is completed when a second search finds nothing, some 20 "
    "minutes after the first.",
    tag="Erasures",
    replies={200: Reply("The erasure.", "Erasure", examples.ERASURE)},
    tells=(Problem.NOT_FOUND,),
)
POST_ROSTERS = operation(
    "createRoster",
    "Get an address to upload a roster to",
    "The URL takes the file by PUT until `expires_at`, 15 minutes at most, once, exactly the `bytes` that were said, "
    "and with the `headers`. Its id goes into a lookup or a schedule. It is kept for 90 days, if the stage says "
    "nothing else, and while a schedule names it.",
    tag="Rosters",
    replies={201: Reply("Id and URL.", "Roster", examples.ROSTER)},
    tells=(*WITH_A_BODY, Problem.TOO_MANY),
)
DELETE_ROSTER = operation(
    "deleteRoster",
    "Delete a roster",
    "All of it, and what was made of it, at once and for good. Not while a schedule names it, or a lookup over it has "
    "not ended. Its id cannot be used again.",
    tag="Rosters",
    replies={204: Reply("Deleted.")},
    tells=(Problem.NOT_FOUND, Problem.CONFLICT),
)
PREVIEW_ROSTER = operation(
    "previewRoster",
    "See what a lookup would make of a roster",
    "Format, column, first entries, and what will be invalid and why, by the first 64 KB of its text. A roster that a "
    "lookup would refuse is refused here, by line and rule. Nothing is asked of MoEngage, and no users are counted.",
    tag="Rosters",
    replies={200: Reply("The preview.", "RosterPreview", examples.ROSTER_PREVIEW)},
)
LIST_SCHEDULES = operation(
    "listSchedules",
    "List own schedules",
    "By name.",
    tag="Schedules",
    replies={200: Reply("One page.", "SchedulePage", examples.SCHEDULES, ("Link",))},
)
PUT_SCHEDULE = operation(
    "putSchedule",
    "Create or replace a schedule",
    "A roster looked up again and again. `If-None-Match: *` only creates. What your grants allow is asked again "
    "whenever it fires, and its users count among those of the day.",
    tag="Schedules",
    replies={
        200: Reply("Replaced.", "Schedule", examples.SCHEDULE),
        201: Reply("Created.", "Schedule", examples.SCHEDULE),
    },
    tells=(*WITH_A_BODY, Problem.FORBIDDEN, Problem.CONFLICT, Problem.ALREADY_THERE, Problem.TOO_MANY),
)
GET_SCHEDULE = operation(
    "getSchedule",
    "Read a schedule",
    "With the lookup that it submitted last, and when and why a firing submitted none.",
    tag="Schedules",
    replies={200: Reply("The schedule.", "Schedule", examples.SCHEDULE)},
    tells=(Problem.NOT_FOUND,),
)
DELETE_SCHEDULE = operation(
    "deleteSchedule",
    "Delete a schedule",
    "Lookups that it submitted go on.",
    tag="Schedules",
    replies={204: Reply("Deleted.")},
    tells=(Problem.NOT_FOUND,),
)
GET_GRANTS = operation(
    "getGrants",
    "Read what you may do",
    "Your partner's workspaces, fields and lanes, the scopes of your token, and the limits that requests meet.",
    tag="Quota",
    replies={
        200: Reply("The grants.", "Grants", examples.GRANTS, ("ETag",)),
        304: NOT_CHANGED,
    },
)
GET_QUOTA = operation(
    "getQuota",
    "Read the quota",
    "The workspace's last minute per lane, its backlog, the state of the gate, and your own use today; with `minutes=` "
    "the last hour and day, too. `If-None-Match` gives 304 when nothing has changed.",
    tag="Quota",
    replies={
        200: Reply("The quota.", "Quota", examples.QUOTA, ("ETag", "RateLimit")),
        304: NOT_CHANGED,
    },
    tells=(Problem.FORBIDDEN, Problem.BUSY),
)
LIST_DELIVERIES = operation(
    "listDeliveries",
    "List what was sent to your webhook",
    "Of the last seven days, newest first: each webhook with its attempts, the last status, or why there was none, and "
    "when it will be tried again. `webhook` is null when none is set for you.",
    tag="Webhooks",
    replies={200: Reply("One page.", "DeliveryPage", examples.DELIVERIES, ("ETag", "Link")), 304: NO_NEW_PAGE},
)
TEST_WEBHOOK = operation(
    "testWebhook",
    "Test your webhook",
    "Sends you a `webhook.test` within seconds, once in 30 seconds and without retries. One that you take ends a pause "
    "after failures, and calls you again after a 410.",
    tag="Webhooks",
    replies={202: Reply("It is on its way.", "WebhookTest", examples.WEBHOOK_TEST)},
    tells=(Problem.CONFLICT,),
)
