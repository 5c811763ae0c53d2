/** Sizes of the long tests: whole with `npm run test:full`, a tenth otherwise. */
export function scaled(full: number): number {
  return process.env['FULL'] === 'true' ? full : Math.ceil(full / 10);
}
