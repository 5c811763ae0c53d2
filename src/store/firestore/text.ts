import { deflateRawSync, inflateRawSync } from 'node:zlib';

/** Text above this size is deflated. */
const plainBytes = 100 * 1024;

/**
 * Text as a field's value. JSON of the largest request that is accepted, 600 KiB, can be 4 MB long, when every character
 * is escaped; deflated it never passes 700 KiB, so that it fits its document.
 */
export function toField(text: string): string | Uint8Array {
  return Buffer.byteLength(text) <= plainBytes ? text : deflateRawSync(text);
}

/** What `toField` made of a text. */
export function fromField(value: string | Uint8Array): string {
  return typeof value === 'string' ? value : inflateRawSync(value).toString();
}

/** Bytes that a field's value takes. */
export function sizeOf(value: string | Uint8Array): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length;
}
