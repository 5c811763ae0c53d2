// Counts the words of standard input and prints the most frequent ones; their number is the first argument, default 3.

const text = require('node:fs').readFileSync(0, 'utf8').toLowerCase();
const counts = new Map();
for (const [word] of text.matchAll(/\p{Letter}+/gu)) counts.set(word, (counts.get(word) ?? 0) + 1);
const ranked = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
for (const [word, count] of ranked.slice(0, Number(process.argv[2] ?? 3))) console.log(`${count} ${word}`);
