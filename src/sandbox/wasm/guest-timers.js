// Runs inside QuickJS: timers. The host calls `tick` until nothing is left, sleeping in between.

/** Waiting callbacks, the next one last. */
const queue = [];
const immediates = [];
let lastId = 0;
/** The program may replace its own. */
const now = performance.now.bind(performance);

class Timeout {
  constructor(callback, delayMs, args, repeats) {
    const delay = delayMs >= 1 && delayMs <= 0x7fff_ffff ? Math.trunc(delayMs) : 1;
    Object.assign(this, { id: ++lastId, callback, delay, args, repeats, isActive: true, keepsAlive: true });
    this.refresh();
  }

  refresh() {
    this.due = now() + this.delay;
    if (queue.includes(this)) queue.splice(queue.indexOf(this), 1);
    queue.splice(positionOf(this), 0, this);
    return this;
  }

  ref() {
    this.keepsAlive = true;
    return this;
  }

  unref() {
    this.keepsAlive = false;
    return this;
  }

  hasRef() {
    return this.keepsAlive;
  }

  close() {
    this.isActive = false;
    return this;
  }

  [Symbol.toPrimitive]() {
    return this.id;
  }
}

/** Binary search in a queue that falls by due time; of two that are due together the older is nearer to the end. */
function positionOf({ due }) {
  let [low, high] = [0, queue.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (queue[middle].due > due) low = middle + 1;
    else high = middle;
  }
  return low;
}

export const setTimeout = (callback, delayMs, ...args) => new Timeout(callback, delayMs, args, false);
export const setInterval = (callback, delayMs, ...args) => new Timeout(callback, delayMs, args, true);

export function setImmediate(callback, ...args) {
  const immediate = { callback, args, isActive: true };
  immediates.push(immediate);
  return immediate;
}

export function clearTimeout(timer) {
  const found = typeof timer === 'object' ? timer : queue.find(({ id }) => id === Number(timer));
  if (found) found.isActive = false;
}

export const clearInterval = clearTimeout;
export const clearImmediate = clearTimeout;

export const promises = {
  setTimeout: (delayMs, value) => new Promise((resolve) => setTimeout(resolve, delayMs, value)),
  setImmediate: (value) => new Promise((resolve) => setImmediate(resolve, value)),
};

/** Runs one callback and returns 0, or returns how many milliseconds to sleep; -1 when nothing is left to wait for. */
export function tick() {
  while (queue.length > 0 && !queue.at(-1).isActive) queue.pop();
  const next = queue.at(-1);
  const waitMs = next === undefined ? -1 : Math.max(next.due - now(), 0);
  if (waitMs === 0) return runTimer(queue.pop());
  const immediate = immediates.shift();
  if (immediate !== undefined) {
    if (immediate.isActive) immediate.callback(...immediate.args);
    return 0;
  }
  return queue.some(({ isActive, keepsAlive }) => isActive && keepsAlive) ? waitMs : -1;
}

function runTimer(timer) {
  if (timer.repeats) timer.refresh();
  timer.callback(...timer.args);
  return 0;
}

export default { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate, promises };
