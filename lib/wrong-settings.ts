/** What whoever deploys has set wrong. Its message says all there is to say, so it is told without a stack. */
export class WrongSettings extends Error {
  override readonly name = 'WrongSettings';
}
