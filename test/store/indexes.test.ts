import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { executions, leases } from '../../src/store/executions.ts';
import { type CompositeIndex, firestoreIndexes } from '../../src/store/indexes.ts';
import { things } from '../contracts/store/things.ts';

const composite = (collectionGroup: string, ...fields: [string, 'ASCENDING' | 'DESCENDING'][]): CompositeIndex => ({
  collectionGroup,
  queryScope: 'COLLECTION',
  fields: fields.map(([fieldPath, order]) => ({ fieldPath, order })),
});
const none = (collectionGroup: string, fieldPath: string) => ({ collectionGroup, fieldPath, indexes: [] });
const both = (collectionGroup: string, fieldPath: string) => ({
  collectionGroup,
  fieldPath,
  indexes: [
    { queryScope: 'COLLECTION', order: 'ASCENDING' },
    { queryScope: 'COLLECTION', order: 'DESCENDING' },
  ],
});
const byColor = { name: 'things', queries: [{ fields: ['color'], directions: ['ascending'] }] } as const;
const pieces = [none('parts', 'bytes'), { collectionGroup: 'parts', fieldPath: 'expiresAt', ttl: true, indexes: [] }];

describe('the Firestore indexes', () => {
  test('of a schema are one per query and direction, and nothing that no query reads', () => {
    expect(firestoreIndexes([things])).toEqual({
      indexes: [
        composite('things', ['by.color', 'ASCENDING'], ['by.size', 'ASCENDING'], ['order', 'ASCENDING']),
        composite('things', ['by.color', 'ASCENDING'], ['by.size', 'ASCENDING'], ['order', 'DESCENDING']),
        composite('things', ['by.color', 'ASCENDING'], ['order', 'ASCENDING']),
        composite('things', ['by.color', 'ASCENDING'], ['order', 'DESCENDING']),
        composite('things', ['by.size', 'ASCENDING'], ['order', 'ASCENDING']),
      ],
      fieldOverrides: [
        both('things', 'order'),
        none('things', 'by'),
        none('things', 'item'),
        none('things', 'parts'),
        none('things', 'inline'),
        none('things', 'mark'),
        ...pieces,
      ],
    });
  });

  test('come with a policy that deletes expired tombstones, where items leave any', () => {
    const { fieldOverrides } = firestoreIndexes([{ ...byColor, tombstones: true }]);
    expect(fieldOverrides.slice(-4)).toEqual([
      none('things', 'bodyHash'),
      { ...none('things', 'expiresAt'), ttl: true },
      ...pieces,
    ]);
  });

  test('have none on the order alone when every query filters', () => {
    const { fieldOverrides } = firestoreIndexes([byColor]);
    expect(fieldOverrides[0]).toEqual(none('things', 'order'));
  });

  test('on the order alone are in the directions of queries that filter nothing', () => {
    const { fieldOverrides } = firestoreIndexes([
      { name: 'things', queries: [{ fields: [], directions: ['descending'] }] },
    ]);
    expect(fieldOverrides[0]).toEqual({
      ...none('things', 'order'),
      indexes: [{ queryScope: 'COLLECTION', order: 'DESCENDING' }],
    });
  });

  test('of the store itself', () => {
    const { indexes, fieldOverrides } = firestoreIndexes([executions, leases]);
    const read = ({ collectionGroup, fields }: CompositeIndex) =>
      `${collectionGroup}: ${fields.map(({ fieldPath, order }) => `${fieldPath} ${order.toLowerCase()}`).join(', ')}`;
    expect(indexes.map(read)).toMatchInlineSnapshot(`
      [
        "executions: by.state ascending, by.target ascending, by.owner ascending, order ascending",
        "executions: by.open ascending, by.target ascending, order ascending",
        "executions: by.open ascending, order ascending",
        "executions: by.state ascending, order descending",
      ]
    `);
    expect(
      fieldOverrides.map(
        ({ collectionGroup, fieldPath, ttl }) => `${collectionGroup}.${fieldPath}${ttl ? ' ttl' : ''}`,
      ),
    ).toMatchInlineSnapshot(`
      [
        "executions.order",
        "executions.by",
        "executions.item",
        "executions.parts",
        "executions.inline",
        "executions.mark",
        "executions.bodyHash",
        "executions.expiresAt ttl",
        "leases.order",
        "leases.by",
        "leases.item",
        "leases.parts",
        "leases.inline",
        "leases.mark",
        "parts.bytes",
        "parts.expiresAt ttl",
      ]
    `);
    // Firestore's limits for a database.
    expect(indexes.length).toBeLessThan(200);
    expect(fieldOverrides.length).toBeLessThan(200);
  });
});

test('the file that is deployed is what these schemas need', () => {
  const file = readFileSync(new URL('../../terraform/firestore.indexes.json', import.meta.url), 'utf8');
  const needed = JSON.parse(JSON.stringify(firestoreIndexes([executions, leases])));
  expect(JSON.parse(file), `write ${JSON.stringify(needed)}`).toEqual(needed);
});
