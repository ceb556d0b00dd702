import { describeFaults } from './describe-faults.ts';
import { materialize } from './machines/materialize.ts';

describeFaults(materialize);
