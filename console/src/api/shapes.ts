// The shapes of the answers that the pages read, as docs/openapi.json has them.
export type {
  Counts, DeadLetterCounts, Delivery, DeliveryPage, DryRun, Erasure, Estimate, Gate, GrantedPeriod, Grants, Lookup, LookupPage,
  OperatorLookup, OperatorLookupPage, Outcomes, OwnWebhook, PartnerPage, PartnerUse, Profile, Quota, Redriven, ResultFile, ResultPage, Roster,
  RosterPreview, Schedule, SchedulePage,
} from "../../generated/api.ts";
