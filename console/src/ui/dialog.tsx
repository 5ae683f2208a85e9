// A dialog that says what will be done before it is done.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

import { Failure } from "./parts.tsx";

interface Props {
  title: string;
  action: string;
  isDangerous?: boolean;
  isReady?: boolean;
  onDone: () => Promise<unknown>;
  onClose: () => void;
  children: ComponentChildren;
}

/** Ask before `onDone`; it closes when that is done, and shows why it is not. */
export function Confirm({ title, action, isDangerous = false, isReady = true, onDone, onClose, children }: Props) {
  const id = useId();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const dialog = useModal();
  const run = (): void => {
    setBusy(true);
    onDone().then(onClose, setError).finally(() => setBusy(false));
  };
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
      <Failure error={error} />
      <div class="actions">
        <button type="button" onClick={onClose}>
          Leave it
        </button>
        <button type="button" class={isDangerous ? "danger" : "main"} disabled={isBusy || !isReady} onClick={run}>
          {isBusy ? "One moment …" : action}
        </button>
      </div>
    </dialog>
  );
}

/** Show a dialog over the page, with the keyboard kept inside. */
export function useModal() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    if (shown?.open === false) shown.showModal();
    return () => shown?.close();
  }, []);
  return dialog;
}
