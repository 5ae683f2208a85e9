// Which attributes are wanted, among those that are granted.
import { useId } from "preact/hooks";

interface Props {
  /** null: whatever MoEngage has. */
  granted: string[] | null;
  chosen: string[] | null;
  onChange: (fields: string[] | null) => void;
}

export function Fields({ granted, chosen, onChange }: Props) {
  return granted === null ? <Written chosen={chosen} onChange={onChange} /> : <Checked granted={granted} chosen={chosen} onChange={onChange} />;
}

function Written({ chosen, onChange }: Omit<Props, "granted">) {
  const id = useId();
  const read = (text: string): void => {
    const names = [...new Set(text.split(/[,\n]/).map((one) => one.trim()).filter((one) => one !== ""))];
    onChange(names.length === 0 ? null : names);
  };
  return (
    <div class="field">
      <label for={id}>Attributes</label>
      <input id={id} autoComplete="off" placeholder="all" value={chosen?.join(", ") ?? ""} onChange={(event) => read(event.currentTarget.value)} />
      <p class="note">Names between commas; nothing means all that MoEngage has.</p>
    </div>
  );
}

function Checked({ granted, chosen, onChange }: Props & { granted: string[] }) {
  const toggle = (name: string, isOn: boolean): void => {
    const before = chosen ?? granted;
    const after = granted.filter((one) => (one === name ? isOn : before.includes(one)));
    onChange(after.length === granted.length ? null : after);
  };
  return (
    <fieldset>
      <legend>Attributes</legend>
      <div class="checks">
        {granted.map((name) => (
          <label key={name} class="choice">
            <input
              type="checkbox"
              checked={chosen === null || chosen.includes(name)}
              disabled={chosen?.length === 1 && chosen[0] === name}
              onChange={(event) => toggle(name, event.currentTarget.checked)}
            />
            <span class="code">{name}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
