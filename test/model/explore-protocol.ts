import { explore, type Report, wander } from './explorer.ts';
import { type ProtocolOptions, protocolModel } from './protocol-model.ts';

type Size = Partial<ProtocolOptions> & Pick<ProtocolOptions, 'operations' | 'refreshes'>;

const modelOf = (size: Size) =>
  protocolModel({ reaperTurns: 0, faults: 0, onDeadline: ['undrain', 'force'], looksAgain: true, ...size });

/** Explores the protocol whole, and prints how much there was. */
export const exploreProtocol = async (size: Size): Promise<Report['violation']> => told(await explore(modelOf(size)));

/** Goes so many ways through the protocol by chance; the same seed goes the same ways. */
export const wanderThroughProtocol = async (size: Size, ways: number, seed: number): Promise<Report['violation']> => {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return told(await wander(modelOf(size), ways, random));
};

const told = ({ states, moves, runs, violation }: Report): Report['violation'] => {
  const count = (number: number) => number.toLocaleString('en');
  console.log(`${count(states)} states explored by ${count(moves)} moves; the code was run to ${count(runs)} points.`);
  if (violation !== undefined) console.log(`${violation.message}\n  ${violation.moves.join('\n  ')}`);
  return violation;
};
