import { describeFaults } from './describe-faults.ts';
import { provisionRepositoryAccess } from './machines/provision-repository-access.ts';

describeFaults(provisionRepositoryAccess);
