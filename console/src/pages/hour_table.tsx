// The figures of the last hour as text.
import type { GrantedPeriod } from "../api/shapes.ts";
import { number, time } from "../ui/format.ts";
import { Table } from "../ui/parts.tsx";

export function HourTable({ minutes }: { minutes: GrantedPeriod[] }) {
  return (
    <details>
      <summary>As a table</summary>
      <Table label="Users asked of MoEngage, by minute" head={["From", "On demand", "Bulk"]}>
        {minutes.toReversed().map((one) => (
          <tr key={one.from}>
            <td>{time(one.from)}</td>
            <td>{number(one.on_demand)}</td>
            <td>{number(one.bulk)}</td>
          </tr>
        ))}
      </Table>
    </details>
  );
}
