// All pages: where each is, who sees it, and what it shows.
import type { JSX } from "preact";

import type { Grants } from "./api/shapes.ts";
import { DeliveriesPage } from "./pages/deliveries.tsx";
import { ErasuresPage } from "./pages/erasures.tsx";
import { LookupPage, OthersLookupPage } from "./pages/lookup/page.tsx";
import { LookupsPage } from "./pages/lookups.tsx";
import { NewLookupPage } from "./pages/new/page.tsx";
import { OperatorPage } from "./pages/operator.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { PartnersPage } from "./pages/partners.tsx";
import { NewSchedulePage } from "./pages/new/schedule.tsx";
import { SchedulesPage } from "./pages/schedules.tsx";
import { UserPage } from "./pages/user.tsx";
import { Heading } from "./ui/parts.tsx";

export interface Page {
  name: string;
  to: string;
  isFor: (grants: Grants) => boolean;
  show: (grants: Grants, id: string | undefined) => JSX.Element;
}

const withScope = (scope: string) => (grants: Grants): boolean => grants.scopes.includes(scope);
const reads = withScope("profiles/read");
const orders = withScope("lookups/write");
const operates = (grants: Grants): boolean => grants.is_operator;

/** In the order of the navigation. */
export const PAGES: Page[] = [
  { name: "Overview", to: "", isFor: reads, show: () => <OverviewPage /> },
  { name: "Lookups", to: "lookups", isFor: reads, show: (_, id) => (id === undefined ? <LookupsPage /> : <LookupPage key={id} id={id} />) },
  { name: "New lookup", to: "new", isFor: orders, show: (grants) => <NewLookupPage grants={grants} /> },
  { name: "One user", to: "user", isFor: orders, show: (grants) => <UserPage grants={grants} /> },
  { name: "Schedules", to: "schedules", isFor: withScope("schedules/write"), show: (grants, id) => (id === "new" ? <NewSchedulePage grants={grants} /> : <SchedulesPage />) },
  { name: "Webhook", to: "webhook", isFor: reads, show: () => <DeliveriesPage /> },
  { name: "Erasures", to: "erasures", isFor: withScope("profiles/erase"), show: (grants) => <ErasuresPage grants={grants} /> },
  { name: "Partners today", to: "partners", isFor: operates, show: () => <PartnersPage /> },
  { name: "Operator", to: "operator", isFor: operates, show: (_, id) => (id === undefined ? <OperatorPage /> : <OthersLookupPage key={id} id={id} />) },
];

/** Return the page of an address; what is not granted is not shown, whatever the address says. */
export function pageOf([to = "", named]: string[], grants: Grants): JSX.Element {
  const id = named !== undefined && /^\.+$/.test(named) ? undefined : named; // dots would lead to another path
  const page = PAGES.find((one) => one.to === to && one.isFor(grants));
  return page === undefined ? <Heading title="There is no such page for you" /> : page.show(grants, id);
}
