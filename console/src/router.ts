// Pages are parts of the address behind `#`, which no browser sends anywhere. A lookup's id may be there; a person's never.
import { signal } from "@preact/signals";

/** The parts of the present page's address: `["lookups", "lookup-…"]`. */
export const route = signal<string[]>(parts());

function parts(): string[] {
  return location.hash.replace(/^#\/?/, "").split("/").filter((part) => part !== "").map(decode);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

addEventListener("hashchange", () => {
  route.value = parts();
  document.querySelector("main")?.focus({ preventScroll: true });
  scrollTo(0, 0);
});

/** Write the address of a page. */
export const addressOf = (...to: string[]): string => `#/${to.map(encodeURIComponent).join("/")}`;

/** Go to a page. */
export function go(...to: string[]): void {
  location.hash = addressOf(...to);
}
