/** Topics by what they say; each carries an execution id as a hint, never code. */
export const topics = ['execution-requested', 'watch-wanted', 'execution-observed'] as const;
export type Topic = (typeof topics)[number];

export interface Message {
  readonly executionId: string;
}

/** Throwing means "deliver again later"; returning acknowledges. */
export type Handler = (message: Message) => Promise<void>;

export interface Publisher {
  /** Resolves when the message is accepted; it may throw, and then nothing may be assumed. */
  publish(topic: Topic, message: Message): Promise<void>;
}

/** Delivery at least once, in any order: handlers must not mind duplicates. The store is the truth, the bus a bell. */
export interface Bus extends Publisher {
  /** Registers the one handler of a topic in this process. */
  subscribe(topic: Topic, handler: Handler): void;
}
