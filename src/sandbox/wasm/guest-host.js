// Runs inside QuickJS. The few functions of the host, all of text and bytes; programs never see this object.

export const { host } = globalThis;
delete globalThis.host;
