// Preloaded into local functions.
const { Server } = require('node:net');

// The functions framework listens on every address of the machine, and who reaches a function that its platform would
// protect can run code.
const { listen } = Server.prototype;
Server.prototype.listen = function listenOnLoopback(port, ...rest) {
  return listen.call(this, { port, host: '127.0.0.1' }, ...rest);
};

// A parent that was killed stops nobody; the pipe that it held ends all the same.
process.stdin.on('end', () => process.exit()).resume();
