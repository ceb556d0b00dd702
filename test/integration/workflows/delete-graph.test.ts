import { describeFaults } from './describe-faults.ts';
import { deleteGraph } from './machines/delete-graph.ts';

describeFaults(deleteGraph);
