import * as z from 'zod';

/** A leading underscore is the engine's own: it reserves `_id`, `_label`, `_src`, `_dst`, `_nodes` and `_rels`. */
export const IDENTIFIER_PATTERN = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;

/**
 * The name of a table, a property or a named schema. The engine compares names without regard to case. It takes any
 * keyword for a name, so `Order` is one; a query then writes it in backticks.
 */
export const SchemaName = z
  .string()
  .regex(IDENTIFIER_PATTERN, 'Use 1 to 63 letters, digits and underscores, starting with a letter.');

/** In staged files these columns name the ends of a relationship. */
export const RESERVED_RELATIONSHIP_PROPERTIES: readonly string[] = ['from', 'to'];

/** Two names that differ only in case are one name to the engine. */
export const sameName = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();
