import { noteCallsOfThisProcess } from './caller.ts';

/** Preloaded into every container when there is a recording: all that an instance does, it does in one role. */
noteCallsOfThisProcess('instance');
