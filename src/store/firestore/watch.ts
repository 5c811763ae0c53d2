import type { DocumentReference } from '@google-cloud/firestore';
import { readText, textIn } from './documents.ts';

/** A document's JSON; undefined when there is none, null when it cannot be read. */
type Text = string | undefined | null;

/** Bounds of the wait before listening again after an error that the client itself does not cure. Milliseconds. */
const listenAgain = { least: 500, most: 30_000 };

/** How long after the first news the document is read once more. Milliseconds. */
const secondLookMs = 250;

/**
 * Tells the document's JSON now and after changes. The client resumes broken streams itself; after errors that it deems
 * final, a missing right say, this listens anew.
 */
export function watchDocument(reference: DocumentReference, onText: (text: Text) => void): () => void {
  let failures = 0;
  let told = 0;
  let timer: NodeJS.Timeout | undefined;
  let unsubscribe = () => {};

  const listen = () => {
    told = 0;
    unsubscribe = reference.onSnapshot(
      (snapshot) => {
        failures = 0;
        told++;
        onText(readable(() => textIn(snapshot)));
        if (told === 1) timer = setTimeout(lookAgain, secondLookMs);
      },
      () => {
        const ceiling = Math.min(listenAgain.most, listenAgain.least * 2 ** failures++);
        timer = setTimeout(listen, ceiling * (0.5 + Math.random() / 2));
      },
    );
  };
  /** When the document changes just as this begins to listen, the emulator may tell first what it is, then what it was. */
  const lookAgain = async () => {
    const text = await readText(reference).catch(() => null);
    if (told === 1 && text !== null) onText(text);
  };

  listen();
  return () => {
    told = Number.POSITIVE_INFINITY;
    clearTimeout(timer);
    unsubscribe();
  };
}

/** A listener can do nothing about a document that is not ours; whoever reads it by `get` is told what is wrong. */
function readable(read: () => Text): Text {
  try {
    return read();
  } catch {
    return null;
  }
}
