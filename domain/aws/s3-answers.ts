import { ServiceError } from './service-error.ts';

/** S3 did not do what it was asked. */
export class S3Error extends ServiceError {}

/** The error that an answer tells. One to HEAD has no body: its status is all there is. */
export const errorIn = (body: string, status: number): S3Error => {
  const [code = status === 404 ? 'NotFound' : `Http${status}`] = textsIn(body, 'Code');
  const [message = `S3 answered ${status}.`] = textsIn(body, 'Message');
  return new S3Error(code, status, message);
};

/** The texts of all elements with a name, where these have no elements in them. */
export const textsIn = (xml: string, name: string): string[] =>
  Array.from(xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)</${name}>`, 'g')), ([, content = '']) =>
    content.replaceAll(REFERENCE, (_, entity: string) => ENTITIES[entity] ?? characterOf(entity)),
  );

const REFERENCE = /&(amp|lt|gt|quot|apos|#\d+|#x[\da-fA-F]+);/g;
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Of `#13` or `#xd`. */
const characterOf = (reference: string): string =>
  String.fromCodePoint(Number(reference.startsWith('#x') ? `0${reference.slice(1)}` : reference.slice(1)));
