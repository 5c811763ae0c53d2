// Runs inside QuickJS: node:util, the part that programs use.

import { format } from './guest-console.js';
import { inspect } from './guest-inspect.js';

export { format, inspect };

export function promisify(callbackFunction) {
  return (...args) =>
    new Promise((resolve, reject) => {
      callbackFunction(...args, (error, value) => (error ? reject(error) : resolve(value)));
    });
}

export const { TextDecoder, TextEncoder } = globalThis;

export default { format, inspect, promisify, TextDecoder, TextEncoder };
