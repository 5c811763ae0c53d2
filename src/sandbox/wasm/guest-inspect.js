// Runs inside QuickJS. Shows values as Node's util.inspect does, so that a program prints the same in every sandbox.

import { combine } from './guest-layout.js';

const defaults = { depth: 2, breakLength: 80, compact: 3, maxArrayLength: 100, maxStringLength: 10_000 };
const customKey = Symbol.for('nodejs.util.inspect.custom');
const plainKey = /^[A-Za-z_][A-Za-z_0-9]*$/;
const TypedArray = Object.getPrototypeOf(Uint8Array);

export function inspect(value, options) {
  const context = { ...defaults, ...Object(options), seen: [], circular: new Map(), indentation: 0, deepest: 0 };
  context.depth ??= Number.POSITIVE_INFINITY;
  return show(context, value, 0);
}

inspect.custom = customKey;

function show(context, value, level) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
    return showPrimitive(context, value, level);
  }
  const own = value[customKey];
  if (typeof own === 'function' && own !== inspect) {
    const shown = own.call(value, context.depth - level, { ...context }, inspect);
    if (shown !== value) return typeof shown === 'string' ? shown : show(context, shown, level);
  }
  if (context.seen.includes(value)) {
    if (!context.circular.has(value)) context.circular.set(value, context.circular.size + 1);
    return `[Circular *${context.circular.get(value)}]`;
  }
  return showObject(context, value, level);
}

function showPrimitive(context, value, level) {
  if (typeof value === 'string') return showString(context, value, level);
  if (typeof value === 'bigint') return `${value}n`;
  return Object.is(value, -0) ? '-0' : String(value);
}

function showString(context, text, level) {
  const over = text.length - context.maxStringLength;
  const kept = over > 0 ? text.slice(0, context.maxStringLength) : text;
  const more = over > 0 ? `... ${over} more character${over > 1 ? 's' : ''}` : '';
  const isLong = kept.length > 16 && kept.length > context.breakLength - context.indentation - 4;
  if (level === 0 || !isLong) return quote(kept) + more;
  return (
    kept
      .split(/(?<=\n)/)
      .map(quote)
      .join(` +\n${' '.repeat(context.indentation + 2)}`) + more
  );
}

const shortEscapes = { '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r', '\\': '\\\\' };

/** Control characters and lone surrogates. */
const unprintable = /[\p{Cc}\\']|\p{Cs}/gu;

function quote(text) {
  const mark = ["'", '"', '`'].find((candidate) => !text.includes(candidate)) ?? "'";
  const escaped = text.replace(unprintable, (character) => {
    if (character === "'") return mark === "'" ? "\\'" : character;
    const code = character.charCodeAt(0);
    if (code > 0xff) return `\\u${code.toString(16)}`;
    return shortEscapes[character] ?? `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`;
  });
  return mark + escaped + mark;
}

function showObject(context, value, level) {
  const shape = describe(context, value);
  if (shape.keys.length === 0 && shape.isEmpty) return shape.base || `${shape.open}${shape.close}`;
  if (level > context.depth) return `[${shape.name}]`;
  context.seen.push(value);
  context.deepest = level + 1;
  context.indentation += 2;
  const items = shape.items((item) => show(context, item, level + 1));
  const properties = shape.keys.map((key) => showProperty(context, value, key, level));
  context.indentation -= 2;
  context.seen.pop();
  const reference = context.circular.has(value) ? `<ref *${context.circular.get(value)}> ` : '';
  const base = shape.base && `${reference}${shape.base}`;
  const open = shape.base ? shape.open : `${reference}${shape.open}`;
  return combine(context, { ...shape, base, open, value, parts: [...items, ...properties], level });
}

function showProperty(context, value, key, level) {
  const property = Object.getOwnPropertyDescriptor(value, key) ?? { value: value[key] };
  return `${showKey(key, property)}: ${showSlot(context, property, level)}`;
}

function showKey(key, { enumerable }) {
  if (typeof key === 'symbol') return String(key);
  if (key === '__proto__') return "['__proto__']";
  if (enumerable === false) return `[${key}]`;
  return plainKey.test(key) ? key : quote(key);
}

function showSlot(context, property, level) {
  if (property.get) return property.set ? '[Getter/Setter]' : '[Getter]';
  return property.set ? '[Setter]' : show(context, property.value, level + 1);
}

function describe(context, value) {
  const name = constructorName(value);
  const tag = tagOf(value, name);
  const keys = ownKeys(value);
  const shape = { name: name ?? 'Object', keys, base: '', close: '}', isList: false, isEmpty: true, items: () => [] };
  const prefix = (fallback, size = '') => {
    const start = name === null ? `[${fallback}${size}: null prototype]` : `${name}${size}`;
    return tag === '' ? `${start} ` : `${start} [${tag}] `;
  };
  if (Array.isArray(value) || value instanceof TypedArray) return { ...shape, ...describeList(context, value, prefix) };
  if (value instanceof Set || value instanceof Map) return { ...shape, ...describeCollection(context, value, prefix) };
  const base = baseText(context, value, name);
  if (base !== '') return { ...shape, base, open: '{' };
  return { ...shape, open: name === 'Object' && tag === '' ? '{' : `${prefix('Object')}{`, ...describeOpaque(value) };
}

function describeList(context, value, prefix) {
  const isPlain = Array.isArray(value) && value.constructor === Array;
  const shownLength = Math.min(value.length, context.maxArrayLength);
  const items = (show) => {
    const shown = [];
    for (let index = 0; index < value.length && shown.length < shownLength; index++) {
      if (index in value) shown.push(show(value[index]));
      else {
        const start = index;
        while (index + 1 < value.length && !(index + 1 in value)) index++;
        const holes = index - start + 1;
        shown.push(`<${holes} empty item${holes > 1 ? 's' : ''}>`);
      }
    }
    return withRest(shown, value.length - shownLength);
  };
  const open = isPlain ? '[' : `${prefix('Array', `(${value.length})`)}[`;
  return {
    name: isPlain ? 'Array' : value.constructor?.name,
    open,
    close: ']',
    isList: true,
    isEmpty: value.length === 0,
    items,
  };
}

function describeCollection(context, value, prefix) {
  const kept = Math.min(value.size, context.maxArrayLength);
  const isMap = value instanceof Map;
  const items = (show) => {
    const entries = [...value].slice(0, kept);
    const shown = isMap ? entries.map(([key, item]) => `${show(key)} => ${show(item)}`) : entries.map(show);
    return withRest(shown, value.size - kept);
  };
  return { open: `${prefix(isMap ? 'Map' : 'Set', `(${value.size})`)}{`, isEmpty: value.size === 0, items };
}

function withRest(shown, rest) {
  if (rest > 0) shown.push(`... ${rest} more item${rest > 1 ? 's' : ''}`);
  return shown;
}

function describeOpaque(value) {
  if (value instanceof WeakMap || value instanceof WeakSet) return { isEmpty: false, items: () => ['<items unknown>'] };
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    const bytes = [...new Uint8Array(value).subarray(0, 50)].map((byte) => byte.toString(16).padStart(2, '0'));
    const rest = value.byteLength > 50 ? ` ... ${value.byteLength - 50} more bytes` : '';
    const items = () => [`[Uint8Contents]: <${bytes.join(' ')}${rest}>`, `[byteLength]: ${value.byteLength}`];
    return { isEmpty: false, items };
  }
  return {};
}

function baseText(context, value, name) {
  if (typeof value === 'function') return functionText(value, name);
  if (value instanceof RegExp) return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof Error) return errorText(context, value);
  for (const Box of [Number, String, Boolean, BigInt, Symbol]) {
    if (value instanceof Box) return `[${Box.name}: ${showPrimitive(context, value.valueOf(), 0)}]`;
  }
  return '';
}

function functionText(value, name) {
  const source = Function.prototype.toString.call(value);
  if (/^class\b/.test(source)) {
    const parent = Object.getPrototypeOf(value)?.name;
    return `[class ${value.name || '(anonymous)'}${parent ? ` extends ${parent}` : ''}]`;
  }
  const kind = name === null ? 'Function (null prototype)' : name;
  return value.name ? `[${kind}: ${value.name}]` : `[${kind} (anonymous)]`;
}

function errorText(context, error) {
  const stack = typeof error.stack === 'string' && error.stack !== '' ? error.stack : `[${error}]`;
  return stack.trimEnd().replaceAll('\n', `\n${' '.repeat(context.indentation)}`);
}

function constructorName(value) {
  for (let at = value; at !== null; at = Object.getPrototypeOf(at)) {
    const found = Object.getOwnPropertyDescriptor(at, 'constructor')?.value;
    if (typeof found === 'function' && found.name !== '' && value instanceof found) return found.name;
  }
  return null;
}

function tagOf(value, name) {
  const tag = value[Symbol.toStringTag];
  return typeof tag === 'string' && tag !== '' && tag !== name ? tag : '';
}

function ownKeys(value) {
  const isIndexed = Array.isArray(value) || value instanceof TypedArray || value instanceof String;
  const names = Object.keys(value).filter((key) => !isIndexed || !/^\d+$/.test(key));
  const symbols = Object.getOwnPropertySymbols(value).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key),
  );
  const hidden = value instanceof Error ? ['cause', 'errors'].filter((key) => Object.hasOwn(value, key)) : [];
  return [...new Set([...names, ...hidden, ...symbols])];
}
