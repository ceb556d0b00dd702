import type { Statement } from './deployment.ts';
import type { DeployedRole } from './roles.ts';

/** The least that a policy can allow: one action on one resource, and of the table one kind of item. */
export type Grant = {
  readonly role: string;
  readonly action: string;
  readonly resource: string;
  /** The leading keys that it is for; null: it is not for items. */
  readonly items: string | null;
  /** It alone, as a statement. Its id is the grant's. */
  readonly statement: Statement & { Sid: string };
};

const LIKE = 'ForAllValues:StringLike';
const LEADING_KEYS = 'dynamodb:LeadingKeys';

/** All that the roles may do, taken apart. */
export const grantsOf = (roles: ReadonlyMap<string, DeployedRole>): Grant[] =>
  [...roles].flatMap(([role, { policy }]) => {
    const parts = policy.Statement.flatMap((statement) =>
      [statement.Action]
        .flat()
        .flatMap((action) =>
          [statement.Resource ?? []]
            .flat()
            .flatMap((resource) => itemsOf(statement).map((items) => ({ statement, action, resource, items }))),
        ),
    );
    return parts.map(({ statement, action, resource, items }, at) => ({
      role,
      action,
      resource,
      items,
      statement: {
        ...statement,
        Sid: `Grant${at}`,
        Action: action,
        Resource: resource,
        ...(items !== null && { Condition: { ...statement.Condition, [LIKE]: { [LEADING_KEYS]: items } } }),
      },
    }));
  });

const itemsOf = ({ Condition = {} }: Statement): (string | null)[] => {
  const items = Condition[LIKE]?.[LEADING_KEYS];
  return items === undefined ? [null] : [items].flat();
};
