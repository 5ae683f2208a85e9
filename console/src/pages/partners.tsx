// What each partner uses today, and what waits for it.
import { usePolled } from "../api/polling.ts";
import type { PartnerPage, PartnerUse } from "../api/shapes.ts";
import { inWorkspace } from "../grants.ts";
import { Progress } from "../ui/bars.tsx";
import { number } from "../ui/format.ts";
import { Empty, Failure, Heading, Panel, Table } from "../ui/parts.tsx";

const SECONDS = 15;

export function PartnersPage() {
  const read = usePolled<PartnerPage>(`v1/operator/partners?${inWorkspace()}`, SECONDS);
  const partners = read.data?.partners ?? [];
  return (
    <>
      <Heading title="Partners today" />
      <Failure error={read.error} />
      <Panel title={`Workspace ${read.data?.workspace ?? ""}`} aside={<span class="note">since midnight UTC</span>}>
        {partners.length === 0 ? (
          <Empty>{read.data === null ? "Reading …" : "No partner may use it."}</Empty>
        ) : (
          <Table label="Partners" head={["Partner", "Weight", "Users today", "Of its limit", "Lookups in progress", "Unfinished", "Users waiting"]}>
            {partners.map((one) => (
              <PartnerRow key={one.name} partner={one} />
            ))}
          </Table>
        )}
      </Panel>
    </>
  );
}

function PartnerRow({ partner: { name, weight, today, running, unfinished, waiting_users } }: { partner: PartnerUse }) {
  return (
    <tr>
      <td>
        <strong>{name}</strong>
      </td>
      <td>{number(weight)}</td>
      <td>{today === null ? "not counted" : number(today.users)}</td>
      <td>
        {today === null ? "no limit" : <Progress label={`Use of ${name}, of ${number(today.limit)}`} value={Math.min(1, today.users / Math.max(1, today.limit))} />}
      </td>
      <td>{number(running)}</td>
      <td>{number(unfinished)}</td>
      <td>{number(waiting_users)}</td>
    </tr>
  );
}
