/** The package brings no types; this is the part that is used. */
declare module 'asl-validator' {
  const validate: (definition: object) => { isValid: boolean; errors: { Message: string }[] };
  export = validate;
}
