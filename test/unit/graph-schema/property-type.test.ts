import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PropertyType, parsePropertyType, propertyTypeText } from '../../../domain/graph/property-type.ts';
import { SCALAR_TYPES } from '../../../domain/graph/supported-types.ts';

const anyType = fc.letrec<{ type: PropertyType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4 },
    fc.record({ kind: fc.constant('scalar' as const), name: fc.constantFrom(...SCALAR_TYPES) }),
    fc.record({ kind: fc.constant('decimal' as const), precision: fc.nat(38), scale: fc.nat(38) }),
    fc.record({ kind: fc.constant('list' as const), element: tie('type'), length: fc.option(fc.nat(99)) }),
    fc.record({ kind: fc.constant('map' as const), key: tie('type'), value: tie('type') }),
    fc.record({
      kind: fc.constant('struct' as const),
      fields: fc.array(fc.record({ name: fc.stringMatching(/^[a-z]\w{0,5}$/), type: tie('type') }), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  ),
})).type;

test('a type reads back from its text', () => {
  fc.assert(
    fc.property(anyType, (type) => {
      expect(parsePropertyType(propertyTypeText(type))).toEqual(type);
    }),
  );
});

test('any text is a type or not, and never an error', () => {
  const pieces = fc.constantFrom('INT64', 'MAP', 'STRUCT', 'DECIMAL', '(', ')', '[', ']', ',', ' ', 'a', '3', '`');
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 20 }), (text) => {
      const type = parsePropertyType(text.join(''));
      if (type !== undefined) expect(parsePropertyType(propertyTypeText(type))).toEqual(type);
    }),
  );
});
