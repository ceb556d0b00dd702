import type * as z from 'zod';

type Variables = Readonly<Record<string, string>>;

/**
 * All functions run in one process, so their environments are one: the union of them.
 * @throws {Error} a function lacks a variable, or two need different values of one
 */
export const unionOfEnvironments = (
  functions: Readonly<Record<string, { readonly environment: z.ZodObject }>>,
  environments: Readonly<Record<string, Variables>>,
  common: Variables,
): Record<string, string> => {
  const union = new Map(Object.entries(common).map(([name, value]) => [name, { value, owner: 'the runtime' }]));
  for (const [owner, { environment }] of Object.entries(functions)) {
    const variables = environments[owner] ?? {};
    checkSchema(owner, environment, variables);
    for (const [name, value] of Object.entries(variables)) {
      const other = union.get(name);
      if (other !== undefined && other.value !== value) {
        throw new Error(`"${owner}" and "${other.owner}" need different values of ${name} in one process`);
      }
      union.set(name, { value, owner });
    }
  }
  return Object.fromEntries([...union].map(([name, { value }]) => [name, value]));
};

const checkSchema = (owner: string, schema: z.ZodObject, variables: Variables): void => {
  const parsed = schema.safeParse(variables);
  if (parsed.success) return;
  const complaints = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`The environment of "${owner}" is not valid: ${complaints.join('; ')}`);
};
