// A file that a person chose: its first part is read here, and nothing of it is sent anywhere.
import { type Preview, previewOf } from "./preview.ts";
import { Refused, rules } from "./rules.ts";
import { latin } from "./text.ts";

/** What the first part of a file shows: how it would be read, or why it is refused. */
export interface Opened {
  preview: Preview | null;
  refused: string | null;
  /** Whether the first part is all. */
  isWhole: boolean;
  /** Entries in the whole file, as far as the first part tells. */
  entries: number;
}

const { opening_bytes: OPENING_BYTES } = rules.limits;
const GZIP = "\x1f\x8b";

interface Opening {
  text: string;
  isWhole: boolean;
  /** Bytes of the file that `text` takes. */
  stored: number;
}

/** Read the first part of a file of at most so many bytes. */
export async function open(file: Blob, most: number): Promise<Opened> {
  const refusal = (refused: string): Opened => ({ preview: null, refused, isWhole: false, entries: 0 });
  if (file.size === 0) return refusal("is empty");
  if (file.size > most) return refusal(`has ${file.size.toLocaleString("en")} bytes; at most ${most.toLocaleString("en")} are taken`);
  try {
    const { text, isWhole, stored } = await openingOf(file);
    const preview = previewOf(text, isWhole);
    if (preview.first.length === 0) return { ...refusal("has no usable identifier in its first part"), preview };
    const entries = isWhole ? preview.entries : Math.round((preview.entries / stored) * file.size);
    return { preview, refused: null, isWhole, entries };
  } catch (error) {
    if (error instanceof Refused) return refusal(error.message);
    if (error instanceof DOMException) return refusal("cannot be read: is it a folder, or has it changed?");
    throw error;
  }
}

async function openingOf(file: Blob): Promise<Opening> {
  const head = await bytesOf(file.slice(0, OPENING_BYTES));
  if (!head.startsWith(GZIP)) return { text: head, isWhole: file.size <= OPENING_BYTES, stored: head.length };
  const { text, isEnded } = await decompressed(file.slice(0, OPENING_BYTES));
  const isWhole = isEnded && file.size <= OPENING_BYTES && text.length <= OPENING_BYTES;
  return { text: text.slice(0, OPENING_BYTES), isWhole, stored: Math.min(file.size, OPENING_BYTES) };
}

const bytesOf = async (part: Blob): Promise<string> => latin(new Uint8Array(await part.arrayBuffer()));

/** Decompress what is there of a gzip file, a little more than the opening at most. */
async function decompressed(part: Blob): Promise<{ text: string; isEnded: boolean }> {
  const reader = part.stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  let text = "";
  try {
    while (text.length <= OPENING_BYTES) {
      const { done, value } = await reader.read();
      if (done) return { text, isEnded: true };
      text += latin(value);
    }
    await reader.cancel();
  } catch {
    // The part ends within the file, so the stream is cut off there.
  }
  return { text, isEnded: false };
}
