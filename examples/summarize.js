// Reads a JSON list of orders from standard input and prints, as JSON, how many there are and what each customer spent.

const orders = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const spent = {};
for (const { customer, price, quantity } of orders) spent[customer] = (spent[customer] ?? 0) + price * quantity;
console.log(JSON.stringify({ orders: orders.length, spent }));
