// What the person may do: read once after each sign-in. What is not granted is not offered.
import { signal } from "@preact/signals";

import { ask } from "./api/client.ts";
import type { Grants } from "./api/shapes.ts";

export const grants = signal<Grants | null>(null);
export const workspace = signal("default");

/** Read the grants. Throws as `ask` does. */
export async function readGrants(): Promise<void> {
  const { data } = await ask<Grants>("v1/grants");
  grants.value = data;
  const [first] = data.workspaces;
  if (first !== undefined && !data.workspaces.some((one) => one.name === workspace.value)) workspace.value = first.name;
}

/** Return whether a scope is granted. */
export const may = (scope: string): boolean => grants.value?.scopes.includes(scope) ?? false;

/** The part of an address that names the workspace. */
export const inWorkspace = (): string => `workspace=${encodeURIComponent(workspace.value)}`;
