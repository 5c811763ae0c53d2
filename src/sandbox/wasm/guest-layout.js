// Runs inside QuickJS. Decides where shown values are broken into lines; the numbers are those of Node's util.inspect.

/** Joins the parts of a shown object on one line when they are few and short, else one part a line. */
export function combine(context, { base, open, close, parts, isList, value, level }) {
  const start = base ? `${base} ` : '';
  const grouped = isList && parts.length > 6 ? group(context, parts, value) : parts;
  if (grouped === parts && context.deepest - (level + 1) < context.compact) {
    const joined = parts.join(', ');
    const width = parts.length + context.indentation + open.length + base.length + 10;
    const total = parts.reduce((sum, part) => sum + part.length, parts.length + width);
    if (total <= context.breakLength && !base.includes('\n') && !joined.includes('\n')) {
      return `${start}${open} ${joined} ${close}`;
    }
  }
  const indent = `\n${' '.repeat(context.indentation)}`;
  return `${start}${open}${indent}  ${grouped.join(`,${indent}  `)}${indent}${close}`;
}

const separator = 2;
const maxColumns = 15;

/** Puts short list items into aligned columns, in about the shape of a square; a character is 2.5 times as high as wide. */
function group(context, parts, value) {
  const isCut = value.length > context.maxArrayLength;
  const cells = isCut ? parts.slice(0, -1) : parts;
  const widths = cells.map((cell) => cell.length);
  const total = widths.reduce((sum, width) => sum + width + separator, 0);
  const widest = Math.max(...widths) + separator;
  const fits = widest * 3 + context.indentation < context.breakLength;
  if (!fits || !(total / widest > 5 || widest <= 6 + separator)) return parts;
  const biased = Math.max(widest - 3 - Math.sqrt(widest - total / parts.length), 1);
  const columns = Math.min(
    Math.round(Math.sqrt(2.5 * biased * cells.length) / biased),
    Math.floor((context.breakLength - context.indentation) / widest),
    context.compact * 4,
    maxColumns,
  );
  if (columns <= 1) return parts;
  const rows = rowsOf(cells, columns, isNumeric(value, parts.length));
  return isCut ? [...rows, ...parts.slice(-1)] : rows;
}

function rowsOf(cells, columns, alignRight) {
  const columnWidths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...cells.filter((_cell, index) => index % columns === column).map((cell) => cell.length)),
  );
  const rows = [];
  for (let first = 0; first < cells.length; first += columns) {
    const row = cells.slice(first, first + columns);
    const padded = row.map((cell, column) => {
      const isLast = column === row.length - 1;
      const text = isLast ? cell : `${cell}, `;
      const width = columnWidths[column] + (isLast ? 0 : separator);
      if (alignRight) return text.padStart(width);
      return isLast ? text : text.padEnd(width);
    });
    rows.push(padded.join(''));
  }
  return rows;
}

function isNumeric(value, length) {
  for (let index = 0; index < length; index++) {
    if (typeof value[index] !== 'number' && typeof value[index] !== 'bigint') return false;
  }
  return true;
}
