// What was sent to the partner's webhook, and what became of it.
import { useState } from "preact/hooks";

import { ask } from "../api/client.ts";
import { usePolled } from "../api/polling.ts";
import type { Delivery, DeliveryPage, OwnWebhook } from "../api/shapes.ts";
import { may } from "../grants.ts";
import { distance, number } from "../ui/format.ts";
import { Pager, usePages } from "../ui/pager.tsx";
import { Badge, Empty, Failure, Heading, Notice, Panel, Table, When } from "../ui/parts.tsx";

const SECONDS = 10;
const PER_PAGE = 50;

export function DeliveriesPage() {
  const pages = usePages();
  const page = usePolled<DeliveryPage>(`v1/webhooks/deliveries?limit=${PER_PAGE}${pages.after}`, SECONDS);
  const next = page.data?.next ?? null;
  const webhook = page.data?.webhook ?? null;
  return (
    <>
      <Heading title="Webhook">{webhook !== null && may("lookups/write") && <Try onSent={page.again} />}</Heading>
      <Failure error={page.error} />
      {page.data !== null && <State webhook={webhook} />}
      <Panel title="Deliveries" aside={<span class="note">of the last seven days, newest first</span>}>
        {page.data === null || page.data.deliveries.length === 0 ? (
          <Empty>{page.data === null ? "Reading …" : "Nothing was sent."}</Empty>
        ) : (
          <Table label="All deliveries" head={["Event", "When", "State", "Attempts", "Last answer", "Next attempt"]}>
            {page.data.deliveries.map((one) => (
              <DeliveryRow key={one.webhook_id} delivery={one} />
            ))}
          </Table>
        )}
        <Pager pages={pages} next={next} />
      </Panel>
    </>
  );
}

/** A button that has a test event sent. */
function Try({ onSent }: { onSent: () => void }) {
  const [error, setError] = useState<unknown>(null);
  const send = (): void => {
    setError(null);
    ask("v1/webhooks/test", { method: "POST" }).then(onSent, setError);
  };
  return (
    <div class="row">
      <Failure error={error} />
      <button type="button" onClick={send}>
        Send a test
      </button>
    </div>
  );
}

function State({ webhook }: { webhook: OwnWebhook | null }) {
  if (webhook === null) return <Notice>This partner has no webhook: the operator sets one up.</Notice>;
  const events = `Events: ${webhook.events.join(", ")}.`;
  if (webhook.state === "disabled") {
    return <Notice tone="bad">It is not called any more{webhook.disabled_at !== null && `, ${distance(webhook.disabled_at)}`}: too much failed. Ask the operator.</Notice>;
  }
  if (webhook.state === "paused") {
    return <Notice tone="warn">It is not called for now: it failed several times. It is tried again {webhook.paused_until !== null && distance(webhook.paused_until)}. {events}</Notice>;
  }
  return <Notice tone="good">It is called. {events}</Notice>;
}

const TONES = { pending: "calm", delivered: "good", failed: "bad", skipped: "warn" } as const;

function DeliveryRow({ delivery }: { delivery: Delivery }) {
  const { event, occurred_at, state, attempts, last_status, last_error, next_attempt_at } = delivery;
  return (
    <tr>
      <td class="code">{event}</td>
      <td class="nowrap">
        <When at={occurred_at} />
      </td>
      <td>
        <Badge tone={TONES[state]}>{state}</Badge>
      </td>
      <td>{number(attempts)}</td>
      <td>{last_error ?? (last_status === null ? "" : `HTTP ${last_status}`)}</td>
      <td class="nowrap">{next_attempt_at !== null && distance(next_attempt_at)}</td>
    </tr>
  );
}
