// Preloaded into local functions.
const { Server } = require('node:net');

// The functions framework listens on every address of the machine, and who reaches a function that its platform would
// protect can run code.
const { listen } = Server.prototype;
Server.prototype.listen = function listenOnLoopback(port, ...rest) {
  this.once('listening', () => process.send?.('listening'));
  return listen.call(this, { port, host: '127.0.0.1' }, ...rest);
};

// A parent that was killed stops nobody; its channel ends all the same.
process.on('disconnect', () => process.exit());
