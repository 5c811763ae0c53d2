import { z } from 'zod';
import { parsedJson } from './json.ts';

/** Most results that are looked at. */
const maxResults = 256;

const mediaType = /^[a-z]+\/[a-z0-9][a-z0-9.+-]{0,100}$/;
const jsonType = /^application\/(json|[a-z0-9.-]+\+json)$/;

/**
 * One thing to show, in one or more media types, as Jupyter's `display_data` has it: text as a string, binary data as
 * base64, JSON types as JSON.
 */
export const mimeBundleSchema = z
  .record(z.string().regex(mediaType), z.unknown())
  .refine((bundle) => Object.keys(bundle).length > 0)
  .refine((bundle) => Object.entries(bundle).every(([type, data]) => typeof data === 'string' || jsonType.test(type)));
type MimeBundle = z.infer<typeof mimeBundleSchema>;

/** The results that a program wrote, see `resultsFile`. A line that is no MIME bundle is plain text: nothing is lost. */
export function parseResults(bytes: Uint8Array): MimeBundle[] {
  const lines = Buffer.from(bytes).toString().split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .slice(0, maxResults)
    .map((line) => mimeBundleSchema.safeParse(parsedJson(line)).data ?? { 'text/plain': line });
}
