import { uuidOf } from '../identifier.ts';

const PRODUCER = 'urn:graphfleet:control-plane';
const SPECIFICATION = 'https://openlineage.io/spec';

/** A table that was staged for a materialization. */
export type LineageTable = {
  table: string;
  columns: readonly { name: string; type: string }[];
  rows: number;
  bytes: number;
};

/** What is reported of a materialization: that it began, and how it ended. */
export type LineageReport = {
  type: 'START' | 'COMPLETE' | 'FAIL' | 'ABORT';
  /** When that was, RFC 3339, UTC. */
  at: string;
  operationId: string;
  tenantId: string;
  graphId: string;
  inputs: readonly LineageTable[];
  /** The snapshot that was published; null: none was. */
  output: { version: number; rows: number; bytes: number } | null;
  error: string | null;
};

/** The report as a run event of OpenLineage 2.0.2. The run's id is the operation's, as a UUID. */
export const lineageEventOf = ({ type, at, operationId, tenantId, graphId, ...report }: LineageReport) => {
  const namespace = `graphfleet://${tenantId}`;
  return {
    eventType: type,
    eventTime: at,
    run: {
      runId: uuidOf(operationId),
      facets: {
        ...(report.error !== null && {
          errorMessage: {
            ...facet('1-0-0', 'ErrorMessageRunFacet'),
            message: report.error,
            programmingLanguage: 'TypeScript',
          },
        }),
      },
    },
    job: { namespace, name: `${graphId}.materialize` },
    inputs: report.inputs.map(({ table, columns, rows, bytes }) => ({
      namespace,
      name: `${graphId}.${table}`,
      facets: { schema: { ...facet('1-0-0', 'SchemaDatasetFacet'), fields: columns } },
      inputFacets: {
        inputStatistics: { ...facet('1-0-0', 'InputStatisticsInputDatasetFacet'), rowCount: rows, size: bytes },
      },
    })),
    outputs: [{ namespace, name: graphId, ...(report.output && published(report.output)) }],
    producer: PRODUCER,
    schemaURL: `${SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/RunEvent`,
  };
};

const published = ({ version, rows, bytes }: NonNullable<LineageReport['output']>) => ({
  facets: { version: { ...facet('1-0-0', 'DatasetVersionDatasetFacet'), datasetVersion: String(version) } },
  outputFacets: {
    outputStatistics: { ...facet('1-0-2', 'OutputStatisticsOutputDatasetFacet'), rowCount: rows, size: bytes },
  },
});

const facet = (version: string, name: string) => ({
  _producer: PRODUCER,
  _schemaURL: `${SPECIFICATION}/facets/${version}/${name}.json#/$defs/${name}`,
});
