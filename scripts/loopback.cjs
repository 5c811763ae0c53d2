// Preloaded into local functions: the functions framework listens on every address of the machine, and who reaches a
// function that its platform would protect can run code.
const { Server } = require('node:net');

const { listen } = Server.prototype;
Server.prototype.listen = function listenOnLoopback(port, ...rest) {
  return listen.call(this, { port, host: '127.0.0.1' }, ...rest);
};
