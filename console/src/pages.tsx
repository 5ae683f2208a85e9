// Which page an address shows, to whom.
import type { JSX } from "preact";

import type { Grants } from "./api/shapes.ts";
import { may } from "./grants.ts";
import { LookupPage } from "./pages/lookup/page.tsx";
import { LookupsPage } from "./pages/lookups.tsx";
import { NewLookupPage } from "./pages/new/page.tsx";
import { OperatorPage } from "./pages/operator.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { PartnersPage } from "./pages/partners.tsx";
import { SchedulesPage } from "./pages/schedules.tsx";
import { UserPage } from "./pages/user.tsx";
import { Heading } from "./ui/parts.tsx";

/** Return the page; what is not granted is not shown, whatever the address says. */
export function pageOf([name = "", id]: string[], grants: Grants): JSX.Element {
  if (name === "" && may("profiles/read")) return <OverviewPage />;
  if (name === "lookups" && may("profiles/read")) return id === undefined ? <LookupsPage /> : <LookupPage key={id} id={id} />;
  if (name === "new" && may("lookups/write")) return <NewLookupPage grants={grants} />;
  if (name === "user" && may("lookups/write")) return <UserPage grants={grants} />;
  if (name === "schedules" && may("schedules/write")) return <SchedulesPage />;
  if (name === "partners" && grants.is_operator) return <PartnersPage />;
  if (name === "operator" && grants.is_operator) return <OperatorPage />;
  return <Heading title="There is no such page for you" />;
}
