import * as z from 'zod';

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const Statement = z.object({ Effect: z.enum(['Allow', 'Deny']), Action: oneOrMore, Resource: oneOrMore });

/** What a token authorizer answers. Context values are simple: API Gateway hands each on as a string. */
export const AuthorizerAnswer = z.object({
  principalId: z.string(),
  policyDocument: z.object({
    Version: z.string().optional(),
    Statement: z.union([Statement, z.array(Statement)]).transform((value) => [value].flat()),
  }),
  context: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  /** Value of the API key that the caller counts under. */
  usageIdentifierKey: z.string().nullish(),
});
export type AuthorizerAnswer = z.output<typeof AuthorizerAnswer>;

/** Whether a policy lets a method be invoked: something allows it, and nothing denies it. */
export const allows = ({ policyDocument }: AuthorizerAnswer, methodArn: string): boolean => {
  const effects = policyDocument.Statement.filter(
    ({ Action, Resource }) =>
      Action.some((pattern) => like(pattern, 'execute-api:Invoke')) &&
      Resource.some((pattern) => like(pattern, methodArn)),
  ).map(({ Effect }) => Effect);
  return effects.includes('Allow') && !effects.includes('Deny');
};

/** Whether a value fits a pattern: `*` stands for any characters, `?` for one. */
const like = (pattern: string, value: string): boolean => {
  const literal = pattern.replaceAll(/[.+^${}()|[\]\\/]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(value);
};
