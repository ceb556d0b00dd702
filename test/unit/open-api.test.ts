import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { OPEN_API_FILE, openApiText } from '../../contract/api/open-api-file.ts';
import { ROUTES } from '../../contract/api/routes.ts';

type Parameter = { in: string; name: string; required?: boolean };
type Operation = {
  operationId: string;
  security: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean };
  responses: Record<string, { description: string }>;
};
type Document = { openapi: string; info: { title: string; version: string }; paths: Paths; components: object };
type Paths = Record<string, Record<string, Operation>>;

const text = openApiText();
const document = JSON.parse(text) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

/** What a reference such as `#/components/schemas/Graph` points to. */
const resolved = (reference: string): unknown =>
  reference
    .slice('#/'.length)
    .split('/')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);

test('the committed document is what the schemas yield (npm run openapi)', () => {
  expect(readFileSync(OPEN_API_FILE, 'utf8')).toBe(text);
});

test('it is OpenAPI 3.1 with what the standard requires', () => {
  expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Graphfleet', version: '1' } });
  expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
  for (const { operation } of operations) {
    for (const [status, { description }] of Object.entries(operation.responses)) {
      expect(status).toMatch(/^([1-5]\d\d|default)$/);
      expect(description).not.toBe('');
    }
  }
});

test('every route is there, and nothing else', () => {
  expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
    ROUTES.map(({ method, path }) => `${method} ${path}`).sort(),
  );
});

test('every route tells its scope, its answers and that it may answer a problem', () => {
  for (const route of ROUTES) {
    const operation = document.paths[route.path]?.[route.method.toLowerCase()];
    const scopes = [route.scope, route.operatorScope].filter((scope) => typeof scope === 'string');
    expect(operation?.security, route.function).toEqual(scopes.map((scope) => ({ token: [scope] })));
    expect(Object.keys(operation?.responses ?? {}), route.function).toEqual([...Object.keys(route.answers), 'default']);
  }
});

test('the parameters of a path are those of its operations, and required', () => {
  for (const { path, operation } of operations) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
    expect(declared.map(({ name }) => name).sort(), path).toEqual(named.sort());
    expect(
      declared.every(({ required }) => required === true),
      path,
    ).toBe(true);
  }
});

test('a body is required where one that is empty would be refused', () => {
  for (const { function: name, path, method, body } of ROUTES) {
    const requestBody = document.paths[path]?.[method.toLowerCase()]?.requestBody;
    if (requestBody !== undefined) expect(requestBody.required ?? false, name).toBe(!body.safeParse({}).success);
  }
});

test('an Idempotency-Key is there where it is honoured, and required where a call without it is refused', () => {
  for (const { function: name, path, method, idempotent } of ROUTES) {
    const parameters = document.paths[path]?.[method.toLowerCase()]?.parameters ?? [];
    const key = parameters.find((parameter) => parameter.name === 'Idempotency-Key');
    expect(key !== undefined, name).toBe(idempotent !== false);
    expect(key?.required ?? false, name).toBe(idempotent === 'required');
  }
  const required = ROUTES.filter(({ idempotent }) => idempotent === 'required');
  expect(required.map(({ function: name }) => name)).toContain('consume-credits');
});

test('every reference leads somewhere', () => {
  const references = [...text.matchAll(/"\$ref": "([^"]+)"/g)].map(([, reference]) => reference ?? '');
  expect(references.length).toBeGreaterThan(10);
  for (const reference of references) expect(resolved(reference), reference).toBeTypeOf('object');
});
