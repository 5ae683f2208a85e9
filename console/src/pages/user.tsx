import type { Grants } from "../api/shapes.ts";
export function UserPage({ grants }: { grants: Grants }) { return <p>{grants.partner}</p>; }
